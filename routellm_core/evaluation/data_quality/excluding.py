"""A router's figures without the queries that a finding concerns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.evaluation.data_quality.findings import DataFinding
from routellm_core.metrics.curve import apgr, cpt, curve_of, rank_queries
from routellm_core.statistics.bootstrap import N_RESAMPLES, curve_intervals, resample_weights
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.types import Floats, Interval, Ints, PairOutcomes, Ranking


class Headline(NamedTuple):
    """The figures that a router is judged by, with 95% intervals."""

    n_queries: int
    quality_weak: float
    quality_strong: float
    gap: float
    """Quality of strong minus weak."""
    gap_interval: Interval
    apgr: float
    apgr_interval: Interval
    cpt50: float
    cpt50_interval: Interval
    cpt80: float
    cpt80_interval: Interval


class Effect(NamedTuple):
    """The figures with and without some queries."""

    n_excluded: int
    before: Headline
    after: Headline
    apgr_change: float
    """After minus before."""
    apgr_change_interval: Interval
    """Both are read on the same resamples, so that what they share cancels."""


def effect_of_excluding(
    findings: DataFinding | Sequence[DataFinding],
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Effect:
    """A router's figures on all queries, and without those that the findings concern.

    Args:
        findings: one or several; queries that the outcomes do not have are passed over.
        outcomes: of the pair.
        strong_win_rate: (n_queries,) the router's scores.
        n_resamples: of the bootstrap over clusters.
        seed: of the bootstrap.

    Raises:
        DataError: no query would be left.
    """
    listed = [findings] if isinstance(findings, DataFinding) else findings
    named = {query_id for finding in listed for query_id in finding.query_id}
    kept = np.array([query_id not in named for query_id in outcomes.query_id])
    if not kept.any():
        raise DataError(
            f"all {outcomes.n_queries:,} queries would be left out; choose fewer findings"
        )
    before = headline(outcomes, strong_win_rate, n_resamples=n_resamples, seed=seed)
    after = headline(outcomes.of(kept), strong_win_rate[kept], n_resamples=n_resamples, seed=seed)
    change = _apgr_changes(outcomes, rank_queries(strong_win_rate), kept, n_resamples, seed)
    return Effect(
        n_excluded=int((~kept).sum()),
        before=before,
        after=after,
        apgr_change=after.apgr - before.apgr,
        apgr_change_interval=percentile_interval(change),
    )


def headline(
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Headline:
    """A router's figures on some queries; arguments as for `effect_of_excluding`."""
    ranking = rank_queries(strong_win_rate)
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    curve = curve_of(ranking, weak, strong)
    intervals = curve_intervals(
        ranking,
        weak,
        strong,
        cluster_code=outcomes.cluster_code,
        n_resamples=n_resamples,
        seed=seed,
    )
    return Headline(
        n_queries=outcomes.n_queries,
        quality_weak=float(weak.mean()),
        quality_strong=float(strong.mean()),
        gap=float(strong.mean() - weak.mean()),
        gap_interval=intervals.gap,
        apgr=apgr(curve),
        apgr_interval=intervals.apgr,
        cpt50=cpt(curve, 0.5),
        cpt50_interval=intervals.cpt50,
        cpt80=cpt(curve, 0.8),
        cpt80_interval=intervals.cpt80,
    )


def _apgr_changes(
    outcomes: PairOutcomes,
    ranking: Ranking,
    kept: NDArray[np.bool_],
    n_resamples: int,
    seed: int,
) -> Floats:
    """(n_resamples,) APGR of the kept queries minus that of all, both on the same resamples."""
    order, ends = ranking.order, ranking.n_strong
    gain = (outcomes.quality_strong - outcomes.quality_weak)[order]
    kept, clusters = kept[order], outcomes.cluster_code[order]
    weights = resample_weights(len(gain), clusters, n_resamples=n_resamples, seed=seed)
    return np.concatenate(
        [
            _apgr(weight * kept[:, None], gain, ends) - _apgr(weight, gain, ends)
            for weight in weights
        ]
    )


def _apgr(weight: Floats, gain: Floats, ends: Ints) -> Floats:
    """(n,) APGR of ranked queries that count `weight` (n_queries, n) times; ties end at `ends`."""
    n_strong, gained = np.zeros((2, len(gain) + 1, weight.shape[1]))
    np.cumsum(weight, axis=0, out=n_strong[1:])
    np.cumsum(weight * gain[:, None], axis=0, out=gained[1:])
    area = np.trapezoid(gained[ends], n_strong[ends], axis=0)
    total = gained[-1] * n_strong[-1]
    return area / np.where(total == 0, np.nan, total)
