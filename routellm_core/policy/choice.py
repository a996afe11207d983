"""From a target to a threshold: the router's curve, and the point on it that meets the target."""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from routellm_core.errors import DataError
from routellm_core.metrics import thresholds
from routellm_core.metrics.costs import PairCosts, pair_costs, routed_cost
from routellm_core.metrics.curve import curve_of, operating_point, rank_queries
from routellm_core.metrics.prices import Price, prices_of
from routellm_core.metrics.thresholds import Target, ThresholdChoice
from routellm_core.policy.guarantee.certify import CheckpointCertificate
from routellm_core.store import Store
from routellm_core.store.selection import default_pair
from routellm_core.types import (
    Benchmark,
    Floats,
    ModelPair,
    OperatingPoint,
    PairOutcomes,
    RouterEntry,
    RoutingCurve,
)


class ScoredBenchmark(NamedTuple):
    """A router's scores of a benchmark, and all else that a threshold is chosen on."""

    benchmark: Benchmark
    outcomes: PairOutcomes
    router: RouterEntry
    view: Literal["in_domain", "unseen_slices", "untouched"]
    strong_win_rate: Floats
    """(n_queries,)"""
    prices: tuple[Price, Price]
    """Weak, strong."""
    n_contaminated: int
    """Queries of the benchmark that are left out."""
    data_hash: str
    """Of the store."""


@dataclass(frozen=True)
class SelectedThreshold:
    """A threshold of a router on a benchmark, and all that it was read from.

    Where it carries a guarantee, outcomes and scores are those of the held-out queries.
    """

    benchmark: Benchmark
    outcomes: PairOutcomes
    router: RouterEntry
    view: Literal["in_domain", "unseen_slices", "untouched"]
    strong_win_rate: Floats
    """(n_queries,)"""
    curve: RoutingCurve
    prices: tuple[Price, Price]
    """Weak, strong."""
    costs: PairCosts
    cost: Floats
    """(n_points,) USD a query along the curve."""
    target: Target
    calibration: ThresholdChoice
    point: OperatingPoint
    n_contaminated: int
    data_hash: str
    certified: CheckpointCertificate | None = None

    @property
    def threshold(self) -> float:
        """A given α as it is, else midway to the next lower score; 2 for never."""
        return thresholds.threshold_of(self.curve, self.calibration)


def select_threshold(
    store: Store,
    benchmark_id: str,
    router_name: str,
    target: Target,
    *,
    recipe: str | None = None,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
) -> SelectedThreshold:
    """Find the threshold that meets a target.

    Args:
        store: holds outcomes and scores.
        benchmark_id: on which the threshold is chosen.
        router_name: kind of router.
        target: what the threshold is to give.
        recipe: where a router has several.
        model_pair: by default the benchmark's usual one.
        prices: of the weak and the strong model; by default list prices.

    Raises:
        UnknownNameError: there is no such benchmark, model or router.
        UnreachableError: no threshold meets the target.
    """
    return threshold_on(
        read_scored_benchmark(store, benchmark_id, router_name, recipe, model_pair, prices), target
    )


def read_scored_benchmark(
    store: Store,
    benchmark_id: str,
    router_name: str,
    recipe: str | None = None,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
) -> ScoredBenchmark:
    """A router's scores of a benchmark; arguments and errors as for `select_threshold`."""
    pair = model_pair or default_pair(store, benchmark_id)
    row = store.router_named(benchmark_id, pair, router_name, recipe)
    return ScoredBenchmark(
        benchmark=store.benchmark(benchmark_id),
        outcomes=store.pair_outcomes(benchmark_id, pair),
        router=store.router(row.router_id),
        view=row.view,
        strong_win_rate=store.strong_win_rates(benchmark_id, pair, row.router_id, row.view),
        prices=prices or prices_of(pair, store.typed_prices(benchmark_id)),
        n_contaminated=len(store.contaminated_ids(benchmark_id)),
        data_hash=store.data_hash,
    )


def threshold_on(
    basis: ScoredBenchmark, target: Target, certified: CheckpointCertificate | None = None
) -> SelectedThreshold:
    """The threshold that meets a target.

    Args:
        basis: what it is chosen on.
        target: what the threshold is to give.
        certified: certificate for its threshold; the basis is then that of the held-out queries.

    Raises:
        UnreachableError: no threshold meets the target.
        DataError: the given α is outside [0, 1].
    """
    if target.mode == "alpha" and not 0.0 <= target.value <= 1.0:
        raise DataError(
            f"a threshold of {target.value:g} is outside [0, 1], where strong win rates are: ask "
            "for a share of 0 for never calling the strong model, of 1 for always"
        )
    outcomes = basis.outcomes
    ranking = rank_queries(basis.strong_win_rate)
    curve = curve_of(ranking, outcomes.quality_weak, outcomes.quality_strong)
    costs = pair_costs(outcomes, *basis.prices)
    cost = routed_cost(ranking, costs)
    found = thresholds.for_target(curve, cost, target)
    return SelectedThreshold(
        **basis._asdict(),
        curve=curve,
        costs=costs,
        cost=cost,
        target=target,
        calibration=found,
        point=operating_point(curve, found.threshold),
        certified=certified,
    )


FAR = 0.05
"""Strong calls, as a share of all, by which a choice may miss the share that was asked for."""


def why_useless(choice: SelectedThreshold) -> str | None:
    """The reason why a threshold does not do what a threshold is for; None where it does.

    That is so where all queries have one score, so that nothing is told apart, or where no
    threshold comes within `FAR` of the share that was asked for.
    """
    curve, found = choice.curve, choice.calibration
    name = choice.router.router_name
    if len(curve.threshold) <= 2:
        return (
            f"{name} gives all {choice.outcomes.n_queries:,} queries the same score, so that a "
            "threshold calls the strong model always or never"
        )
    if found.mode == "share" and abs(found.achieved - found.wanted) > FAR:
        above = curve.strong_call_share[curve.strong_call_share > found.achieved].min()
        return (
            f"{name} has {len(curve.threshold) - 1:,} different scores, and no threshold comes "
            f"near a share of {found.wanted:.1%}: the nearest are {found.achieved:.1%} and "
            f"{above:.1%}"
        )
    return None


def outcomes_hash(outcomes: PairOutcomes, strong_win_rate: Floats) -> str:
    """SHA-256 over query ids, both qualities and scores, in the order of the queries."""
    total = hashlib.sha256("\n".join(map(str, outcomes.query_id)).encode("utf-8"))
    for values in (outcomes.quality_weak, outcomes.quality_strong, strong_win_rate):
        total.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return total.hexdigest()
