"""From a target to a threshold: a share, a budget, a quality or a recovered gap.

Each function finds a threshold on the curve and says what was wanted and what it achieves. The
answer holds for the queries of the curve; other traffic has other scores.

>>> import numpy as np
>>> from routellm_core.metrics.curve import routing_curve
>>> score = np.array([0.9, 0.2, 0.7, 0.2])
>>> curve = routing_curve(score, np.zeros(4), np.array([1.0, 0.0, 1.0, 0.0]))
>>> for_share(curve, 0.6)
ThresholdChoice(mode='share', wanted=0.6, achieved=0.5, threshold=0.7)
>>> for_pgr(curve, 0.5)
ThresholdChoice(mode='pgr', wanted=0.5, achieved=0.5, threshold=0.9)
"""

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.errors import DataError, UnreachableError
from routellm_core.metrics.curve import index_at_share, pgr
from routellm_core.types import Floats, RoutingCurve

Mode: TypeAlias = Literal["alpha", "share", "budget", "quality", "pgr"]


class Target(NamedTuple):
    """A quantity that a threshold is chosen to give, and its value."""

    mode: Mode
    value: float
    queries_per_month: float = 100_000.0
    """Queries that a budget is for."""


class ThresholdChoice(NamedTuple):
    """A threshold, the target that led to it, and what it achieves of that target."""

    mode: Mode
    wanted: float
    achieved: float
    threshold: float


def for_target(curve: RoutingCurve, cost_per_query: Floats, target: Target) -> ThresholdChoice:
    """The threshold that meets any target; one for α is met by α itself.

    Args:
        curve: of the router.
        cost_per_query: (n_points,) mean USD a query at each point of the curve.
        target: what the threshold is to give.

    Raises:
        UnreachableError: no threshold meets the target.
        DataError: the given α is NaN.
    """
    match target.mode:
        case "alpha":
            if math.isnan(target.value):
                raise DataError("a threshold of NaN decides nothing; give a number in [0, 1]")
            return ThresholdChoice("alpha", target.value, target.value, target.value)
        case "share":
            return for_share(curve, target.value)
        case "pgr":
            return for_pgr(curve, target.value)
        case "quality":
            return for_quality(curve, target.value)
        case "budget":
            return for_budget(curve, cost_per_query, target.value, target.queries_per_month)


def for_share(curve: RoutingCurve, wanted_share: float) -> ThresholdChoice:
    """The largest reachable strong-call share that does not exceed the wanted one.

    Raises:
        UnreachableError: the target is no share in [0, 1].
    """
    if not 0.0 <= wanted_share <= 1.0:
        raise UnreachableError(f"a share of {wanted_share:.0%} is not between 0% and 100%")
    i = index_at_share(curve, wanted_share)
    return ThresholdChoice(
        "share", wanted_share, float(curve.strong_call_share[i]), float(curve.threshold[i])
    )


def for_quality(curve: RoutingCurve, wanted_quality: float) -> ThresholdChoice:
    """The least strong-call share whose quality reaches the wanted one.

    Raises:
        UnreachableError: no threshold reaches it; the text names the best there is.
    """
    i = _first_reaching(curve.quality, wanted_quality)
    if i is None:
        best = curve.quality.max()
        raise UnreachableError(
            f"no threshold of this router reaches a quality of {wanted_quality:.4g}; "
            f"the best is {best:.4g}",
            best=float(best),
        )
    return ThresholdChoice(
        "quality", wanted_quality, float(curve.quality[i]), float(curve.threshold[i])
    )


def for_pgr(curve: RoutingCurve, wanted_pgr: float) -> ThresholdChoice:
    """The least strong-call share whose PGR reaches the wanted one.

    Raises:
        UnreachableError: no threshold reaches it, or both models are equally good.
    """
    recovered = pgr(curve)
    if np.isnan(recovered).all():
        raise UnreachableError("both models are equally good here: there is no gap to recover")
    i = _first_reaching(recovered, wanted_pgr)
    if i is None:
        raise UnreachableError(
            f"no threshold of this router recovers {wanted_pgr:.4g} of the gap; "
            f"the best is {np.nanmax(recovered):.4g}",
            best=float(np.nanmax(recovered)),
        )
    return ThresholdChoice("pgr", wanted_pgr, float(recovered[i]), float(curve.threshold[i]))


def for_budget(
    curve: RoutingCurve, cost_per_query: Floats, usd_per_month: float, queries_per_month: float
) -> ThresholdChoice:
    """The best quality that the money buys; of equal qualities the cheapest.

    Args:
        curve: of the router.
        cost_per_query: (n_points,) mean USD a query at each point of the curve.
        usd_per_month: what may be spent.
        queries_per_month: what must be answered for it.

    Raises:
        UnreachableError: the money does not even pay for always the cheaper model, a number is
            not positive, or a price is unknown; the text names the least budget.
    """
    if not np.isfinite(cost_per_query).all():
        raise UnreachableError("a price of this pair is not known: type it, then name a budget")
    if not (queries_per_month > 0 and np.isfinite(queries_per_month)):
        raise UnreachableError("name how many queries a month there are, at least 1")
    per_month = cost_per_query * queries_per_month
    affordable = np.flatnonzero(per_month <= usd_per_month * (1 + 1e-12))
    if not len(affordable):
        raise UnreachableError(
            f"${usd_per_month:,.2f} a month does not pay for {queries_per_month:,.0f} queries: "
            f"the least this pair costs is ${per_month.min():,.2f}",
            best=float(per_month.min()),
        )
    quality = curve.quality[affordable]
    best = affordable[quality >= quality.max() - 1e-12]
    i = int(best[np.argmin(per_month[best])])
    return ThresholdChoice("budget", usd_per_month, float(per_month[i]), float(curve.threshold[i]))


def threshold_of(curve: RoutingCurve, found: ThresholdChoice) -> float:
    """The threshold as it leaves this machine: a given α as it is, any other between two scores.

    Returns:
        A number; above 1 where no query reaches it.
    """
    return found.threshold if found.mode == "alpha" else between_scores(curve, found.threshold)


def between_scores(curve: RoutingCurve, threshold: float) -> float:
    """The threshold midway to the next lower score: the same decisions, safe from rounding.

    A score that is recomputed elsewhere may differ in its last digits; a threshold that equals a
    score would then flip its whole tie group.

    Returns:
        A number that sends the same queries to the strong model; 2 for "never".
    """
    called = curve.threshold >= threshold
    lowest_called = curve.threshold[called][-1]
    lower = curve.threshold[~called]
    if np.isinf(lowest_called):
        return float(max(1.0, lower[0]) + 1.0)
    return float((lowest_called + lower[0]) / 2) if len(lower) else float(min(0.0, lowest_called))


def _first_reaching(values: Floats, wanted: float) -> int | None:
    reached = np.flatnonzero(values >= wanted - 1e-12 * max(1.0, abs(wanted)))
    return int(reached[0]) if len(reached) else None
