"""The Poisson bootstrap over queries: one stream of resamples, and the curves read on them.

Whatever reads resamples takes them from `resample_weights`, so that at one seed all figures of a
set of queries are read on the same ones.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from routellm_core.metrics.curve import pgr_of
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.types import Floats, Interval, Ints, Ranking

N_RESAMPLES = 1_000
_CHUNK = 25
EXACT_LIMIT = 50_000
"""Queries up to which every one of them is drawn; see `curve_intervals`."""
_N_RUNS = 2_000
"""Points at which a resampled curve is computed: neighbours on a longer curve move as one."""

_Curves: TypeAlias = Iterator[tuple[Floats, Floats]]
"""Strong-call shares and qualities of some resampled curves at a time, each (n, n_points)."""


class CurveIntervals(NamedTuple):
    """95% percentile intervals of a routing curve and of what is read from it."""

    strong_call_share: Floats
    """(n_grid,) shares at which the band is given."""
    quality_low: Floats
    """(n_grid,) lower edge of the quality at that share."""
    quality_high: Floats
    """(n_grid,) upper edge."""
    pgr_low: Floats
    """(n_grid,) lower edge of the recovered gap at that share; NaN where the gap's interval holds 0
    (Fieller 1954: the ratio is then unbounded)."""
    pgr_high: Floats
    apgr: Interval
    cpt50: Interval
    cpt80: Interval
    gap: Interval
    """Of the quality of strong minus weak. PGR, APGR and CPT mean little when it contains 0."""
    n_resamples: int

    def quality_at(self, share: Floats) -> tuple[Floats, Floats]:
        """Both edges of the quality's band at strong-call shares, straight between grid points."""
        return self._at(share, self.quality_low, self.quality_high)

    def pgr_at(self, share: Floats) -> tuple[Floats, Floats]:
        """Both edges of the PGR's band at strong-call shares."""
        return self._at(share, self.pgr_low, self.pgr_high)

    def _at(self, share: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        grid = self.strong_call_share
        return np.interp(share, grid, low), np.interp(share, grid, high)


class CurveResamples(NamedTuple):
    """Figures of a routing curve on each resample of the queries, (n_resamples,) each."""

    apgr: Floats
    cpt50: Floats
    cpt80: Floats
    area: Floats
    """Quality averaged over all strong-call shares: APGR before it is divided by the gap."""
    quality: Floats
    """At one strong-call share; between two reachable ones both are mixed."""


def curve_intervals(
    ranking: Ranking,
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    n_grid: int = 101,
    seed: int = 0,
) -> CurveIntervals:
    """Bootstrap intervals of quality along the curve, APGR, CPT(50%), CPT(80%) and the gap.

    Poisson bootstrap: each cluster counts Poisson(1) times (Hanley and MacGibbon 2006). Above
    50,000 queries a resample draws the sums of 2,000 runs of neighbouring queries from the normal
    that the central limit theorem gives them, instead of drawing every query; clusters are then
    taken as single queries.

    Args:
        ranking: of the router's scores.
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        cluster_code: (n_queries,) queries of a code are drawn together; by default each alone.
        n_resamples: how many.
        n_grid: points of the band.
        seed: of the resampling.
    """
    weak = np.asarray(quality_weak, dtype=np.float64)
    gain = np.asarray(quality_strong, dtype=np.float64) - weak
    if len(weak) > EXACT_LIMIT:
        drawn = _curves_of_runs(ranking, weak, gain, n_resamples, seed)
    else:
        drawn = _curves_of_queries(ranking, weak, gain, cluster_code, n_resamples, seed)
    grid = np.linspace(0.0, 1.0, n_grid)
    bands, read = [], []
    for share, quality in drawn:
        read.append(_read(share, quality))
        bands.append(np.stack([np.interp(grid, s, q) for s, q in zip(share, quality, strict=True)]))
    band = np.concatenate(bands)
    low, high = np.quantile(band, [0.025, 0.975], axis=0)
    gap = percentile_interval(band[:, -1] - band[:, 0])
    is_gap = gap.low > 0 or gap.high < 0
    recovered = np.where(is_gap, pgr_of(band, band[:, :1], band[:, -1:]), np.nan)
    pgr_low, pgr_high = np.quantile(recovered, [0.025, 0.975], axis=0)
    resamples = _joined(read)
    return CurveIntervals(
        strong_call_share=grid,
        quality_low=low,
        quality_high=high,
        pgr_low=pgr_low,
        pgr_high=pgr_high,
        apgr=percentile_interval(resamples.apgr),
        cpt50=percentile_interval(resamples.cpt50),
        cpt80=percentile_interval(resamples.cpt80),
        gap=gap,
        n_resamples=n_resamples,
    )


def curve_resamples(
    rankings: Sequence[Ranking],
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[CurveResamples]:
    """The resamples behind the intervals of `curve_intervals`, for several routers at once.

    Up to `EXACT_LIMIT` queries all are read on the same resamples, so that their differences may
    be taken too. Arguments and result as for `paired_resamples`.
    """
    if len(quality_weak) <= EXACT_LIMIT:
        return paired_resamples(
            rankings,
            quality_weak,
            quality_strong,
            cluster_code=cluster_code,
            n_resamples=n_resamples,
            seed=seed,
        )
    weak = np.asarray(quality_weak, dtype=np.float64)
    gain = np.asarray(quality_strong, dtype=np.float64) - weak
    return [
        _joined([_read(*some) for some in _curves_of_runs(ranking, weak, gain, n_resamples, seed)])
        for ranking in rankings
    ]


def paired_resamples(
    rankings: Sequence[Ranking],
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    strong_call_share: float = 0.5,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[CurveResamples]:
    """Several routers read on the same resamples, which are drawn once for all of them.

    What makes a resample easy for one router makes it easy for all, so differences between them
    vary less than each alone. Up to `EXACT_LIMIT` queries these are the resamples of
    `curve_intervals` with the same seed.

    Args:
        rankings: of each router's scores of the same queries.
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        cluster_code: (n_queries,) queries of a code are drawn together; by default each alone.
        strong_call_share: where the quality is read.
        n_resamples: how many.
        seed: of the resampling.

    Returns:
        One for each ranking, in their order.
    """
    weak = np.asarray(quality_weak, dtype=np.float32)
    gain = np.asarray(quality_strong, dtype=np.float32) - weak
    of_rankings = [_RunSums(ranking, gain) for ranking in rankings]
    weights = resample_weights(len(gain), cluster_code, n_resamples=n_resamples, seed=seed)
    chunks: list[list[CurveResamples]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for weight in weights:
            read = partial(_read_resamples, weight, weak @ weight, strong_call_share)
            chunks.append(list(pool.map(read, of_rankings)))
    return [_joined(of_ranking) for of_ranking in zip(*chunks, strict=True)]


def resample_weights(
    n_queries: int,
    cluster_code: Ints | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Iterator[Floats]:
    """Numbers of times that each query counts in each resample, some resamples at a time.

    Poisson bootstrap: each cluster counts Poisson(1) times (Hanley and MacGibbon 2006).

    Args:
        n_queries: how many there are.
        cluster_code: (n_queries,) from 0; queries of a code are drawn together; None: each alone.
        n_resamples: in all.
        seed: of the resampling.

    Yields:
        (n_queries, n) float32 whole numbers; the n add up to `n_resamples`.
    """
    rng, times = np.random.default_rng(seed), _poisson_table()
    clusters = np.arange(n_queries) if cluster_code is None else cluster_code
    for n in chunks(n_resamples):
        chance = rng.integers(0, len(times), (n, int(clusters.max()) + 1), dtype=np.uint16)
        yield np.ascontiguousarray(times[chance].T)[clusters]


def chunks(n_resamples: int) -> Iterator[int]:
    """Numbers of resamples that are drawn at once; they add up to all of them."""
    for start in range(0, n_resamples, _CHUNK):
        yield min(_CHUNK, n_resamples - start)


def _joined(chunks: Sequence[CurveResamples]) -> CurveResamples:
    return CurveResamples(*map(np.concatenate, zip(*chunks, strict=True)))


def _read_resamples(
    weight: Floats, weak_sum: Floats, strong_call_share: float, sums: "_RunSums"
) -> CurveResamples:
    return _read(*_curves(*sums(weight), weak_sum), strong_call_share)


def _read(share: Floats, quality: Floats, strong_call_share: float = 0.5) -> CurveResamples:
    """Readings of n curves, given as (n, n_points)."""
    gap = quality[:, -1:] - quality[:, :1]
    recovered = (quality - quality[:, :1]) / np.where(gap == 0, np.nan, gap)
    return CurveResamples(
        apgr=np.asarray(np.trapezoid(recovered, share, axis=1)),
        cpt50=_first_share(share, recovered, 0.5),
        cpt80=_first_share(share, recovered, 0.8),
        area=np.asarray(np.trapezoid(quality, share, axis=1)),
        quality=_at_share(share, quality, strong_call_share),
    )


def _at_share(share: Floats, quality: Floats, wanted: float) -> Floats:
    """(n,) quality of each curve at one share, linear between its points."""
    right = np.minimum((share <= wanted).sum(axis=1), share.shape[1] - 1)[:, None]
    ends = np.concatenate([right - 1, right], axis=1)
    (s0, s1), (q0, q1) = (np.take_along_axis(a, ends, axis=1).T for a in (share, quality))
    part = (wanted - s0) / np.where(s1 > s0, s1 - s0, 1.0)
    return np.asarray(q0 + np.clip(part, 0.0, 1.0) * (q1 - q0))


def _run_starts(ranking: Ranking) -> Ints:
    """(n_runs,) first query of each run of ranked queries; equal scores are never split."""
    starts = ranking.n_strong[:-1]
    if len(starts) <= _N_RUNS:
        return starts
    return starts[np.unique(np.linspace(0, len(starts) - 1, _N_RUNS).astype(np.int64))]


def _curves_of_queries(
    ranking: Ranking,
    weak: Floats,
    gain: Floats,
    cluster_code: Ints | None,
    n_resamples: int,
    seed: int,
) -> _Curves:
    """Resampled curves that count every query anew."""
    sums = _RunSums(ranking, gain)
    weak = weak.astype(np.float32)
    for weight in resample_weights(len(weak), cluster_code, n_resamples=n_resamples, seed=seed):
        yield _curves(*sums(weight), weak @ weight)


class _RunSums:
    """Sums over runs of ranked queries, as one product with a sparse matrix."""

    def __init__(self, ranking: Ranking, gain: Floats) -> None:
        starts, order = _run_starts(ranking), ranking.order
        ends = [*starts, len(order)]
        ones = np.ones(len(order), dtype=np.float32)
        shape = (len(starts), len(order))
        self.count = csr_array((ones, order, ends), shape=shape)
        self.gain = csr_array((gain[order].astype(np.float32), order, ends), shape=shape)

    def __call__(self, weight: Floats) -> tuple[Floats, Floats]:
        """Number of queries that count in each run and their gain, (n, n_runs) each.

        Args:
            weight: (n_queries, n) how often each query counts in n resamples.
        """
        return np.asarray((self.count @ weight).T), np.asarray((self.gain @ weight).T)


def _curves_of_runs(
    ranking: Ranking, weak: Floats, gain: Floats, n_resamples: int, seed: int
) -> _Curves:
    """Resampled curves from the sums of runs of neighbouring queries, drawn at once.

    Under Poisson(1) counts the sums of (1, weak, gain) over a run have the run's own sums as mean
    and the sums of products as covariance; with many queries a run they are near normal.
    """
    rng = np.random.default_rng(seed)
    starts, order = _run_starts(ranking), ranking.order
    sums = np.stack([np.ones_like(weak), weak[order], gain[order]])
    mean = np.add.reduceat(sums, starts, axis=1)
    products = np.stack([[np.add.reduceat(a * b, starts) for b in sums] for a in sums])
    value, vector = np.linalg.eigh(products.transpose(2, 0, 1))
    root = vector * np.sqrt(np.maximum(value, 0.0))[:, None, :]
    for n in chunks(n_resamples):
        noise = np.einsum("rij,nrj->inr", root, rng.standard_normal((n, len(starts), 3)))
        count, weak_sum, gain_sum = mean[:, None, :] + noise
        yield _curves(np.maximum(count, 0.0), gain_sum, weak_sum.sum(axis=1))


def _curves(n_in_run: Floats, gain_in_run: Floats, weak_sum: Floats) -> tuple[Floats, Floats]:
    """Shares and qualities from the runs' counts and gains, "never" put in front."""
    n, n_runs = n_in_run.shape
    n_strong, gain = np.zeros((2, n, n_runs + 1))
    np.cumsum(n_in_run, axis=1, out=n_strong[:, 1:])
    np.cumsum(gain_in_run, axis=1, out=gain[:, 1:])
    n_total = np.maximum(n_strong[:, -1:], 1.0)
    return n_strong / n_total, (weak_sum[:, None] + gain) / n_total


def _first_share(share: Floats, recovered: Floats, wanted_pgr: float) -> Floats:
    """(n,) least share at which each curve reaches the wanted PGR; NaN where it never does."""
    reached = recovered >= wanted_pgr
    first = reached.argmax(axis=1)
    found = np.take_along_axis(share, first[:, None], axis=1)[:, 0]
    return np.where(reached.any(axis=1), found, np.nan)


def _poisson_table() -> Floats:
    """Counts such that a random position among 65,536 is Poisson(1) to 1e-5."""
    k = np.arange(12)
    probability = np.exp(-1.0) / np.concatenate(([1.0], np.cumprod(k[1:], dtype=np.float64)))
    chance = (np.arange(1 << 16) + 0.5) / (1 << 16)
    return np.searchsorted(np.cumsum(probability), chance).astype(np.float32)
