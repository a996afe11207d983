"""95% intervals of what is read from quality over cost: AIQ, deferral area, quality-neutral cost.

A resample changes how often each query counts, and with it the quality and the money of every
point of the curve alike; the order of the scores stays. The readings themselves are those of
`cost_readings`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from routellm_core.metrics.cost_quality import (
    aiq,
    deferral_area,
    quality_neutral_cost,
    quality_neutral_part,
)
from routellm_core.metrics.costs import PairCosts
from routellm_core.statistics.bootstrap import N_RESAMPLES, resample_weights
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.types import Floats, Interval, Ints, PairOutcomes, Ranking

_N_POINTS = 1_000
"""At which a resampled curve is computed; scores between two of them move as one."""


class CostIntervals(NamedTuple):
    """Middle 95% of the resamples; NaN where a price is unknown."""

    aiq: Interval
    deferral_area: Interval
    quality_neutral_cost_usd: Interval
    """Money a query."""
    quality_neutral_cost: Interval
    """As a part of the best single model's; NaN where that costs nothing."""
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
            aiq(cost, quality),
            deferral_area(cost, quality),
            quality_neutral_cost(cost, quality),
            quality_neutral_part(cost, quality),
            quality_neutral_cost(share, quality),
        )
        for share, cost, quality in _resampled_curves(ranking, outcomes, costs, n_resamples, seed)
    ]
    return CostIntervals(*(percentile_interval(values) for values in np.array(read).T))


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
    weights = resample_weights(
        len(order), outcomes.cluster_code, n_resamples=n_resamples, seed=seed
    )
    for weight in weights:
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
