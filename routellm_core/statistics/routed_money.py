"""Money of routed queries at one division of them, with intervals; of all, and of each group.

The intervals are those of `curve_bands.ratio_band`, read at one threshold: closed forms over the
clusters that the bootstrap of the quality draws. They are about the queries; prices are as given.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from routellm_core.metrics.costs import PairCosts
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.routed_point import saving_estimate
from routellm_core.types import Estimate, Floats, Interval, Ints

_PER = 1_000
_UNKNOWN = Estimate(math.nan, Interval(math.nan, math.nan))


class RoutedMoney(NamedTuple):
    """USD a query, the router's own included, and the saving against always the strong model."""

    n_queries: int
    strong_call_share: float
    usd_per_query: Estimate
    usd_per_query_strong: Estimate
    """Without a router."""
    saved_usd: Estimate
    """Of a query."""
    saving: Estimate
    """As a share; NaN where the strong model costs nothing."""


class GroupMoney(NamedTuple):
    """The money of the queries of one group."""

    name: str
    money: RoutedMoney


def routed_money(
    calls: Floats, costs: PairCosts, cluster_code: Ints, router_usd: float = 0.0
) -> RoutedMoney:
    """Money of a division of queries between both models.

    Args:
        calls: (n_queries,) the chance of the strong model, 0 or 1 under a threshold.
        costs: of both models.
        cluster_code: (n_queries,) equal for queries of one text.
        router_usd: of deciding, a query; NaN where unknown.

    Returns:
        NaN for money that rests on something unknown.
    """
    share = float(calls.mean())
    if not costs.are_known:
        return RoutedMoney(len(calls), share, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)
    routed = costs.weak + calls * (costs.strong - costs.weak) + router_usd
    return RoutedMoney(
        n_queries=len(calls),
        strong_call_share=share,
        usd_per_query=_mean(routed, cluster_code),
        usd_per_query_strong=_mean(costs.strong, cluster_code),
        saved_usd=_mean(costs.strong - routed, cluster_code),
        saving=saving_estimate(routed, costs.strong, cluster_code),
    )


def money_by_group(
    calls: Floats,
    costs: PairCosts,
    cluster_code: Ints,
    group_code: Ints,
    names: Sequence[str],
    router_usd: float = 0.0,
) -> list[GroupMoney]:
    """The same for the queries of each group, the largest first.

    Args:
        calls: (n_queries,) the chance of the strong model.
        costs: of both models.
        cluster_code: (n_queries,) equal for queries of one text.
        group_code: (n_queries,) position in `names`.
        names: of the groups; those without a query are left out.
        router_usd: of deciding, a query.
    """
    found = []
    for code in np.unique(group_code):
        own = group_code == code
        part = PairCosts(costs.weak[own], costs.strong[own], costs.tokens)
        money = routed_money(calls[own], part, cluster_code[own], router_usd)
        found.append(GroupMoney(names[code], money))
    return sorted(found, key=lambda group: (-group.money.n_queries, group.name))


def money_figures(money: RoutedMoney) -> dict[str, Any]:
    """Figures of routed money for 1,000 queries, each interval beside its figure."""
    return {
        "n_queries": money.n_queries,
        "strong_call_share": money.strong_call_share,
        "usd_per_1000": _PER * money.usd_per_query.value,
        "usd_per_1000_interval": scaled(money.usd_per_query, _PER),
        "usd_per_1000_strong": _PER * money.usd_per_query_strong.value,
        "usd_per_1000_strong_interval": scaled(money.usd_per_query_strong, _PER),
        "saving": money.saving.value,
        "saving_interval": money.saving.interval,
    }


def scaled(estimate: Estimate, factor: float) -> Interval:
    """The interval of so many times the figure."""
    low, high = estimate.interval
    return Interval(factor * low, factor * high)


def _mean(values: Floats, cluster_code: Ints) -> Estimate:
    return Estimate(float(values.mean()), mean_interval(values, cluster_code))
