"""Routing queries between a strong, expensive LLM and a weak, cheap one (arXiv 2406.18665)."""

__version__ = "0.1.0"
