"""The figures of routers on one benchmark, as tables and as the JSON of `evaluate`."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.oracle_gap import oracle_gap
from routellm_core.evaluation.slice_ranks import (
    NO_ROUTERS,
    SLICE_TABLE,
    prior_folds,
    slice_prior,
    within_slice,
)
from routellm_core.metrics import baselines, variants
from routellm_core.metrics.curve import apgr, cpt, rank_queries, routing_curve
from routellm_core.metrics.slices import looks_broken, slice_table
from routellm_core.statistics.bootstrap import (
    EXACT_LIMIT,
    N_RESAMPLES,
    CurveResamples,
    curve_resamples,
    paired_resamples,
)
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.store import Store
from routellm_core.store.selection import complete_routers, default_pair, main_view
from routellm_core.types import N_FOLDS, Floats, Interval, ModelPair, PairOutcomes

WITHIN_SLICE = "within_slice"
"""The view that is computed from `in_domain` scores and never stored; see `within_slice`."""
UNTOUCHED_FOLD = 0
"""Of the shipped out-of-fold scores: nothing about the routers was chosen by looking at it."""


class Evaluation(NamedTuple):
    """One router on one benchmark: the numbers of the paper's tables, with 95% intervals."""

    router: str
    recipe: str
    view: str
    n_queries: int
    apgr: float
    apgr_interval: Interval
    cpt50: float
    cpt50_interval: Interval
    cpt80: float
    cpt80_interval: Interval
    apgr_ten_bin: float
    apgr_tenth_sum: float
    oracle_gap: float
    """Recovered from the best single model to the oracle, see `oracle_gap.oracle_gap`."""
    oracle_gap_interval: Interval
    oracle_gap_at_best: float
    """The same at the best threshold of these very queries."""


def evaluate_router(
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    *,
    router: str,
    recipe: str,
    view: str,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """APGR and CPT of one router, with seeded bootstrap intervals."""
    scored = _Scored({"router": router, "recipe": recipe, "view": view}, strong_win_rate)
    resamples = _resamples(outcomes, [scored], n_resamples, seed)
    return _evaluation(outcomes, scored, resamples[0])


def evaluate_benchmark(
    store: Store,
    benchmark_id: str,
    *,
    model_pair: ModelPair | None = None,
    router_names: Sequence[str] = (),
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    n_rivals: int | None = None,
) -> dict[str, Any]:
    """All routers scored on a benchmark, as the JSON object of `evaluate --json`.

    Args:
        store: open.
        benchmark_id: of the store.
        model_pair: by default the one that routers were scored for.
        router_names: only these; by default all.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.
        n_rivals: against how many of the next best the best one is held; by default all.

    Returns:
        Qualities in the benchmark's own scale, shares as fractions, NaN where undefined. Where the
        outcomes of some slices look broken, `without_broken` has the APGRs without those; `ahead`
        has the gain of the best router over each other one of the main view, with a paired
        interval; nobody is ahead where the strong model is not the better one, as the better of
        two routers then has the lower APGR.

        Some figures are read from the stored scores in a way of their own: `within_slice` from
        `in_domain` scores that rank inside each slice and fold only; `untouched`, where the
        benchmark gave labels, from the shipped `in_domain` scores of the one fold that no choice
        was made on; `unseen_slices` after ranking inside each fold, as a router is that was
        calibrated on what it serves (`apgr_pooled` is the figure without that). `in_domain` is
        read from the scores as they are, since a threshold is one of scores. Those of several fits
        are ranked together then, which is rather too low (`apgr_by_fold` is the figure after
        ranking inside each fold).

        Beside the routers stands `slice_table`, which knows of a query its slice alone: see
        `slice_ranks.slice_prior`. It is never ahead, and neither is `random`.

    Raises:
        UnknownNameError: no such benchmark, model or scored router.
    """
    pair = model_pair or default_pair(store, benchmark_id)
    outcomes = store.pair_outcomes(benchmark_id, pair)
    routers = complete_routers(store, outcomes)
    missing = set(router_names) - {*routers["router_name"], SLICE_TABLE}
    if missing:
        there_are = ", ".join(sorted(set(routers["router_name"]))) or "none"
        raise UnknownNameError(
            f"no scores of router {', '.join(sorted(missing))!r} on {benchmark_id!r} for "
            f"{pair.strong} / {pair.weak}; there are {there_are}"
        )
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    oracle = baselines.oracle_curve(weak, strong)
    scored: list[_Scored] = []
    for row in routers.itertuples():
        if not router_names or row.router_name in router_names:
            scored += _views_of(store, outcomes, row)
    if (not router_names or SLICE_TABLE in router_names) and np.ptp(outcomes.slice_code):
        names = {"router": SLICE_TABLE, "recipe": "none", "view": "in_domain"}
        prior = slice_prior(outcomes, seed=seed)
        ranks = within_slice(prior, outcomes.slice_code, prior_folds(outcomes, seed=seed))
        scored += [_Scored(names, prior), _Scored(names | {"view": WITHIN_SLICE}, ranks)]
    resamples = _resamples(outcomes, scored, n_resamples, seed)
    evaluations = [
        _evaluation(outcomes, s, resampled)._asdict() | dict(s.further)
        for s, resampled in zip(scored, resamples, strict=True)
    ]
    return {
        "benchmark": benchmark_id,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "n_queries": outcomes.n_queries,
        "quality_strong": float(strong.mean()),
        "quality_weak": float(weak.mean()),
        "oracle": {"apgr": apgr(oracle), "cpt50": cpt(oracle, 0.5), "cpt80": cpt(oracle, 0.8)},
        "random": {"apgr": 0.5, "apgr_interval": baselines.random_apgr(weak, strong)},
        "routers": _best_first(evaluations),
        "ahead": _ahead(outcomes, scored, resamples, seed, n_rivals),
        **_without_broken(outcomes, scored),
    }


class _Scored(NamedTuple):
    """Scores to evaluate."""

    names: dict[str, str]
    """Router, recipe and view."""
    scores: Floats
    """(n_queries,)"""
    kept: NDArray[np.bool_] | None = None
    """(n_queries,) which queries to evaluate on; None for all."""
    further: Mapping[str, Any] = MappingProxyType({})
    """More figures."""

    @property
    def of_kept(self) -> Floats:
        return self.scores if self.kept is None else self.scores[self.kept]


def _resamples(
    outcomes: PairOutcomes, scored: Sequence[_Scored], n_resamples: int, seed: int
) -> list[CurveResamples]:
    """Resamples for each of the scores; scores of the same queries are read on the same ones."""
    found: dict[int, CurveResamples] = {}
    masks = [None if s.kept is None else s.kept.tobytes() for s in scored]
    for mask in dict.fromkeys(masks):
        group = [i for i, other in enumerate(masks) if other == mask]
        kept = scored[group[0]].kept
        known = outcomes if kept is None else outcomes.of(kept)
        resamples = curve_resamples(
            [rank_queries(scored[i].of_kept) for i in group],
            known.quality_weak,
            known.quality_strong,
            cluster_code=known.cluster_code,
            n_resamples=n_resamples,
            seed=seed,
        )
        found |= zip(group, resamples, strict=True)
    return [found[i] for i in range(len(scored))]


def _evaluation(outcomes: PairOutcomes, scored: _Scored, resamples: CurveResamples) -> Evaluation:
    known = outcomes if scored.kept is None else outcomes.of(scored.kept)
    weak, strong = known.quality_weak, known.quality_strong
    curve = routing_curve(scored.of_kept, weak, strong)
    bins = variants.ten_bin_curve(scored.of_kept, weak, strong, curve)
    gap = oracle_gap(scored.of_kept, known)
    return Evaluation(
        **scored.names,
        n_queries=known.n_queries,
        apgr=apgr(curve),
        apgr_interval=percentile_interval(resamples.apgr),
        cpt50=cpt(curve, 0.5),
        cpt50_interval=percentile_interval(resamples.cpt50),
        cpt80=cpt(curve, 0.8),
        cpt80_interval=percentile_interval(resamples.cpt80),
        apgr_ten_bin=variants.ten_bin_apgr(*bins),
        apgr_tenth_sum=variants.tenth_sum_apgr(curve),
        oracle_gap=gap.recovered,
        oracle_gap_interval=gap.interval,
        oracle_gap_at_best=gap.recovered_at_best,
    )


def _views_of(store: Store, outcomes: PairOutcomes, row: Any) -> Iterator[_Scored]:
    """A router's stored scores of one view, and what is read from them besides."""
    where = outcomes.benchmark_id, outcomes.model_pair, row.router_id, row.view
    names = {"router": row.router_name, "recipe": row.recipe, "view": row.view}
    scores = store.strong_win_rates(*where)
    if row.view == "unseen_slices":
        fold = store.folds(*where)
        pooled = apgr(routing_curve(scores, outcomes.quality_weak, outcomes.quality_strong))
        yield _Scored(names, within_slice(scores, fold), further={"apgr_pooled": pooled})
        return
    if row.view != "in_domain":
        yield _Scored(names, scores)
        return
    fold = store.folds(*where)
    by_fold = routing_curve(
        within_slice(scores, fold), outcomes.quality_weak, outcomes.quality_strong
    )
    yield _Scored(names, scores, further={"apgr_by_fold": apgr(by_fold)})
    if len(outcomes.slices) > 1:
        ranks = within_slice(scores, outcomes.slice_code, fold)
        yield _Scored(names | {"view": WITHIN_SLICE}, ranks)
    if fold.max() == N_FOLDS - 1 and store.router(row.router_id).origin == "shipped":
        yield _Scored(names | {"view": "untouched"}, scores, fold == UNTOUCHED_FOLD)


def _ahead(
    outcomes: PairOutcomes,
    scored: Sequence[_Scored],
    resamples: Sequence[CurveResamples],
    seed: int,
    n_rivals: int | None,
) -> list[dict[str, Any]]:
    """Gains of the best router of the first view over each other router of that view."""
    whole = [
        (s, resampled)
        for s, resampled in zip(scored, resamples, strict=True)
        if s.kept is None and s.names["router"] not in NO_ROUTERS
    ]
    view = main_view([s.names["view"] for s, _ in whole])
    known = [(s, resampled) for s, resampled in whole if s.names["view"] == view]
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    figures = [apgr(routing_curve(s.scores, weak, strong)) for s, _ in known]
    if len(known) < 2 or not np.isfinite(figures).all() or not strong.mean() > weak.mean():
        return []
    best_first = np.argsort(figures)[::-1][: None if n_rivals is None else n_rivals + 1]
    figures = [figures[i] for i in best_first]
    names = [known[i][0].names for i in best_first]
    read = [known[i][1].apgr for i in best_first]
    if outcomes.n_queries > EXACT_LIMIT:  # where each router has resamples of its own
        paired = paired_resamples(
            [rank_queries(known[i][0].scores) for i in best_first],
            weak,
            strong,
            cluster_code=outcomes.cluster_code,
            n_resamples=len(read[0]),
            seed=seed,
        )
        read = [resampled.apgr for resampled in paired]
    return [
        {
            **names[0],
            "over": other["router"],
            "over_recipe": other["recipe"],
            "gain": figures[0] - figure,
            "gain_interval": percentile_interval(read[0] - resampled),
        }
        for other, figure, resampled in zip(names[1:], figures[1:], read[1:], strict=True)
    ]


def _without_broken(outcomes: PairOutcomes, scored: Sequence[_Scored]) -> dict[str, Any]:
    """APGRs on the queries of the slices whose outcomes look sound; empty when all do."""
    n_queries = outcomes.n_queries
    table = slice_table(outcomes, np.zeros(n_queries), 1.0)  # qualities need no router
    broken = table.loc[looks_broken(table), "slice"].tolist()
    if not broken:
        return {}
    kept = ~np.isin(outcomes.slice_code, [outcomes.slices.index(name) for name in broken])
    weak, strong = outcomes.quality_weak[kept], outcomes.quality_strong[kept]
    routers = [
        {**s.names, "apgr": apgr(routing_curve(s.scores[kept], weak, strong))}
        for s in scored
        if s.kept is None
    ]
    return {
        "without_broken": {
            "slices": broken,
            "n_queries": int(kept.sum()),
            "routers": _best_first(routers),
        }
    }


def _best_first(routers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(routers, key=lambda r: -r["apgr"])
