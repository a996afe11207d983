"""Divisions of queries between both models, and the outcome of each query under one.

Settings are ranked by quality for a share or a budget, and by money (by strong calls where a price
is unknown) for a quality or a recovered gap. `Setting.influence` is what each query adds to the
figure that ranks, to first order. In a quality it is the quality of the routed answer. In the
money of a given quality it is the query's money less what its answer's surplus of quality is worth
along the curve: a router that has lucky answers meets the target with fewer calls, so the luck is
in its money. That is the delta method for the root of an estimating equation (van der Vaart 1998,
theorem 5.21). The tests show by simulation: of equally good routers at most 5% appear different.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routellm_core.evaluation.overhead.router_cost import router_cost_usd
from routellm_core.metrics.costs import PairCosts
from routellm_core.metrics.thresholds import Target
from routellm_core.types import Floats, Ints, PairLatencies, PairOutcomes

RankedBy: TypeAlias = Literal["quality", "usd", "strong_calls"]


@dataclass(frozen=True)
class RecommendationQueries:
    """Outcomes, costs and latencies of the queries that a router is chosen for; all aligned."""

    outcomes: PairOutcomes
    costs: PairCosts
    latencies: PairLatencies

    @property
    def n(self) -> int:
        return self.outcomes.n_queries

    @property
    def clusters(self) -> Ints:
        """(n,) equal for queries of one text."""
        return self.outcomes.cluster_code

    @property
    def gap(self) -> Floats:
        """(n,) quality of the strong model minus that of the weak one."""
        return np.asarray(self.outcomes.quality_strong - self.outcomes.quality_weak)

    def of(self, kept: NDArray[np.bool_]) -> "RecommendationQueries":
        """The same for some of them: `kept` is (n,)."""
        costs, (weak, strong) = self.costs, self.latencies
        return RecommendationQueries(
            self.outcomes.of(kept),
            replace(costs, weak=costs.weak[kept], strong=costs.strong[kept]),
            PairLatencies(weak[kept], strong[kept]),
        )


class Candidate(NamedTuple):
    """A router with its scores of all queries of a benchmark."""

    label: str
    """Its name, with the recipe where it has several."""
    router_id: str
    router: str
    recipe: str
    strong_win_rate: Floats
    """(n_queries,)"""
    seconds: float
    """Its own time for a query; NaN where it was not measured."""
    seconds_source: str

    def usd(self, usd_per_hour: float) -> float:
        """Cost of its machine for a query; NaN where its time is unknown and the machine costs."""
        if math.isnan(self.seconds):
            return math.nan if usd_per_hour > 0 else 0.0
        return router_cost_usd(self.seconds, usd_per_hour)


class Setting(NamedTuple):
    """A division of queries between both models, and the outcome of each query under it."""

    label: str
    threshold: float
    """Between two scores; NaN for a mix that looks at no query."""
    calls: Floats
    """(n,) the chance of the strong model: 0 or 1 under a threshold."""
    quality: Floats
    """(n,) of the routed answers; cross-fitted where the target is judged by quality."""
    usd: Floats
    """(n,) of the answer and the router; NaN where one is unknown."""
    router_s: float
    figure: float
    """The mean that ranks it: quality, USD a query or strong-call share."""
    influence: Floats
    """(n,) what each query adds to that figure; NaN where that cannot be told."""


def ranked_by(target: Target, costs: PairCosts) -> RankedBy:
    """The figure that ranks settings for a target; of the three only quality is good when high."""
    if target.mode in ("share", "budget"):
        return "quality"
    return "usd" if costs.are_known else "strong_calls"


def is_held_out(target: Target) -> bool:
    """True where the threshold for a target depends on answers, so that quality is cross-fitted."""
    return target.mode != "share"


def setting_of(
    queries: RecommendationQueries,
    target: Target,
    *,
    label: str,
    threshold: float,
    calls: Floats,
    quality: Floats,
    router: tuple[float, float],
    price: float,
) -> Setting:
    """A setting, computed from the calls of each query.

    Args:
        queries: that are divided.
        target: that is served.
        label: of the setting.
        threshold: between two scores.
        calls: (n,)
        quality: (n,) that is shown.
        router: its seconds and USD for a query.
        price: what a unit of mean quality costs there, in what ranks.
    """
    usd = mixed(queries.costs.weak, queries.costs.strong, calls) + router[1]
    by = ranked_by(target, queries.costs)
    ranking = {"quality": quality, "usd": usd, "strong_calls": calls}[by]
    influence = ranking
    if by != "quality":
        weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
        required = (
            mixed(weak, strong, np.full(queries.n, target.value))
            if target.mode == "pgr"
            else target.value
        )
        influence = ranking - price * (mixed(weak, strong, calls) - required)
    return Setting(
        label, threshold, calls, quality, usd, router[0], float(ranking.mean()), influence
    )


def mixed(weak: Floats, strong: Floats, calls: Floats | NDArray[np.bool_]) -> Floats:
    """Expected value of each query, (n,), by the chance that the strong model is called."""
    return np.asarray(weak + calls * (strong - weak))
