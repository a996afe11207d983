"""Queries in another language than English, which the shipped routers learned from."""

import re
from collections.abc import Iterator, Mapping
from functools import partial

from scipy.stats import binom

from routellm_core.evaluation.data_quality.findings import TEST_LEVEL, DataFinding, Suspicion

MANY = 0.05
"""Share of non-English queries that is a warning, once it is surely exceeded."""
FEW = 0.01
"""Share below which they are not worth a word."""
_READ = 500
"""Characters that are looked at: the rest of a query says little more of its language."""
_FEWEST_WORDS = 3
_FEWEST_LETTERS = 2
_LAST_LATIN = "\u024f"
_ENGLISH = frozenset(
    "the of and to in is that it for was with as are be this on by an at from which what how you "
    "not have or if can will his her they we i my your should would does do has been "
    "but than".split()
)
_OTHERS = (
    frozenset(
        # German, French, Spanish, Italian, Portuguese, Dutch
        "der das und ist nicht ein eine einen mit von zu den auf für wie sind wird ich sie dem des "
        "le la les est et une un que qui dans pour sur pas ce du au avec je vous quel quelle "
        "el los las del se su por para como cuál qué una con es en "
        "il di che è della sono gli nel "
        "os uma da não um são qual "
        "het een van dat niet met voor zijn op de".split()
    )
    - _ENGLISH
)
_WORD = re.compile(r"[^\W\d_]+")


def is_non_english(text: str) -> bool:
    """True where a text reads as another language than English.

    It does where more than half of its letters are not Latin, or where it has at least three of
    the commonest short words of German, French, Spanish, Italian, Portuguese and Dutch, and more
    of them than of English ones. Another language in Latin letters passes for English, and so does
    a text without words. Only the first 500 characters are read.

    >>> [is_non_english(text) for text in ("Wie ist der Name des Flusses?", "为什么?", "2 + 2 = ?")]
    [True, True, False]
    """
    words = _WORD.findall(text[:_READ].lower())
    n_letters = sum(map(len, words))
    n_latin = sum(letter <= _LAST_LATIN for word in words for letter in word)
    if n_letters >= _FEWEST_LETTERS and 2 * n_latin < n_letters:
        return True
    n_others = sum(word in _OTHERS for word in words)
    return n_others >= _FEWEST_WORDS and n_others > sum(word in _ENGLISH for word in words)


def non_english(texts: Mapping[str, str]) -> Iterator[Suspicion]:
    """Queries that are not in English, where they are 1% or more.

    A note; a warning where chance does not explain more than `MANY` (exact binomial tail).

    Args:
        texts: by query_id.
    """
    ids = tuple(query_id for query_id, text in texts.items() if is_non_english(text))
    p_value = float(binom.sf(len(ids) - 1, len(texts), MANY)) if texts else 1.0
    yield Suspicion(p_value, partial(_non_english, ids, len(texts)))


def _non_english(ids: tuple[str, ...], n_texts: int, p_value: float) -> DataFinding | None:
    if not ids or len(ids) < FEW * n_texts:
        return None
    return DataFinding(
        "non_english",
        "warning" if p_value < TEST_LEVEL else "note",
        ids,
        p_value=p_value,
        figures={"n_non_english": len(ids), "n_queries": n_texts},
    )
