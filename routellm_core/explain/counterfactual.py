"""The fewest words found whose loss turns a decision round."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from routellm_core.explain.explanation import Explanation
from routellm_core.explain.word_spans import without
from routellm_core.types import Floats

Score = Callable[[Sequence[str]], Floats]
"""Strong win rates of queries, as `Router.strong_win_rate`."""

_MOST_WORDS = 200


class Deletion(NamedTuple):
    """Words whose deletion flips the decision."""

    words: tuple[tuple[int, int], ...]
    """Start and end of each in the query, in order."""
    query: str
    """What is left."""
    strong_win_rate: float
    """Of what is left."""
    n_scored: int
    """Queries that were scored on the way."""


def smallest_deletion(
    score: Score, found: Explanation, threshold: float, most_scored: int = 150
) -> Deletion | None:
    """Delete the words that carry the decision until it flips, then give back what is not needed.

    Words are given back in runs, halved when all are needed, as in delta debugging (Zeller and
    Hildebrandt 2002). A greedy search: a smaller deletion may exist.

    Args:
        score: of the explained router.
        found: the explanation, whose words say where to begin.
        threshold: the strong model is called at or above it.
        most_scored: queries after which no more words are given back.

    Returns:
        None when even all of the words that speak for the decision do not flip it.
    """
    calls_strong = found.strong_win_rate >= threshold
    sign = 1 if calls_strong else -1
    carrying = [word for word in found.words if sign * word.attribution > 0]
    ordered = sorted(carrying, key=lambda word: -sign * word.attribution)[:_MOST_WORDS]
    spans = [(word.start, word.end) for word in ordered]
    n_scored = 0

    def tried(candidates: Sequence[Sequence[tuple[int, int]]]) -> tuple[Floats, list[bool]]:
        nonlocal n_scored
        n_scored += len(candidates)
        rates = score([without(found.query, sorted(words)) for words in candidates])
        return rates, [bool((rate >= threshold) != calls_strong) for rate in rates]

    enough = _first_that_flips(spans, tried)
    if not enough:
        return None
    size = len(enough) // 2
    while size and n_scored + -(-len(enough) // size) <= most_scored:
        runs = [enough[i : i + size] for i in range(0, len(enough), size)]
        fewer = [[word for word in enough if word not in run] for run in runs]
        _, flips = tried(fewer)
        needless = [i for i, flipped in enumerate(flips) if flipped and fewer[i]]
        # Of the runs that are not needed the last one speaks least for the decision.
        enough = fewer[needless[-1]] if needless else enough
        size = min(size, len(enough) // 2) if needless else size // 2
    rates, _ = tried([enough])
    words = tuple(sorted(enough))
    return Deletion(words, without(found.query, words), float(rates[0]), n_scored)


def _first_that_flips(
    spans: list[tuple[int, int]],
    tried: Callable[[Sequence[Sequence[tuple[int, int]]]], tuple[Floats, list[bool]]],
) -> list[tuple[int, int]]:
    """A run of the first words that flips while a run one word shorter does not; none if none does.

    Runs double until one flips, then the gap to the last that did not is halved.
    """
    low, high = 0, 0
    while high < len(spans):
        low, high = high, min(max(2 * high, 1), len(spans))
        if tried([spans[:high]])[1][0]:
            break
    else:
        return []
    while high - low > 1:
        middle = (low + high) // 2
        if tried([spans[:middle]])[1][0]:
            high = middle
        else:
            low = middle
    return spans[:high]
