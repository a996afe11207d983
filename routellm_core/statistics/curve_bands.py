"""95% intervals at many thresholds of a curve at once, in closed form: nothing is resampled.

They are about a threshold that stays: on other queries its share of strong calls is another too.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, stdtrit

from routellm_core.metrics.curve import routed_mean
from routellm_core.types import Floats, Ints, Ranking

_TAIL = 0.025


class Band(NamedTuple):
    """Both ends of an interval at each threshold, (n_points,); NaN where it is undefined."""

    low: Floats
    high: Floats


def share_band(n_strong: Ints, n_queries: int) -> Band:
    """Band of strong-call shares: exact for counts (Clopper and Pearson 1934).

    Args:
        n_strong: (n_points,) queries that go to the strong model, 0 to `n_queries`.
        n_queries: of how many.
    """
    n, k = n_queries, n_strong
    low = np.where(k == 0, 0.0, betaincinv(np.maximum(k, 1), n - k + 1, _TAIL))
    high = np.where(k == n, 1.0, betaincinv(k + 1, np.maximum(n - k, 1), 1 - _TAIL))
    return Band(low, high)


def clustered_share_band(ranking: Ranking, cluster_code: Ints) -> Band:
    """Band of strong-call shares where texts repeat: equal texts are called together.

    `ratio_band` of a call's 0 or 1. Where no query is called, or every one, nothing varies: there
    it is the exact one for as many counts as there are clusters.

    Args:
        ranking: of the router's scores.
        cluster_code: (n_queries,) equal for queries of one text.
    """
    n = len(ranking.order)
    low, high = ratio_band(ranking, np.zeros(n), np.ones(n), cluster_code=cluster_code)
    ends = np.array([0, -1])
    n_clusters = len(np.unique(cluster_code))
    low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    low[ends], high[ends] = share_band(np.array([0, n_clusters]), n_clusters)
    return Band(low, high)


def ratio_band(
    ranking: Ranking,
    value_weak: Floats,
    value_strong: Floats,
    base: Floats | None = None,
    *,
    cluster_code: Ints | None = None,
) -> Band:
    """Band of the mean of what the called model gives, over the mean of a base that no α changes.

    The interval of a ratio of means by its linear part, with the variance of the clusters' sums
    (Liang and Zeger 1986) and Student's t, as `uncertainty.mean_interval` has it of one mean.

    Args:
        ranking: of the router's scores.
        value_weak: (n_queries,) with the weak model.
        value_strong: (n_queries,) with the strong one.
        base: (n_queries,) None: one for each query, which makes it the mean itself.
        cluster_code: (n_queries,) equal for values that are not independent; None: all are.

    Returns:
        NaN for fewer than two clusters, or where a value is NaN.
    """
    n = len(value_weak)
    codes = (
        np.arange(n) if cluster_code is None else np.unique(cluster_code, return_inverse=True)[1]
    )
    n_clusters = int(codes.max()) + 1
    base = np.ones(n) if base is None else base
    known = np.isfinite(value_weak).all() and np.isfinite(value_strong).all()
    if n_clusters < 2 or not known or not np.isfinite(base).all():
        nothing = np.full(len(ranking.threshold), np.nan)
        return Band(nothing, nothing)
    total = base.sum()
    base_of = np.bincount(codes, base)
    ratio = routed_mean(ranking, value_weak, value_strong) * n / total
    crossed = routed_mean(ranking, base_of[codes] * value_weak, base_of[codes] * value_strong) * n
    squares = _cluster_squares(ranking, value_weak, value_strong, codes)
    residual = squares - 2 * ratio * crossed + ratio**2 * (base_of**2).sum()
    error = np.sqrt(n_clusters / (n_clusters - 1) * np.maximum(residual, 0.0)) / total
    half = stdtrit(n_clusters - 1, 1 - _TAIL) * error
    return Band(ratio - half, ratio + half)


def _cluster_squares(
    ranking: Ranking, value_weak: Floats, value_strong: Floats, codes: Ints
) -> Floats:
    """(n_points,) squares of the clusters' sums of what the called model gives, summed up.

    From one threshold to the next a query of the cluster gains g: its sum s becomes s + g, and the
    square of it grows by (2s + g) g.
    """
    gain = (value_strong - value_weak)[ranking.order]
    code = codes[ranking.order]
    by_cluster = np.argsort(code, kind="stable")
    gained = np.cumsum(gain[by_cluster]) - gain[by_cluster]
    first = np.searchsorted(code[by_cluster], code[by_cluster])
    before = np.empty(len(gain))
    before[by_cluster] = gained - gained[first]
    at_first = np.bincount(codes, value_weak)
    grown = (2 * (at_first[code] + before) + gain) * gain
    squares = np.concatenate(([0.0], np.cumsum(grown)))[ranking.n_strong]
    return np.asarray(squares + (at_first**2).sum())
