"""Each router at its own threshold for a target, on the queries that are asked about.

The threshold is chosen on all of these queries, and its share of strong calls, money and seconds
are read there too: how good the answers were hardly moves them. Where the target is judged by
quality (a budget, a quality, a recovered gap) the quality at that threshold would flatter: the
threshold is where these very answers were lucky. So it is cross-fitted: the texts are dealt into
five parts, and each part is routed by the threshold that the other four choose. A share asks for no
quality, and its threshold would be the same on any answers.
"""

import math

import numpy as np

from routellm_core.errors import UnreachableError
from routellm_core.evaluation.recommendation.settings import (
    Candidate,
    RecommendationQueries,
    Setting,
    is_held_out,
    mixed,
    ranked_by,
    setting_of,
)
from routellm_core.metrics import thresholds
from routellm_core.metrics.costs import routed_cost
from routellm_core.metrics.curve import (
    calls_strong,
    curve_of,
    index_at_share,
    point_index,
    rank_queries,
)
from routellm_core.metrics.thresholds import Target, ThresholdChoice
from routellm_core.types import Floats, Ints, RoutingCurve

N_PARTS = 5
"""Of the texts, for a quality on queries that the threshold was not chosen on."""
_NEIGHBOURHOOD = 0.1
"""Share of the queries on each side of a threshold that tell what more quality costs there."""


def router_setting(
    candidate: Candidate,
    queries: RecommendationQueries,
    target: Target,
    usd_per_hour: float,
    *,
    seed: int = 0,
) -> Setting:
    """A router at its own best threshold for a target.

    Args:
        candidate: with the scores of these queries.
        queries: of at least two texts.
        target: a share, budget, quality or recovered gap.
        usd_per_hour: of the machine that the router keeps busy; a budget pays for it too.
        seed: of the parts.

    Raises:
        UnreachableError: no threshold of this router meets the target.
    """
    own_usd = candidate.usd(usd_per_hour)
    curve, cost = _along(candidate.strong_win_rate, queries, own_usd)
    found = _calibrated(curve, cost, target)
    called = calls_strong(candidate.strong_win_rate, found.threshold)
    quality = (
        _cross_fitted(candidate.strong_win_rate, queries, target, own_usd, seed)
        if is_held_out(target)
        else mixed(queries.outcomes.quality_weak, queries.outcomes.quality_strong, called)
    )
    by = ranked_by(target, queries.costs)
    i = point_index(curve, found.threshold)
    price = _price_of_quality(curve, curve.strong_call_share if by == "strong_calls" else cost, i)
    return setting_of(
        queries,
        target,
        label=candidate.label,
        threshold=thresholds.threshold_of(curve, found),
        calls=called.astype(np.float64),
        quality=quality,
        router=(candidate.seconds, own_usd),
        price=price,
    )


def parts_of(cluster_code: Ints, seed: int = 0) -> Ints:
    """Part of each query, (n,) below `N_PARTS`: equal texts in one, as many texts in each."""
    clusters = np.unique(cluster_code, return_inverse=True)[1]
    n_clusters = int(clusters.max()) + 1
    dealt = np.random.default_rng(seed).permutation(n_clusters) % N_PARTS
    return np.asarray(dealt[clusters])


def _along(
    scores: Floats, queries: RecommendationQueries, own_usd: float
) -> tuple[RoutingCurve, Floats]:
    """The router's curve, and USD a query along it with the router's own."""
    ranking, outcomes = rank_queries(scores), queries.outcomes
    curve = curve_of(ranking, outcomes.quality_weak, outcomes.quality_strong)
    return curve, routed_cost(ranking, queries.costs) + own_usd


def _calibrated(curve: RoutingCurve, cost: Floats, target: Target) -> ThresholdChoice:
    if target.mode == "pgr" and not curve.quality[-1] > curve.quality[0]:
        raise UnreachableError(
            "the strong model is not the better one on these queries: there is no gap to recover"
        )
    return thresholds.for_target(curve, cost, target)


def _cross_fitted(
    scores: Floats, queries: RecommendationQueries, target: Target, own_usd: float, seed: int
) -> Floats:
    """(n,) quality of each part under the threshold that the others choose.

    Where the target is out of reach on the others, they choose what comes nearest: the cheapest
    point for a budget, the best one for a quality or a recovered gap.
    """
    weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
    part, called = parts_of(queries.clusters, seed), np.zeros(queries.n, dtype=np.bool_)
    for held_out in range(int(part.max()) + 1):
        others = part != held_out
        curve, cost = _along(scores[others], queries.of(others), own_usd)
        try:
            threshold = _calibrated(curve, cost, target).threshold
        except UnreachableError:
            nearest = np.argmin(cost) if target.mode == "budget" else np.argmax(curve.quality)
            threshold = float(curve.threshold[nearest])
        called[~others] = calls_strong(scores[~others], threshold)
    return np.where(called, strong, weak)


def _price_of_quality(curve: RoutingCurve, cost: Floats, i: int) -> float:
    """Cost of a unit of mean quality near a point: over the tenth of the queries on each side.

    Returns:
        0 where no query is called: the target is met without paying for quality. NaN where more
        calls bring no more quality, so that nothing can be bought there.
    """
    if i == 0:
        return 0.0
    share, width = curve.strong_call_share, 2 * _NEIGHBOURHOOD
    start = min(max(float(share[i]) - _NEIGHBOURHOOD, 0.0), 1.0 - width)
    low = index_at_share(curve, start)
    high = int(np.searchsorted(share, start + width - 1e-12))
    gained = float(curve.quality[high] - curve.quality[low])
    return float(cost[high] - cost[low]) / gained if gained > 0 else math.nan
