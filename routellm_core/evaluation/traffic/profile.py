"""Profile of a set of queries: lengths, languages, code and formulas.

Profiles of own queries and of a benchmark stand side by side. They describe the queries given and
estimate nothing.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routellm_core.evaluation.traffic.languages import language, script_counts

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LONGEST = 20_000
_CODE = re.compile(
    r"```|</\w+>|[;{}][ \t]*$|^[ \t]*#include\b"
    r"|^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+[\w.]+[ \t]*(?:as\b|,|$)"
    r"|\b(?:def|function|func|fn) +\w+\(|\bclass +\w+ *[:({]|\b\w+\([^()\n]*\) *[;{]"
    r"|\bSELECT\b.{1,200}\bFROM\b|\breturn +\w+[;(]|=>|\w\+\+;|[!=]= ?\w",
    re.MULTILINE,
)
_NUMBER = re.compile(r"\d")
_MATHS = re.compile(
    r"\d ?[+*/^×÷−=<>≤≥] ?[\w(−-]|\w ?[=^] ?[\w(−-]|\$[^$\n]{0,80}[\\^_=][^$\n]{0,80}\$"
    r"|\\(?:frac|sum|int|sqrt|times|cdot|leq?|geq?|pi|alpha|beta|theta)\b|[∑∫√∂∞≤≥≠≈π∈∀∃]"
)
"""Both find their match or none in a time that grows with the text alone: repeats are bounded."""


@dataclass(frozen=True)
class Profile:
    """Profile of a set of queries. Shares are in [0, 1]; figures of no query are NaN."""

    n_queries: int
    characters: tuple[float, ...]
    """Length at 5%, 25%, 50%, 75% and 95% of the queries."""
    words: tuple[float, ...]
    """The same in words: what blanks part, so that Chinese or Thai has few of them."""
    languages: dict[str, float]
    """Share of the queries in each language as `languages.language` guesses, the largest first."""
    scripts: dict[str, float]
    """Share of all letters in each script, the largest first."""
    with_code: float
    """Share of the queries that hold what looks like program code or markup."""
    with_numbers: float
    """Share with a digit."""
    with_maths: float
    """Share with a formula: an equation, an operation on numbers, TeX or a sign of mathematics."""


def profile(queries: Sequence[str]) -> Profile:
    """Profile of the queries.

    Of a query the first 20,000 characters are looked at for code and formulas, the first 2,000 for
    language and script.
    """
    n = len(queries)
    letters = sum((script_counts(query) for query in queries), Counter[str]())
    return Profile(
        n_queries=n,
        characters=_quantiles([len(query) for query in queries]),
        words=_quantiles([len(query.split()) for query in queries]),
        languages=_shares(Counter(language(query) for query in queries)),
        scripts=_shares(letters),
        with_code=_share_with(_CODE, queries),
        with_numbers=_share_with(_NUMBER, queries),
        with_maths=_share_with(_MATHS, queries),
    )


def _quantiles(lengths: Sequence[int]) -> tuple[float, ...]:
    if not lengths:
        return (float("nan"),) * len(QUANTILES)
    return tuple(np.quantile(lengths, QUANTILES).tolist())


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = counts.total()
    return {name: count / total for name, count in counts.most_common()}


def _share_with(pattern: re.Pattern[str], queries: Sequence[str]) -> float:
    if not queries:
        return float("nan")
    return sum(bool(pattern.search(query[:_LONGEST])) for query in queries) / len(queries)
