"""A query as HTML whose words show what they did to the win rate. Knows no Streamlit."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

import numpy as np

from routellm_core.explain.explanation import Word
from routellm_core.wording.numbers import signed
from routellm_core.wording.text import whole_text

_LONGEST, _KEPT = 1_600, 600
"""A longer piece is cut in its middle: this much is kept at both ends."""
_FAINT = 0.04
"""Share of the largest attribution below which a word is not coloured."""


def digits_of(largest: float) -> int:
    """Digits that leave the largest attribution two or three figures."""
    return min(7, max(3, 2 - int(np.floor(np.log10(largest))))) if largest > 0 else 3


def largest_of(words: Sequence[Word]) -> float:
    """Size of the largest attribution; 0 where nothing was read."""
    return float(np.nanmax([0.0, *(abs(word.attribution) for word in words)]))


def coloured(query: str, words: Sequence[Word]) -> str:
    """The query with a span a word that was read; what was not read is one grey span.

    Args:
        query: the text.
        words: all of its words, in order.
    """
    largest = largest_of(words)
    digits = digits_of(largest)
    parts, at = [], 0
    for is_read, group in groupby(words, lambda word: bool(np.isfinite(word.attribution))):
        run = list(group)
        parts.append(_cut(query[at : run[0].start]))
        at = run[-1].end
        if is_read:
            parts.extend(_read(query, run, largest, digits))
        else:
            parts.append(f'<span class="unread">{_cut(query[run[0].start : at])}</span>')
    return "".join([*parts, _cut(query[at:])])


def struck(query: str, spans: Sequence[tuple[int, int]]) -> str:
    """The query with some of its words struck through."""
    parts, at = [], 0
    for start, end in spans:
        parts += [_cut(query[at:start]), f"<del>{_cut(query[start:end])}</del>"]
        at = end
    return "".join([*parts, _cut(query[at:])])


def _read(query: str, run: list[Word], largest: float, digits: int) -> Iterator[str]:
    yield _span(query, run[0], largest, digits)
    for before, word in pairwise(run):
        yield _cut(query[before.end : word.start])
        yield _span(query, word, largest, digits)


def _span(query: str, word: Word, largest: float, digits: int) -> str:
    text = _cut(query[word.start : word.end])
    share = abs(word.attribution) / largest if largest > 0 else 0.0
    value = signed(word.attribution, digits)
    if share < _FAINT:
        return f'<span title="{value}">{text}</span>'
    kind = "strong" if word.attribution > 0 else "weak"
    return f'<span class="{kind}" style="--share:{share:.2f}" title="{value}">{text}</span>'


def _cut(text: str) -> str:
    """Escaped, and without its middle where it is long."""
    if len(text) <= _LONGEST:
        return escape(whole_text(text))
    start, end = (escape(whole_text(t)) for t in (text[:_KEPT], text[-_KEPT:]))
    return f'{start}<i class="cut"> … {len(text) - 2 * _KEPT:,} characters … </i>{end}'
