"""How far to trust a router: what its scores mean, how long answers take, what it costs itself."""
