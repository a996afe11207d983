"""Reliability of strong win rates: of queries scored 0.7, do strong answers win 70%?

The target of a score is what the shipped routers learn from outcomes to predict, win and
half of a tie: `targets` are 1 where the strong answer is better, ½ where both are equally good and
0 where the weak one is better (`labels.golden_battles`). Routers trained on battles alone predict
the verdicts of those judges, and `mf` with `ties="drop"` the chance of a win among decided battles:
for these a distance from the targets is one of data or of definition, not only of fit.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from routellm_core.metrics.curve import rank_queries
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.risk_bounds import binomial_interval
from routellm_core.training.labels import golden_battles
from routellm_core.types import Floats, Interval, Ints, PairOutcomes

N_BINS = 10
"""Enough to see a bend; with more, noise fills the bins of a benchmark of a thousand queries."""

_NO_WIDTH = 1e-9
"""Of an interval: rounding leaves less of what does not vary."""


class ReliabilityBins(NamedTuple):
    """The reliability chart, by rising score; arrays of shape (n_bins,)."""

    n_queries: Ints
    score_low: Floats
    """The lowest score in the bin."""
    score_high: Floats
    mean_score: Floats
    mean_target: Floats
    """Share of strong wins, ties half."""
    target_low: Floats
    """95% interval of `mean_target`."""
    target_high: Floats


class BrierScore(NamedTuple):
    """Mean squared distance of scores and targets: 0 is best, always 0.5 gives at most 0.25.

    `score` = `miscalibration` - `resolution` + `uncertainty` + `within_bins`.
    """

    score: float
    interval: Interval
    """95%, Student's t over clusters."""
    reference: float
    """Of the score that is the mean target for every query."""
    skill: float
    """1 - score / reference: 0 says no more than the mean does, negative less. NaN where all
    targets are equal."""
    skill_interval: Interval
    miscalibration: float
    """Mean squared distance of the bins' mean score and mean target."""
    resolution: float
    """Variance between the bins' mean targets: what the scores tell apart."""
    uncertainty: float
    """Variance of the targets."""
    within_bins: float
    """What the bins hide: variance of scores inside them, less twice their covariance with the
    targets."""
    n_queries: int


def targets(outcomes: PairOutcomes) -> Floats:
    """(n_queries,) 1 where the strong answer is better, ½ where both are equal, 0 elsewhere."""
    return 1.0 - golden_battles(outcomes).win_a


def equal_count_bins(strong_win_rate: Floats, n_bins: int = N_BINS) -> Ints:
    """The bin of each query, 0 for the lowest scores.

    As equal in number as can be while equal scores share a bin; with many ties there are fewer
    bins than asked for, none of them empty.

    Returns:
        (n_queries,)

    >>> equal_count_bins(np.array([0.1, 0.9, 0.3, 0.3, 0.3, 0.8]), 3).tolist()
    [0, 2, 1, 1, 1, 2]
    """
    ranking = rank_queries(strong_win_rate)
    n = len(ranking.order)
    middle_rank = n - (ranking.n_strong[1:] + ranking.n_strong[:-1]) / 2  # rising with the score
    of_level = np.floor(middle_rank * n_bins / n).astype(np.int64)
    bins = np.empty(n, dtype=np.int64)
    bins[ranking.order] = np.repeat(of_level, np.diff(ranking.n_strong))
    return np.unique(bins, return_inverse=True)[1]


def reliability_bins(
    strong_win_rate: Floats,
    target: Floats,
    *,
    cluster_code: Ints | None = None,
    n_bins: int = N_BINS,
) -> ReliabilityBins:
    """Outcomes against scores, in bins of equally many queries.

    The interval is Wilson's where every target of a bin is 0 or 1 and no query repeats another;
    elsewhere Student's t over clusters, cut to [0, 1]. Where all clusters have the same mean, or
    there is one, no variance tells how far it may be off: then it is that of as many wins and
    losses with this mean, which of all targets in [0, 1] vary the most.

    Args:
        strong_win_rate: (n_queries,) in [0, 1].
        target: (n_queries,) from `targets`.
        cluster_code: (n_queries,) equal for queries of one text; None: all are different.
        n_bins: at most.
    """
    bins = equal_count_bins(strong_win_rate, n_bins)
    clusters = np.arange(len(target)) if cluster_code is None else cluster_code
    rows = []
    for code in range(bins.max() + 1):
        here = bins == code
        score = strong_win_rate[here].astype(np.float64)
        low, high = _target_interval(target[here], clusters[here])
        rows.append(
            (here.sum(), score.min(), score.max(), score.mean(), target[here].mean(), low, high)
        )
    return ReliabilityBins(*(np.array(column) for column in zip(*rows, strict=True)))


def brier_score(
    strong_win_rate: Floats,
    target: Floats,
    *,
    cluster_code: Ints | None = None,
    n_bins: int = N_BINS,
) -> BrierScore:
    """Brier score, its skill over the mean, and its parts over equal-count bins.

    Parts after Murphy (1973), with the two that bins add (Stephenson, Coelho and Jolliffe 2008).

    Args:
        strong_win_rate: (n_queries,) in [0, 1].
        target: (n_queries,) from `targets`.
        cluster_code: (n_queries,) equal for queries of one text; None: all are different.
        n_bins: of the parts, at most.
    """
    score = strong_win_rate.astype(np.float64)
    squares, of_mean = (score - target) ** 2, (target - target.mean()) ** 2
    brier, reference = float(squares.mean()), float(of_mean.mean())
    nan = float("nan")
    skill, skill_interval = nan, Interval(nan, nan)
    if reference > 0:
        skill = 1.0 - brier / reference
        # A ratio of means, to first order: its residuals are those of the mean they are added to.
        residuals = (squares - (1.0 - skill) * of_mean) / reference
        skill_interval = mean_interval(skill - residuals, cluster_code)
    bins = equal_count_bins(strong_win_rate, n_bins)
    n_in_bin = np.bincount(bins)
    share = n_in_bin / len(score)
    bin_score, bin_target = (np.bincount(bins, v) / n_in_bin for v in (score, target))
    miscalibration = float(share @ (bin_score - bin_target) ** 2)
    resolution = float(share @ (bin_target - target.mean()) ** 2)
    return BrierScore(
        score=brier,
        interval=mean_interval(squares, cluster_code),
        reference=reference,
        skill=skill,
        skill_interval=skill_interval,
        miscalibration=miscalibration,
        resolution=resolution,
        uncertainty=reference,
        within_bins=brier - miscalibration + resolution - reference,
        n_queries=len(score),
    )


def _target_interval(target: Floats, clusters: Ints) -> Interval:
    n, n_clusters = len(target), len(np.unique(clusters))
    if np.isin(target, (0.0, 1.0)).all() and n_clusters == n:
        return Interval(*binomtest(int(target.sum()), n).proportion_ci(method="wilson"))
    low, high = mean_interval(target, clusters)
    if not high - low > _NO_WIDTH:
        return binomial_interval(float(target.mean()) * n_clusters, n_clusters)
    return Interval(float(np.maximum(low, 0.0)), float(np.minimum(high, 1.0)))
