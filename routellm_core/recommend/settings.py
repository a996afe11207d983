"""Each router at its own threshold for a wish, on the queries that somebody sends.

The threshold is chosen on all of these queries, and its share of strong calls, money and seconds
are read there too: how good the answers were hardly moves them. Where the wish is judged by quality
(a budget, a quality, a recovered gap) the quality at that threshold would flatter: the threshold is
where these very answers were lucky. So it is cross-fitted: the texts are dealt into five parts, and
each part is routed by the threshold that the other four choose. A share asks for no quality, and
its threshold would be the same on any answers.

Routers are ranked by quality for a share or a budget, and by money (by strong calls where a price
is unknown) for a quality or a recovered gap. `Setting.influence` is what each query adds to the
figure that ranks, to first order. In a quality it is the quality of the routed answer. In the
money of a wished quality it is the query's money less what its answer's surplus of quality is worth
along the router's curve: a router that has lucky answers meets the wish with fewer calls, so the
luck is in its money. That is the delta method for the root of an estimating equation (van der Vaart
1998, theorem 5.21).
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routellm_core import calibration
from routellm_core.calibration import Wish
from routellm_core.costs import PairCosts, routed_cost
from routellm_core.errors import UnreachableError
from routellm_core.metrics import (
    calls_strong,
    curve_of,
    index_at_share,
    pgr_of,
    point_index,
    rank_queries,
)
from routellm_core.overhead import router_cost_usd
from routellm_core.types import Floats, Ints, PairLatencies, PairOutcomes, RoutingCurve

RankedBy: TypeAlias = Literal["quality", "usd", "strong_calls"]

N_PARTS = 5
"""Of the texts, for a quality on queries that the threshold was not chosen on."""
_NEIGHBOURHOOD = 0.1
"""Share of the queries on each side of a threshold that tell what more quality costs there."""


@dataclass(frozen=True)
class Queries:
    """What is known of the queries that a router is chosen for; all aligned."""

    outcomes: PairOutcomes
    costs: PairCosts
    latencies: PairLatencies

    @property
    def n(self) -> int:
        return self.outcomes.n_queries

    @property
    def clusters(self) -> Ints:
        """(n,) equal for queries of one text."""
        return self.outcomes.cluster_code

    @property
    def gap(self) -> Floats:
        """(n,) quality of the strong model minus that of the weak one."""
        return np.asarray(self.outcomes.quality_strong - self.outcomes.quality_weak)

    def of(self, kept: NDArray[np.bool_]) -> "Queries":
        """The same for some of them: `kept` is (n,)."""
        costs, (weak, strong) = self.costs, self.latencies
        return Queries(
            self.outcomes.of(kept),
            PairCosts(costs.weak[kept], costs.strong[kept], costs.tokens),
            PairLatencies(weak[kept], strong[kept]),
        )


class Candidate(NamedTuple):
    """A router with its scores of all queries of a benchmark."""

    label: str
    """Its name, with the recipe where it has several."""
    router_id: str
    router: str
    recipe: str
    strong_win_rate: Floats
    """(n_queries,)"""
    seconds: float
    """Of its own for a query; NaN where nobody measured them."""
    seconds_source: str

    def usd(self, usd_per_hour: float) -> float:
        """Of its machine for a query; NaN where its time is unknown and the machine costs."""
        if math.isnan(self.seconds):
            return math.nan if usd_per_hour > 0 else 0.0
        return router_cost_usd(self.seconds, usd_per_hour)


class Setting(NamedTuple):
    """A way to divide queries between both models, and what each query gets by it."""

    label: str
    threshold: float
    """Between two scores; NaN for a mix that looks at no query."""
    calls: Floats
    """(n,) the chance of the strong model: 0 or 1 under a threshold."""
    quality: Floats
    """(n,) of the routed answers; cross-fitted where the wish is judged by quality."""
    usd: Floats
    """(n,) of the answer and the router; NaN where one is unknown."""
    router_s: float
    figure: float
    """The mean that ranks it: quality, USD a query or strong-call share."""
    influence: Floats
    """(n,) what each query adds to that figure; NaN where that cannot be told."""


def ranked_by(wish: Wish, costs: PairCosts) -> RankedBy:
    """What settings for a wish are held against each other by; only quality is good when high."""
    if wish.mode in ("share", "budget"):
        return "quality"
    return "usd" if costs.are_known else "strong_calls"


def is_held_out(wish: Wish) -> bool:
    """Whether the threshold for a wish depends on answers, so that quality is cross-fitted."""
    return wish.mode != "share"


def parts_of(cluster_code: Ints, seed: int = 0) -> Ints:
    """(n,) which of `N_PARTS` a query is in; equal texts in one, parts of equally many texts."""
    clusters = np.unique(cluster_code, return_inverse=True)[1]
    n_clusters = int(clusters.max()) + 1
    dealt = np.random.default_rng(seed).permutation(n_clusters) % N_PARTS
    return np.asarray(dealt[clusters])


def router_setting(
    candidate: Candidate, queries: Queries, wish: Wish, usd_per_hour: float, *, seed: int = 0
) -> Setting:
    """A router at its own best threshold for a wish.

    Args:
        candidate: with the scores of these queries.
        queries: of at least two texts.
        wish: a share, budget, quality or recovered gap.
        usd_per_hour: of the machine that the router keeps busy; a budget pays for it too.
        seed: of the parts.

    Raises:
        UnreachableError: no threshold of this router meets the wish.
    """
    own_usd = candidate.usd(usd_per_hour)
    curve, cost = _along(candidate.strong_win_rate, queries, own_usd)
    found = _calibrated(curve, cost, wish)
    called = calls_strong(candidate.strong_win_rate, found.threshold)
    quality = (
        _cross_fitted(candidate.strong_win_rate, queries, wish, own_usd, seed)
        if is_held_out(wish)
        else _mixed(queries.outcomes.quality_weak, queries.outcomes.quality_strong, called)
    )
    by = ranked_by(wish, queries.costs)
    i = point_index(curve, found.threshold)
    price = _price_of_quality(curve, curve.strong_call_share if by == "strong_calls" else cost, i)
    return _setting(
        queries,
        wish,
        label=candidate.label,
        threshold=calibration.threshold_of(curve, found),
        calls=called.astype(np.float64),
        quality=quality,
        router=(candidate.seconds, own_usd),
        price=price,
    )


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
    return _setting(
        queries,
        wish,
        label=label,
        threshold=math.nan,
        calls=calls,
        quality=_mixed(outcomes.quality_weak, outcomes.quality_strong, calls),
        router=(0.0, 0.0),
        price=extra / gap if 0.0 < share < 1.0 else 0.0,
    )


def _setting(
    queries: Queries,
    wish: Wish,
    *,
    label: str,
    threshold: float,
    calls: Floats,
    quality: Floats,
    router: tuple[float, float],
    price: float,
) -> Setting:
    """All of a setting from who is called.

    Args:
        queries: that are divided.
        wish: that is served.
        label: of the setting.
        threshold: between two scores.
        calls: (n,)
        quality: (n,) that is shown.
        router: its seconds and USD for a query.
        price: what a unit of mean quality costs there, in what ranks.
    """
    usd = _mixed(queries.costs.weak, queries.costs.strong, calls) + router[1]
    by = ranked_by(wish, queries.costs)
    ranking = {"quality": quality, "usd": usd, "strong_calls": calls}[by]
    influence = ranking
    if by != "quality":
        weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
        wanted = (
            _mixed(weak, strong, np.full(queries.n, wish.wanted))
            if wish.mode == "pgr"
            else wish.wanted
        )
        influence = ranking - price * (_mixed(weak, strong, calls) - wanted)
    return Setting(
        label, threshold, calls, quality, usd, router[0], float(ranking.mean()), influence
    )


def _mixed(weak: Floats, strong: Floats, calls: Floats | NDArray[np.bool_]) -> Floats:
    return np.asarray(weak + calls * (strong - weak))


def _along(scores: Floats, queries: Queries, own_usd: float) -> tuple[RoutingCurve, Floats]:
    """The router's curve, and USD a query along it with the router's own."""
    ranking, outcomes = rank_queries(scores), queries.outcomes
    curve = curve_of(ranking, outcomes.quality_weak, outcomes.quality_strong)
    return curve, routed_cost(ranking, queries.costs) + own_usd


def _calibrated(curve: RoutingCurve, cost: Floats, wish: Wish) -> calibration.Calibration:
    if wish.mode == "pgr" and not curve.quality[-1] > curve.quality[0]:
        raise UnreachableError(
            "the strong model is not the better one on these queries: there is no gap to recover"
        )
    return calibration.for_wish(curve, cost, wish)


def _cross_fitted(
    scores: Floats, queries: Queries, wish: Wish, own_usd: float, seed: int
) -> Floats:
    """(n,) quality of each part under the threshold that the others choose.

    Where the wish is out of reach on the others, they choose what comes nearest: the cheapest
    point for a budget, the best one for a quality or a recovered gap.
    """
    weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
    part, called = parts_of(queries.clusters, seed), np.zeros(queries.n, dtype=np.bool_)
    for held_out in range(int(part.max()) + 1):
        others = part != held_out
        curve, cost = _along(scores[others], queries.of(others), own_usd)
        try:
            threshold = _calibrated(curve, cost, wish).threshold
        except UnreachableError:
            nearest = np.argmin(cost) if wish.mode == "budget" else np.argmax(curve.quality)
            threshold = float(curve.threshold[nearest])
        called[~others] = calls_strong(scores[~others], threshold)
    return np.where(called, strong, weak)


def _price_of_quality(curve: RoutingCurve, cost: Floats, i: int) -> float:
    """What a unit of mean quality costs near a point: over the tenth of the queries on each side.

    Returns:
        0 where no query is called: the wish is met without paying for quality. NaN where more
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
