"""Single queries at a threshold: which are near it, and what a strong call gains on similar ones.

>>> import numpy as np
>>> from routellm_core.metrics.curve import rank_queries
>>> ranking = rank_queries(np.array([0.9, 0.7, 0.7, 0.2]))
>>> near_ranks(ranking, 0.7, 0.5)
0
>>> near_ranks(ranking, 0.7, 1.0)
2
"""

import math
from typing import NamedTuple

import numpy as np

from routellm_core.metrics.curve import point_index
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Floats, Interval, Ranking

NEAR_SHARE = 0.05
"""Of the queries, those that count as near a threshold."""
N_SIMILAR = 200
"""Queries of nearest score that a gain is expected from."""


class ExpectedGain(NamedTuple):
    """Gain of the strong call over the weak one on queries with nearly the same score."""

    mean: float
    interval: Interval
    """95%, Student's t."""
    n_queries: int


def near_ranks(ranking: Ranking, threshold: float, near_share: float = NEAR_SHARE) -> int:
    """Largest rank distance from the threshold at which a query counts as near it.

    The rank distance of a query counts the queries between its score and the threshold, so equal
    scores share one and the scores next to the threshold on either side have 0. The least
    distance is taken that holds `near_share` of the queries.

    Args:
        ranking: of all queries.
        threshold: any number.
        near_share: above 0, at most 1.
    """
    n_strong = ranking.n_strong[max(point_index(ranking, threshold), 0)]
    first, last = ranking.n_strong[:-1], ranking.n_strong[1:]
    distance = np.where(last <= n_strong, n_strong - last, first - n_strong)
    order = np.argsort(distance, kind="stable")
    held = np.cumsum((last - first)[order])
    wanted = math.ceil(near_share * len(ranking.order) - 1e-9)
    return int(distance[order][np.searchsorted(held, wanted)])


def expected_gain(
    strong_win_rate: Floats, gain: Floats, score: float, *, own: int | None = None
) -> ExpectedGain:
    """Mean quality gain of the strong call among the queries whose score is nearest.

    Queries at one distance are taken together, so there may be more than `N_SIMILAR`.

    Args:
        strong_win_rate: (n_queries,).
        gain: (n_queries,) quality of strong minus weak.
        score: of the query that is asked about.
        own: its position, so that its own outcome is left out; None where it is not among them.

    Returns:
        NaN for the mean without any other query, for the interval with fewer than two.
    """
    distance = np.abs(strong_win_rate.astype(np.float64) - score)
    if own is not None:
        distance, gain = np.delete(distance, own), np.delete(gain, own)
    if len(distance) > N_SIMILAR:
        farthest = np.partition(distance, N_SIMILAR - 1)[N_SIMILAR - 1]
        gain = gain[distance <= farthest]
    n = len(gain)
    mean = float(gain.mean()) if n else math.nan
    return ExpectedGain(mean, mean_interval(gain), n)
