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

__all__ = [
    "apgr",
    "calls_strong",
    "cpt",
    "curve_of",
    "index_at_share",
    "operating_point",
    "pgr_of",
    "point_index",
    "rank_queries",
    "routed_mean",
    "routing_curve",
]
