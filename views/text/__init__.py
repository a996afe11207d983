"""Words and numbers on screen."""
