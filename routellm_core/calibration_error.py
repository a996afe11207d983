"""Expected calibration error of strong win rates, and how much of it is chance.

Over bins of equally many queries, `reliability.equal_count_bins`: the mean over queries of their
bin's |mean score - mean target|. An absolute value is biased upwards, so that even perfect scores
show an error on a sample; resampling adds the same bias once more, which tells how large it is
(Kumar, Liang and Ma 2019, arXiv 1909.10155, with the bootstrap in place of their normal draws).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from routellm_core.reliability import N_BINS, equal_count_bins
from routellm_core.types import Floats, Interval, Ints
from routellm_core.uncertainty import N_RESAMPLES

_CHUNK = 50


class CalibrationError(NamedTuple):
    """How far scores are from what happens, as a share, with what chance would do."""

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
    clusters = _codes(cluster_code, len(score))
    sums = BinSums(score - target, bins, clusters)
    (resampled,) = resampled_eces([sums], n_resamples, seed)
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
    """Sums of score minus target in every bin, cluster by cluster: what resampling reweights."""

    def __init__(self, residual: Floats, bins: Ints, clusters: Ints) -> None:
        codes = _codes(clusters, len(residual))
        shape = (int(bins.max()) + 1, int(codes.max()) + 1)
        self.of_cluster = csr_array((residual, (bins, codes)), shape=shape)
        self.n_in_cluster = np.bincount(codes).astype(np.float64)

    @property
    def ece(self) -> float:
        return float(self.resampled(np.ones((len(self.n_in_cluster), 1)))[0])

    def resampled(self, weight: Floats) -> Floats:
        """(n,) ECE where clusters count `weight` (n_clusters, n) times, bins as they are."""
        n_drawn = np.maximum(self.n_in_cluster @ weight, 1.0)
        return np.asarray(np.abs(self.of_cluster @ weight).sum(axis=0) / n_drawn)


def resampled_eces(of_scores: Sequence[BinSums], n_resamples: int, seed: int) -> list[Floats]:
    """ECE of several scores of the same queries on the same resamples, (n_resamples,) each.

    Each cluster counts Poisson(1) times.
    """
    rng = np.random.default_rng(seed)
    n_clusters = len(of_scores[0].n_in_cluster)
    chunks = []
    for n in _chunks(n_resamples):
        weight = rng.poisson(1.0, (n_clusters, n)).astype(np.float64)
        chunks.append([sums.resampled(weight) for sums in of_scores])
    return [np.concatenate(of_one) for of_one in zip(*chunks, strict=True)]


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
    for n in _chunks(n_simulations):
        chance = rng.random((n, clusters.max() + 1))[:, cluster]
        drawn = ((chance < win).astype(np.float64) + (chance < win_or_tie)) / 2
        eces.append(np.abs(np.add.reduceat(score - drawn, starts, axis=1)).sum(axis=1) / len(score))
    return np.concatenate(eces)


def _codes(cluster_code: Ints | None, n_queries: int) -> Ints:
    """Clusters numbered from 0 without a gap; every query its own where there are none."""
    if cluster_code is None:
        return np.arange(n_queries)
    return np.unique(cluster_code, return_inverse=True)[1]


def _chunks(n: int) -> Iterator[int]:
    for start in range(0, n, _CHUNK):
        yield min(_CHUNK, n - start)
