"""Metrics of routing without chance: curves, thresholds, baselines, costs, slices."""

from routellm_core.metrics.curve import (
    apgr,
    calls_strong,
    cpt,
    curve_of,
    index_at_share,
    operating_point,
    pgr_of,
    point_index,
    rank_queries,
    routed_mean,
    routing_curve,
)
from routellm_core.metrics.prices import UNKNOWN_PRICE, Price, list_price, price_for, prices_of

__all__ = [
    "UNKNOWN_PRICE",
    "Price",
    "apgr",
    "calls_strong",
    "cpt",
    "curve_of",
    "index_at_share",
    "list_price",
    "operating_point",
    "pgr_of",
    "point_index",
    "price_for",
    "prices_of",
    "rank_queries",
    "routed_mean",
    "routing_curve",
]
