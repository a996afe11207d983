"""How often each query counts in resamples: the bootstrap for figures that read single queries.

`uncertainty` draws in its own, faster way for curves.
"""

import os
from collections.abc import Callable, Iterator, Sequence
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

_Draw: TypeAlias = Callable[[int], tuple[Floats, Floats]]
"""n -> strong-call shares and qualities of n resampled curves, each (n, n_points)."""


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


class CurveResamples(NamedTuple):
    """What is read from a routing curve on each resample of the queries, (n_resamples,) each."""

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
    rng = np.random.default_rng(seed)
    weak = np.asarray(quality_weak, dtype=np.float64)
    gain = np.asarray(quality_strong, dtype=np.float64) - weak
    if len(weak) > EXACT_LIMIT:
        draw = _drawer_of_runs(ranking, weak, gain, rng)
    else:
        clusters = np.arange(len(weak)) if cluster_code is None else cluster_code
        draw = _drawer_of_queries(ranking, clusters, weak, gain, rng)
    grid = np.linspace(0.0, 1.0, n_grid)
    bands, read = [], []
    for n in _chunks(n_resamples):
        share, quality = draw(n)
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


def paired_apgr_gain(
    ranking: Ranking,
    other: Ranking,
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """95% bootstrap interval of a router's APGR minus another's, on the same resamples.

    Both routers are read on every resample, so what makes a resample easy for both cancels.

    Args:
        ranking: of one router's scores.
        other: of the other's scores of the same queries.
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        cluster_code: (n_queries,) queries of a code are drawn together; by default each alone.
        n_resamples: how many.
        seed: of the resampling.
    """
    one, two = paired_resamples(
        [ranking, other],
        quality_weak,
        quality_strong,
        cluster_code=cluster_code,
        n_resamples=n_resamples,
        seed=seed,
    )
    return percentile_interval(one.apgr - two.apgr)


def curve_resamples(
    rankings: Sequence[Ranking],
    quality_weak: Floats,
    quality_strong: Floats,
    *,
    cluster_code: Ints | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[CurveResamples]:
    """What the intervals of `curve_intervals` are taken from, for several routers at once.

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
    found = []
    for ranking in rankings:
        draw = _drawer_of_runs(ranking, weak, gain, np.random.default_rng(seed))
        found.append(_joined([_read(*draw(n)) for n in _chunks(n_resamples)]))
    return found


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

    Up to `EXACT_LIMIT` queries these are the resamples that `curve_intervals` draws with the same
    seed. Further arguments as for `paired_apgr_gain`; `strong_call_share` is where the quality is
    read.

    Returns:
        One for each ranking, in their order.
    """
    weak = np.asarray(quality_weak, dtype=np.float32)
    gain = np.asarray(quality_strong, dtype=np.float32) - weak
    clusters = np.arange(len(gain)) if cluster_code is None else cluster_code
    of_rankings = [_RunSums(ranking, gain) for ranking in rankings]
    chunks: list[list[CurveResamples]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for weight in resample_weights(clusters, n_resamples, seed):
            read = partial(_read_resamples, weight, weak @ weight, strong_call_share)
            chunks.append(list(pool.map(read, of_rankings)))
    return [_joined(of_ranking) for of_ranking in zip(*chunks, strict=True)]


def resample_weights(cluster_code: Ints, n_resamples: int, seed: int) -> Iterator[Floats]:
    """How often each query counts in each resample, some resamples at a time.

    The resamples of `paired_resamples` with the same seed, for what is no reading of a curve.

    Args:
        cluster_code: (n_queries,) queries of a code are drawn together.
        n_resamples: how many in all.
        seed: of the resampling.

    Yields:
        (n_queries, n) float32, whole numbers; the n add up to `n_resamples`.
    """
    weigh = _weights(cluster_code, np.random.default_rng(seed))
    for n in _chunks(n_resamples):
        yield weigh(n)


def _chunks(n_resamples: int) -> Iterator[int]:
    """Numbers of resamples that are drawn at once."""
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


def _drawer_of_queries(
    ranking: Ranking, clusters: Ints, weak: Floats, gain: Floats, rng: np.random.Generator
) -> _Draw:
    """Resamples that count every cluster of queries anew."""
    weigh, sums = _weights(clusters, rng), _RunSums(ranking, gain)
    weak = weak.astype(np.float32)

    def draw(n: int) -> tuple[Floats, Floats]:
        weight = weigh(n)
        return _curves(*sums(weight), weak @ weight)

    return draw


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
        """How many queries count in each run and what they gain, (n, n_runs) each.

        Args:
            weight: (n_queries, n) how often each query counts in n resamples.
        """
        return np.asarray((self.count @ weight).T), np.asarray((self.gain @ weight).T)


def _weights(clusters: Ints, rng: np.random.Generator) -> Callable[[int], Floats]:
    """Draws n times how often each query counts: n -> (n_queries, n) float32."""
    counts, n_clusters = _poisson_table(), int(clusters.max()) + 1

    def weigh(n: int) -> Floats:
        chance = rng.integers(0, len(counts), (n, n_clusters), dtype=np.uint16)
        return np.ascontiguousarray(counts[chance].T)[clusters]

    return weigh


def _drawer_of_runs(
    ranking: Ranking, weak: Floats, gain: Floats, rng: np.random.Generator
) -> _Draw:
    """Resamples that draw the sums of runs of neighbouring queries at once.

    Under Poisson(1) counts the sums of (1, weak, gain) over a run have the run's own sums as mean
    and the sums of products as covariance; with many queries a run they are near normal.
    """
    starts, order = _run_starts(ranking), ranking.order
    sums = np.stack([np.ones_like(weak), weak[order], gain[order]])
    mean = np.add.reduceat(sums, starts, axis=1)
    products = np.stack([[np.add.reduceat(a * b, starts) for b in sums] for a in sums])
    value, vector = np.linalg.eigh(products.transpose(2, 0, 1))
    root = vector * np.sqrt(np.maximum(value, 0.0))[:, None, :]

    def draw(n: int) -> tuple[Floats, Floats]:
        noise = np.einsum("rij,nrj->inr", root, rng.standard_normal((n, len(starts), 3)))
        count, weak_sum, gain_sum = mean[:, None, :] + noise
        return _curves(np.maximum(count, 0.0), gain_sum, weak_sum.sum(axis=1))

    return draw


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


def poisson_weights(
    n_queries: int,
    cluster_code: Ints | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Iterator[Floats]:
    """Resamples, some at a time, in which each cluster counts Poisson(1) times.

    Args:
        n_queries: how many there are.
        cluster_code: (n_queries,) queries of a code are drawn together; None: each alone.
        n_resamples: in all.
        seed: of the drawing.

    Yields:
        (n, n_queries) float64 whole numbers; the n add up to `n_resamples`.
    """
    rng = np.random.default_rng(seed)
    clusters = np.arange(n_queries)
    if cluster_code is not None:
        clusters = np.unique(cluster_code, return_inverse=True)[1]
    for start in range(0, n_resamples, _CHUNK):
        n = min(_CHUNK, n_resamples - start)
        yield rng.poisson(1.0, (n, clusters.max() + 1)).astype(np.float64)[:, clusters]
