"""Routers that only serve inside `stacked`."""
