"""Routers to choose from, and what is known of the queries of their benchmark."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.overhead.router_times import OwnTime, usual_time
from routellm_core.evaluation.recommendation.settings import Candidate, RecommendationQueries
from routellm_core.metrics.costs import pair_costs
from routellm_core.metrics.curve import rank_queries
from routellm_core.metrics.prices import Price, prices_of
from routellm_core.statistics.bootstrap import CurveIntervals, curve_intervals
from routellm_core.store import Store
from routellm_core.store.selection import complete_routers, default_pair, main_view
from routellm_core.types import Benchmark, ModelPair

_FEW_NAMES = 8


class Candidates(NamedTuple):
    """Routers that can be compared, and their queries."""

    card: Benchmark
    view: str
    """Of the scores: the one that most routers have."""
    queries: RecommendationQueries
    routers: list[Candidate]
    """In any order, without the random router."""
    drawn: dict[str, CurveIntervals]
    """Intervals of curves by router id, as far as they were asked for; no target changes them."""

    def intervals(self, candidate: Candidate) -> CurveIntervals:
        """Intervals of a router's curve on these queries, as the pages draw them."""
        if candidate.router_id not in self.drawn:
            outcomes = self.queries.outcomes
            self.drawn[candidate.router_id] = curve_intervals(
                rank_queries(candidate.strong_win_rate),
                outcomes.quality_weak,
                outcomes.quality_strong,
                cluster_code=outcomes.cluster_code,
            )
        return self.drawn[candidate.router_id]

    def of(self, slices: tuple[str, ...]) -> "Candidates":
        """The same routers on queries of some slices; on all where none is named.

        Raises:
            UnknownNameError: no query is of such a slice.
        """
        if not slices:
            return self
        outcomes = self.queries.outcomes
        code, names = outcomes.slice_code, np.array(outcomes.slices, dtype=object)
        there = sorted(set(names[np.unique(code)]))
        missing = [name for name in slices if name not in there]
        if missing:
            listed = ", ".join(there[:_FEW_NAMES]) + ", …" * (len(there) > _FEW_NAMES)
            raise UnknownNameError(
                f"{outcomes.benchmark_id} has no slice {', '.join(missing)!r}; there are {listed}"
            )
        kept = np.isin(code, np.flatnonzero(np.isin(names, slices)))
        return self._replace(
            queries=self.queries.of(kept),
            drawn={},
            routers=[c._replace(strong_win_rate=c.strong_win_rate[kept]) for c in self.routers],
        )


def read_candidates(
    store: Store,
    benchmark_id: str,
    *,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
    time_of: Callable[[str, str | None], OwnTime] = lambda router_name, _: usual_time(router_name),
) -> Candidates:
    """The routers of a benchmark's main view, but for the random one.

    Args:
        store: open.
        benchmark_id: of the store.
        model_pair: by default the one that routers were scored for.
        prices: of the weak and the strong model; by default list prices.
        time_of: a router's own time, by its name and the folder of its checkpoint.

    Raises:
        UnknownNameError: no such benchmark or model, or no router has scored it.
    """
    pair = model_pair or default_pair(store, benchmark_id)
    outcomes = store.pair_outcomes(benchmark_id, pair)
    rows = complete_routers(store, outcomes)
    rows = rows[rows["router_name"] != "random"]
    if rows.empty:
        raise UnknownNameError(
            f"no router has scored all of {benchmark_id} for {pair.strong} / {pair.weak}; "
            + store.how_to_score(benchmark_id)
        )
    view = main_view(rows["view"].tolist())
    rows = rows[rows["view"] == view]
    routers = [
        Candidate(
            label,
            row.router_id,
            row.router_name,
            row.recipe,
            store.strong_win_rates(benchmark_id, pair, row.router_id, view),
            *time_of(row.router_name, store.router(row.router_id).checkpoint),
        )
        for label, row in zip(_labels(rows), rows.itertuples(), strict=True)
    ]
    latencies = store.pair_latencies(benchmark_id, pair)
    costs = pair_costs(outcomes, *(prices or prices_of(pair, store.typed_prices(benchmark_id))))
    queries = RecommendationQueries(outcomes, costs, latencies)
    return Candidates(store.benchmark(benchmark_id), view, queries, routers, {})


def _labels(rows: pd.DataFrame) -> pd.Series:
    """Router names; with the recipe, then with the router's id, where others share them."""
    label = rows["router_name"]
    for more in ("recipe", "router_id"):
        named = rows["router_name"] + " (" + rows[more] + ")"
        label = label.mask(label.duplicated(keep=False), named)
    return label
