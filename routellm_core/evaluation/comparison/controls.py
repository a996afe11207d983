"""Controls of a router: its own scores shuffled, and a constant in disguise.

The control costs what the router costs: it has the same scores, and so the same strong-call share
at every threshold, but they lie on the wrong queries. Its APGR is 1/2 on average, exactly. Which of
both is ahead is decided by quality, also where there is no gap or the strong model is the worse.

>>> choice_entropy(0.5), round(choice_entropy(0.03), 3)
(1.0, 0.194)
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.evaluation.comparison.decomposition import called_share
from routellm_core.metrics.curve import pgr_of, rank_queries
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.statistics.significance import LEVEL, one_per_cluster
from routellm_core.types import Floats, Interval, Ints, Ranking

FEWEST_EITHER_WAY = 0.05
"""Share of queries below which a model is as good as never called."""
NARROW = 0.02
"""Width of the middle 95% of the win rates below which no threshold written down divides them."""

ControlKind: TypeAlias = Literal["router", "chance", "reversed", "constant"]


class ShuffledControl(NamedTuple):
    """Comparison of a router with its own scores on shuffled queries, one query of each text."""

    n_queries: int
    ahead: float
    """Quality of the router minus the mean of the shuffled, over all strong-call shares: the
    covariance of called share and gain, whatever the gap."""
    apgr: float
    """Of the router on these queries; NaN without a gap to recover."""
    band: Interval
    """Middle 95% of the APGR of the shuffled scores; their mean is 0.5."""
    p_value: float
    """Two-sided, that the scores say nothing of what the strong model adds."""


class RouterControls(NamedTuple):
    """Kind of router that the scores are, and the figures that decide it."""

    kind: ControlKind
    n_scores: int
    """Distinct scores: each is a threshold."""
    score_entropy: float
    """Bits of a query's score; log2 of the number of queries where all differ."""
    spread: float
    """Width of the middle 95% of the scores."""
    evenest_share: float
    """The reachable strong-call share nearest to one half."""
    share_at_half: float
    """Strong-call share at the threshold 0.5."""
    control: ShuffledControl


def router_controls(
    strong_win_rate: Floats,
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    n_shuffles: int = N_RESAMPLES,
    seed: int = 0,
) -> RouterControls:
    """Tell a router from a constant in disguise and from chance.

    `constant`: no threshold sends between 5% and 95% of the queries to the strong model, or the
    middle 95% of the scores is narrower than 0.02 and the order is not shown to be better than
    shuffled. `router` and `reversed`: the quality is shown (at 5%) to be above or below that of the
    shuffled scores. `chance`: neither is; on few queries a good router may seem one.

    Args:
        strong_win_rate: (n_queries,) finite.
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        cluster_code: (n_queries,) equal for queries of equal text; by default all differ.
        n_shuffles: of the control.
        seed: of the control.
    """
    control = shuffled_control(
        strong_win_rate,
        quality_weak,
        quality_strong,
        cluster_code=cluster_code,
        n_shuffles=n_shuffles,
        seed=seed,
    )
    ranking = rank_queries(strong_win_rate)
    shares = ranking.n_strong / len(ranking.order)
    evenest = float(shares[np.argmin(np.abs(shares - 0.5))])
    low, high = np.quantile(strong_win_rate, [0.025, 0.975])
    spread = float(high - low)
    return RouterControls(
        kind=_kind(control, evenest, spread),
        n_scores=len(ranking.threshold) - 1,
        score_entropy=score_entropy(ranking),
        spread=spread,
        evenest_share=evenest,
        share_at_half=float((strong_win_rate >= 0.5).mean()),
        control=control,
    )


def shuffled_control(
    strong_win_rate: Floats,
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    n_shuffles: int = N_RESAMPLES,
    seed: int = 0,
) -> ShuffledControl:
    """Compare a router's quality with that of its own scores on shuffled queries.

    A permutation test, exact however the gains are spread; the p-value counts the router itself
    among the shuffles (Phipson and Smyth 2010). Of queries of equal text the first is taken: they
    share a score, so they cannot be shuffled apart. Arguments as for `router_controls`.
    """
    clusters = np.arange(len(quality_weak)) if cluster_code is None else cluster_code
    kept = one_per_cluster(clusters)
    share = called_share(rank_queries(strong_win_rate[kept])) - 0.5
    weak, strong = (np.asarray(q, dtype=np.float64)[kept] for q in (quality_weak, quality_strong))
    gain = strong - weak
    rng = np.random.default_rng(seed)
    ahead = float((share * gain).mean())
    shuffled = np.array([(share * rng.permutation(gain)).mean() for _ in range(n_shuffles)])
    ends = float(weak.mean()), float(strong.mean())
    n_beyond = int((np.abs(shuffled) >= np.abs(ahead) - 1e-12).sum())
    return ShuffledControl(
        n_queries=len(gain),
        ahead=ahead,
        apgr=0.5 + float(pgr_of(ends[0] + ahead, *ends)),
        band=percentile_interval(0.5 + pgr_of(ends[0] + shuffled, *ends)),
        p_value=(1 + n_beyond) / (1 + n_shuffles),
    )


def choice_entropy(strong_call_share: float) -> float:
    """Bits of the choice between both models: 1 when each gets half, 0 when one gets all.

    RouterEval (arXiv 2503.10657) calls it E_p and sees in it whether a router has collapsed.
    """
    chance = np.array([strong_call_share, 1.0 - strong_call_share])
    return _bits(chance)


def score_entropy(ranking: Ranking) -> float:
    """Bits of a query's score over the distinct scores: log2(n_queries) where all differ."""
    return _bits(np.diff(ranking.n_strong) / len(ranking.order))


def _kind(control: ShuffledControl, evenest_share: float, spread: float) -> ControlKind:
    is_better = control.p_value < LEVEL and control.ahead > 0
    if not is_divided(evenest_share) or (spread < NARROW and not is_better):
        return "constant"
    if is_better:
        return "router"
    return "reversed" if control.p_value < LEVEL else "chance"


def is_divided(share: float) -> bool:
    """True where both models get at least 5% of the queries."""
    return FEWEST_EITHER_WAY <= share <= 1.0 - FEWEST_EITHER_WAY


def _bits(chance: Floats) -> float:
    known = chance[chance > 0.0]
    return float(-(known * np.log2(known)).sum()) + 0.0
