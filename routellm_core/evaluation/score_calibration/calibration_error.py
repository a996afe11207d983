"""Expected calibration error of strong win rates, and how much of it is chance.

Over bins of equally many queries, `reliability.equal_count_bins`: the mean over queries of their
bin's |mean score - mean target|. An absolute value is biased upwards, so that even perfect scores
show an error on a sample; resampling adds the same bias once more, which tells how large it is
(Kumar, Liang and Ma 2019, arXiv 1909.10155, with the bootstrap in place of their normal draws).
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from routellm_core.evaluation.score_calibration.reliability import N_BINS, equal_count_bins
from routellm_core.statistics.bootstrap import N_RESAMPLES, chunks, resample_weights
from routellm_core.types import Floats, Interval, Ints


class CalibrationError(NamedTuple):
    """Mean distance of scores from outcomes, as a share, beside that of calibrated scores."""

    ece: float
    """As it is on these queries."""
    debiased: float
    """The same less the bias; never below 0."""
    interval: Interval
    """95%, of the debiased one: the bootstrap over clusters, reflected at `ece`."""
    if_calibrated: float
    """What `ece` would be on average, were the scores perfectly calibrated."""
    p_value: float
    """Chance of an `ece` at least this large, were the scores perfectly calibrated."""
    n_queries: int
    n_bins: int


def calibration_error(
    strong_win_rate: Floats,
    target: Floats,
    *,
    cluster_code: Ints | None = None,
    n_bins: int = N_BINS,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> CalibrationError:
    """The expected calibration error with its bias, interval and value under perfect calibration.

    Perfect calibration is simulated: the scores stay, and the targets are drawn anew with the
    scores as means, with each bin's share of ties as far as a score allows it, once a cluster.

    Args:
        strong_win_rate: (n_queries,) in [0, 1].
        target: (n_queries,) from `reliability.targets`.
        cluster_code: (n_queries,) equal for queries of one text; None: all are different.
        n_bins: at most.
        n_resamples: of the bootstrap, and as many simulations.
        seed: of both.
    """
    score = strong_win_rate.astype(np.float64)
    bins = equal_count_bins(strong_win_rate, n_bins)
    clusters = np.arange(len(score))
    if cluster_code is not None:
        clusters = np.unique(cluster_code, return_inverse=True)[1]
    sums = BinSums(score - target, bins)
    weights = resample_weights(len(score), clusters, n_resamples=n_resamples, seed=seed)
    resampled = np.concatenate([sums.resampled(weight) for weight in weights])
    simulated = _calibrated_eces(score, target, bins, clusters, n_resamples, seed)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return CalibrationError(
        ece=sums.ece,
        debiased=max(2 * sums.ece - float(resampled.mean()), 0.0),
        interval=Interval(*(max(2 * sums.ece - float(end), 0.0) for end in (high, low))),
        if_calibrated=float(simulated.mean()),
        p_value=float((1 + (simulated >= sums.ece - 1e-12).sum()) / (1 + n_resamples)),
        n_queries=len(score),
        n_bins=int(bins.max()) + 1,
    )


class BinSums:
    """Sums of score minus target over bins: what a resample weighs anew, bins staying as they are.

    Since a bin's share times its mean is its sum over n, the ECE is the sum of their sizes over n.
    """

    def __init__(self, residual: Floats, bins: Ints) -> None:
        n = len(residual)
        self.residual = csr_array((residual, (bins, np.arange(n))), shape=(int(bins.max()) + 1, n))

    @property
    def ece(self) -> float:
        return float(self.resampled(np.ones((self.residual.shape[1], 1)))[0])

    def resampled(self, weight: Floats) -> Floats:
        """(n,) ECE where queries count `weight` (n_queries, n) times."""
        n_drawn = np.maximum(weight.sum(axis=0), 1.0)
        return np.asarray(np.abs(self.residual @ weight).sum(axis=0) / n_drawn)


def _calibrated_eces(
    score: Floats, target: Floats, bins: Ints, clusters: Ints, n_simulations: int, seed: int
) -> Floats:
    """(n_simulations,) ECE of targets that are drawn with the scores as their means."""
    rng = np.random.default_rng(seed)
    tie_share = (np.bincount(bins, target == 0.5) / np.bincount(bins))[bins]
    half_tie = np.minimum(tie_share / 2, np.minimum(score, 1.0 - score))
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], np.arange(bins.max() + 1))
    win, win_or_tie, score = (v[order] for v in (score - half_tie, score + half_tie, score))
    cluster = clusters[order]
    eces = []
    for n in chunks(n_simulations):
        chance = rng.random((n, clusters.max() + 1))[:, cluster]
        drawn = ((chance < win).astype(np.float64) + (chance < win_or_tie)) / 2
        eces.append(np.abs(np.add.reduceat(score - drawn, starts, axis=1)).sum(axis=1) / len(score))
    return np.concatenate(eces)
