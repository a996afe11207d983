"""Comparison of the routers of a benchmark, as one JSON object."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.comparison import controls, sentences
from routellm_core.evaluation.comparison.decomposition import Decomposition, decomposition
from routellm_core.evaluation.comparison.verdicts import PairVerdict, verdicts
from routellm_core.evaluation.money import cache_document, money_document
from routellm_core.evaluation.oracle_gap import oracle_gap
from routellm_core.evaluation.slice_ranks import (
    NO_ROUTERS,
    SLICE_TABLE,
    prior_folds,
    slice_prior,
    within_slice,
)
from routellm_core.evaluation.standing import standing_document
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.metrics import cost_quality
from routellm_core.metrics.costs import PairCosts, pair_costs, routed_cost
from routellm_core.metrics.curve import (
    calls_strong,
    curve_of,
    index_at_share,
    rank_queries,
    routing_curve,
)
from routellm_core.metrics.prices import Price, prices_of
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.statistics.cost_quality_bands import cost_intervals
from routellm_core.statistics.intervals import mean_interval
from routellm_core.store import Store
from routellm_core.store.selection import complete_routers, default_pair, main_view
from routellm_core.types import Floats, Ints, ModelPair, PairOutcomes

_KEYS = {"between_slice_gain": "recognising", "within_slice_gain": "ranking"}
"""Keys of the JSON object that differ from the names of `Decomposition`."""


def compare_routers(
    store: Store,
    benchmark_id: str,
    *,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
    router_names: Sequence[str] = (),
    view: str | None = None,
    strong_call_share: float = 0.5,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    warm_share: float | None = None,
    on_progress: OnProgress = silent,
) -> dict[str, Any]:
    """Verdicts, controls and decompositions of the routers of one view.

    Args:
        store: open.
        benchmark_id: of the store.
        model_pair: by default the one that routers were scored for.
        prices: of the weak and the strong model; by default list prices.
        router_names: only these; by default all.
        view: of the stored scores; by default the one that most routers have. Scores of
            `unseen_slices` are ranked inside each fold first, as `evaluate_benchmark` does.
        strong_call_share: at which qualities are compared.
        n_resamples: of the bootstrap, and shuffles of the control.
        seed: of both.
        warm_share: of the calls whose prompt one model alone would read from its cache; None: each
            router's `cache` is left out.
        on_progress: told of each router.

    Returns:
        The JSON object of `compare --json`. `random` and, of scores in domain, `slice_table` (see
        `slice_ranks.slice_prior`) stand among `routers` and in no verdict; the routers fall in
        `mean_quality`, that over all strong-call shares, as the verdicts do.

    Raises:
        UnknownNameError: no such benchmark or model, or no router has scored it so.
    """
    pair = model_pair or default_pair(store, benchmark_id)
    outcomes = store.pair_outcomes(benchmark_id, pair)
    rows = complete_routers(store, outcomes)
    if router_names:
        rows = rows[rows["router_name"].isin(router_names)]
    view = view or main_view(rows["view"].tolist())
    rows = rows[rows["view"] == view]
    missing = sorted(set(router_names) - set(rows["router_name"]))
    if missing or rows.empty:
        raise UnknownNameError(
            f"no scores of {', '.join(missing) or 'any router'} on {benchmark_id} ({view}) for "
            f"{pair.strong} / {pair.weak}; see what there is with: evaluate --benchmark "
            f"{benchmark_id}"
        )
    labels = _labels(list(zip(rows["router_name"], rows["recipe"], strict=True)))
    scores: dict[str, Floats] = {}
    folds: dict[str, Ints] = {}
    for label, router_id in zip(labels, rows["router_id"], strict=True):
        where = benchmark_id, pair, router_id, view
        scores[label], folds[label] = store.strong_win_rates(*where), store.folds(*where)
        if view == "unseen_slices":
            scores[label] = within_slice(scores[label], folds[label])
    if view == "in_domain" and not router_names and np.ptp(outcomes.slice_code):
        labels[SLICE_TABLE] = (SLICE_TABLE, "none")
        scores[SLICE_TABLE] = slice_prior(outcomes, seed=seed)
        folds[SLICE_TABLE] = prior_folds(outcomes, seed=seed)
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    on_progress(Progress("every pair", 0, len(labels) + 1))
    found = verdicts(
        {label: scores[label] for label, (name, _) in labels.items() if name not in NO_ROUTERS},
        weak,
        strong,
        cluster_code=outcomes.cluster_code,
        strong_call_share=strong_call_share,
        n_resamples=n_resamples,
        seed=seed,
    )
    costs = pair_costs(outcomes, *(prices or prices_of(pair, store.typed_prices(benchmark_id))))
    routers = []
    for i, (label, (name, recipe)) in enumerate(labels.items(), start=1):
        on_progress(Progress(label, i, len(labels) + 1))
        parts = decomposition(
            outcomes, scores[label], fold=folds[label], n_resamples=n_resamples, seed=seed
        )
        routers.append(
            {
                "router": name,
                "recipe": recipe,
                "label": label,
                "mean_quality": _mean_quality(outcomes, scores[label]),
                **_oracle_gap(outcomes, scores[label]),
                **_parts(parts),
                **_controls(outcomes, scores[label], n_resamples, seed),
                **_along_costs(outcomes, scores[label], costs, n_resamples, seed),
            }
        )
        if warm_share is not None:
            called = _called_at(scores[label], outcomes, strong_call_share)
            routers[-1]["cache"] = cache_document(outcomes, costs, called, warm_share)
    return {
        "benchmark": benchmark_id,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "money": money_document(pair, costs),
        "standing": standing_document(outcomes, costs, store.benchmark(benchmark_id)),
        "view": view,
        "n_queries": outcomes.n_queries,
        "n_texts": len(np.unique(outcomes.cluster_code)),
        "n_slices": len(np.unique(outcomes.slice_code)),
        "quality_strong": float(strong.mean()),
        "quality_weak": float(weak.mean()),
        "gap_interval": mean_interval(strong - weak, outcomes.cluster_code),
        "strong_call_share": strong_call_share,
        "n_resamples": n_resamples,
        "seed": seed,
        "verdicts": [_verdict(verdict, labels) for verdict in found],
        "routers": sorted(routers, key=lambda r: -r["mean_quality"]),
    }


def _labels(names: Sequence[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Router and recipe by label: the recipe is named where a router has several."""
    n_recipes = Counter(router for router, _ in names)
    return {
        router if n_recipes[router] == 1 else f"{router} ({recipe})": (router, recipe)
        for router, recipe in names
    }


def _verdict(verdict: PairVerdict, labels: dict[str, tuple[str, str]]) -> dict[str, Any]:
    found = verdict._asdict() | {
        "at_share": verdict.at_share._asdict(),
        "labels": [verdict.router, verdict.over],
        "is_ahead": verdict.is_ahead,
        "amount": verdict.amount,
        "amount_interval": verdict.amount_interval,
        "kind": verdict.kind,
    }
    found["words"] = sentences.verdict(found)
    found["router"], found["recipe"] = labels[verdict.router]
    found["over"], found["over_recipe"] = labels[verdict.over]
    return found


def _parts(parts: Decomposition) -> dict[str, Any]:
    """Each estimate under its name, its interval beside it."""
    found: dict[str, Any] = {}
    for field, estimate in parts._asdict().items():
        if not field.startswith("n_"):
            name = _KEYS.get(field, field)
            found |= {name: estimate.value, f"{name}_interval": estimate.interval}
    return found


def _called_at(
    scores: Floats, outcomes: PairOutcomes, strong_call_share: float
) -> NDArray[np.bool_]:
    """(n_queries,) True where the strong model is called at the share that can be reached."""
    curve = routing_curve(scores, outcomes.quality_weak, outcomes.quality_strong)
    return calls_strong(scores, float(curve.threshold[index_at_share(curve, strong_call_share)]))


def _mean_quality(outcomes: PairOutcomes, scores: Floats) -> float:
    """Mean over all strong-call shares, which APGR puts on the scale of the gap."""
    curve = routing_curve(scores, outcomes.quality_weak, outcomes.quality_strong)
    return cost_quality.deferral_area(curve.strong_call_share, curve.quality)


def _oracle_gap(outcomes: PairOutcomes, scores: Floats) -> dict[str, Any]:
    """As `Evaluation` names it."""
    gap = oracle_gap(scores, outcomes)
    return {
        "oracle_gap": gap.recovered,
        "oracle_gap_interval": gap.interval,
        "oracle_gap_at_best": gap.recovered_at_best,
    }


def _controls(outcomes: PairOutcomes, scores: Floats, n_shuffles: int, seed: int) -> dict[str, Any]:
    found = controls.router_controls(
        scores,
        outcomes.quality_weak,
        outcomes.quality_strong,
        cluster_code=outcomes.cluster_code,
        n_shuffles=n_shuffles,
        seed=seed,
    )
    return found._asdict() | {
        "control": found.control._asdict(),
        "choice_entropy": controls.choice_entropy(found.share_at_half),
        "words": sentences.control(found._asdict()),
    }


def _along_costs(
    outcomes: PairOutcomes, scores: Floats, costs: PairCosts, n_resamples: int, seed: int
) -> dict[str, Any]:
    """Cost-quality measures of other projects; NaN where a price is unknown."""
    ranking = rank_queries(scores)
    curve = curve_of(ranking, outcomes.quality_weak, outcomes.quality_strong)
    cost = routed_cost(ranking, costs)
    intervals = cost_intervals(ranking, outcomes, costs, n_resamples=n_resamples, seed=seed)
    return {
        "aiq": cost_quality.aiq(cost, curve.quality),
        "deferral_area": cost_quality.deferral_area(cost, curve.quality),
        "quality_neutral_cost_usd": cost_quality.quality_neutral_cost(cost, curve.quality),
        "quality_neutral_cost": cost_quality.quality_neutral_part(cost, curve.quality),
        "quality_neutral_share": cost_quality.quality_neutral_cost(
            curve.strong_call_share, curve.quality
        ),
        **{f"{name}_interval": ends for name, ends in intervals._asdict().items()},
    }
