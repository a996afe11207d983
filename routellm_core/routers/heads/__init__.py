"""Heads: from features of a query to a strong win rate."""
