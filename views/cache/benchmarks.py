"""Every cached step of the dashboard, from coarse to fine.

Arguments are plain values. `version` is from `workspace.version`: a write makes all that was read
before it stale, and what was read of another store is never found. Arrays are cached as resources,
so nobody copies them; nobody may change them either.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from routellm_core.evaluation.benchmark import evaluate_benchmark
from routellm_core.metrics import baselines
from routellm_core.metrics.costs import PairCosts, Price, pair_costs, routed_cost
from routellm_core.metrics.curve import apgr, calls_strong, cpt, curve_of, rank_queries
from routellm_core.metrics.slices import slice_table
from routellm_core.statistics.bootstrap import CurveIntervals, curve_intervals
from routellm_core.statistics.curve_bands import Band, clustered_share_band, ratio_band
from routellm_core.statistics.routed_money import money_by_group
from routellm_core.store.selection import complete_routers, default_pair
from routellm_core.types import Benchmark, Floats, ModelPair, PairOutcomes, Ranking, RoutingCurve

if TYPE_CHECKING:
    pass
from views.cache import workspace
from views.cache.text_caches import holds_texts
from views.cache.workspace import store


class RouterKey(NamedTuple):
    """Names one router's scores of one benchmark and pair in one state of the store."""

    version: int
    benchmark_id: str
    pair: ModelPair
    router_id: str
    view: str


class Ranked(NamedTuple):
    """A router's scores and the curve that they give."""

    strong_win_rate: Floats
    ranking: Ranking
    curve: RoutingCurve
    apgr: float
    cpt50: float
    cpt80: float


class Money(NamedTuple):
    """USD a query: of every query with either model, and along a router's curve."""

    costs: PairCosts
    curve: Floats


class MoneyBands(NamedTuple):
    """95% intervals along a router's curve."""

    cost: Band
    """USD a query."""
    part: Band
    """Of what always calling the strong model costs."""


def benchmarks(version: int) -> pd.DataFrame:
    """Those with outcomes of two models: with fewer there is nothing to route."""
    table = _visible(version, workspace.owner())
    return table[table["n_models"] >= 2].reset_index(drop=True)


@st.cache_data(max_entries=16, show_spinner=False)
def _visible(version: int, owner: str) -> pd.DataFrame:
    return store().benchmarks(owner)


@st.cache_data(max_entries=32, show_spinner=False)
def benchmark(version: int, benchmark_id: str) -> Benchmark:
    return store().benchmark(benchmark_id)


@st.cache_data(max_entries=32, show_spinner=False)
def models(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().models(benchmark_id)


@st.cache_data(max_entries=32, show_spinner=False)
def usual_pair(version: int, benchmark_id: str) -> ModelPair:
    return default_pair(store(), benchmark_id)


@st.cache_data(max_entries=32, show_spinner=False)
def routers(version: int, benchmark_id: str, pair: ModelPair) -> pd.DataFrame:
    """Routers that scored the whole benchmark: own queries first, then best APGR first.

    Columns `apgr` and `label` are added; the label tells apart two routers of one name, and two
    views of one router.
    """
    table = complete_routers(store(), outcomes(version, benchmark_id, pair))
    keys = [RouterKey(version, benchmark_id, pair, r.router_id, r.view) for r in table.itertuples()]
    elsewhere = table["view"] == "unseen_slices"
    table = table.assign(
        apgr=[ranked(key).apgr for key in keys],
        label=_router_labels(table) + elsewhere.map({True: ", unseen slices", False: ""}),
        elsewhere=elsewhere,
    )
    return table.sort_values(
        ["elsewhere", "apgr"], ascending=[True, False], ignore_index=True
    ).drop(columns="elsewhere")


def _router_labels(table: pd.DataFrame) -> pd.Series:
    """The router's name; with its recipe, then with its own name, where others share it."""
    label = table["router_name"]
    for more in ("recipe", "router_id"):
        n_routers = table.groupby(label)["router_id"].transform("nunique")
        label = label.mask(n_routers > 1, table["router_name"] + " (" + table[more] + ")")
    return label


@st.cache_data(max_entries=32, show_spinner=False)
def typed_prices(version: int, benchmark_id: str) -> dict[str, Price]:
    """Prices that were saved with a set, by model."""
    return store().typed_prices(benchmark_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def outcomes(version: int, benchmark_id: str, pair: ModelPair) -> PairOutcomes:
    return store().pair_outcomes(benchmark_id, pair)


@st.cache_resource(max_entries=32, show_spinner=False)
def ranked(key: RouterKey) -> Ranked:
    """The exact curve: computed once for each router, read by everything."""
    known = outcomes(key.version, key.benchmark_id, key.pair)
    scores = store().strong_win_rates(key.benchmark_id, key.pair, key.router_id, key.view)
    ranking = rank_queries(scores)
    curve = curve_of(ranking, known.quality_weak, known.quality_strong)
    return Ranked(scores, ranking, curve, apgr(curve), cpt(curve, 0.5), cpt(curve, 0.8))


@st.cache_resource(max_entries=32, show_spinner=False)
def intervals(key: RouterKey) -> CurveIntervals:
    known = outcomes(key.version, key.benchmark_id, key.pair)
    return curve_intervals(
        ranked(key).ranking,
        known.quality_weak,
        known.quality_strong,
        cluster_code=known.cluster_code,
    )


@st.cache_data(max_entries=32, show_spinner=False)
def n_folds(key: RouterKey) -> int:
    """Number of routers that scored the queries out of fold; 0 if one that saw none did."""
    folds = store().folds(key.benchmark_id, key.pair, key.router_id, key.view)
    return int(folds.max()) + 1


@st.cache_data(max_entries=32, show_spinner="Evaluating the routers …")
def evaluation(version: int, benchmark_id: str, pair: ModelPair) -> dict[str, Any]:
    """Every router of a benchmark and pair, as `evaluate --json` prints it."""
    return evaluate_benchmark(store(), benchmark_id, model_pair=pair, n_rivals=1)


@st.cache_data(max_entries=32, show_spinner=False)
def scored_pairs(version: int, benchmark_id: str) -> list[ModelPair]:
    """The pairs that routers have scored, the one with the most routers first."""
    return store().scored_pairs(benchmark_id)


@st.cache_resource(max_entries=32, show_spinner=False)
def money(key: RouterKey, price_weak: Price, price_strong: Price) -> Money:
    known = outcomes(key.version, key.benchmark_id, key.pair)
    costs = pair_costs(known, price_weak, price_strong)
    return Money(costs, routed_cost(ranked(key).ranking, costs))


@st.cache_resource(max_entries=16, show_spinner=False)
def money_bands(key: RouterKey, price_weak: Price, price_strong: Price) -> MoneyBands:
    costs = money(key, price_weak, price_strong).costs
    of_pair = partial(
        ratio_band,
        ranked(key).ranking,
        costs.weak,
        costs.strong,
        cluster_code=outcomes(key.version, key.benchmark_id, key.pair).cluster_code,
    )
    return MoneyBands(of_pair(), of_pair(base=costs.strong))


@st.cache_data(max_entries=64, show_spinner=False)
def slice_money(
    key: RouterKey, price_weak: Price, price_strong: Price, threshold: float
) -> pd.DataFrame:
    """Money of the answers of each slice at a threshold, a row a slice.

    slice, usd_per_1000, saving (against always the strong model), `_low` and `_high` of both; NaN
    where money is not known.
    """
    known = outcomes(key.version, key.benchmark_id, key.pair)
    groups = money_by_group(
        calls_strong(ranked(key).strong_win_rate, threshold).astype(np.float64),
        money(key, price_weak, price_strong).costs,
        known.cluster_code,
        known.slice_code,
        known.slices,
    )
    return pd.DataFrame(
        {
            "slice": group.name,
            "usd_per_1000": 1_000 * group.money.usd_per_query.value,
            "usd_per_1000_low": 1_000 * group.money.usd_per_query.interval.low,
            "usd_per_1000_high": 1_000 * group.money.usd_per_query.interval.high,
            "saving": group.money.saving.value,
            "saving_low": group.money.saving.interval.low,
            "saving_high": group.money.saving.interval.high,
        }
        for group in groups
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def share_band(key: RouterKey) -> Band | None:
    """Band of strong-call shares where texts repeat; None where all differ: counts are exact."""
    code = outcomes(key.version, key.benchmark_id, key.pair).cluster_code
    if len(np.unique(code)) == len(code):
        return None
    return clustered_share_band(ranked(key).ranking, code)


@st.cache_resource(max_entries=16, show_spinner=False)
def oracle(
    version: int,
    benchmark_id: str,
    pair: ModelPair,
    prices: tuple[Price, Price] | None = None,
) -> tuple[Ranking, RoutingCurve]:
    """The oracle of calls; with the prices of weak and strong the oracle of money."""
    known = outcomes(version, benchmark_id, pair)
    extra_cost = None
    if prices is not None:
        costs = pair_costs(known, *prices)
        extra_cost = costs.strong - costs.weak
    score = baselines.oracle_score(known.quality_weak, known.quality_strong, extra_cost)
    ranking = rank_queries(score)
    return ranking, curve_of(ranking, known.quality_weak, known.quality_strong)


@st.cache_resource(max_entries=16, show_spinner=False)
def random_line(version: int, benchmark_id: str, pair: ModelPair) -> baselines.MixingLine:
    known = outcomes(version, benchmark_id, pair)
    return baselines.random_line(known.quality_weak, known.quality_strong)


@st.cache_data(max_entries=64, show_spinner=False)
def slices(key: RouterKey, threshold: float) -> pd.DataFrame:
    known = outcomes(key.version, key.benchmark_id, key.pair)
    return slice_table(known, ranked(key).strong_win_rate, threshold)


@holds_texts
@st.cache_resource(max_entries=4, show_spinner="Reading the queries …")
def routed_queries(key: RouterKey, other: RouterKey | None) -> pa.Table:
    """The part of each query that no α changes, with the scores of another router beside."""
    beside = None if other is None else (other.router_id, other.view)
    return store().routed_queries(key.benchmark_id, key.pair, key.router_id, key.view, beside)


@holds_texts
@st.cache_resource(max_entries=8, show_spinner="Searching the texts …")
def found_queries(key: RouterKey, other: RouterKey | None, part: str) -> pa.Table:
    """Those of `routed_queries` whose text holds a part."""
    return store().queries_with_text(routed_queries(key, other), part)


@st.cache_resource(max_entries=32, show_spinner=False)
def histogram(key: RouterKey, n_bins: int = 60) -> tuple[Floats, Floats, tuple[float, float]]:
    """Edges, counts and the range of α worth showing: where all but 0.1% of the scores are."""
    scores = ranked(key).strong_win_rate.astype(np.float64)  # equal ones need narrow bins
    low, high = (float(q) for q in np.quantile(scores, [0.0005, 0.9995]))
    margin = max((high - low) * 0.03, 1e-6)
    span = (low - margin, high + margin)
    counts, edges = np.histogram(np.clip(scores, low, high), bins=n_bins, range=span)
    return edges, counts, span


@st.cache_data(max_entries=16, show_spinner=False)
def n_texts(version: int, benchmark_id: str) -> tuple[int, int]:
    """Queries whose text is on this machine, and all of them."""
    return store().n_texts(benchmark_id)


def n_missing_texts(version: int, benchmark_id: str) -> int:
    known, total = n_texts(version, benchmark_id)
    return total - known
