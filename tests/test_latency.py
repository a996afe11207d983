"""Latencies here are invented: no shipped outcome carries one."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.evaluation.overhead.latency import latency_at, latency_curve, routed_quantile
from routellm_core.metrics.curve import rank_queries
from routellm_core.statistics.bootstrap import resample_weights
from routellm_core.store import Store
from routellm_core.types import PairLatencies
from tests.conftest import PAIR
from tests.oracles import routed_seconds


@st.composite
def timed(draw):
    """Scores with ties, seconds with ties, some of them missing."""
    n = draw(st.integers(1, 40))
    score = draw(st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), min_size=n, max_size=n))
    seconds = st.sampled_from([0.0, 0.1, 0.25, 1.0, 3.5, 20.0, math.nan]) | st.floats(0, 100)
    weak, strong = (
        np.array(draw(st.lists(seconds, min_size=n, max_size=n)), dtype=float) for _ in range(2)
    )
    return np.array(score), PairLatencies(weak, strong)


@given(timed(), st.sampled_from([0.0, 0.125]))
def test_the_curve_equals_a_loop_over_thresholds_and_queries(data, router_s):
    score, latencies = data
    ranking = rank_queries(score)
    curve = latency_curve(ranking, latencies, router_s=router_s)
    slow = [routed_seconds(score, *latencies, t, router_s) for t in ranking.threshold]
    np.testing.assert_allclose(curve.mean_s, [mean for mean, *_ in slow], atol=1e-9)
    np.testing.assert_allclose(curve.p50_s, [p50 for _, p50, *_ in slow], atol=1e-12)
    np.testing.assert_allclose(curve.p95_s, [p95 for *_, p95, _ in slow], atol=1e-12)
    n_known = slow[0][-1]
    assert (curve.n_queries, curve.n_missing) == (n_known, len(score) - n_known)


@given(timed(), st.floats(-0.1, 1.1))
def test_one_threshold_reads_what_the_curve_does(data, threshold):
    score, latencies = data
    found = latency_at(score, latencies, threshold, router_s=0.5, n_resamples=10)
    mean, p50, p95, n = routed_seconds(score, *latencies, threshold, 0.5)
    assert found.n_queries == n
    assert found.mean_s == pytest.approx(mean, nan_ok=True)
    assert found.p50_s == pytest.approx(p50, nan_ok=True)
    assert found.p95_s == pytest.approx(p95, nan_ok=True)


@pytest.mark.parametrize("quantile", [0.01, 0.5, 0.9, 0.95, 1.0])
def test_every_quantile_is_numpys_of_the_routed_values(rng, quantile):
    weak, strong = rng.gamma(2, 1, 300), rng.integers(0, 5, 300).astype(float)
    n_strong = np.array([0, 1, 17, 150, 299, 300])
    found = routed_quantile(weak, strong, n_strong, quantile)
    for k, value in zip(n_strong, found, strict=True):
        routed = np.concatenate((strong[:k], weak[k:]))
        assert value == np.quantile(routed, quantile, method="inverted_cdf")


def test_one_value_everywhere_needs_no_digit():
    assert routed_quantile(np.ones(3), np.ones(3), np.arange(4), 0.95).tolist() == [1.0] * 4


def test_a_curve_of_14_thousand_thresholds_takes_a_fraction_of_a_second(rng):
    n = 14_000
    ranking = rank_queries(rng.random(n).astype(np.float32))
    latencies = PairLatencies(rng.gamma(2, 0.3, n), rng.gamma(3, 1.0, n))
    best = math.inf
    for _ in range(3):
        start = time.process_time()
        curve = latency_curve(ranking, latencies)
        best = min(best, time.process_time() - start)
    assert len(curve.p95_s) > 13_900
    assert best < 0.2


def test_where_nothing_was_measured_figures_are_nan_and_all_are_missing():
    nothing = PairLatencies(np.full(3, np.nan), np.array([1.0, 2.0, np.nan]))
    score = np.array([0.1, 0.5, 0.9])
    curve = latency_curve(rank_queries(score), nothing)
    assert np.isnan(curve.mean_s).all()
    assert np.isnan(curve.p95_s).all()
    assert (curve.n_queries, curve.n_missing) == (0, 3)
    found = latency_at(score, nothing, 0.5)
    assert (found.n_queries, found.n_missing) == (0, 3)
    figures = found.mean_s, found.p50_s, *found.p50_interval, found.p95_s, *found.p95_interval
    assert all(math.isnan(x) for x in figures)


def test_the_intervals_cover_the_truth():
    def drawn(seed, n):
        rng = np.random.default_rng(seed)
        return rng.random(n), PairLatencies(rng.gamma(2, 0.3, n), rng.gamma(3, 1.0, n))

    truth = latency_at(*drawn(0, 400_000), 0.6, n_resamples=1)
    covered = []
    for seed in range(1, 301):
        found = latency_at(*drawn(seed, 400), 0.6, n_resamples=300, seed=seed)
        covered.append(
            [
                found.mean_interval.low <= truth.mean_s <= found.mean_interval.high,
                found.p50_interval.low <= truth.p50_s <= found.p50_interval.high,
                found.p95_interval.low <= truth.p95_s <= found.p95_interval.high,
            ]
        )
    assert np.mean(covered, axis=0) == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 300))


def test_clusters_are_drawn_together(rng):
    seconds = PairLatencies(*np.repeat(rng.gamma(2, 1, (2, 40)), 10, axis=1))
    score = np.repeat(rng.random(40), 10)
    together = latency_at(score, seconds, 0.5, cluster_code=np.arange(400) // 10)
    alone = latency_at(score, seconds, 0.5)
    for name in ("mean_interval", "p50_interval", "p95_interval"):
        wide, narrow = (np.diff(getattr(found, name))[0] for found in (together, alone))
        assert wide > 1.5 * narrow, name


def test_weights_count_clusters_poisson_1_and_the_same_for_a_seed():
    clusters = np.array([7, 7, 2, 9])
    weights = np.concatenate(list(resample_weights(4, clusters, n_resamples=4_000, seed=1)), axis=1)
    assert weights.shape == (4, 4_000)
    assert (weights[0] == weights[1]).all()
    assert weights.mean(axis=1) == pytest.approx(1.0, abs=0.06)
    assert weights.var(axis=1) == pytest.approx(1.0, abs=0.12)
    again = np.concatenate(list(resample_weights(4, clusters, n_resamples=4_000, seed=1)), axis=1)
    assert (weights == again).all()


def test_the_store_gives_seconds_in_the_order_of_the_outcomes(fresh_store, sample_benchmark):
    card, queries, outcomes = sample_benchmark
    latency = [0.1, 0.2, np.nan, 0.4, 1.0, 2.0, 3.0, 4.0]
    fresh_store.add_benchmark(card, queries, outcomes.assign(latency_s=latency))
    found = fresh_store.pair_latencies("sample", PAIR)
    assert found.weak == pytest.approx([0.1, 0.2, np.nan], nan_ok=True)  # one is contaminated
    assert found.strong == pytest.approx([1.0, 2.0, 3.0])
    everything = fresh_store.pair_latencies("sample", PAIR, contaminated=True)
    assert (
        len(everything.weak)
        == fresh_store.pair_outcomes("sample", PAIR, contaminated=True).n_queries
    )
    curve = latency_curve(rank_queries(np.array([0.9, 0.1, 0.5])), found, router_s=0.01)
    assert curve.mean_s == pytest.approx([0.16, 0.61, 0.61, 1.51])
    assert curve.p50_s == pytest.approx([0.11, 0.21, 0.21, 1.01])
    assert (curve.n_queries, curve.n_missing) == (2, 1)


def test_only_omnisbench_ships_seconds(built_store):
    with Store(built_store, read_only=True) as store:
        for benchmark in store.benchmarks()["benchmark_id"]:
            for pair in store.scored_pairs(benchmark):
                missing = np.isnan(store.pair_latencies(benchmark, pair))
                assert missing.all() if benchmark != "omnisbench" else not missing.any()
