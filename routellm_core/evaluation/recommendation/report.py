"""Recommendation for a benchmark: suitable routers, options without a router, and the advice."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from routellm_core.evaluation.best_of_all import best_document, best_not_dearer
from routellm_core.evaluation.money import cache_document, money_document
from routellm_core.evaluation.recommendation import estimates, limits, sentences
from routellm_core.evaluation.recommendation.candidates import Candidates, read_candidates
from routellm_core.evaluation.recommendation.estimates import Difference
from routellm_core.evaluation.recommendation.limits import Exclusion, Fit, Requirements
from routellm_core.evaluation.recommendation.settings import (
    Candidate,
    RankedBy,
    RecommendationQueries,
    Setting,
    is_held_out,
    mixed,
    ranked_by,
)
from routellm_core.evaluation.standing import standing_document
from routellm_core.metrics.prices import Price
from routellm_core.metrics.thresholds import Target
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.pair_standing import DOMINATED, StandingKind
from routellm_core.statistics.routed_money import money_by_group, money_figures, routed_money
from routellm_core.statistics.routed_point import money_estimates
from routellm_core.store import Store
from routellm_core.types import Estimate, Interval, ModelPair

_PER = 1_000
"""Queries that money is given for."""
FEW_QUERIES = 100
"""Below it even a good router can hardly be shown to be one."""


def recommend(
    store: Store,
    benchmark_id: str,
    required: Requirements,
    *,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
    seed: int = 0,
    warm_share: float | None = None,
) -> dict[str, Any]:
    """Recommendation among the routers of a benchmark's main view; arguments as of its parts.

    Returns:
        As `document`.

    Raises:
        UnknownNameError: no such benchmark, model or slice, or no router has scored it.
        DataError: see `limits.check`.
    """
    candidates = read_candidates(store, benchmark_id, model_pair=model_pair, prices=prices)
    return document(candidates, required, seed=seed, warm_share=warm_share)


def document(
    candidates: Candidates,
    required: Requirements,
    *,
    seed: int = 0,
    warm_share: float | None = None,
) -> dict[str, Any]:
    """The JSON object of `recommend --json`.

    Args:
        candidates: the routers and their queries.
        required: target, queries and limits.
        seed: of the parts that a held-out quality is cross-fitted on.
        warm_share: of the calls whose prompt one model alone would read from its cache; None: each
            router's `cache` is left out.

    Returns:
        `routers` that fit, best first, each with its excess over the first (`to_first`) and over
        the baseline `bar`, the best option without a router (`over_bar`); the excluded ones
        (`unfit`) with the reason; the options without a router (`blind`): random mix, always weak,
        always strong, with the `problem` of one that misses the target; `advice`, and `sentences`
        about all of it. `usd_per_1000` has the router's machine in it; `answers_usd_per_1000` and
        `saving`, against always strong, are of the answers alone, as on every page. Beside each
        text stands the enum that it puts into words. Qualities in the benchmark's own scale, money
        for a thousand queries, NaN where undefined.

    Raises:
        UnknownNameError: no such slice.
        DataError: see `limits.check`.
    """
    candidates = candidates.of(required.slices)
    card, queries = candidates.card, candidates.queries
    by, target = ranked_by(required.target, queries.costs), required.target
    limits.check(required, queries)
    found = [(c, limits.router_fit(c, queries, required, seed)) for c in candidates.routers]
    fits = [(c, fit) for c, fit in found if isinstance(fit, Fit)]
    fits.sort(key=lambda pair: _place(pair[1].setting, by))
    without_router = limits.fits_without_router(queries, required)
    suitable = [fit.setting for fit in without_router if fit.exclusion is None]
    baseline = min(suitable, key=lambda setting: _place(setting, by), default=None)
    weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
    ends = next(map(candidates.intervals, candidates.routers), None)  # the same of every router
    answer: dict[str, Any] = {
        "benchmark": card.benchmark_id,
        "title": card.title,
        "quality_unit": card.quality_unit,
        "model_pair": queries.outcomes.model_pair._asdict(),
        "view": candidates.view,
        "slices": list(required.slices),
        "n_queries": queries.n,
        "n_texts": len(np.unique(queries.clusters)),
        "wish": {
            "mode": target.mode,
            "wanted": target.value,
            "queries_per_month": target.queries_per_month,
        },
        "limits": required.limits._asdict(),
        "machine_usd_per_hour": required.usd_per_hour,
        "money": money_document(queries.outcomes.model_pair, queries.costs),
        "quality_weak": float(weak.mean()),
        "quality_strong": float(strong.mean()),
        "gap_interval": mean_interval(queries.gap, queries.clusters),
        "standing": standing_document(queries.outcomes, queries.costs, card),
        "ranked_by": by,
        "is_held_out": is_held_out(target),
        "seed": seed,
        "routers": _compared(fits, baseline, candidates, required, by),
        "unfit": [
            _names(c) | _with_enum("reason", fit, sentences.exclusion(fit, required))
            for c, fit in found
            if isinstance(fit, Exclusion)
        ],
        "blind": [
            {"label": fit.setting.label}
            | _figures(fit, queries, ends)
            | _with_enum("problem", fit.exclusion, sentences.shortfall(fit.exclusion, required))
            for fit in without_router
        ],
        "bar": None if baseline is None else baseline.label,
    }
    if candidates.models is not None and fits:
        first = fits[0][1].setting
        answers = mixed(queries.costs.weak, queries.costs.strong, first.calls)
        best = best_not_dearer(candidates.models, first.quality, answers, queries.clusters, card)
        answer["standing"]["best_of_all"] = best_document(best, card.quality_unit)
    if warm_share is not None:
        for (_, fit), row in zip(fits, answer["routers"], strict=True):
            called = fit.setting.calls > 0
            row["cache"] = cache_document(queries.outcomes, queries.costs, called, warm_share)
    answer["advice"] = _advice(answer["routers"], target, answer["standing"]["kind"])
    answer["cautions"] = _cautions(answer)
    return answer | {"sentences": sentences.recommendation(answer)}


def _with_enum(name: str, found: Exclusion | None, text: str | None) -> dict[str, Any]:
    return {name: text, f"{name}_kind": None if found is None else found.kind}


def _compared(
    fits: Sequence[tuple[Candidate, Fit]],
    baseline: Setting | None,
    candidates: Candidates,
    required: Requirements,
    by: RankedBy,
) -> list[dict[str, Any]]:
    """A row a router: its figures, and its excess over the first and over the baseline."""
    queries, unit = candidates.queries, candidates.card.quality_unit
    settings = [fit.setting for _, fit in fits]
    rows = [
        _names(c)
        | _figures(fit, queries, None if is_held_out(required.target) else candidates.intervals(c))
        for c, fit in fits
    ]
    for row in rows:
        row |= {"to_first": None, "over_bar": None}
    later = estimates.to_first(settings, queries.clusters)
    for row, difference in zip(rows[1:], later, strict=True):
        row["to_first"] = _difference(difference, by, row["label"], rows[0]["label"], unit)
    if baseline is not None:
        gains = estimates.over(settings, baseline, queries.clusters)
        for row, gain in zip(rows, gains, strict=True):
            row["over_bar"] = _difference(gain, by, row["label"], baseline.label, unit)
    return rows


def _place(setting: Setting, by: RankedBy) -> tuple[float, float, float, str]:
    """Sorts settings best first; of equal ones the cheapest, then the fastest."""
    figure = -setting.figure if by == "quality" else setting.figure
    usd, own = (math.inf if math.isnan(x) else x for x in (setting.usd.mean(), setting.router_s))
    return figure, usd, own, setting.label


def _names(candidate: Candidate) -> dict[str, Any]:
    return {
        "router": candidate.router,
        "recipe": candidate.recipe,
        "label": candidate.label,
        "router_id": candidate.router_id,
        "router_ms_source": candidate.seconds_source,
    }


def _figures(
    fit: Fit, queries: RecommendationQueries, along: CurveIntervals | None
) -> dict[str, Any]:
    """Each estimate under its name, its interval beside it.

    Args:
        fit: of a router, or of one or both models without any.
        queries: that are routed.
        along: the router's curve, of which the quality is a point; None: it is held out.
    """
    setting, seconds = fit.setting, fit.seconds
    usd = estimates.usd_of(setting, queries)
    answers, saved = money_estimates(setting.calls, queries.costs, queries.clusters)
    quality, pgr = estimates.of_curve(setting, queries, along)
    figures = {
        "quality": quality,
        "pgr": pgr,
        "strong_call_share": estimates.share_of(setting, queries),
        "usd_per_1000": Estimate(_PER * usd.value, _scaled(usd.interval, _PER)),
        "answers_usd_per_1000": Estimate(_PER * answers.value, _scaled(answers.interval, _PER)),
        "saving": saved,
        "mean_s": seconds.mean,
        "p95_s": seconds.p95,
    }
    found: dict[str, Any] = {"threshold": setting.threshold, "router_ms": 1000 * setting.router_s}
    found["bill"] = _bill(setting, queries)
    for name, estimate in figures.items():
        found |= {name: estimate.value, f"{name}_interval": estimate.interval}
    return found | {"n_queries": queries.n, "n_timed": seconds.n_timed}


def _bill(setting: Setting, queries: RecommendationQueries) -> dict[str, Any]:
    """Saving against always the strong model, deciding taken off; of each slice too."""
    outcomes, costs = queries.outcomes, queries.costs
    answers = mixed(costs.weak, costs.strong, setting.calls)
    deciding = float((setting.usd - answers).mean())
    parts = setting.calls, costs, queries.clusters
    groups = money_by_group(*parts, outcomes.slice_code, outcomes.slices, deciding)
    return {
        "deciding_usd_per_1000": _PER * deciding,
        **money_figures(routed_money(*parts, deciding)),
        "slices": [{"slice": group.name} | money_figures(group.money) for group in groups],
    }


def _difference(
    difference: Difference, by: RankedBy, label: str, other: str, unit: str
) -> dict[str, Any]:
    """In the unit of the rows, with the verdict as an enum and in words."""
    scale = _PER if by == "usd" else 1
    value = scale * difference.value
    found = difference._asdict() | {
        "value": value,
        "interval": _scaled(difference.interval, scale),
        "is_shown": difference.is_shown,
        "is_better": value > 0 if by == "quality" else value < 0,
    }
    verdict = "more" if value > 0 else "less"
    return found | {
        "verdict": verdict if difference.is_shown else "unclear",
        "words": sentences.verdict(found, label, other, by, unit),
    }


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(factor * interval.low, factor * interval.high)


def _advice(
    rows: Sequence[dict[str, Any]], target: Target, standing: StandingKind
) -> dict[str, Any]:
    """The cheapest or fastest router of those that are worth it and not clearly behind the first.

    The fastest where the target settles the money already, or where no money is known.
    """
    if standing in DOMINATED:
        return {"kind": "one model", "label": None, "among": [], "chosen_by": None}
    if not rows:
        return {"kind": "none fits", "label": None, "among": [], "chosen_by": None}
    worth = [r for r in rows if r["over_bar"] is None or _is_gain(r["over_bar"])]
    if not worth:
        return {"kind": "no router", "label": None, "among": [], "chosen_by": None}
    among = [r for r in worth if not r["to_first"] or not r["to_first"]["is_shown"]] or worth[:1]
    usd_is_known = all(math.isfinite(r["usd_per_1000"]) for r in among)
    chosen_by = "usd_per_1000" if target.mode == "share" and usd_is_known else "router_ms"
    known = [r for r in among if math.isfinite(r[chosen_by])] or among
    taken = min(known, key=lambda r: r[chosen_by])
    return {
        "kind": "router",
        "label": taken["label"],
        "among": [r["label"] for r in among],
        "chosen_by": chosen_by if len(among) > 1 else None,
    }


def _cautions(answer: dict[str, Any]) -> list[str]:
    """Reasons to read the figures with care, as enums in the order of their sentences."""
    low, high = answer["gap_interval"]
    no_price = math.isnan(answer["blind"][-1]["usd_per_1000"])
    found = {
        "reversed_gap": high < 0,
        "gap_may_be_none": low <= 0 <= high,
        "few_queries": answer["n_queries"] < FEW_QUERIES,
        "price_unknown": answer["ranked_by"] == "strong_calls" or no_price,
        "single_router": len(answer["routers"]) + len(answer["unfit"]) == 1,
    }
    return [name for name, holds in found.items() if holds]


def _is_gain(difference: dict[str, Any]) -> bool:
    return bool(difference["is_shown"] and difference["is_better"])
