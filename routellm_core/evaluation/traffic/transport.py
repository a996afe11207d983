"""Expected quality of routing own queries, carried over from a benchmark.

Own queries have no outcomes, a benchmark has. Its queries are weighted so that they resemble the
own ones, and the routed quality is their weighted mean. This rests on one assumption, that similar
queries are answered alike (covariate shift: Shimodaira 2000, J. Stat. Plan. Inference 90:227);
where the benchmark has nothing similar it fails, and the result says so.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.embedders.cosines import check_one_a_query, comparable
from routellm_core.errors import DataError
from routellm_core.evaluation.traffic.two_sample import FAR_APART, TwoSample
from routellm_core.metrics.curve import calls_strong, pgr_of, rank_queries
from routellm_core.statistics.bootstrap import N_RESAMPLES, resample_weights
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.types import Estimate, Floats, Interval, Ints, PairOutcomes, Ranking

TEMPERATURE = 0.03
"""Of the softmax over cosines; chosen on half of the groups in `benchmarks/transport.py`. On these
0.02 and 0.05 were 0.3 and 0.4 points of 100 worse on average: the choice is not a fine one."""
COVERED = 0.5
"""Cosine to the nearest benchmark query from which an own query counts as covered."""
_USUAL_MISS = ((0.6, 0.006), (FAR_APART, 0.012), (0.95, 0.057), (1.0, 0.106))
"""Largest AUC of a band, and how far estimates of hidden groups in it were off on average, as a
share of the scale; n = 4, 7, 9 and 29 groups (`python -m benchmarks transport`)."""
_LEAST_COVERED = 0.5
_LEAST_EFFECTIVE = 100
_BLOCK = 512
_N_RUNS = 1_000
"""Points of a resampled curve; between them it is straight."""


Doubt: TypeAlias = Literal["too_few_queries", "far_apart", "few_covered", "few_effective"]
"""Reason why the figures may be far off."""


class ExpectedPoint(NamedTuple):
    """Expected figures of the own queries at one threshold, in the benchmark's own scale."""

    threshold: float
    strong_call_share: float
    """Of the own queries, by their own scores: counted, not estimated."""
    quality: Estimate
    """Of the routed answers."""
    quality_weak: Estimate
    """Of always the weak model."""
    quality_strong: Estimate
    """Of always the strong model."""
    pgr: Estimate
    """Undefined where the gap of both models may be 0."""
    answer_tokens_weak: float
    """Mean tokens of an answer by the weak model where it is called; NaN if never counted."""
    answer_tokens_strong: float
    """The same of the strong model."""


class ExpectedCurve(NamedTuple):
    """Expected quality along the own queries' thresholds, (n_points,) each."""

    threshold: Floats
    """Falling; the first is +inf."""
    strong_call_share: Floats
    """Of the own queries, rising from 0 to 1."""
    quality: Floats
    quality_low: Floats
    """Lower end of the 95% interval."""
    quality_high: Floats
    """Upper end."""


def similarity_weights(
    benchmark_embeddings: Floats, own_embeddings: Floats, temperature: float = TEMPERATURE
) -> tuple[Floats, Floats]:
    """Weights that make benchmark queries resemble the own ones.

    Every own query gives away a weight of one, to the benchmark queries in proportion to
    exp(cosine / temperature): the kernel regression of Nadaraya and Watson (1964), averaged over
    the own queries.

    Args:
        benchmark_embeddings: (n_benchmark, dimension).
        own_embeddings: (n_own, dimension), of the same embedder.
        temperature: small gives all to the nearest, large makes the weights equal.

    Returns:
        (n_benchmark,) weights that sum to the number of own queries, and (n_own,) cosine of each
        own query to the nearest benchmark query.

    Raises:
        DataError: a value is NaN or infinite, or the embedders differ.
    """
    own, benchmark = comparable(own_embeddings, benchmark_embeddings)
    weight = np.zeros(len(benchmark))
    nearest = np.full(len(own), np.nan, dtype=np.float32)
    for start in range(0, len(own) if len(benchmark) else 0, _BLOCK):
        some = slice(start, start + _BLOCK)
        cosine = own[some] @ benchmark.T
        nearest[some] = cosine.max(axis=1)
        cosine -= nearest[some, None]
        cosine *= 1 / temperature
        share = np.exp(cosine, out=cosine)
        weight += (1 / share.sum(axis=1)) @ share
    return weight, np.clip(nearest, -1.0, 1.0)


def effective_n(weight: Floats) -> float:
    """Kish's effective sample size: how many equally weighted queries tell as much.

    (sum of weights)^2 / sum of squared weights (Kish 1965, Survey Sampling).

    Returns:
        In [1, n_queries]; NaN when all weights are 0 or there is none.
    """
    square = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square if square > 0 else float("nan")


@dataclass(frozen=True)
class Transported:
    """A benchmark weighted to resemble own queries, to be read at any threshold.

    Intervals are of the mean over as many queries as there are own ones. A resample draws the
    benchmark's clusters anew (Poisson bootstrap, Hanley and MacGibbon 2006) and from them, by
    weight, as many answers as there are own queries. The weights are held fixed: what the benchmark
    lacks altogether is not in the interval; `doubts` are about that.
    """

    outcomes: PairOutcomes
    strong_win_rate: Floats
    """(n_benchmark,) of the benchmark's queries, out of fold."""
    own_strong_win_rate: Floats
    """(n_own,) of the own queries, by the same router."""
    weight: Floats
    """(n_benchmark,) of any positive sum."""
    own_nearest: Floats
    """(n_own,) cosine of each own query to the nearest benchmark query."""
    two_sample: TwoSample
    """Test of own and benchmark queries."""
    n_resamples: int = N_RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        for whose, scores in (
            ("own queries", self.own_strong_win_rate),
            ("benchmark queries", self.strong_win_rate),
        ):
            if not len(scores):
                raise DataError(f"there are no {whose}: quality is carried over between two sets")
            if not np.isfinite(scores).all():
                raise DataError(f"some {whose} have no score; score them first")
        n = self.outcomes.n_queries
        if not n == len(self.strong_win_rate) == len(self.weight):
            raise DataError("scores, weights and outcomes of the benchmark are not aligned")
        if not self.weight.sum() > 0:
            raise DataError(
                "no benchmark query was compared with the own ones: run the comparison again"
            )

    @property
    def n_own(self) -> int:
        """Own queries."""
        return len(self.own_strong_win_rate)

    @property
    def effective_n(self) -> float:
        """Number of equally weighted benchmark queries that would tell as much."""
        return effective_n(self.weight)

    @property
    def covered_share(self) -> float:
        """Share of own queries with a benchmark query at a cosine of at least 0.5; NaN of none."""
        return float((self.own_nearest >= COVERED).mean()) if self.n_own else float("nan")

    @property
    def usual_miss(self) -> float:
        """Mean error of quality for hidden groups that differ as clearly as these.

        A share of the scale, which the intervals do not hold: 95% intervals held the truth of 91%
        of what was read of groups with an AUC of 0.6 to 0.85, of 43% up to 0.95 and of 47% above.

        Returns:
            In [0, 1]; NaN with too few queries to tell.
        """
        auc = self.two_sample.auc
        return next((miss for largest, miss in _USUAL_MISS if auc <= largest), math.nan)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Reasons why the figures may be far off; empty where there is none.

        The rule and its numbers come from groups of MMLU, GSM8K and MMLU-Pro whose outcomes were
        hidden (`python -m benchmarks transport`).
        """
        verdict = self.two_sample.verdict
        found: dict[Doubt, bool] = {
            "too_few_queries": verdict == "too_few_queries",
            "far_apart": verdict == "far_apart",
            "few_covered": self.covered_share < _LEAST_COVERED,
            "few_effective": self.effective_n < _LEAST_EFFECTIVE,
        }
        return tuple(doubt for doubt, holds in found.items() if holds)

    def at(self, threshold: float) -> ExpectedPoint:
        """Expected figures at one threshold.

        The benchmark's queries are ranked by their own scores, and as large a weighted share of
        them is sent to the strong model as the threshold sends of the own queries. Tied scores are
        divided as if at random.

        Raises:
            ValueError: the threshold is NaN.
        """
        share = self._share(threshold)
        exact, drawn = self._exact, self._resampled
        quality = _estimate(exact.quality_at(share)[0], drawn.quality_at(share))
        return ExpectedPoint(
            threshold=float(threshold),
            strong_call_share=share,
            quality=quality,
            quality_weak=_estimate(exact.weak[0], drawn.weak),
            quality_strong=_estimate(exact.strong[0], drawn.strong),
            pgr=self._pgr(exact.quality_at(share), drawn.quality_at(share)),
            answer_tokens_weak=self._tokens(self.outcomes.answer_tokens_weak, share, weak=True),
            answer_tokens_strong=self._tokens(
                self.outcomes.answer_tokens_strong, share, weak=False
            ),
        )

    def expected_quality(self, threshold: float) -> float:
        """The value of `at(threshold).quality` alone, without the resamples of its interval."""
        return float(self._exact.quality_at(self._share(threshold))[0])

    def curve(self, n_points: int = 101) -> ExpectedCurve:
        """Expected quality along the thresholds of the own queries.

        Args:
            n_points: at most; of more reachable thresholds every so many.
        """
        ranking = rank_queries(self.own_strong_win_rate)
        last = len(ranking.threshold) - 1
        at = np.unique(np.linspace(0, last, min(n_points, last + 1)).round().astype(np.int64))
        share = ranking.n_strong[at] / self.n_own
        drawn = np.stack([self._resampled.quality_at(c) for c in share])
        low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
        return ExpectedCurve(
            threshold=ranking.threshold[at],
            strong_call_share=share,
            quality=np.concatenate([self._exact.quality_at(c) for c in share]),
            quality_low=low,
            quality_high=high,
        )

    @cached_property
    def apgr(self) -> Estimate:
        """Area under the expected PGR over the strong-call share; NaN where the gap may be 0."""
        return self._pgr(self._exact.area(), self._resampled.area())

    def _share(self, threshold: float) -> float:
        """Share of the own queries that the threshold sends to the strong model."""
        if math.isnan(threshold):
            raise ValueError("threshold is NaN")
        return float(calls_strong(self.own_strong_win_rate, threshold).mean())

    @cached_property
    def _ranking(self) -> Ranking:
        return rank_queries(self.strong_win_rate)

    @cached_property
    def _exact(self) -> "_Curves":
        return _curves(self._ranking, self._ranking.n_strong[:-1], self.outcomes, self.weight)

    @cached_property
    def _resampled(self) -> "_Curves":
        starts = self._ranking.n_strong[:-1]
        if len(starts) > _N_RUNS:
            starts = starts[np.linspace(0, len(starts) - 1, _N_RUNS).astype(np.int64)]
        chunks = [
            _curves(self._ranking, starts, self.outcomes, weight) for weight in self._resamples()
        ]
        return _Curves(*map(np.concatenate, zip(*chunks, strict=True)))

    def _resamples(self) -> Iterator[Floats]:
        """Numbers of answers that each benchmark query gives, (n_benchmark, n) for n resamples."""
        of_answers = np.random.default_rng((self.seed, 1))  # apart from the stream of the queries
        drawn = resample_weights(
            self.outcomes.n_queries,
            self.outcomes.cluster_code,
            n_resamples=self.n_resamples,
            seed=self.seed,
        )
        for times in drawn:
            weight = self.weight[:, None] * times
            total = weight.sum(axis=0)
            weight *= self.n_own / np.where(total > 0, total, 1.0)
            yield of_answers.poisson(weight).astype(np.float64)

    def _pgr(self, quality: Floats, drawn_quality: Floats) -> Estimate:
        exact, drawn = self._exact, self._resampled
        gap = percentile_interval(drawn.strong - drawn.weak)
        if not (gap.low > 0 or gap.high < 0):
            return _UNDEFINED
        return _estimate(
            pgr_of(quality, exact.weak, exact.strong)[0],
            pgr_of(drawn_quality, drawn.weak, drawn.strong),
        )

    def _tokens(self, tokens: Floats, share: float, *, weak: bool) -> float:
        """Weighted mean of the counted answers of the queries that one model gets."""
        called = np.empty(len(tokens), dtype=bool)
        n_of_run = np.diff(self._ranking.n_strong)
        called[self._ranking.order] = np.repeat(self._exact.share[0, 1:] <= share + 1e-9, n_of_run)
        counted = (called != weak) & np.isfinite(tokens)
        total = float(self.weight[counted].sum())
        return float(tokens[counted] @ self.weight[counted]) / total if total > 0 else math.nan


def transported(
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    benchmark_embeddings: Floats,
    own_strong_win_rate: Floats,
    own_embeddings: Floats,
    tested: TwoSample,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Transported:
    """Weight a benchmark by its similarity to own queries.

    Args:
        outcomes: of the benchmark.
        strong_win_rate: (n_benchmark,) a router's scores of its queries, out of fold.
        benchmark_embeddings: (n_benchmark, dimension).
        own_strong_win_rate: (n_own,) the same router's scores of the own queries.
        own_embeddings: (n_own, dimension), of the same embedder.
        tested: `two_sample` of the same queries.
        n_resamples: of the intervals.
        seed: of the resampling.

    Raises:
        DataError: no query on a side, values that are not aligned, NaN, or different embedders.
    """
    for whose, scores, rows in (
        ("own queries", own_strong_win_rate, own_embeddings),
        ("benchmark queries", strong_win_rate, benchmark_embeddings),
    ):
        check_one_a_query(rows, scores, f"scores of {whose}")
    check_one_a_query(benchmark_embeddings, outcomes.quality_weak, "outcomes")
    weight, nearest = similarity_weights(benchmark_embeddings, own_embeddings)
    return Transported(
        outcomes=outcomes,
        strong_win_rate=strong_win_rate,
        own_strong_win_rate=own_strong_win_rate,
        weight=weight,
        own_nearest=nearest,
        two_sample=tested,
        n_resamples=n_resamples,
        seed=seed,
    )


class _Curves(NamedTuple):
    """Routing curves of n weightings of the same ranked queries."""

    share: Floats
    """(n, n_points) weighted share that goes to the strong model, rising from 0 to 1."""
    quality: Floats
    """(n, n_points) weighted mean quality."""

    @property
    def weak(self) -> Floats:
        """(n,) quality of always the weak model."""
        return self.quality[:, 0]

    @property
    def strong(self) -> Floats:
        """(n,) quality of always the strong model."""
        return self.quality[:, -1]

    def quality_at(self, share: float) -> Floats:
        """(n,) quality at a strong-call share, straight between points."""
        pairs = zip(self.share, self.quality, strict=True)
        return np.array([np.interp(share, shares, quality) for shares, quality in pairs])

    def area(self) -> Floats:
        """(n,) area under quality over the share."""
        return np.asarray(np.trapezoid(self.quality, self.share, axis=1))


def _curves(ranking: Ranking, starts: Ints, outcomes: PairOutcomes, weight: Floats) -> _Curves:
    """Curves of the weights, (n_queries,) or (n_queries, n), at the ends of runs of queries."""
    ranked = weight.reshape(len(weight), -1)[ranking.order]
    weak = outcomes.quality_weak[ranking.order]
    gain = outcomes.quality_strong[ranking.order] - weak
    total = ranked.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    share, quality = np.zeros((2, len(starts) + 1, len(total)))
    np.cumsum(np.add.reduceat(ranked, starts), axis=0, out=share[1:])
    np.cumsum(np.add.reduceat(ranked * gain[:, None], starts), axis=0, out=quality[1:])
    return _Curves((share / total).T, ((weak @ ranked + quality) / total).T)


def _estimate(value: float, drawn: Floats) -> Estimate:
    return Estimate(float(value), percentile_interval(drawn))


_UNDEFINED = Estimate(math.nan, Interval(math.nan, math.nan))
