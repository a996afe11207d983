"""The routers that fit what is asked, best first, beside what needs no router, and what to take."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from routellm_core.evaluation.recommendation import estimates as recommendation_estimates
from routellm_core.evaluation.recommendation import limits
from routellm_core.evaluation.recommendation.candidates import Field, read_field
from routellm_core.evaluation.recommendation.estimates import Difference, Estimate
from routellm_core.evaluation.recommendation.limits import Asked, Fit
from routellm_core.evaluation.recommendation.sentences import sentences, verdict_words
from routellm_core.evaluation.recommendation.settings import (
    Candidate,
    Queries,
    RankedBy,
    Setting,
    is_held_out,
    ranked_by,
)
from routellm_core.metrics.thresholds import Target
from routellm_core.statistics.intervals import mean_interval
from routellm_core.store import Store
from routellm_core.types import Interval, ModelPair

_PER = 1_000
"""Queries that money is given for."""


def recommend(
    store: Store,
    benchmark_id: str,
    asked: Asked,
    *,
    model_pair: ModelPair | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The routers of a benchmark's main view that fit what is asked, at list prices.

    Returns:
        As `document`.

    Raises:
        UnknownNameError: no such benchmark, model or slice, or no router has scored it.
        DataError: see `fitting.check`.
    """
    return document(read_field(store, benchmark_id, model_pair=model_pair), asked, seed=seed)


def document(field: Field, asked: Asked, *, seed: int = 0) -> dict[str, Any]:
    """The JSON object of `recommend --json`.

    Args:
        field: the routers and their queries.
        asked: what is wanted of a router.
        seed: of the parts that a held-out quality is cross-fitted on.

    Returns:
        `routers` that fit, best first, each with what it has more than the first (`to_first`) and
        than `bar`, the best that needs no router (`over_bar`); `unfit` ones with the reason;
        `blind`: random mix, always weak, always strong, with the `problem` of one that does not
        serve the target; `advice`, and `sentences` that say all of it. Qualities in the benchmark's
        own scale, money for a thousand queries, NaN where undefined.

    Raises:
        UnknownNameError: no such slice.
        DataError: see `fitting.check`.
    """
    field = field.of(asked.slices)
    queries, by = field.queries, ranked_by(asked.target, field.queries.costs)
    limits.check(asked, queries)
    found = [(c, limits.router_fit(c, queries, asked, seed)) for c in field.candidates]
    fits = [(c, fit) for c, fit in found if isinstance(fit, Fit)]
    fits.sort(key=lambda pair: _place(pair[1].setting, by))
    blind = limits.blind_fits(queries, asked)
    serving = [fit.setting for fit in blind if fit.problem is None]
    bar = min(serving, key=lambda setting: _place(setting, by), default=None)
    weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
    answer: dict[str, Any] = {
        "benchmark": field.card.benchmark_id,
        "title": field.card.title,
        "quality_unit": field.card.quality_unit,
        "model_pair": queries.outcomes.model_pair._asdict(),
        "view": field.view,
        "slices": list(asked.slices),
        "n_queries": queries.n,
        "n_texts": len(np.unique(queries.clusters)),
        "wish": {
            "mode": asked.target.mode,
            "wanted": asked.target.value,
            "queries_per_month": asked.target.queries_per_month,
        },
        "limits": asked.limits._asdict(),
        "machine_usd_per_hour": asked.usd_per_hour,
        "quality_weak": float(weak.mean()),
        "quality_strong": float(strong.mean()),
        "gap_interval": mean_interval(queries.gap, queries.clusters),
        "ranked_by": by,
        "is_held_out": is_held_out(asked.target),
        "seed": seed,
        "routers": _compared(fits, bar, queries, by, field.card.quality_unit),
        "unfit": [_names(c) | {"reason": fit} for c, fit in found if isinstance(fit, str)],
        "blind": [
            {"label": fit.setting.label} | _figures(fit, queries) | {"problem": fit.problem}
            for fit in blind
        ],
        "bar": None if bar is None else bar.label,
    }
    answer["advice"] = _advice(answer["routers"], asked.target)
    return answer | {"sentences": sentences(answer)}


def _compared(
    fits: Sequence[tuple[Candidate, Fit]],
    bar: Setting | None,
    queries: Queries,
    by: RankedBy,
    unit: str,
) -> list[dict[str, Any]]:
    """A row a router: its figures, and what it has more than the first and than the bar."""
    settings = [fit.setting for _, fit in fits]
    rows = [_names(c) | _figures(fit, queries) for c, fit in fits]
    for row in rows:
        row |= {"to_first": None, "over_bar": None}
    later = recommendation_estimates.to_first(settings, queries.clusters)
    for row, difference in zip(rows[1:], later, strict=True):
        row["to_first"] = _difference(difference, by, row["label"], rows[0]["label"], unit)
    if bar is not None:
        gains = recommendation_estimates.over(settings, bar, queries.clusters)
        for row, gain in zip(rows, gains, strict=True):
            row["over_bar"] = _difference(gain, by, row["label"], bar.label, unit)
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


def _figures(fit: Fit, queries: Queries) -> dict[str, Any]:
    """Each estimate under its name, its interval beside it."""
    setting, seconds = fit.setting, fit.seconds
    usd = recommendation_estimates.usd_of(setting, queries)
    estimates = {
        "quality": recommendation_estimates.quality_of(setting, queries),
        "pgr": recommendation_estimates.pgr_of_setting(setting, queries),
        "strong_call_share": recommendation_estimates.share_of(setting, queries),
        "usd_per_1000": Estimate(_PER * usd.value, _scaled(usd.interval, _PER)),
        "mean_s": seconds.mean,
        "p95_s": seconds.p95,
    }
    found: dict[str, Any] = {"threshold": setting.threshold, "router_ms": 1000 * setting.router_s}
    for name, estimate in estimates.items():
        found |= {name: estimate.value, f"{name}_interval": estimate.interval}
    return found | {"n_queries": queries.n, "n_timed": seconds.n_timed}


def _difference(
    difference: Difference, by: RankedBy, label: str, other: str, unit: str
) -> dict[str, Any]:
    """In the unit of the rows; whether it is to the good, and the verdict in words."""
    scale = _PER if by == "usd" else 1
    value = scale * difference.value
    found = difference._asdict() | {
        "value": value,
        "interval": _scaled(difference.interval, scale),
        "is_shown": difference.is_shown,
        "is_better": value > 0 if by == "quality" else value < 0,
    }
    return found | {"words": verdict_words(found, label, other, by, unit)}


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(factor * interval.low, factor * interval.high)


def _advice(rows: Sequence[dict[str, Any]], target: Target) -> dict[str, Any]:
    """Of the routers that are worth it and not told from the first the cheapest, or the fastest.

    The fastest where the target settles the money already, or where no money is known.
    """
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


def _is_gain(difference: dict[str, Any]) -> bool:
    return bool(difference["is_shown"] and difference["is_better"])
