"""What turns features of a query into a strong win rate."""
