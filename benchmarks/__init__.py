"""Speed and memory, as ratios against a rival or a limit measured in the same run."""
