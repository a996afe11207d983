"""Figures of queries that are routed at one threshold, with 95% intervals: one function for each.

Every page and verb reads them here. Shares and money are about a threshold that stays; quality and
recovered gap are those of the resampled curves at that share.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.metrics.costs import PairCosts, saving
from routellm_core.metrics.curve import pgr_of
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.statistics.curve_bands import share_band
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Estimate, Floats, Interval, Ints, PairOutcomes

_UNKNOWN = Interval(float("nan"), float("nan"))


class PointFigures(NamedTuple):
    """The figures of one threshold."""

    strong_call_share: Estimate
    quality: Estimate
    """In the benchmark's scale."""
    pgr: Estimate
    usd_per_query: Estimate
    """Of the answers; the router's machine comes on top."""
    saving: Estimate
    """Share of the money of always calling the strong model."""


def point_figures(
    called: NDArray[np.bool_], outcomes: PairOutcomes, costs: PairCosts, found: CurveIntervals
) -> PointFigures:
    """All figures of a threshold.

    Args:
        called: (n_queries,) true where the strong model is called.
        outcomes: of the pair.
        costs: of each query with either model.
        found: of the router's curve on these queries.
    """
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    quality = float(np.where(called, strong, weak).mean())
    share = share_estimate(called, outcomes.cluster_code)
    usd, saved = money_estimates(called, costs, outcomes.cluster_code)
    pgr = float(pgr_of(quality, float(weak.mean()), float(strong.mean())))
    return PointFigures(
        strong_call_share=share,
        quality=Estimate(quality, _at(found.quality_at, share.value)),
        pgr=Estimate(pgr, _at(found.pgr_at, share.value)),
        usd_per_query=usd,
        saving=saved,
    )


def share_estimate(called: NDArray[np.bool_], cluster_code: Ints) -> Estimate:
    """Strong-call share: exact where all texts differ or all are called alike, else by clusters."""
    n_queries, n_strong = len(called), int(np.count_nonzero(called))
    n_clusters = len(np.unique(cluster_code))
    if n_clusters == n_queries or n_strong in (0, n_queries):
        exact = share_band(np.array([n_strong * n_clusters // n_queries]), n_clusters)
        return Estimate(n_strong / n_queries, Interval(*(float(end[0]) for end in exact)))
    low, high = mean_interval(called.astype(np.float64), cluster_code)
    return Estimate(n_strong / n_queries, Interval(max(low, 0.0), min(high, 1.0)))


def money_estimates(
    called: Floats | NDArray[np.bool_], costs: PairCosts, cluster_code: Ints
) -> tuple[Estimate, Estimate]:
    """USD a query for the answers, and the saving against always calling the strong model.

    Args:
        called: (n_queries,) whether, or with which chance, the strong model is called.
        costs: of each query with either model.
        cluster_code: (n_queries,) equal for queries of one text.

    Returns:
        NaN where money of a model is unknown; of the saving also where the baseline is free.
    """
    if not costs.are_known:
        return Estimate(float("nan"), _UNKNOWN), Estimate(float("nan"), _UNKNOWN)
    usd = costs.weak + called * (costs.strong - costs.weak)
    each = Estimate(float(usd.mean()), mean_interval(usd, cluster_code))
    return each, saving_estimate(usd, costs.strong, cluster_code)


def saving_estimate(usd: Floats, baseline: Floats, cluster_code: Ints | None) -> Estimate:
    """Saving against a baseline on the same queries: a ratio of means by its linear part.

    Args:
        usd: (n_queries,) of the routed answers.
        baseline: (n_queries,)
        cluster_code: (n_queries,) equal for queries of one text; None: all are different.
    """
    always = float(baseline.mean())
    saved = saving(float(usd.mean()), always)
    if not np.isfinite(saved):
        return Estimate(float("nan"), _UNKNOWN)
    residuals = (usd - (1.0 - saved) * baseline) / always
    return Estimate(saved, mean_interval(saved - residuals, cluster_code))


def saving_over_mix(
    called: NDArray[np.bool_], outcomes: PairOutcomes, costs: PairCosts
) -> tuple[float, Estimate]:
    """USD a query of the random mix of equal quality, and the saving of the answers against it.

    The mix calls the strong model for a share that is the recovered gap; beyond 0 and 1 there is
    none. The interval is that of a ratio of means by its linear part (delta method), with the
    variance of the clusters' sums; undefined where that of the gap contains 0.

    Args:
        called: (n_queries,) true where the strong model is called.
        outcomes: of the pair.
        costs: of each query with either model.
    """
    weak, gap = outcomes.quality_weak, outcomes.quality_strong - outcomes.quality_weak
    surplus = np.where(called, gap, 0.0)
    share = float(
        pgr_of(float((weak + surplus).mean()), weak.mean(), outcomes.quality_strong.mean())
    )
    if not 0 <= share <= 1 or not costs.are_known:
        return float("nan"), Estimate(float("nan"), _UNKNOWN)
    extra = costs.strong - costs.weak
    routed, mixed = np.where(called, costs.strong, costs.weak), costs.weak + share * extra
    usd, mix_usd = float(routed.mean()), float(mixed.mean())
    low, high = mean_interval(gap, outcomes.cluster_code)
    if not (mix_usd > 0 and (low > 0 or high < 0)):
        return mix_usd, Estimate(saving(usd, mix_usd), _UNKNOWN)
    mixed = mixed + extra.mean() / gap.mean() * (surplus - share * gap)
    part = usd / mix_usd + (routed - usd / mix_usd * mixed) / mix_usd
    low, high = mean_interval(part, outcomes.cluster_code)
    return mix_usd, Estimate(saving(usd, mix_usd), Interval(1 - high, 1 - low))


def _at(band: Callable[[Floats], tuple[Floats, Floats]], share: float) -> Interval:
    low, high = band(np.array([share]))
    return Interval(float(low[0]), float(high[0]))
