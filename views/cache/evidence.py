"""Every cached step of the Evidence page; rules as in `views.cache`.

What needs a thousand resamples stands apart from what is read at once, so that a page can draw the
latter first.
"""

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from routellm_core.evaluation import best_of_all
from routellm_core.evaluation.best_of_all import AllModels
from routellm_core.evaluation.overhead.latency import (
    LatencyAt,
    LatencyCurve,
    latency_at,
    latency_curve,
)
from routellm_core.evaluation.overhead.router_cost import BreakEven, break_even, price_sensitivity
from routellm_core.evaluation.overhead.router_times import OwnTime, usual_time
from routellm_core.metrics.costs import PairCosts, Price, pair_costs
from routellm_core.metrics.curve import calls_strong
from routellm_core.statistics.routed_point import money_estimates, saving_over_mix
from routellm_core.types import Estimate, ModelPair, PairLatencies
from views.cache import benchmarks, models, workspace
from views.cache.benchmarks import RouterKey

if TYPE_CHECKING:
    from routellm_core.evaluation.data_quality import DataFinding, Effect
    from routellm_core.evaluation.score_calibration.calibration_error import CalibrationError
    from routellm_core.evaluation.score_calibration.recalibration import (
        Judged,
        Method,
        Recalibration,
    )
    from routellm_core.evaluation.score_calibration.reliability import BrierScore, ReliabilityBins
N_TIMED = 16
"""Queries that a router is timed with, one after the other."""


class Routed(NamedTuple):
    """Money of the routed answers at a threshold, without the router's machine."""

    usd: Estimate
    """A query."""
    saving: Estimate
    """Against always calling the strong model."""
    mix_usd: float
    """Of a random mix of equal quality; NaN where none has it."""
    saving_over_mix: Estimate
    n_queries: int


class RouterTime(NamedTuple):
    """Seconds that a router took for a query here, as a median."""

    seconds: float
    n_queries: int


@st.cache_resource(max_entries=16, show_spinner="Looking at the outcomes …")
def findings(version: int, benchmark_id: str, pair: ModelPair) -> "list[DataFinding]":
    """Findings on the outcomes, the most severe first."""
    from routellm_core.evaluation.data_quality import check

    return check(workspace.store(), benchmark_id, pair)


@st.cache_resource(max_entries=16, show_spinner=False)
def n_measured(version: int, benchmark_id: str, pair: ModelPair) -> list[int]:
    """Number of queries of each finding that the figures are of."""
    known = set(benchmarks.outcomes(version, benchmark_id, pair).query_id)
    found = findings(version, benchmark_id, pair)
    return [len(known.intersection(finding.query_id)) for finding in found]


@st.cache_resource(max_entries=8, show_spinner=False)
def outcome_rows(version: int, benchmark_id: str, pair: ModelPair) -> pd.DataFrame:
    """`slice` and both qualities by query_id; contaminated queries are among them."""
    known = workspace.store().pair_outcomes(benchmark_id, pair, contaminated=True)
    return pd.DataFrame(
        {
            "slice": np.array(known.slices, dtype=object)[known.slice_code],
            "quality_weak": known.quality_weak,
            "quality_strong": known.quality_strong,
        },
        index=pd.Index(known.query_id, name="query_id"),
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def effect(key: RouterKey, left_out: tuple[int, ...]) -> "Effect":
    """A router's figures with and without the queries of some findings, by their positions."""
    from routellm_core.evaluation.data_quality import effect_of_excluding

    listed = findings(key.version, key.benchmark_id, key.pair)
    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    scores = benchmarks.ranked(key).strong_win_rate
    return effect_of_excluding([listed[i] for i in left_out], known, scores)


@st.cache_resource(max_entries=32, show_spinner=False)
def meaning(key: RouterKey) -> "tuple[ReliabilityBins, BrierScore]":
    """Outcomes against scores: reliability bins and Brier score."""
    from routellm_core.evaluation.score_calibration.reliability import (
        brier_score,
        reliability_bins,
        targets,
    )

    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    scores, target = benchmarks.ranked(key).strong_win_rate, targets(known)
    return (
        reliability_bins(scores, target, cluster_code=known.cluster_code),
        brier_score(scores, target, cluster_code=known.cluster_code),
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def calibration_error(key: RouterKey) -> "CalibrationError":
    from routellm_core.evaluation.score_calibration import calibration_error as errors
    from routellm_core.evaluation.score_calibration.reliability import targets

    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    scores = benchmarks.ranked(key).strong_win_rate
    return errors.calibration_error(scores, targets(known), cluster_code=known.cluster_code)


@st.cache_resource(max_entries=32, show_spinner=False)
def recalibration(key: RouterKey, method: "Method") -> "Recalibration":
    """The curve that is fitted to all queries: the one to take away."""
    from routellm_core.evaluation.score_calibration.recalibration import fit
    from routellm_core.evaluation.score_calibration.reliability import targets

    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    return fit(method, benchmarks.ranked(key).strong_win_rate, targets(known))


@st.cache_resource(max_entries=32, show_spinner=False)
def judged(key: RouterKey, method: "Method") -> "Judged":
    """A curve that is fitted to half of the queries and judged on the others."""
    from routellm_core.evaluation.score_calibration.recalibration import judge
    from routellm_core.evaluation.score_calibration.reliability import targets

    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    scores = benchmarks.ranked(key).strong_win_rate
    return judge(method, scores, targets(known), cluster_code=known.cluster_code)


@st.cache_resource(max_entries=8, show_spinner=False)
def latencies(version: int, benchmark_id: str, pair: ModelPair) -> PairLatencies:
    return workspace.store().pair_latencies(benchmark_id, pair)


@st.cache_resource(max_entries=32, show_spinner=False)
def seconds_along(key: RouterKey, router_s: float) -> LatencyCurve:
    """Mean and slowest twentieth at every threshold."""
    known = latencies(key.version, key.benchmark_id, key.pair)
    return latency_curve(benchmarks.ranked(key).ranking, known, router_s=router_s)


@st.cache_resource(max_entries=64, show_spinner=False)
def seconds_at(key: RouterKey, threshold: float, router_s: float) -> LatencyAt:
    """The same at one threshold, with intervals."""
    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    return latency_at(
        benchmarks.ranked(key).strong_win_rate,
        latencies(key.version, key.benchmark_id, key.pair),
        threshold,
        router_s=router_s,
        cluster_code=known.cluster_code,
    )


@st.cache_resource(show_spinner=False)
def router_times() -> dict[str, RouterTime]:
    """Router times measured since this process began, by checkpoint folder."""
    return {}


def time_router(version: int, folder: str, queries: list[str]) -> None:
    """Time a checkpoint on this machine, warm, one query after the other."""
    models.win_rates(version, folder, queries[:1])
    seconds = []
    for query in queries:
        started = perf_counter()
        models.win_rates(version, folder, [query])
        seconds.append(perf_counter() - started)
    router_times()[folder] = RouterTime(median(seconds), len(seconds))


@st.cache_resource(max_entries=64, show_spinner=False)
def routed(key: RouterKey, prices: tuple[Price, Price], threshold: float) -> Routed:
    """Cost of the answers of a routed query at a threshold."""
    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    called = calls_strong(benchmarks.ranked(key).strong_win_rate, threshold)
    costs = _costs(key, prices)
    return Routed(
        *money_estimates(called, costs, known.cluster_code),
        *saving_over_mix(called, known, costs),
        len(called),
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def pays_up_to(
    key: RouterKey, prices: tuple[Price, Price], router_usd: float, baseline_usd: float | None
) -> BreakEven:
    """Up to which share routing costs no more than always strong, or than a stated sum."""
    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    return break_even(
        benchmarks.ranked(key).ranking,
        _costs(key, prices),
        router_usd=router_usd,
        baseline_usd=baseline_usd,
        cluster_code=known.cluster_code,
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def at_other_prices(
    key: RouterKey, prices: tuple[Price, Price], threshold: float, router_usd: float
) -> pd.DataFrame:
    """Saving against always strong, were a model more expensive or cheaper."""
    known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
    return price_sensitivity(
        benchmarks.ranked(key).strong_win_rate,
        _costs(key, prices),
        threshold,
        router_usd=router_usd,
        cluster_code=known.cluster_code,
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def all_models(
    version: int, benchmark_id: str, pair: ModelPair, prices: tuple[Price, Price]
) -> AllModels | None:
    """All models on the queries of a pair; None where there are no more than its two."""
    known = benchmarks.outcomes(version, benchmark_id, pair)
    return best_of_all.all_models(workspace.store(), known, pair_costs(known, *prices), prices)


def _costs(key: RouterKey, prices: tuple[Price, Price]) -> PairCosts:
    return benchmarks.money(key, *prices).costs


def seconds_of(router_name: str, checkpoint: str | None) -> OwnTime:
    """Time of a router for which none was typed, with its source."""
    here = router_times().get(checkpoint or "")
    if here is not None:
        said = f"timed on this machine, median of {here.n_queries} queries"
        return OwnTime(here.seconds, said)
    return usual_time(router_name)
