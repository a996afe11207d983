"""Text to vectors: what routers read queries with."""
