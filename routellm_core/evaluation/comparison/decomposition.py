"""Decomposition of a router's gain into a part between slices and a part within them.

Let a query's called share u be the part of all strong-call shares, from none to all, at which it
goes to the strong model, and d what it gains there. Then

    APGR = sum(u d) / sum(d),  and the mean of u is 1/2,

so that APGR - 1/2 is the covariance of u and d over the mean of d. The law of total covariance
splits it without a rest:

    APGR = 1/2 + between-slice gain + within-slice gain

The between-slice gain is the covariance of the slices' means: what is left if, at each threshold,
the strong model is called for as many queries of each slice as before, but for any of them. The
within-slice gain comes from choosing among the queries of a slice. A slice of n queries passes 1/n
of the within-slice gain to the other part by chance. Both parts are corrected for it. A resample
passes as much once more, so their intervals are reflected at the uncorrected parts (the basic
bootstrap, Davison and Hinkley 1997, section 5.2).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from routellm_core.evaluation.slice_ranks import slice_prior, within_slice
from routellm_core.metrics.curve import apgr, curve_of, pgr_of, rank_queries
from routellm_core.statistics.bootstrap import N_RESAMPLES, paired_resamples, resample_weights
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.types import Estimate, Floats, Interval, Ints, PairOutcomes, Ranking


class Decomposition(NamedTuple):
    """A router's APGR in parts, and the APGR of scores that have one part alone."""

    n_queries: int
    n_slices: int
    apgr: Estimate
    between_slice_gain: Estimate
    """Added to 1/2 by sending more of some slices than of others to the strong model."""
    within_slice_gain: Estimate
    """Added by choosing within slices."""
    slice_means: Estimate
    """APGR of `slice_means`: all that the router knows of slices, and nothing of queries."""
    inside_slices: Estimate
    """APGR of `slice_ranks.within_slice`: the router's order inside slices, nothing of them."""
    prior: Estimate
    """APGR of `slice_prior`, which needs no router."""
    over_prior: Estimate
    """APGR of the router minus that of the prior, paired."""


def decomposition(
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    *,
    fold: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Decomposition:
    """Split a router's APGR, all on the same resamples of the queries.

    Args:
        outcomes: of the pair.
        strong_win_rate: (n_queries,) the router's scores.
        fold: (n_queries,) equal for the queries that one fit scored, for `inside_slices`; both
            gains are of the scores as they are, as APGR is.
        n_resamples: of the bootstrap.
        seed: of the bootstrap and of the folds of the prior.
    """
    scores = (
        strong_win_rate,
        slice_means(strong_win_rate, outcomes.slice_code),
        within_slice(strong_win_rate, outcomes.slice_code, fold),
        slice_prior(outcomes, seed=seed),
    )
    rankings = [rank_queries(score) for score in scores]
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    read = paired_resamples(
        rankings,
        weak,
        strong,
        cluster_code=outcomes.cluster_code,
        n_resamples=n_resamples,
        seed=seed,
    )
    router, means, inside, prior = (
        Estimate(apgr(curve_of(ranking, weak, strong)), percentile_interval(resampled.apgr))
        for ranking, resampled in zip(rankings, read, strict=True)
    )
    between, within = _parts(rankings[0], outcomes, n_resamples, seed)
    return Decomposition(
        n_queries=outcomes.n_queries,
        n_slices=len(np.unique(outcomes.slice_code)),
        apgr=router,
        between_slice_gain=between,
        within_slice_gain=within,
        slice_means=means,
        inside_slices=inside,
        prior=prior,
        over_prior=Estimate(
            router.value - prior.value, percentile_interval(read[0].apgr - read[3].apgr)
        ),
    )


def called_share(ranking: Ranking) -> Floats:
    """The part of all strong-call shares at which each query goes to the strong model.

    The exact area of `metrics.apgr` is the mean of these times the gains, over the mean gain.

    Args:
        ranking: of the router's scores.

    Returns:
        (n_queries,) in [0, 1], equal for equal scores, with a mean of 1/2.

    >>> called_share(rank_queries(np.array([0.9, 0.2, 0.7, 0.2]))).tolist()
    [0.875, 0.25, 0.625, 0.25]
    """
    share = np.empty(len(ranking.order))
    share[ranking.order] = _called_share(ranking, np.ones((len(ranking.order), 1)))[:, 0]
    return share


def slice_means(strong_win_rate: Floats, slice_code: Ints) -> Floats:
    """Scores that keep what a router says of each slice, and forget which query is which.

    The counterpart of `slice_ranks.within_slice`: each score becomes the mean of its slice's.

    >>> slice_means(np.array([0.9, 0.8, 0.4]), np.array([0, 1, 1])).round(2).tolist()
    [0.9, 0.6, 0.6]
    """
    of_slice = pd.Series(strong_win_rate, dtype=np.float64).groupby(np.asarray(slice_code))
    return np.asarray(of_slice.transform("mean"))


def _called_share(ranking: Ranking, weight: Floats) -> Floats:
    """(n_queries, n) called shares in n resamples; queries and weights in the ranking's order."""
    starts, sizes = ranking.n_strong[:-1], np.diff(ranking.n_strong)
    in_group = weight if len(starts) == len(weight) else np.add.reduceat(weight, starts, axis=0)
    until = np.cumsum(in_group, axis=0)
    share = 1.0 - (until - in_group / 2) / until[-1]
    return np.asarray(share if len(starts) == len(weight) else np.repeat(share, sizes, axis=0))


def _passed(share: Floats, outcomes: PairOutcomes) -> float:
    """The covariance that the within-slice part passes to the other: means of slices err together.

    Those of n queries by 1/n of the covariance inside, taken over clusters' sums; a slice that is a
    part of all queries draws their mean along with it by that part.

    Args:
        share: (n_queries,) called shares.
        outcomes: of the pair.
    """
    values = {"share": share, "gain": outcomes.quality_strong - outcomes.quality_weak}
    by_slice = pd.DataFrame(values).groupby(outcomes.slice_code)
    residual = pd.DataFrame(values) - by_slice.transform("mean")
    sums = residual.groupby([outcomes.slice_code, outcomes.cluster_code]).sum()
    products = (sums["share"] * sums["gain"]).groupby(level=0).agg(["sum", "size"])
    n, n_clusters = by_slice.size(), products["size"]
    inside = products["sum"] / n * n_clusters / np.maximum(n_clusters - 1, 1)
    return float((inside * (1.0 - n / outcomes.n_queries)).sum()) / outcomes.n_queries


def _parts(
    ranking: Ranking, outcomes: PairOutcomes, n_resamples: int, seed: int
) -> tuple[Estimate, Estimate]:
    """Both parts, from the quality with each slice's calls spread evenly over its queries.

    Queries are taken in the ranking's order. Counts are exact in float32 up to 16 million queries;
    sums over them are taken in float64.
    """
    n_queries, order = outcomes.n_queries, ranking.order
    weak = outcomes.quality_weak[order]
    gain = outcomes.quality_strong[order] - weak
    place = (outcomes.slice_code[order], np.arange(n_queries))
    shape = (len(outcomes.slices), n_queries)
    in_slice = csr_array((np.ones(n_queries), place), shape=shape)
    gain_in_slice = csr_array((gain, place), shape=shape)

    def read(weight: Floats) -> Floats:
        """(4, n) covariances of both parts, and both models' qualities, in n resamples.

        From (n_queries, n): how often each query counts.
        """
        weight = weight[order]
        n = np.maximum(weight.sum(axis=0, dtype=np.float64), 1.0)
        called = weight * _called_share(ranking, weight)
        gain_of_slice = gain_in_slice @ weight
        n_of_slice = np.maximum(in_slice @ weight, 1.0)
        spread = ((in_slice @ called) * gain_of_slice / n_of_slice).sum(axis=0) / n
        gap, quality_weak = gain_of_slice.sum(axis=0) / n, weak @ weight / n
        ranked = (gain[:, None] * called).sum(axis=0) / n - spread
        return np.stack([spread - gap / 2, ranked, quality_weak, quality_weak + gap])

    *whole, quality_weak, quality_strong = read(np.ones((n_queries, 1), dtype=np.float32))[:, 0]
    weights = resample_weights(n_queries, outcomes.cluster_code, n_resamples=n_resamples, seed=seed)
    *resampled, low, high = np.concatenate([read(weight) for weight in weights], axis=1)
    passed = _passed(called_share(ranking), outcomes)

    def estimate(part: float, parts: Floats, passed: float) -> Estimate:
        plain = float(pgr_of(quality_weak + part, quality_weak, quality_strong))
        ends = percentile_interval(pgr_of(low + parts, low, high))
        return Estimate(
            float(pgr_of(quality_weak + part - passed, quality_weak, quality_strong)),
            Interval(2 * plain - ends.high, 2 * plain - ends.low),
        )

    return estimate(whole[0], resampled[0], passed), estimate(whole[1], resampled[1], -passed)
