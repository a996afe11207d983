"""Latency of answers along the routing curve: the mean, the median and the slowest twentieth.

The seconds of a query are those of the model that answers it, with the router's own time, which
every query waits for, added. Queries without a measured time of both models are left out, the same
ones at every threshold, so that the curve does not move because other queries are on it.

>>> import numpy as np
>>> from routellm_core.metrics.curve import rank_queries
>>> ranking = rank_queries(np.array([0.9, 0.1, 0.5]))
>>> seconds = PairLatencies(weak=np.array([1.0, 1.0, 2.0]), strong=np.array([4.0, 9.0, 8.0]))
>>> curve = latency_curve(ranking, seconds, router_s=0.5)
>>> curve.mean_s.round(2).tolist(), curve.p50_s.tolist(), curve.p95_s.tolist()
([1.83, 2.83, 4.83, 7.5], [1.5, 2.5, 4.5, 8.5], [2.5, 4.5, 8.5, 9.5])
"""

import math
from typing import NamedTuple

import numpy as np

from routellm_core.metrics.curve import calls_strong
from routellm_core.statistics.bootstrap import N_RESAMPLES, resample_weights
from routellm_core.statistics.intervals import mean_interval, percentile_interval
from routellm_core.types import Floats, Interval, Ints, PairLatencies, Ranking

MIDDLE, SLOW = 0.5, 0.95
"""The quantiles that stand for usual and for slow answers."""


class LatencyCurve(NamedTuple):
    """Seconds a query, router included, at every threshold of a ranking."""

    mean_s: Floats
    """(n_points,) aligned with `Ranking.threshold`; NaN where nothing was measured."""
    p50_s: Floats
    """(n_points,) the least time that half of the queries do not exceed."""
    p95_s: Floats
    """(n_points,) the least time that 95% of the queries do not exceed."""
    n_queries: int
    """With a measured time of both models: what the figures are of."""
    n_missing: int


class LatencyAt(NamedTuple):
    """Seconds a query, router included, at one threshold, with 95% intervals."""

    mean_s: float
    mean_interval: Interval
    """Student's t over clusters."""
    p50_s: float
    p50_interval: Interval
    """The bootstrap over clusters, as of p95."""
    p95_s: float
    p95_interval: Interval
    n_queries: int
    n_missing: int


def latency_curve(
    ranking: Ranking, latencies: PairLatencies, *, router_s: float = 0.0
) -> LatencyCurve:
    """Mean, median and 95th percentile of the routed answers at every threshold, exact.

    Args:
        ranking: of the router's scores.
        latencies: (n_queries,) each, in the order of the scores.
        router_s: seconds that the router takes for a query, as measured.
    """
    weak, strong = (side[ranking.order] for side in latencies)
    measured = np.isfinite(weak) & np.isfinite(strong)
    n_measured = int(measured.sum())
    if n_measured == 0:
        nothing = np.full(len(ranking.threshold), np.nan)
        return LatencyCurve(nothing, nothing, nothing, 0, len(measured))
    weak, strong = weak[measured], strong[measured]
    n_strong = np.concatenate(([0], np.cumsum(measured)))[ranking.n_strong]
    routed_sum = weak.sum() + np.concatenate(([0.0], np.cumsum(strong - weak)))
    return LatencyCurve(
        mean_s=routed_sum[n_strong] / n_measured + router_s,
        p50_s=routed_quantile(weak, strong, n_strong, MIDDLE) + router_s,
        p95_s=routed_quantile(weak, strong, n_strong, SLOW) + router_s,
        n_queries=n_measured,
        n_missing=len(measured) - n_measured,
    )


def latency_at(
    strong_win_rate: Floats,
    latencies: PairLatencies,
    threshold: float,
    *,
    router_s: float = 0.0,
    cluster_code: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> LatencyAt:
    """Mean, median and 95th percentile at one threshold.

    Args:
        strong_win_rate: (n_queries,).
        latencies: (n_queries,) each.
        threshold: any number.
        router_s: seconds that the router takes for a query, as measured.
        cluster_code: (n_queries,) queries of a code are drawn together; None: each alone.
        n_resamples: of the bootstrap, in which each cluster counts Poisson(1) times.
        seed: of the bootstrap.
    """
    measured = np.isfinite(latencies.weak) & np.isfinite(latencies.strong)
    n_measured = int(measured.sum())
    if n_measured == 0:
        nothing = math.nan, Interval(math.nan, math.nan)
        return LatencyAt(*nothing, *nothing, *nothing, 0, len(measured))
    called = calls_strong(strong_win_rate, threshold)
    seconds = np.where(called, latencies.strong, latencies.weak)[measured] + router_s
    clusters = np.arange(len(measured)) if cluster_code is None else cluster_code
    clusters = clusters[measured]
    order = np.argsort(seconds)
    rising = seconds[order]
    middle, slow = _resampled_quantiles(rising, clusters[order], n_resamples, seed)
    return LatencyAt(
        mean_s=float(seconds.mean()),
        mean_interval=mean_interval(seconds, clusters),
        p50_s=float(rising[_position(MIDDLE, n_measured)]),
        p50_interval=percentile_interval(middle),
        p95_s=float(rising[_position(SLOW, n_measured)]),
        p95_interval=percentile_interval(slow),
        n_queries=n_measured,
        n_missing=len(measured) - n_measured,
    )


def routed_quantile(weak: Floats, strong: Floats, n_strong: Ints, quantile: float) -> Floats:
    """A quantile of what the called models give, for many numbers of strong calls at once.

    The value is one of those given: the least that at least the share `quantile` do not exceed.
    All are found together by descending the binary digits of the values' ranks, with the digits of
    each level counted once (a wavelet matrix: Claude, Navarro and Ordóñez 2015), in
    O((n_queries + n_points) log n_queries).

    Args:
        weak: (n_queries,) finite, by falling score.
        strong: (n_queries,) the same with the strong model.
        n_strong: (n_points,) how many of the first queries go to the strong model.
        quantile: above 0, at most 1.

    Returns:
        (n_points,)
    """
    n = len(weak)
    values, ranks = np.unique(np.concatenate((weak, strong)), return_inverse=True)
    # The strong model answers the first queries, the weak one the rest: two runs of ranks.
    sides = [
        (ranks[n:], np.zeros_like(n_strong), n_strong),
        (ranks[:n], n_strong, np.full_like(n_strong, n)),
    ]
    wanted = np.full(len(n_strong), _position(quantile, n))
    found = np.zeros(len(n_strong), dtype=np.int64)
    for digit in range(int(len(values) - 1).bit_length() - 1, -1, -1):
        is_one = [(rank >> digit & 1).astype(bool) for rank, _, _ in sides]
        n_zeros = [np.concatenate(([0], np.cumsum(~one))) for one in is_one]
        in_runs = sum(
            zeros[end] - zeros[start] for zeros, (_, start, end) in zip(n_zeros, sides, strict=True)
        )
        above = wanted >= in_runs
        wanted = np.where(above, wanted - in_runs, wanted)
        found = np.where(above, found | 1 << digit, found)
        sides = [
            (
                np.concatenate((rank[~one], rank[one])),
                np.where(above, zeros[-1] + start - zeros[start], zeros[start]),
                np.where(above, zeros[-1] + end - zeros[end], zeros[end]),
            )
            for (rank, start, end), one, zeros in zip(sides, is_one, n_zeros, strict=True)
        ]
    return np.asarray(values[found])


def _position(quantile: float, n: int) -> int:
    """Position of the quantile among n sorted values, from 0."""
    return max(math.ceil(quantile * n - 1e-9), 1) - 1


def _resampled_quantiles(
    rising: Floats, clusters: Ints, n_resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """(n_resamples,) median and slow quantile of sorted values, clusters drawn together."""
    found: tuple[list[Floats], list[Floats]] = [], []
    for weight in resample_weights(len(rising), clusters, n_resamples=n_resamples, seed=seed):
        count = np.cumsum(weight.T, axis=1, dtype=np.float64)
        for kept, quantile in zip(found, (MIDDLE, SLOW), strict=True):
            wanted = np.maximum(np.ceil(quantile * count[:, -1] - 1e-9), 1)
            at = np.array([np.searchsorted(*pair) for pair in zip(count, wanted, strict=True)])
            reached = np.append(rising, np.nan)[at]
            kept.append(reached)
    return np.concatenate(found[0]), np.concatenate(found[1])
