"""What is asked of a router, which ones fit it, and what serves the target without any."""

import math
from typing import NamedTuple

import numpy as np

from routellm_core.errors import DataError, UnreachableError
from routellm_core.evaluation.overhead.router_times import CORE_USD_PER_HOUR
from routellm_core.evaluation.recommendation import estimates
from routellm_core.evaluation.recommendation.estimates import Seconds
from routellm_core.evaluation.recommendation.settings import Candidate, Queries, Setting, ranked_by
from routellm_core.evaluation.recommendation.with_router import router_setting
from routellm_core.evaluation.recommendation.without_router import mixed_setting, single_settings
from routellm_core.metrics.thresholds import Target

_NEARLY = 1e-9


class Limits(NamedTuple):
    """What may be taken at most, in seconds."""

    router_s: float = math.inf
    """By the router itself, for a query."""
    mean_s: float = math.inf
    """To a routed answer, on average."""
    p95_s: float = math.inf
    """That 95% of the routed answers do not exceed."""


class Asked(NamedTuple):
    """What somebody wants of a router."""

    target: Target
    slices: tuple[str, ...] = ()
    """Kinds of queries that they send; none: all."""
    limits: Limits = Limits()
    usd_per_hour: float = CORE_USD_PER_HOUR
    """Of the machine that the router keeps busy."""


class Fit(NamedTuple):
    """A setting that serves the target within the limits, or why it does not."""

    setting: Setting
    seconds: Seconds
    problem: str | None = None


def check(asked: Asked, queries: Queries) -> None:
    """Refuse what cannot be answered for any router.

    Raises:
        DataError: a target, limit or price is no number, there are too few queries, or seconds are
            limited that nobody measured.
    """
    target, limits = asked.target, asked.limits
    if not math.isfinite(target.value):
        raise DataError(f"a {target.mode} of {target.value:g} is no target; give a finite number")
    if target.mode == "share" and not 0.0 <= target.value <= 1.0:
        raise DataError(f"a share of {target.value:g} is none; give one between 0 and 1")
    if target.mode == "budget" and target.value < 0:
        raise DataError(f"a budget of {target.value:g} USD pays for nothing; give one from 0 up")
    if not 0 < target.queries_per_month < math.inf:
        raise DataError(f"{target.queries_per_month:g} queries a month cannot be paid for")
    if any(math.isnan(limit) or limit < 0 for limit in (*limits, asked.usd_per_hour)):
        raise DataError("a limit or a price is negative or no number; give numbers from 0 up")
    if len(np.unique(queries.clusters)) < 2:
        said = "1 query says" if queries.n == 1 else f"{queries.n:,} queries of one text say"
        raise DataError(f"{said} nothing about a router; choose more kinds of queries")
    timed = np.isfinite(queries.latencies.weak) & np.isfinite(queries.latencies.strong)
    if min(limits.mean_s, limits.p95_s) < math.inf and not timed.any():
        raise DataError(
            "nobody measured how long these answers took: leave out the limits on their seconds, "
            "or import results that have a time for each answer"
        )


def router_fit(candidate: Candidate, queries: Queries, asked: Asked, seed: int = 0) -> Fit | str:
    """The router at its threshold, or why it does not fit, without naming it."""
    target, limits = asked.target, asked.limits
    if math.isnan(candidate.seconds):
        if min(limits) < math.inf:
            return "nobody has measured its own time"
        in_money = target.mode == "budget" or ranked_by(target, queries.costs) == "usd"
        if in_money and asked.usd_per_hour > 0:
            return "nobody has measured its own time, so nobody knows what it costs"
    if candidate.seconds > limits.router_s:
        own, most = (f"{1000 * s:.3g} ms" for s in (candidate.seconds, limits.router_s))
        return f"its own {own} exceed {most}"
    try:
        setting = router_setting(candidate, queries, target, asked.usd_per_hour, seed=seed)
    except UnreachableError as error:
        return _unreached(target, error)
    seconds = estimates.seconds_of(setting, queries)
    return _too_slow(seconds, limits) or Fit(setting, seconds)


def blind_fits(queries: Queries, asked: Asked) -> list[Fit]:
    """The random mix where one serves the target, always weak, always strong: these as they are."""
    try:
        settings = [mixed_setting(queries, asked.target)]
    except UnreachableError:
        settings = []
    found = []
    for setting in (*settings, *single_settings(queries, asked.target)):
        seconds = estimates.seconds_of(setting, queries)
        problem = _misses(setting, queries, asked.target) or _too_slow(seconds, asked.limits)
        found.append(Fit(setting, seconds, problem))
    return found


def usd_per_1000(usd: float, target: Target) -> float:
    """Of a month's USD: what a thousand queries may cost."""
    return 1_000 * usd / target.queries_per_month


def _unreached(target: Target, error: UnreachableError) -> str:
    if error.best is None:
        return str(error).replace("this router", "it")
    if target.mode == "budget":
        wanted, least = (usd_per_1000(usd, target) for usd in (target.value, error.best))
        return f"${wanted:.3g} for 1,000 queries do not pay for it: ${least:.3g} are the least"
    if target.mode == "pgr":
        return (
            f"no threshold of it recovers {100 * target.value:.3g}% of the gap here: "
            f"{100 * error.best:.3g}% are the most"
        )
    return f"no threshold of it reaches that quality here: {error.best:.4g} is the most"


def _too_slow(seconds: Seconds, limits: Limits) -> str | None:
    mean, p95 = seconds.mean.value, seconds.p95.value
    if mean > limits.mean_s:
        return f"its answers take {mean:.3g} s on average, more than {limits.mean_s:.3g} s"
    if p95 > limits.p95_s:
        return f"a twentieth of its answers take over {p95:.3g} s, more than {limits.p95_s:.3g} s"
    return None


def _misses(setting: Setting, queries: Queries, target: Target) -> str | None:
    match target.mode:
        case "share":
            missed = setting.calls.mean() > target.value + _NEARLY
            return "calls the strong model more often" if missed else None
        case "budget":
            most = target.value / target.queries_per_month * (1 + _NEARLY)
            return None if setting.usd.mean() <= most else "costs more"
        case "quality":
            missed = setting.quality.mean() < target.value - _NEARLY
            return "does not reach that quality" if missed else None
        case _:
            if not queries.gap.mean() > 0:
                return "there is no gap to recover"
            recovered = estimates.pgr_of_setting(setting, queries).value
            return None if recovered >= target.value - _NEARLY else "does not recover as much"
