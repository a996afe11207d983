"""Is an explanation true to its router? Delete and insert words in its order and look.

When the words that speak most for the strong model go first, the win rate should fall faster than
in a random order; when they come first, it should rise faster (Samek et al. 2017; Petsiuk, Das and
Saenko 2018). The area is the mean win rate along the way.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from routellm_core.explain.explanation import Explanation
from routellm_core.explain.word_spans import without
from routellm_core.types import Floats, Interval, Ints

_SHARES = (0.2, 0.4, 0.6, 0.8)
_N_RESAMPLES = 2_000


class Areas(NamedTuple):
    """Mean win rate while words are deleted, and while they are inserted into nothing."""

    deletion: float
    insertion: float


class Faithfulness(NamedTuple):
    """How much better than a random order; means over queries with their 95% intervals."""

    n_queries: int
    deletion_gain: float
    """By how much the deletion area is lower than in a random order; above 0 is better."""
    deletion_interval: Interval
    insertion_gain: float
    """By how much the insertion area is higher."""
    insertion_interval: Interval


def order_of(found: Explanation) -> Ints:
    """Positions of the words by falling attribution; those that were not read come last."""
    attribution = np.array([word.attribution for word in found.words])
    return np.argsort(-np.nan_to_num(attribution, nan=-np.inf), kind="stable")


def probes(found: Explanation, order: Ints) -> list[str]:
    """Queries to score for `areas`: words deleted in the order, then inserted in it."""
    spans = [(word.start, word.end) for word in found.words]
    cuts = [round(share * len(order)) for share in _SHARES]
    deleted = [without(found.query, sorted(spans[i] for i in order[:n])) for n in cuts]
    inserted = [without(found.query, sorted(spans[i] for i in order[n:])) for n in cuts]
    return deleted + inserted


def areas(rates: Sequence[float] | Floats) -> Areas:
    """Areas from the win rates of `probes`."""
    deleted, inserted = np.split(np.asarray(rates, dtype=np.float64), 2)
    return Areas(float(deleted.mean()), float(inserted.mean()))


def summary(in_order: Sequence[Areas], at_random: Sequence[Areas], seed: int = 0) -> Faithfulness:
    """Gains over the random order, with bootstrap intervals over the queries.

    Args:
        in_order: of each query, by the explanation's order.
        at_random: of the same queries, by a random order.
        seed: of the resampling.
    """
    ordered, random = np.array(in_order), np.array(at_random)
    gains = np.stack([random[:, 0] - ordered[:, 0], ordered[:, 1] - random[:, 1]])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, gains.shape[1], (_N_RESAMPLES, gains.shape[1]))
    low, high = np.quantile(gains[:, drawn].mean(axis=2), [0.025, 0.975], axis=1)
    deletion, insertion = gains.mean(axis=1)
    return Faithfulness(
        n_queries=gains.shape[1],
        deletion_gain=float(deletion),
        deletion_interval=Interval(float(low[0]), float(high[0])),
        insertion_gain=float(insertion),
        insertion_interval=Interval(float(low[1]), float(high[1])),
    )
