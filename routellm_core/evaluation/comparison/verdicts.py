"""Tests of every two routers on the same queries.

Both routers of a pair face the same gap, so their APGRs are equal exactly when the areas under
their quality curves are. The areas order the routers and are tested: no resample divides by a gap
that it may not hold, and where the strong model is the worse one, so that the worse router has the
higher APGR, the better one is still ahead.

The p-value is that of the difference over its bootstrap standard error. Counting the resamples
beyond 0, as (1 + k) / (1 + B) does, cannot fall below 2 / (1 + B): of 45 pairs none could hold
with 1,000 resamples. The tests show by simulation that 5% of equally good routers appear different,
and that the stated numbers of queries are enough.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routellm_core.metrics.curve import curve_of, pgr_of, rank_queries
from routellm_core.statistics.bootstrap import N_RESAMPLES, CurveResamples, paired_resamples
from routellm_core.statistics.intervals import mean_interval, percentile_interval
from routellm_core.statistics.significance import (
    LEVEL,
    holm,
    mcnemar_p_value,
    one_per_cluster,
    queries_needed,
    two_sided_p_value,
)
from routellm_core.types import Floats, Interval, Ints, Ranking

VerdictKind: TypeAlias = Literal["ahead", "undecided", "undecidable"]
"""Whether the difference is shown, would be by more queries, or by no number of them."""


class AtShare(NamedTuple):
    """Two routers that send the same share of queries to the strong model."""

    strong_call_share: float
    gain: float
    """Quality of the router minus that of the other, in the benchmark's own scale."""
    gain_interval: Interval
    """95%, paired."""
    n_only_router: int
    """Queries, one of each text, on which the router's answer is the better one."""
    n_only_over: int
    """Those on which the other router's answer is."""
    p_value: float
    """McNemar's exact test of both counts; NaN where quality is not just 0 or 1."""
    adjusted_p_value: float
    """By Holm over all pairs."""


class PairVerdict(NamedTuple):
    """Comparison of a router with one that is not better, on the same queries."""

    router: str
    over: str
    n_queries: int
    quality_gain: float
    """Quality of the router minus that of the other, over all strong-call shares; never below 0."""
    quality_gain_interval: Interval
    """95%, paired, for this pair alone."""
    is_gap_clear: bool
    """Whether the 95% interval of the gap lies above 0: elsewhere a part of it says little."""
    gain: float
    """APGR of the router minus that of the other; NaN without a gap to recover."""
    gain_interval: Interval
    """95%, paired, for this pair alone."""
    p_value: float
    """Two-sided, that both are equally good."""
    adjusted_p_value: float
    """By Holm over all pairs."""
    n_more: float
    """Further queries that would show the difference; 0 where it is shown, infinite where no number
    would."""
    at_share: AtShare

    @property
    def is_ahead(self) -> bool:
        """True where the router is better, allowing for all pairs that were looked at."""
        return self.quality_gain > 0 and self.adjusted_p_value < LEVEL

    @property
    def kind(self) -> VerdictKind:
        """The verdict as an enum."""
        if self.is_ahead:
            return "ahead"
        return "undecided" if np.isfinite(self.n_more) else "undecidable"

    @property
    def amount(self) -> float:
        """The difference: of APGR where the gap is clear, else of quality."""
        return self.gain if self.is_gap_clear else self.quality_gain

    @property
    def amount_interval(self) -> Interval:
        """95%, of `amount`."""
        return self.gain_interval if self.is_gap_clear else self.quality_gain_interval


def verdicts(
    strong_win_rates: Mapping[str, Floats],
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    strong_call_share: float = 0.5,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[PairVerdict]:
    """Verdicts on every pair of some routers, on the same resamples of the queries.

    Args:
        strong_win_rates: (n_queries,) scores of each router, by its name.
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        cluster_code: (n_queries,) queries of a code are drawn together; by default each alone.
        strong_call_share: at which the qualities are compared besides.
        n_resamples: of the bootstrap.
        seed: of the bootstrap and of `calls_at_share`.

    Returns:
        The best router over each other one, the next best over those below it, and so on. A pair
        that is not shown needs queries for the level that Holm leaves to those not shown.

    Raises:
        ValueError: the share is outside [0, 1].
    """
    if not 0.0 <= strong_call_share <= 1.0:
        raise ValueError(f"strong_call_share {strong_call_share} is outside [0, 1]")
    weak, strong, n_queries = quality_weak, quality_strong, len(quality_weak)
    clusters = np.arange(n_queries) if cluster_code is None else cluster_code
    rankings = [rank_queries(scores) for scores in strong_win_rates.values()]
    resamples = paired_resamples(
        rankings,
        weak,
        strong,
        cluster_code=clusters,
        strong_call_share=strong_call_share,
        n_resamples=n_resamples,
        seed=seed,
    )
    ends = float(weak.mean()), float(strong.mean())
    is_gap_clear = mean_interval(strong - weak, clusters).low > 0
    routers = [
        _read(name, ranking, weak, strong, strong_call_share, seed, resampled)
        for name, ranking, resampled in zip(strong_win_rates, rankings, resamples, strict=True)
    ]
    routers.sort(key=lambda router: -router.area)
    pairs = list(combinations(routers, 2))
    counted = one_per_cluster(clusters)
    errors = [float((a.resamples.area - b.resamples.area).std(ddof=1)) for a, b in pairs]
    p_values = np.array(
        [
            two_sided_p_value(a.area - b.area, error, len(counted))
            for (a, b), error in zip(pairs, errors, strict=True)
        ]
    )
    adjusted = holm(p_values)
    level = LEVEL / max(int((adjusted >= LEVEL).sum()), 1)
    is_binary = bool(np.isin([weak, strong], (0.0, 1.0)).all())
    at_share = _at_share(pairs, strong_call_share, counted, is_binary)
    found = []
    for i, (a, b) in enumerate(pairs):
        needed = queries_needed(n_queries, a.area - b.area, errors[i], level)
        found.append(
            PairVerdict(
                router=a.name,
                over=b.name,
                n_queries=n_queries,
                quality_gain=a.area - b.area,
                quality_gain_interval=percentile_interval(a.resamples.area - b.resamples.area),
                is_gap_clear=is_gap_clear,
                gain=float(pgr_of(ends[0] + a.area - b.area, *ends)),
                gain_interval=percentile_interval(a.resamples.apgr - b.resamples.apgr),
                p_value=float(p_values[i]),
                adjusted_p_value=float(adjusted[i]),
                n_more=0.0 if adjusted[i] < LEVEL else needed - n_queries,
                at_share=at_share[i],
            )
        )
    return found


def calls_at_share(ranking: Ranking, strong_call_share: float, seed: int = 0) -> NDArray[np.bool_]:
    """(n_queries,) true for the share of queries with the highest scores.

    A threshold never splits equal scores; here chance does, so that routers can be compared at
    exactly the same share. The same seed orders the queries alike for all routers.
    """
    n_queries = len(ranking.order)
    group = np.repeat(np.arange(len(ranking.n_strong) - 1), np.diff(ranking.n_strong))
    chance = np.random.default_rng(seed).random(n_queries)[ranking.order]
    order = ranking.order[np.lexsort((chance, group))]
    called = np.zeros(n_queries, dtype=np.bool_)
    called[order[: round(strong_call_share * n_queries)]] = True
    return called


class _Router(NamedTuple):
    """Figures of a router on the queries themselves and on their resamples."""

    name: str
    area: float
    """Quality averaged over all strong-call shares."""
    quality: float
    """At the one share, over all ways to split equal scores."""
    routed: Floats
    """(n_queries,) quality of the routed answers there."""
    resamples: CurveResamples


def _read(
    name: str,
    ranking: Ranking,
    weak: Floats,
    strong: Floats,
    strong_call_share: float,
    seed: int,
    resamples: CurveResamples,
) -> _Router:
    curve = curve_of(ranking, weak, strong)
    called = calls_at_share(ranking, strong_call_share, seed)
    return _Router(
        name=name,
        area=float(np.trapezoid(curve.quality, curve.strong_call_share)),
        quality=float(np.interp(strong_call_share, curve.strong_call_share, curve.quality)),
        routed=np.where(called, strong, weak),
        resamples=resamples,
    )


def _at_share(
    pairs: Sequence[tuple[_Router, _Router]], share: float, counted: Ints, is_binary: bool
) -> list[AtShare]:
    signs = [np.sign((a.routed - b.routed)[counted]) for a, b in pairs]
    counts = [(int((s > 0).sum()), int((s < 0).sum())) for s in signs]
    p_values = np.array([mcnemar_p_value(*n) if is_binary else np.nan for n in counts])
    return [
        AtShare(
            strong_call_share=share,
            gain=a.quality - b.quality,
            gain_interval=percentile_interval(a.resamples.quality - b.resamples.quality),
            n_only_router=n_router,
            n_only_over=n_over,
            p_value=float(p_value),
            adjusted_p_value=float(adjusted),
        )
        for (a, b), (n_router, n_over), p_value, adjusted in zip(
            pairs, counts, p_values, holm(p_values), strict=True
        )
    ]
