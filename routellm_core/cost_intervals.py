"""95% intervals of what is read from quality over cost: AIQ, deferral area, quality-neutral cost.

A resample changes how often each query counts, and with it the quality and the money of every
point of the curve alike; the order of the scores stays. The readings themselves are those of
`controls`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.sparse import csr_array

from routellm_core.costs import PairCosts
from routellm_core.types import Floats, Interval, Ints, PairOutcomes, Ranking
from routellm_core.uncertainty import N_RESAMPLES, middle, resample_weights

_N_POINTS = 1_000
"""At which a resampled curve is computed; scores between two of them move as one."""


class CostIntervals(NamedTuple):
    """Middle 95% of the resamples; NaN where a price is unknown."""

    aiq: Interval
    deferral_area: Interval
    quality_neutral_cost_usd: Interval
    """Money a query."""
    quality_neutral_cost: Interval
    """As a part of the best single model's."""
    quality_neutral_share: Interval
    """Strong-call share."""


def cost_intervals(
    ranking: Ranking,
    outcomes: PairOutcomes,
    costs: PairCosts,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> CostIntervals:
    """Read a router on the resamples that `uncertainty.paired_resamples` draws with that seed.

    Args:
        ranking: of the router's scores.
        outcomes: of the pair.
        costs: of each query with either model.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    read = [
        (
            aiq_of(cost, quality),
            _area(cost, quality),
            *_neutral(share, cost, quality),
        )
        for share, cost, quality in _resampled_curves(ranking, outcomes, costs, n_resamples, seed)
    ]
    return CostIntervals(*(middle(values) for values in np.array(read).T))


def aiq_of(cost: Floats, quality: Floats) -> float:
    """What `controls.aiq` is, fast enough for a thousand resamples.

    The slopes of the least concave majorant are the falling isotonic regression of the curve's own
    slopes, each weighted by its width (Robertson, Wright and Dykstra 1988, section 1.2).

    >>> round(aiq_of(np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.5, 0.7, 0.9, 0.8])), 4)
    0.775
    """
    order = np.lexsort((-quality, cost))
    leading = order[np.concatenate(([True], np.diff(cost[order]) > 0))]
    width, rise = np.diff(cost[leading]), np.diff(quality[leading])
    if not width.sum() > 0:
        return np.nan
    slope = isotonic_regression(rise / width, weights=width, increasing=False).x
    majorant = quality[leading[0]] + np.concatenate(([0.0], np.cumsum(slope * width)))
    return _area(cost[leading], np.maximum.accumulate(majorant))


def _area(cost: Floats, quality: Floats) -> float:
    width = float(cost[-1] - cost[0])
    return float(np.trapezoid(quality, cost)) / width if width > 0 else np.nan


def _neutral(share: Floats, cost: Floats, quality: Floats) -> tuple[float, float, float]:
    """Least cost, its part of the best single model's, and least share that reach its quality."""
    best = max(quality[0], quality[-1])
    own = cost[-1] if quality[-1] >= quality[0] else cost[0]
    reached = quality >= best - 1e-12 * max(1.0, abs(best))
    least = float(cost[reached].min())
    return least, least / float(own), float(share[reached].min())


def _resampled_curves(
    ranking: Ranking, outcomes: PairOutcomes, costs: PairCosts, n_resamples: int, seed: int
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Strong-call share, cost and quality of each resample, (n_points,) each."""
    starts, order = _points(ranking), ranking.order
    ends = [*starts, len(order)]
    shape = (len(starts), len(order))

    def run_sums(values: Floats) -> csr_array:
        return csr_array((values[order].astype(np.float64), order, ends), shape=shape)

    cost_weak = costs.weak if costs.are_known else np.full(len(order), np.nan)
    ones = run_sums(np.ones(len(order)))
    gain = run_sums(outcomes.quality_strong - outcomes.quality_weak)
    extra = run_sums(costs.strong - cost_weak)
    for weight in resample_weights(outcomes.cluster_code, n_resamples, seed):
        n = weight.sum(axis=0, dtype=np.float64)
        share, cost, quality = (_from_zero(sums @ weight) / n for sums in (ones, extra, gain))
        cost += cost_weak @ weight / n
        quality += outcomes.quality_weak @ weight / n
        yield from zip(share.T, cost.T, quality.T, strict=True)


def _from_zero(sums: Floats) -> Floats:
    """(n_runs, n) sums to (n_runs + 1, n) running ones."""
    return np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])


def _points(ranking: Ranking) -> Ints:
    """(n_runs,) first query of each run of ranked queries; equal scores are never split."""
    starts = ranking.n_strong[:-1]
    if len(starts) <= _N_POINTS:
        return starts
    return starts[np.unique(np.linspace(0, len(starts) - 1, _N_POINTS).astype(np.int64))]
