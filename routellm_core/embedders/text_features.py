"""Counts in a query's text: length, numbers, formulas, format, wording."""

import re
from collections.abc import Sequence

import numpy as np

from routellm_core.types import Floats

_COUNTED = [
    r"\d",  # digits
    r"\d+(?:[.,]\d+)?",  # numbers
    r"[=+*/^<>]",  # operators
    r"\$|\\[a-z]+",  # money and TeX
    r"[?]",
    r"[,;:]",
    r"[()\[\]{}]",
    r"[\"'“”‘’]",
    r"\n",
    r"\b[A-Z][a-z]+",  # names and starts of sentences
    r"\b[A-Z]{2,}\b",  # abbreviations
    r"\b(?:not|no|never|except|least|incorrect|false)\b",
    r"\b(?:why|how|explain|describe|prove|derive|compare)\b",
    r"\b(?:which|what|who|when|where)\b",
    r"\b(?:if|then|because|therefore|suppose|assume|given)\b",
    r"\b(?:all|every|any|some|none|both|either|neither)\b",
    r"\b(?:write|compose|create|list|give|tell)\b",
    r"\b(?:def|class|function|return|import|code)\b|[;{}]\s*\n",
    r"__+|\.\.\.",  # gaps to fill
    r"^\s*(?:[A-Z]|\d+)[.)]\s",  # options and lists
]
_PATTERNS = [re.compile(pattern, re.MULTILINE) for pattern in _COUNTED]
_LONGEST = 20_000


class TextStatistics:
    """Counts as a vector; an embedder that needs no model."""

    name = "text-statistics"
    dimension = len(_COUNTED) + 6

    def embed(self, queries: Sequence[str]) -> Floats:
        """(n_queries, dimension) float32: logarithms of lengths and counts, and two ratios.

        Only the first 20,000 characters of a query are looked at.
        """
        rows = [_counts(query[:_LONGEST]) for query in queries]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dimension)


def _counts(query: str) -> list[float]:
    words = query.split()
    lines = query.count("\n") + 1
    lengths = [len(word) for word in words] or [0]
    return [
        *(float(np.log1p(len(pattern.findall(query)))) for pattern in _PATTERNS),
        float(np.log1p(len(query))),
        float(np.log1p(len(words))),
        float(np.mean(lengths)),
        float(np.log1p(max(lengths))),
        float(np.log1p(len(query) / lines)),
        len(set(words)) / max(len(words), 1),
    ]
