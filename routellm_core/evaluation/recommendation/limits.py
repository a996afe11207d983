"""Requirements of a router, the settings that meet them, and why the others are excluded."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.errors import DataError, UnreachableError
from routellm_core.evaluation.overhead.router_times import CORE_USD_PER_HOUR
from routellm_core.evaluation.recommendation import estimates
from routellm_core.evaluation.recommendation.estimates import Seconds
from routellm_core.evaluation.recommendation.settings import (
    Candidate,
    RecommendationQueries,
    Setting,
    ranked_by,
)
from routellm_core.evaluation.recommendation.with_router import router_setting
from routellm_core.evaluation.recommendation.without_router import mixed_setting, single_settings
from routellm_core.metrics.thresholds import Target

_NEARLY = 1e-9

ExclusionKind: TypeAlias = Literal[
    "time_unknown",
    "cost_unknown",
    "price_unknown",
    "router_time",
    "mean_time",
    "p95_time",
    "no_gap",
    "share",
    "budget",
    "quality",
    "pgr",
]
"""The requirement that is not met, or the figure that is not known."""
_KINDS: Mapping[str, ExclusionKind] = {
    "share": "share",
    "budget": "budget",
    "quality": "quality",
    "pgr": "pgr",
}


class Limits(NamedTuple):
    """Upper limits, in seconds."""

    router_s: float = math.inf
    """The router's own time for a query."""
    mean_s: float = math.inf
    """Mean time to a routed answer."""
    p95_s: float = math.inf
    """95th percentile of the time to a routed answer."""


class Requirements(NamedTuple):
    """Target, queries and limits that a router is chosen for."""

    target: Target
    slices: tuple[str, ...] = ()
    """Slices of the queries; none: all."""
    limits: Limits = Limits()
    usd_per_hour: float = CORE_USD_PER_HOUR
    """Price of the machine that the router keeps busy."""


class Exclusion(NamedTuple):
    """A requirement that is not met."""

    kind: ExclusionKind
    reached: float = math.nan
    """Nearest to the requirement, in its unit: seconds, a share, quality or USD for 1,000 queries;
    NaN where there is no figure."""


class Fit(NamedTuple):
    """A setting for the target; with the requirement that it misses, if any."""

    setting: Setting
    seconds: Seconds
    exclusion: Exclusion | None = None


def check(required: Requirements, queries: RecommendationQueries) -> None:
    """Refuse what cannot be answered for any router.

    Raises:
        DataError: a target, limit or price is no number, there are too few queries, or seconds are
            limited that nobody measured.
    """
    target, limits = required.target, required.limits
    if not math.isfinite(target.value):
        raise DataError(f"a {target.mode} of {target.value:g} is no target; give a finite number")
    if target.mode == "share" and not 0.0 <= target.value <= 1.0:
        raise DataError(f"a share of {target.value:g} is none; give one between 0 and 1")
    if target.mode == "budget" and target.value < 0:
        raise DataError(f"a budget of {target.value:g} USD pays for nothing; give one from 0 up")
    if not 0 < target.queries_per_month < math.inf:
        raise DataError(f"{target.queries_per_month:g} queries a month cannot be paid for")
    if any(math.isnan(limit) or limit < 0 for limit in (*limits, required.usd_per_hour)):
        raise DataError("a limit or a price is negative or no number; give numbers from 0 up")
    if len(np.unique(queries.clusters)) < 2:
        said = "1 query says" if queries.n == 1 else f"{queries.n:,} queries of one text say"
        raise DataError(f"{said} nothing about a router; choose more kinds of queries")
    timed = np.isfinite(queries.latencies.weak) & np.isfinite(queries.latencies.strong)
    if min(limits.mean_s, limits.p95_s) < math.inf and not timed.any():
        raise DataError(
            "the times of these answers were not measured: leave out the limits on their seconds, "
            "or import results that have a time for each answer"
        )


def router_fit(
    candidate: Candidate, queries: RecommendationQueries, required: Requirements, seed: int = 0
) -> Fit | Exclusion:
    """The router at its threshold for the target, or the requirement that it misses."""
    target, limits = required.target, required.limits
    if math.isnan(candidate.seconds):
        if min(limits) < math.inf:
            return Exclusion("time_unknown")
        in_money = target.mode == "budget" or ranked_by(target, queries.costs) == "usd"
        if in_money and required.usd_per_hour > 0:
            return Exclusion("cost_unknown")
    if candidate.seconds > limits.router_s:
        return Exclusion("router_time", candidate.seconds)
    try:
        setting = router_setting(candidate, queries, target, required.usd_per_hour, seed=seed)
    except UnreachableError as error:
        return _unreached(target, error.best)
    seconds = estimates.seconds_of(setting, queries)
    return _too_slow(seconds, limits) or Fit(setting, seconds)


def fits_without_router(queries: RecommendationQueries, required: Requirements) -> list[Fit]:
    """A random mix where one serves the target, always weak, always strong."""
    try:
        settings = [mixed_setting(queries, required.target)]
    except UnreachableError:
        settings = []
    found = []
    for setting in (*settings, *single_settings(queries, required.target)):
        seconds = estimates.seconds_of(setting, queries)
        missed = _missed(setting, queries, required.target) or _too_slow(seconds, required.limits)
        found.append(Fit(setting, seconds, missed))
    return found


def usd_per_1000(usd_per_month: float, target: Target) -> float:
    """Budget for a thousand queries, from USD a month."""
    return 1_000 * usd_per_month / target.queries_per_month


def _unreached(target: Target, best: float | None) -> Exclusion:
    if best is None:
        return Exclusion("price_unknown" if target.mode == "budget" else "no_gap")
    reached = usd_per_1000(best, target) if target.mode == "budget" else best
    return Exclusion(_KINDS[target.mode], reached)


def _too_slow(seconds: Seconds, limits: Limits) -> Exclusion | None:
    mean, p95 = seconds.mean.value, seconds.p95.value
    if mean > limits.mean_s:
        return Exclusion("mean_time", mean)
    return Exclusion("p95_time", p95) if p95 > limits.p95_s else None


def _missed(setting: Setting, queries: RecommendationQueries, target: Target) -> Exclusion | None:
    """The target, where a setting without a router does not meet it."""
    match target.mode:
        case "share":
            reached = float(setting.calls.mean())
            is_met = reached <= target.value + _NEARLY
        case "budget":
            usd, most = float(setting.usd.mean()), target.value / target.queries_per_month
            reached, is_met = 1_000 * usd, usd <= most * (1 + _NEARLY)
        case "quality":
            reached = float(setting.quality.mean())
            is_met = reached >= target.value - _NEARLY
        case "pgr" if not queries.gap.mean() > 0:
            return Exclusion("no_gap")
        case _:
            reached = estimates.pgr_of_setting(setting, queries).value
            is_met = reached >= target.value - _NEARLY
    return None if is_met else Exclusion(_KINDS[target.mode], reached)
