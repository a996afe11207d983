"""What serves a wish without a router: both models mixed at random, or one of them alone."""

import math

import numpy as np

from routellm_core.errors import UnreachableError
from routellm_core.evaluation.recommendation.settings import (
    Queries,
    Setting,
    mixed,
    ranked_by,
    setting_of,
)
from routellm_core.metrics.curve import pgr_of
from routellm_core.metrics.thresholds import Wish


def mixed_setting(queries: Queries, wish: Wish) -> Setting:
    """Both models mixed at random, in the proportion that serves a wish best.

    It needs no router, so it costs nothing but the answers.

    Raises:
        UnreachableError: no mix meets the wish.
    """
    share = _mixed_share(queries, wish)
    return _blind("random mix", share, queries, wish)


def single_settings(queries: Queries, wish: Wish) -> tuple[Setting, Setting]:
    """Always the weak and always the strong model, whether that meets the wish or not."""
    return (
        _blind("always weak", 0.0, queries, wish),
        _blind("always strong", 1.0, queries, wish),
    )


def _blind(label: str, share: float, queries: Queries, wish: Wish) -> Setting:
    by, gap = ranked_by(wish, queries.costs), float(queries.gap.mean())
    extra = (
        1.0 if by == "strong_calls" else float((queries.costs.strong - queries.costs.weak).mean())
    )
    calls, outcomes = np.full(queries.n, share), queries.outcomes
    return setting_of(
        queries,
        wish,
        label=label,
        threshold=math.nan,
        calls=calls,
        quality=mixed(outcomes.quality_weak, outcomes.quality_strong, calls),
        router=(0.0, 0.0),
        price=extra / gap if 0.0 < share < 1.0 and gap > 0 else 0.0,
    )


def _mixed_share(queries: Queries, wish: Wish) -> float:
    """The share of strong calls of the mix that serves a wish best."""
    weak, gap = float(queries.outcomes.quality_weak.mean()), float(queries.gap.mean())
    match wish.mode:
        case "budget":
            return _affordable_share(queries, wish)
        case "quality":
            share = 0.0 if weak >= wish.wanted else float(pgr_of(wish.wanted, weak, weak + gap))
            if not 0.0 <= share <= 1.0:
                raise UnreachableError(f"no mix reaches a quality of {wish.wanted:.4g}")
            return share
        case "pgr":
            if not gap > 0:
                raise UnreachableError("there is no gap to recover")
            if wish.wanted > 1.0:
                raise UnreachableError(f"no mix recovers {wish.wanted:.4g} of the gap")
            return max(wish.wanted, 0.0)
        case _:
            return wish.wanted


def _affordable_share(queries: Queries, wish: Wish) -> float:
    costs = queries.costs
    weak, strong = float(costs.weak.mean()), float(costs.strong.mean())
    budget = wish.wanted / wish.queries_per_month
    if not costs.are_known or budget < min(weak, strong):
        raise UnreachableError("the money does not pay for the answers of either model")
    most = 1.0 if strong <= budget else (budget - weak) / (strong - weak)
    least = 0.0 if weak <= budget else (budget - weak) / (strong - weak)
    return most if queries.gap.mean() > 0 else least
