"""`stacked`: what each member adds, exactly, and the members' words carried through their ranks."""

from collections.abc import Callable

import numpy as np

from routellm_core.explain import word_spans
from routellm_core.explain.explanation import Explanation, LogOddsTerm, Word
from routellm_core.routers.stacked import StackedRouter
from routellm_core.types import Floats


def explain(router: StackedRouter, query: str) -> Explanation:
    """Members as terms of the log-odds; words by secants of rank and curve.

    A member's words explain its win rate. Multiplied by the slope of the secant of its rank
    between its base and its win rate, and then of the curve, they still add up (the rescale rule
    of Shrikumar, Greenside and Kundaje 2017).
    """
    from routellm_core.explain import explain as explain_any

    of_members = {
        name: explain_any(member, query) for name, member in router.embedder.members.items()
    }
    scores = np.array([[found.strong_win_rate for found in of_members.values()]])
    bases = np.array([[_base(found) for found in of_members.values()]])
    rank, base_rank = router.ranks(scores)[0], router.ranks(bases)[0]
    intercept, slope = router.curve
    log_odds, base_odds = (intercept + slope * r.mean() for r in (rank, base_rank))
    rate, base = _sigmoid(log_odds), _sigmoid(base_odds)
    of_curve = _secant(_sigmoid, base_odds, log_odds) * slope / len(rank)
    spans = word_spans.word_spans(query)
    total, rest = np.full(len(spans), np.nan), 0.0
    for i, found in enumerate(of_members.values()):
        one = np.zeros_like(scores)

        def rank_at(score: float, i: int = i, one: Floats = one) -> float:
            one[0, i] = score
            return float(router.ranks(one)[0, i])

        factor = of_curve * _secant(rank_at, _base(found), found.strong_win_rate)
        mine = factor * np.array([word.attribution for word in found.words])
        total = np.where(np.isnan(mine), total, np.nan_to_num(total) + mine)
        rest += factor * float(np.nan_to_num(found.rest + found.gap))
    return Explanation(
        router_name=router.router_name,
        query=query,
        strong_win_rate=rate,
        method=(
            "The members' own attributions, each carried through its rank and the curve so that "
            "they still add up. What members read besides the words is the rest."
        ),
        words=tuple(Word(*span, float(value)) for span, value in zip(spans, total, strict=True)),
        base=base,
        rest=rest,
        gap=rate - base - rest - float(np.nansum(total)),
        terms_are="the member's rank among its scores of other queries",
        terms=tuple(
            sorted(
                (
                    LogOddsTerm(name, float(r), float(slope * (r - 0.5) / len(rank)))
                    for name, r in zip(of_members, rank, strict=True)
                ),
                key=lambda term: -abs(term.contribution),
            )
        ),
    )


def _base(found: Explanation) -> float:
    """Base of a member's explanation; without one, its win rate minus the sum of its words."""
    if np.isfinite(found.base):
        return found.base
    return found.strong_win_rate - word_spans.total(found.words)


def _sigmoid(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-log_odds)))


def _secant(function: Callable[[float], float], start: float, end: float) -> float:
    """Slope between two points, of the tangent where they fall together."""
    if abs(end - start) < 1e-6:
        start, end = start - 1e-4, end + 1e-4
    return (function(end) - function(start)) / (end - start)
