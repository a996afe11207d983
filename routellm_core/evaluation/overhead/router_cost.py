"""Cost of the router itself, its break-even share of strong calls, and its saving at other prices.

Costs are USD a query. The router reads every query, whichever model answers.

>>> round(router_cost_usd(0.020, usd_per_hour=0.36), 9)  # 20 ms on a machine of 36 cents an hour
2e-06
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.metrics.costs import PairCosts, routed_cost
from routellm_core.metrics.curve import calls_strong
from routellm_core.statistics.bootstrap import N_RESAMPLES, resample_weights
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.statistics.routed_point import saving_estimate
from routellm_core.types import Floats, Interval, Ints, Ranking

PRICE_FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)
"""Halved, doubled, and a fifth down and the way back."""


class BreakEven(NamedTuple):
    """The largest share of strong calls up to which routing costs no more than a baseline."""

    strong_call_share: float
    """No reachable share up to it costs more. NaN where even no strong call does, or where a price
    is unknown."""
    interval: Interval
    """95%, the bootstrap over clusters; NaN where some resamples have no such share."""
    threshold: float
    cost_usd: float
    """Of a routed query at that share, router included."""
    baseline_usd: float
    """Of a query without routing."""
    n_queries: int


def router_cost_usd(seconds_per_query: float, usd_per_hour: float) -> float:
    """Cost of the router for a query, in USD.

    Args:
        seconds_per_query: that the machine is busy for one query, as measured.
        usd_per_hour: of that machine.

    Raises:
        DataError: a number is negative or not finite.
    """
    if not (0 <= seconds_per_query < math.inf and 0 <= usd_per_hour < math.inf):
        raise DataError(
            f"{seconds_per_query:g} seconds a query at ${usd_per_hour:g} an hour is no cost; give "
            "two numbers from 0 up"
        )
    return seconds_per_query * usd_per_hour / 3600


def break_even(
    ranking: Ranking,
    costs: PairCosts,
    *,
    router_usd: float = 0.0,
    baseline_usd: float | None = None,
    cluster_code: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> BreakEven:
    """Up to which share of strong calls routing costs no more than doing without it.

    Args:
        ranking: of the router's scores.
        costs: of both models.
        router_usd: of the router, for a query.
        baseline_usd: of a query without routing; None: what always the strong model costs on the
            same queries.
        cluster_code: (n_queries,) queries of a code are drawn together; None: each alone.
        n_resamples: of the bootstrap, in which each cluster counts Poisson(1) times.
        seed: of the bootstrap.
    """
    n = len(ranking.order)
    baseline = float(costs.strong.mean()) if baseline_usd is None else baseline_usd
    cost = routed_cost(ranking, costs) + router_usd
    i = int(_n_paying(cost[None], np.array([baseline]))[0]) - 1
    if i < 0:
        nan = math.nan
        return BreakEven(nan, Interval(nan, nan), nan, nan, baseline, n)
    resampled = _resampled_shares(
        ranking, costs, router_usd, baseline_usd, cluster_code, n_resamples, seed
    )
    return BreakEven(
        strong_call_share=float(ranking.n_strong[i] / n),
        interval=percentile_interval(resampled),
        threshold=float(ranking.threshold[i]),
        cost_usd=float(cost[i]),
        baseline_usd=baseline,
        n_queries=n,
    )


def price_sensitivity(
    strong_win_rate: Floats,
    costs: PairCosts,
    threshold: float,
    *,
    router_usd: float = 0.0,
    cluster_code: Ints | None = None,
    factors: Sequence[float] = PRICE_FACTORS,
) -> pd.DataFrame:
    """The saving against always the strong model, were one model's prices others.

    The threshold stays, so the same queries go to the strong model and quality is the same.

    Args:
        strong_win_rate: (n_queries,).
        costs: of both models at today's prices.
        threshold: any number.
        router_usd: of the router, for a query.
        cluster_code: (n_queries,) equal for queries of one text; None: all are different.
        factors: by which the prices of a model are multiplied.

    Returns:
        One row a model (`weak`, `strong`) and factor: model, factor, cost_usd, always_strong_usd,
        saving, saving_low, saving_high (95%, Student's t over clusters, of the ratio to first
        order), n_queries. NaN where a price is unknown.
    """
    called = calls_strong(strong_win_rate, threshold)
    rows = []
    for model in ("weak", "strong"):
        for factor in factors:
            weak = costs.weak * (factor if model == "weak" else 1.0)
            strong = costs.strong * (factor if model == "strong" else 1.0)
            routed = np.where(called, strong, weak) + router_usd
            if not costs.are_known:
                routed = np.full(len(called), np.nan)
            saved, (low, high) = saving_estimate(routed, strong, cluster_code)
            cost, always = float(routed.mean()), float(strong.mean())
            rows.append((model, factor, cost, always, saved, low, high, len(called)))
    names = ["model", "factor", "cost_usd", "always_strong_usd", "saving", "saving_low"]
    return pd.DataFrame(rows, columns=[*names, "saving_high", "n_queries"])


def _resampled_shares(
    ranking: Ranking,
    costs: PairCosts,
    router_usd: float,
    baseline_usd: float | None,
    cluster_code: Ints | None,
    n_resamples: int,
    seed: int,
) -> Floats:
    """(n_resamples,) break-even shares, NaN where there is none."""
    order, ends = ranking.order, ranking.n_strong
    weak, strong = costs.weak[order], costs.strong[order]
    clusters = None if cluster_code is None else cluster_code[order]
    found = []
    for drawn in resample_weights(len(order), clusters, n_resamples=n_resamples, seed=seed):
        weight = np.ascontiguousarray(drawn.T, dtype=np.float64)
        total = np.maximum(weight.sum(axis=1), 1.0)
        share, extra = (
            _cumulated(values, ends) / total[:, None]
            for values in (weight, weight * (strong - weak))
        )
        cost = (weight @ weak / total)[:, None] + extra + router_usd
        baseline = weight @ strong / total
        if baseline_usd is not None:
            baseline = np.full_like(total, baseline_usd)
        n_paying = _n_paying(cost, baseline)
        last = np.take_along_axis(share, np.maximum(n_paying - 1, 0)[:, None], axis=1)[:, 0]
        found.append(np.where(n_paying > 0, last, np.nan))
    return np.concatenate(found)


def _cumulated(values: Floats, ends: Ints) -> Floats:
    """(n, n_points) sums of the first `ends` of (n, n_queries) values."""
    sums = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums[:, ends]


def _n_paying(cost: Floats, baseline: Floats) -> Ints:
    """(n,) leading points of each curve (n, n_points) that cost no more than its baseline."""
    dearer = ~(cost <= baseline[:, None] * (1 + 1e-9))
    return np.asarray(np.where(dearer.any(axis=1), dearer.argmax(axis=1), cost.shape[1]))
