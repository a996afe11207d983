"""The figures of routers on one benchmark, as tables and as the JSON of `evaluate`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from routellm_core import baselines, variants
from routellm_core.errors import UnknownNameError
from routellm_core.metrics import apgr, cpt, curve_of, rank_queries
from routellm_core.store import Store
from routellm_core.types import Interval, ModelPair, PairOutcomes
from routellm_core.uncertainty import curve_intervals


class Evaluation(NamedTuple):
    """One router on one benchmark: the numbers of the paper's tables, with 95% intervals."""

    router: str
    recipe: str
    view: str
    apgr: float
    apgr_interval: Interval
    cpt50: float
    cpt50_interval: Interval
    cpt80: float
    cpt80_interval: Interval
    apgr_ten_bin: float
    apgr_tenth_sum: float


def default_pair(store: Store, benchmark_id: str) -> ModelPair:
    """The pair that most routers were scored for; without scores the best and the next model.

    Raises:
        UnknownNameError: the benchmark has fewer than two models.
    """
    scored = store.scored_pairs(benchmark_id)
    if scored:
        return scored[0]
    models = store.models(benchmark_id)["model"].tolist()
    if len(models) < 2:
        raise UnknownNameError(
            f"benchmark {benchmark_id!r} has outcomes of {len(models)} model; routing needs two"
        )
    return ModelPair(weak=models[1], strong=models[0])


def evaluate_router(
    outcomes: PairOutcomes,
    strong_win_rate: np.ndarray[Any, np.dtype[np.floating[Any]]],
    *,
    router: str,
    recipe: str,
    view: str,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """APGR and CPT of one router, with seeded bootstrap intervals."""
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    ranking = rank_queries(strong_win_rate)
    curve = curve_of(ranking, weak, strong)
    intervals = curve_intervals(
        ranking,
        weak,
        strong,
        cluster_code=outcomes.cluster_code,
        n_resamples=n_resamples,
        seed=seed,
    )
    bins = variants.ten_bin_curve(strong_win_rate, weak, strong, curve)
    return Evaluation(
        router=router,
        recipe=recipe,
        view=view,
        apgr=apgr(curve),
        apgr_interval=intervals.apgr,
        cpt50=cpt(curve, 0.5),
        cpt50_interval=intervals.cpt50,
        cpt80=cpt(curve, 0.8),
        cpt80_interval=intervals.cpt80,
        apgr_ten_bin=variants.ten_bin_apgr(*bins),
        apgr_tenth_sum=variants.tenth_sum_apgr(curve),
    )


def evaluate_benchmark(
    store: Store,
    benchmark_id: str,
    *,
    model_pair: ModelPair | None = None,
    router_names: Sequence[str] = (),
    n_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """All routers scored on a benchmark, as the JSON object of `evaluate --json`.

    Args:
        store: open.
        benchmark_id: of the store.
        model_pair: by default the one that routers were scored for.
        router_names: only these; by default all.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        Qualities in the benchmark's own scale, shares as fractions, NaN where undefined.

    Raises:
        UnknownNameError: no such benchmark, model or scored router.
    """
    pair = model_pair or default_pair(store, benchmark_id)
    outcomes = store.pair_outcomes(benchmark_id, pair)
    routers = store.routers(benchmark_id, pair)
    missing = set(router_names) - set(routers["router_name"])
    if missing:
        there_are = ", ".join(sorted(set(routers["router_name"]))) or "none"
        raise UnknownNameError(
            f"no scores of router {', '.join(sorted(missing))!r} on {benchmark_id!r} for "
            f"{pair.strong} / {pair.weak}; there are {there_are}"
        )
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    oracle = baselines.oracle_curve(weak, strong)
    evaluations = [
        evaluate_router(
            outcomes,
            store.strong_win_rates(benchmark_id, pair, row.router_id, row.view),
            router=row.router_name,
            recipe=row.recipe,
            view=row.view,
            n_resamples=n_resamples,
            seed=seed,
        )
        for row in routers.itertuples()
        if not router_names or row.router_name in router_names
    ]
    return {
        "benchmark": benchmark_id,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "n_queries": outcomes.n_queries,
        "quality_strong": float(strong.mean()),
        "quality_weak": float(weak.mean()),
        "oracle": {"apgr": apgr(oracle), "cpt50": cpt(oracle, 0.5), "cpt80": cpt(oracle, 0.8)},
        "random": {"apgr": 0.5, "apgr_interval": baselines.random_apgr(weak, strong)},
        "routers": sorted((e._asdict() for e in evaluations), key=lambda e: -e["apgr"]),
    }
