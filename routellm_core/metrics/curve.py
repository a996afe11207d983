"""Routing metrics: one sorted pass gives the exact curve, everything else reads it.

Shares and PGR are fractions. Quality keeps the benchmark's own scale. Undefined is NaN, never 0.

>>> import numpy as np
>>> score = np.array([0.9, 0.2, 0.7, 0.2])
>>> weak, strong = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0])
>>> curve = routing_curve(score, weak, strong)
>>> curve.threshold.tolist()
[inf, 0.9, 0.7, 0.2]
>>> curve.quality.tolist()
[0.5, 0.75, 1.0, 0.75]
>>> cpt(curve, 0.5)
0.25
>>> operating_point(curve, 0.5)
OperatingPoint(threshold=0.5, strong_call_share=0.5, quality=1.0, pgr=2.0)
"""

import numpy as np
from numpy.typing import NDArray

from routellm_core.types import Floats, Ints, OperatingPoint, Ranking, RoutingCurve


def rank_queries(strong_win_rate: Floats) -> Ranking:
    """Sort the queries once; queries with equal scores move together.

    Args:
        strong_win_rate: (n_queries,) finite; float32, as the store keeps it, sorts fastest.

    Raises:
        ValueError: no query, not one-dimensional, or a score that is NaN or infinite.
    """
    strong_win_rate = _checked("strong_win_rate", strong_win_rate)
    order, score = _falling(strong_win_rate)
    n_queries = len(score)
    n_strong = np.concatenate(
        ([0], np.flatnonzero(score[1:] != score[:-1]) + 1, [n_queries]), dtype=np.int64
    )
    return Ranking(
        order=order,
        n_strong=n_strong,
        threshold=np.concatenate(([np.inf], score[n_strong[1:] - 1]), dtype=np.float64),
    )


def routed_mean(ranking: Ranking, value_weak: Floats, value_strong: Floats) -> Floats:
    """Mean over all queries of what the called model gives, at every threshold.

    Args:
        ranking: from `rank_queries`.
        value_weak: (n_queries,) quality, money or seconds with the weak model.
        value_strong: (n_queries,) the same with the strong model.

    Returns:
        (n_points,) aligned with `ranking.threshold`.

    Raises:
        ValueError: shapes differ from the ranking's, or a value is NaN or infinite.
    """
    n_queries = len(ranking.order)
    value_weak = _aligned("value_weak", value_weak, n_queries)
    value_strong = _aligned("value_strong", value_strong, n_queries)
    routed_sum = np.empty(n_queries + 1)  # [k] when the k highest-ranked queries go to strong
    gain = np.empty(n_queries)  # "clip" alone writes into it; every position is in range
    with np.errstate(all="ignore"):
        routed_sum[0] = value_weak.sum(dtype=np.float64)
        np.subtract(value_strong, value_weak, out=routed_sum[1:])
        routed_sum[1:].take(ranking.order, out=gain, mode="clip")
        np.cumsum(gain, out=routed_sum[1:])
        routed_sum[1:] += routed_sum[0]
    if not np.isfinite(routed_sum[-1]):  # as it is where any value is not
        _check_finite("value_weak", value_weak)
        _check_finite("value_strong", value_strong)
    n_points = len(ranking.n_strong)
    if n_points <= n_queries:
        routed_sum = routed_sum.take(ranking.n_strong, out=gain[:n_points], mode="clip")
    routed_sum /= n_queries
    return routed_sum


def routing_curve(
    strong_win_rate: Floats, quality_weak: Floats, quality_strong: Floats
) -> RoutingCurve:
    """Exact call-performance curve over every reachable threshold.

    Args:
        strong_win_rate: (n_queries,) finite.
        quality_weak: (n_queries,) finite, in the benchmark's own scale.
        quality_strong: (n_queries,) finite, in the same scale.

    Raises:
        ValueError: shapes differ, no query, or a value is NaN or infinite.
    """
    return curve_of(rank_queries(strong_win_rate), quality_weak, quality_strong)


def curve_of(ranking: Ranking, quality_weak: Floats, quality_strong: Floats) -> RoutingCurve:
    """The curve of queries that are already ranked; see `routing_curve`."""
    return RoutingCurve(
        threshold=ranking.threshold,
        strong_call_share=ranking.n_strong / len(ranking.order),
        quality=routed_mean(ranking, quality_weak, quality_strong),
    )


def pgr(curve: RoutingCurve) -> Floats:
    """Performance gap recovered at every point (arXiv 2406.18665, equation 4).

    Returns:
        (n_points,) 0 at always weak, 1 at always strong; may leave [0, 1] in between.
        NaN when both models have equal quality: there is no gap to recover.
    """
    return pgr_of(curve.quality, curve.quality[0], curve.quality[-1])


def pgr_of(
    quality: Floats | float, quality_weak: Floats | float, quality_strong: Floats | float
) -> Floats:
    """Share of the gap from weak to strong that `quality` recovers; NaN where there is no gap."""
    gap = np.asarray(quality_strong - quality_weak, dtype=np.float64)
    scale = np.maximum(np.abs(quality_strong), np.abs(quality_weak))
    gap = np.where(np.abs(gap) <= 1e-12 * scale, np.nan, gap)
    return np.asarray((quality - quality_weak) / gap)


def apgr(curve: RoutingCurve) -> float:
    """Average performance gap recovered: the area under PGR over the strong-call share.

    Exact over every reachable threshold, by trapezoids (the integral that the ten-term sum of
    arXiv 2406.18665, equation 6, approximates). A random router comes near 0.5, the oracle above 1
    where the weak model is sometimes right and the strong one wrong.

    Returns:
        NaN when both models have equal quality.
    """
    area = float(np.trapezoid(curve.quality, curve.strong_call_share))
    return float(pgr_of(area, curve.quality[0], curve.quality[-1]))


def cpt(curve: RoutingCurve, wanted_pgr: float) -> float:
    """Call-performance threshold: the least strong-call share whose PGR reaches `wanted_pgr`.

    By search along the exact curve, since quality need not rise with the share
    (arXiv 2406.18665, section 3, metric CPT).

    Returns:
        A share in [0, 1]; NaN when no threshold reaches it or there is no gap to recover.
    """
    reached = np.flatnonzero(pgr(curve) >= wanted_pgr - 1e-12)
    return float(curve.strong_call_share[reached[0]]) if len(reached) else float("nan")


def point_index(curve: RoutingCurve | Ranking, threshold: float) -> int:
    """Position on the curve of the queries that `threshold` sends to the strong model.

    Raises:
        ValueError: the threshold is NaN.
    """
    if np.isnan(threshold):
        raise ValueError("threshold is NaN")
    return int(np.searchsorted(-curve.threshold, -threshold, side="right")) - 1


def calls_strong(strong_win_rate: Floats, threshold: float) -> NDArray[np.bool_]:
    """(n_queries,) true where the strong model is called.

    Compared as float64: numpy would otherwise round the threshold to the scores' float32.
    """
    return np.asarray(strong_win_rate >= np.float64(threshold))


def operating_point(curve: RoutingCurve, threshold: float) -> OperatingPoint:
    """Point of a threshold; any number is allowed, not only those on the curve."""
    i = max(point_index(curve, threshold), 0)
    return OperatingPoint(
        threshold=float(threshold),
        strong_call_share=float(curve.strong_call_share[i]),
        quality=float(curve.quality[i]),
        pgr=float(pgr(curve)[i]),
    )


def quality_at_share(curve: RoutingCurve, strong_call_share: float) -> float:
    """Quality at the largest reachable share that does not exceed `strong_call_share`.

    Raises:
        ValueError: the share is outside [0, 1].
    """
    if not 0.0 <= strong_call_share <= 1.0:
        raise ValueError(f"strong_call_share {strong_call_share} is outside [0, 1]")
    return float(curve.quality[index_at_share(curve, strong_call_share)])


def index_at_share(curve: RoutingCurve, strong_call_share: float) -> int:
    """Position of the largest reachable share that does not exceed the wanted one."""
    half_query = 1e-12
    return int(
        np.searchsorted(curve.strong_call_share, strong_call_share + half_query, side="right") - 1
    )


def _falling(score: Floats) -> tuple[Ints, Floats]:
    """Positions by falling score, and the scores in that order.

    The order inside ties is unspecified: ties move together.
    """
    if score.dtype != np.float32 or len(score) > np.iinfo(np.uint32).max:
        order = np.argsort(-score)
        return order, score[order]
    # A float32 as a sortable integer in the high half, its position in the low half: one plain
    # sort of integers instead of an indirect sort and a gather, several times faster.
    bits = (score + np.float32(0.0)).view(np.uint32)  # -0.0 becomes 0.0, so that they tie
    flips = (bits.view(np.int32) >> 31).view(np.uint32) | np.uint32(1 << 31)
    packed = (~(bits ^ flips)).astype(np.uint64) << np.uint64(32)
    packed |= np.arange(len(score), dtype=np.uint64)
    packed.sort()
    rising = ~(packed >> np.uint64(32)).astype(np.uint32)
    flips = ~(rising.view(np.int32) >> 31).view(np.uint32) | np.uint32(1 << 31)
    return packed.astype(np.uint32).astype(np.int64), (rising ^ flips).view(np.float32)


def _checked(name: str, values: Floats) -> Floats:
    values = _aligned(name, values)
    _check_finite(name, values)
    return values


def _aligned(name: str, values: Floats, n_queries: int | None = None) -> Floats:
    values = np.asarray(values)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{name} has shape {values.shape}; one value a query is needed")
    if n_queries is not None and len(values) != n_queries:
        raise ValueError(f"{name} has {len(values)} values for {n_queries} queries")
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    return values


def _check_finite(name: str, values: Floats) -> None:
    n_bad = len(values) - np.count_nonzero(np.isfinite(values))
    if n_bad:
        raise ValueError(f"{name} holds {n_bad} values that are NaN or infinite")
