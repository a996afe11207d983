"""What a router is worth on a benchmark, and how far that can be trusted."""
