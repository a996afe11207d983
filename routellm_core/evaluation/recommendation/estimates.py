"""Figures of a setting with closed-form 95% intervals, and differences of two settings.

Intervals are about a threshold that stays (see `routed_intervals`). A difference is paired: both
settings answer the same queries. Whether one router is better than another is asked of every two of
them, since which is first was itself found by looking; whether any is worth having is a question of
its own, asked of each router against the best that needs none. Each of both questions may err with
5% in all (Holm 1979).
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from routellm_core.evaluation.overhead.latency import SLOW
from routellm_core.evaluation.recommendation.settings import RecommendationQueries, Setting
from routellm_core.metrics.curve import pgr_of
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.routed_point import share_estimate
from routellm_core.statistics.significance import LEVEL, holm, queries_needed, two_sided_p_value
from routellm_core.types import Estimate, Floats, Interval, Ints, PairLatencies

_UNKNOWN = Interval(math.nan, math.nan)


class Seconds(NamedTuple):
    """Time to the full answer, the router's own included."""

    mean: Estimate
    p95: Estimate
    """The least time that 95% of the queries do not exceed."""
    n_timed: int
    """Queries with a measured time of both models, which the figures are of."""


class Difference(NamedTuple):
    """Excess of a setting over another one in the figure that ranks them."""

    value: float
    interval: Interval
    """95%, paired, for these two alone; NaN where it cannot be told."""
    p_value: float
    adjusted_p_value: float
    """By Holm over all that was asked with it."""
    n_more: float
    """Further queries that would show it; 0 where it is shown, infinite where no number would."""

    @property
    def is_shown(self) -> bool:
        return self.adjusted_p_value < LEVEL


def quality_of(setting: Setting, queries: RecommendationQueries) -> Estimate:
    """Mean quality of the routed answers."""
    return _mean(setting.quality, queries.clusters)


def usd_of(setting: Setting, queries: RecommendationQueries) -> Estimate:
    """USD a query, router included."""
    return _mean(setting.usd, queries.clusters)


def of_curve(
    setting: Setting, queries: RecommendationQueries, found: CurveIntervals | None
) -> tuple[Estimate, Estimate]:
    """Quality and recovered gap of a setting.

    Args:
        setting: of a router, or of both models without one.
        queries: that are routed.
        found: of the curve that the setting is a point of. None: its quality is held out. A random
            mix is a point of no curve.
    """
    quality, pgr = quality_of(setting, queries), pgr_of_setting(setting, queries)
    share = np.array([setting.calls.mean()])
    if found is None or not np.isin(setting.calls, (0.0, 1.0)).all():
        return quality, pgr
    of_quality, of_pgr = (
        Interval(float(low[0]), float(high[0]))
        for low, high in (found.quality_at(share), found.pgr_at(share))
    )
    return quality._replace(interval=of_quality), pgr._replace(interval=of_pgr)


def share_of(setting: Setting, queries: RecommendationQueries) -> Estimate:
    """Strong-call share. Where every query is called, or none, as for counts of the texts."""
    value = float(setting.calls.mean())
    if math.isnan(setting.threshold):
        return Estimate(value, Interval(value, value))  # set, not found
    return share_estimate(setting.calls.astype(np.bool_), queries.clusters)


def pgr_of_setting(setting: Setting, queries: RecommendationQueries) -> Estimate:
    """Recovered gap: a ratio of means by its linear part; no interval where the gap may be none."""
    weak, gap = queries.outcomes.quality_weak, queries.gap
    ends = float(weak.mean()), float(weak.mean() + gap.mean())
    value = float(pgr_of(float(setting.quality.mean()), *ends)) + 0.0  # no −0.0
    low, high = mean_interval(gap, queries.clusters)
    if math.isnan(value) or not (low > 0 or high < 0):
        return Estimate(value, _UNKNOWN)
    linear = value + (setting.quality - weak - value * gap) / gap.mean()
    return Estimate(value, mean_interval(linear, queries.clusters))


def seconds_of(setting: Setting, queries: RecommendationQueries) -> Seconds:
    """Mean and slowest twentieth of the answers, where both models were timed.

    The interval of the quantile is that of the share of queries below it, read back on the times
    (Woodruff 1952): `latency.latency_at` resamples instead, which takes a second a router.
    """
    weak, strong = queries.latencies
    timed = np.isfinite(weak) & np.isfinite(strong)
    n_timed = int(timed.sum())
    if n_timed == 0:
        nothing = Estimate(math.nan, _UNKNOWN)
        return Seconds(nothing, nothing, 0)
    known = PairLatencies(weak[timed] + setting.router_s, strong[timed] + setting.router_s)
    calls, clusters = setting.calls[timed], queries.clusters[timed]
    mean = _mean(known.weak + calls * (known.strong - known.weak), clusters)
    return Seconds(mean, _slow(known, calls, clusters), n_timed)


def to_first(settings: Sequence[Setting], clusters: Ints) -> list[Difference]:
    """Excess of each later setting over the first.

    Args:
        settings: of the routers, best first.
        clusters: (n,) equal for queries of one text.

    Returns:
        One for each but the first; adjusted for all pairs of settings.
    """
    return _adjusted(list(combinations(settings, 2)), clusters)[: len(settings) - 1]


def over(settings: Sequence[Setting], other: Setting, clusters: Ints) -> list[Difference]:
    """Excess of each setting over one other, adjusted for all of them."""
    return _adjusted([(other, setting) for setting in settings], clusters)


def _adjusted(pairs: Sequence[tuple[Setting, Setting]], clusters: Ints) -> list[Difference]:
    """Excess of the second of each pair over the first."""
    n, n_clusters = len(clusters), len(np.unique(clusters))
    values = [b.figure - a.figure for a, b in pairs]
    errors = [_error(b.influence - a.influence, clusters) for a, b in pairs]
    p_values = np.array(
        [
            _p_value(pair, value, error, n_clusters)
            for pair, value, error in zip(pairs, values, errors, strict=True)
        ]
    )
    adjusted = holm(p_values)
    level = LEVEL / max(int((adjusted >= LEVEL).sum()), 1)
    half = stdtrit(max(n_clusters - 1, 1), 0.975)
    return [
        Difference(
            value,
            Interval(value - half * error, value + half * error),
            float(p),
            float(q),
            0.0 if q < LEVEL else max(queries_needed(n, value, error, level) - n, 0.0),
        )
        for value, error, p, q in zip(values, errors, p_values, adjusted, strict=True)
    ]


def _p_value(
    pair: tuple[Setting, Setting], difference: float, error: float, n_clusters: int
) -> float:
    """By Student's t; certain where both call the same queries and one costs more by itself."""
    if math.isnan(error):
        return math.nan
    first, second = pair
    if error == 0.0 and difference != 0.0 and np.array_equal(first.calls, second.calls):
        return 0.0
    return two_sided_p_value(difference, error, n_clusters)


def _error(influence: Floats, clusters: Ints) -> float:
    """Standard error of a mean, clusters drawn together: that of `mean_interval`."""
    low, high = mean_interval(influence, clusters)
    n_clusters = len(np.unique(clusters))
    return float((high - low) / 2 / stdtrit(n_clusters - 1, 0.975)) if n_clusters > 1 else math.nan


def _mean(values: Floats, clusters: Ints) -> Estimate:
    return Estimate(float(values.mean()), mean_interval(values, clusters))


def _slow(known: PairLatencies, calls: Floats, clusters: Ints) -> Estimate:
    """The quantile `SLOW` of a mixture: each query has both times, weighted by its calls."""
    times = np.concatenate(known)
    order = np.argsort(times, kind="stable")
    times, below = times[order], np.cumsum(np.concatenate((1.0 - calls, calls))[order])

    def quantile(share: float) -> float:
        return float(times[np.searchsorted(below, min(share * len(calls), below[-1]) - 1e-9)])

    if not math.isfinite(below[-1]) or not np.isfinite(times).all():
        return Estimate(math.nan, _UNKNOWN)  # the router's own time is unknown
    value = quantile(SLOW)
    is_below = (1.0 - calls) * (known.weak <= value) + calls * (known.strong <= value)
    low, high = mean_interval(is_below, clusters)
    half = (high - low) / 2
    if math.isnan(half):
        return Estimate(value, _UNKNOWN)
    upper = quantile(SLOW + half) if SLOW + half < 1.0 else math.nan
    return Estimate(value, Interval(quantile(max(SLOW - half, 0.0)), upper))
