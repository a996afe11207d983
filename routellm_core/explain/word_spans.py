"""From what a router reads, tokens, to what a person reads, words."""

import re
from collections.abc import Sequence

import numpy as np

from routellm_core.explain.explanation import Word
from routellm_core.types import Floats

# Characters of scripts that are written without spaces stand alone.
_ALONE = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_WORD = re.compile(rf"{_ALONE}|(?:(?!{_ALONE})\S)+")


def word_spans(query: str) -> list[tuple[int, int]]:
    """Start and end of each word in the query, in order."""
    return [match.span() for match in _WORD.finditer(query)]


def merged(
    query: str, offsets: Sequence[tuple[int, int]], attribution: Floats
) -> tuple[tuple[Word, ...], float]:
    """Attributions of tokens summed over each word.

    Args:
        query: the text.
        offsets: (start, end) of each token in the query; an empty span belongs to no word.
        attribution: (n_tokens,)

    Returns:
        The words, NaN where no token lies in one, and what falls on no word: special tokens and
        tokens of white space.
    """
    spans = word_spans(query)
    starts = np.array([start for start, _ in spans], dtype=np.int64)
    total = np.full(len(spans), np.nan)
    rest = 0.0
    for (start, end), value in zip(offsets, attribution, strict=True):
        # A byte-level token may begin with the blank before its word.
        place = int(np.searchsorted(starts, end - 1, side="right")) - 1
        if end <= start or place < 0 or start >= spans[place][1]:
            rest += float(value)
        else:
            total[place] = np.nan_to_num(total[place]) + value
    words = (Word(*span, float(value)) for span, value in zip(spans, total, strict=True))
    return tuple(words), rest


def total(words: Sequence[Word]) -> float:
    """Sum of the attributions of the words that were read."""
    return float(np.nansum([word.attribution for word in words]))


def without(query: str, words: Sequence[tuple[int, int]]) -> str:
    """The query with some words left out, single blanks where they stood.

    Args:
        query: the text.
        words: start and end of those to leave out, in order.
    """
    kept, at = [], 0
    for start, end in words:
        kept.append(query[at:start].rstrip(" ") + " ")
        at = end
    kept.append(query[at:].lstrip(" ") if kept else query)
    return "".join(kept).strip()
