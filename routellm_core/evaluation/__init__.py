"""Evaluation of routers on a benchmark, and the reliability of the figures."""
