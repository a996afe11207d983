"""Baselines of any router: random calls, the upper hull and the oracle."""

from typing import NamedTuple

import numpy as np

from routellm_core.metrics.curve import pgr_of, routing_curve
from routellm_core.types import Floats, Interval, Ints, RoutingCurve

_Z95 = 1.959963984540054


class MixingLine(NamedTuple):
    """Quality of a router that picks queries blindly, by strong-call share.

    With two models this is also what one gets by mixing them at random.
    """

    strong_call_share: Floats
    """(n_points,) rising from 0.0 to 1.0."""
    quality: Floats
    """(n_points,) mean over all random choices."""
    low: Floats
    """(n_points,) 2.5% of the random choices are lower."""
    high: Floats
    """(n_points,) 2.5% of the random choices are higher."""


def random_line(quality_weak: Floats, quality_strong: Floats, n_points: int = 51) -> MixingLine:
    """Mean and 95% band of a random router on these very queries.

    Drawing without replacement: the sum of k of n differences has variance k (1 - k/n) S^2, S^2
    their sample variance (Cochran 1977, theorem 2.2).
    """
    share = np.linspace(0.0, 1.0, n_points)
    difference = quality_strong - quality_weak
    n = len(difference)
    spread = difference.std(ddof=1) if n > 1 else 0.0
    half = _Z95 * spread * np.sqrt(share * (1.0 - share) / n)
    quality = quality_weak.mean() + share * difference.mean()
    return MixingLine(share, quality, quality - half, quality + half)


def random_apgr(quality_weak: Floats, quality_strong: Floats) -> Interval:
    """95% range of the APGR of a random router: 1/2 give or take its chance.

    The variance of a sum of products under random pairing is (n - 1) S_d^2 S_u^2
    (Hoeffding 1951), with u the area that a query at each rank earns.

    Returns:
        NaN twice when there is one query or no gap to recover.
    """
    difference = quality_strong - quality_weak
    n = len(difference)
    if n < 2:
        return Interval(np.nan, np.nan)
    rank_area = (n - np.arange(n) - 0.5) / n
    spread = np.sqrt((n - 1) * difference.var(ddof=1) * rank_area.var(ddof=1)) / n
    half = _Z95 * abs(float(pgr_of(float(spread), 0.0, float(difference.mean()))))
    return Interval(0.5 - half, 0.5 + half)


def oracle_score(
    quality_weak: Floats, quality_strong: Floats, extra_cost: Floats | None = None
) -> Floats:
    """(n_queries,) scores of the best router there is: queries by what the strong model adds.

    All differ, also where it adds the same: unlike a router, the oracle may split a tie.

    Args:
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        extra_cost: (n_queries,) what the strong model costs more. With it the order is by gain for
            money (Dantzig's greedy order of the fractional knapsack), the best on a cost axis;
            without it every call has the same weight.
    """
    gain = quality_strong - quality_weak
    if extra_cost is not None:
        least = np.abs(extra_cost).max() * 1e-9 or 1.0
        gain = gain / np.maximum(extra_cost, least)
    order = np.argsort(-gain, kind="stable")
    score = np.empty(len(order))
    score[order] = np.linspace(1.0, 0.0, len(order))
    return score


def oracle_curve(quality_weak: Floats, quality_strong: Floats) -> RoutingCurve:
    """The curve of the oracle; no router's lies above it."""
    score = oracle_score(quality_weak, quality_strong)
    return routing_curve(score, quality_weak, quality_strong)


def upper_hull(x: Floats, y: Floats) -> Ints:
    """Upper convex hull of points: what mixing the best of them at random reaches.

    Args:
        x: (n_points,) finite: strong-call shares or money.
        y: (n_points,) finite: quality.

    Returns:
        (n_corners,) positions of its corners by rising x, from the leftmost point to the
        rightmost; of points with equal x only the highest can be one.
    """
    order = np.lexsort((-y, x))
    leading = np.concatenate(([True], x[order][1:] > x[order][:-1]))
    corners: list[int] = []
    for i in order[leading]:
        while len(corners) > 1 and _lies_below(x, y, corners[-2], corners[-1], i):
            corners.pop()
        corners.append(i)
    return np.array(corners)


def _lies_below(x: Floats, y: Floats, a: int, b: int, c: int) -> bool:
    """True when b lies on or below the line from a to c."""
    return bool((x[b] - x[a]) * (y[c] - y[a]) >= (y[b] - y[a]) * (x[c] - x[a]))
