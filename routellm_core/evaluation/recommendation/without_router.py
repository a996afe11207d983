"""Settings for a target without a router: both models mixed at random, or one of them alone."""

import math

import numpy as np

from routellm_core.errors import UnreachableError
from routellm_core.evaluation.recommendation.settings import (
    RecommendationQueries,
    Setting,
    mixed,
    ranked_by,
    setting_of,
)
from routellm_core.metrics.curve import pgr_of
from routellm_core.metrics.thresholds import Target


def mixed_setting(queries: RecommendationQueries, target: Target) -> Setting:
    """Both models mixed at random, in the proportion that serves a target best.

    It needs no router, so it costs nothing but the answers.

    Raises:
        UnreachableError: no mix meets the target.
    """
    share = _mixed_share(queries, target)
    return _setting("random mix", share, queries, target)


def single_settings(queries: RecommendationQueries, target: Target) -> tuple[Setting, Setting]:
    """Always the weak and always the strong model, also where they miss the target."""
    return (
        _setting("always weak", 0.0, queries, target),
        _setting("always strong", 1.0, queries, target),
    )


def _setting(label: str, share: float, queries: RecommendationQueries, target: Target) -> Setting:
    by, gap = ranked_by(target, queries.costs), float(queries.gap.mean())
    extra = (
        1.0 if by == "strong_calls" else float((queries.costs.strong - queries.costs.weak).mean())
    )
    calls, outcomes = np.full(queries.n, share), queries.outcomes
    return setting_of(
        queries,
        target,
        label=label,
        threshold=math.nan,
        calls=calls,
        quality=mixed(outcomes.quality_weak, outcomes.quality_strong, calls),
        router=(0.0, 0.0),
        price=extra / gap if 0.0 < share < 1.0 and gap > 0 else 0.0,
    )


def _mixed_share(queries: RecommendationQueries, target: Target) -> float:
    """The share of strong calls of the mix that serves a target best."""
    weak, gap = float(queries.outcomes.quality_weak.mean()), float(queries.gap.mean())
    match target.mode:
        case "budget":
            return _affordable_share(queries, target)
        case "quality":
            share = 0.0 if weak >= target.value else float(pgr_of(target.value, weak, weak + gap))
            if not 0.0 <= share <= 1.0:
                raise UnreachableError(f"no mix reaches a quality of {target.value:.4g}")
            return share
        case "pgr":
            if not gap > 0:
                raise UnreachableError("there is no gap to recover")
            if target.value > 1.0:
                raise UnreachableError(f"no mix recovers {target.value:.4g} of the gap")
            return max(target.value, 0.0)
        case _:
            return target.value


def _affordable_share(queries: RecommendationQueries, target: Target) -> float:
    costs = queries.costs
    weak, strong = float(costs.weak.mean()), float(costs.strong.mean())
    budget = target.value / target.queries_per_month
    if not costs.are_known or budget < min(weak, strong):
        raise UnreachableError("the money does not pay for the answers of either model")
    most = 1.0 if strong <= budget else (budget - weak) / (strong - weak)
    least = 0.0 if weak <= budget else (budget - weak) / (strong - weak)
    return most if queries.gap.mean() > 0 else least
