"""Standing of the models of a pair: which one is better, by how much, and whether routing can help.

A model is called better or worse only where the 95% interval of the paired difference says so.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routellm_core.metrics.costs import PairCosts
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Benchmark, Estimate, Floats, Interval, Ints, PairOutcomes

StandingKind: TypeAlias = Literal[
    "usual", "strong_dominates", "weak_dominates", "reversed", "not_shown_better"
]
"""`strong_dominates`: the strong model is better and not dearer. `weak_dominates`: it is worse and
not cheaper. `reversed`: it is worse and cheaper, or money is not known. `not_shown_better`: the
interval of the gap contains 0. `usual`: it is better, and dearer or of unknown cost."""
DOMINATED: tuple[StandingKind, ...] = ("strong_dominates", "weak_dominates")
"""Kinds in which one model serves every query at least as well for no more money."""


class SingleModel(NamedTuple):
    """The better model of the pair, called for every query."""

    model: str
    is_strong: bool
    quality: Estimate
    usd_per_query: Estimate


class PairStanding(NamedTuple):
    """The standing of a pair on its queries; qualities in the benchmark's scale."""

    kind: StandingKind
    gap: Estimate
    """Quality of the strong model minus that of the weak one, paired."""
    extra_usd: Estimate
    """USD a query of the strong model minus those of the weak one; NaN where not known."""
    best: SingleModel
    """Of equal means the cheaper one, else the weak one."""
    n_queries: int


def pair_standing(outcomes: PairOutcomes, costs: PairCosts, card: Benchmark) -> PairStanding:
    """The standing of a pair, from the outcomes and the money of all its queries.

    The interval of the best quality is cut at the ends of the card's scale.
    """
    weak, strong, clusters = outcomes.quality_weak, outcomes.quality_strong, outcomes.cluster_code
    gap = _mean(strong - weak, clusters)
    extra = _mean(costs.strong - costs.weak, clusters)
    is_strong = gap.value > 0 or (gap.value == 0 and extra.value < 0)
    quality = _mean(strong if is_strong else weak, clusters)
    low, high = np.clip(quality.interval, card.quality_low, card.quality_high).tolist()
    best = SingleModel(
        outcomes.model_pair.strong if is_strong else outcomes.model_pair.weak,
        is_strong,
        Estimate(quality.value, Interval(low, high)),
        _mean(costs.strong if is_strong else costs.weak, clusters),
    )
    kind: StandingKind = "not_shown_better"
    if gap.interval.low > 0:
        kind = "strong_dominates" if extra.value <= 0 else "usual"
    elif gap.interval.high < 0:
        kind = "weak_dominates" if extra.value >= 0 else "reversed"
    return PairStanding(kind, gap, extra, best, outcomes.n_queries)


def gain_over_best(
    standing: PairStanding, outcomes: PairOutcomes, called: NDArray[np.bool_]
) -> Estimate:
    """Mean quality of the routed answers above that of the best single model, paired.

    Args:
        standing: of these outcomes.
        outcomes: of the pair.
        called: (n_queries,) true where the strong model answers.
    """
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    single = strong if standing.best.is_strong else weak
    return _mean(np.where(called, strong, weak) - single, outcomes.cluster_code)


def _mean(values: Floats, clusters: Ints) -> Estimate:
    return Estimate(float(values.mean()), mean_interval(values, clusters))
