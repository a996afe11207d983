import numpy as np
import pytest

from routellm_core.metrics.curve import apgr, curve_of, pgr, rank_queries, routing_curve
from routellm_core.statistics import bootstrap
from routellm_core.statistics.bootstrap import (
    curve_intervals,
    curve_resamples,
    paired_resamples,
    resample_weights,
)
from routellm_core.statistics.intervals import percentile_interval
from tests import oracles


def draw_benchmark(rng, n):
    """Queries whose need of the strong model shows in the score; the truth is computable."""
    need = rng.random(n)
    score = np.clip(need + rng.normal(0, 0.3, n), 0, 1).astype(np.float32)
    weak = (rng.random(n) > 0.2 + 0.5 * need).astype(float)
    strong = (rng.random(n) > 0.2).astype(float)
    return score, weak, strong


def test_95_percent_intervals_cover_the_truth(rng):
    score, weak, strong = draw_benchmark(rng, 400_000)
    truth = routing_curve(score, weak, strong)
    true_quality = np.interp(0.3, truth.strong_call_share, truth.quality)
    true_pgr = np.interp(0.3, truth.strong_call_share, pgr(truth))
    covered = []
    for seed in range(300):
        score, weak, strong = draw_benchmark(rng, 600)
        found = curve_intervals(rank_queries(score), weak, strong, n_resamples=300, seed=seed)
        at = np.searchsorted(found.strong_call_share, 0.3)
        covered.append(
            (
                found.apgr.low <= apgr(truth) <= found.apgr.high,
                found.quality_low[at] <= true_quality <= found.quality_high[at],
                found.pgr_low[at] <= true_pgr <= found.pgr_high[at],
            )
        )
    chance_error = 3 * np.sqrt(0.95 * 0.05 / 300)
    assert np.mean(covered, axis=0) == pytest.approx(0.95, abs=chance_error)


def test_the_fast_way_for_many_queries_agrees_with_drawing_every_query(rng, monkeypatch):
    score, weak, strong = draw_benchmark(rng, 60_000)
    ranking = rank_queries(score)
    fast = curve_intervals(ranking, weak, strong, n_resamples=1000)
    monkeypatch.setattr(bootstrap, "EXACT_LIMIT", 100_000)
    full = curve_intervals(ranking, weak, strong, n_resamples=1000, seed=1)
    for name in ("apgr", "cpt50", "cpt80", "gap"):
        one, other = getattr(fast, name), getattr(full, name)
        width = other.high - other.low
        assert np.allclose(one, other, atol=0.12 * width), name
    band = full.quality_high - full.quality_low
    assert np.abs(fast.quality_low - full.quality_low).max() < 0.15 * band.max()


def test_the_same_seed_gives_the_same_intervals(rng):
    score, weak, strong = draw_benchmark(rng, 500)
    ranking = rank_queries(score)
    one = curve_intervals(ranking, weak, strong, seed=4)
    assert one.apgr == curve_intervals(ranking, weak, strong, seed=4).apgr
    assert one.apgr != curve_intervals(ranking, weak, strong, seed=5).apgr


def test_repeated_queries_do_not_make_an_interval_narrower(rng):
    score, weak, strong = draw_benchmark(rng, 500)
    alone = curve_intervals(rank_queries(score), weak, strong)
    fourfold = [np.tile(values, 4) for values in (score, weak, strong)]
    clusters = np.tile(np.arange(500), 4)
    repeated = curve_intervals(rank_queries(fourfold[0]), *fourfold[1:], cluster_code=clusters)
    assert np.ptp(repeated.apgr) == pytest.approx(np.ptp(alone.apgr), rel=0.15)


def test_intervals_hold_the_estimate_and_start_and_end_with_the_models(rng):
    score, weak, strong = draw_benchmark(rng, 2000)
    ranking = rank_queries(score)
    found = curve_intervals(ranking, weak, strong)
    curve = curve_of(ranking, weak, strong)
    at_share = np.interp(found.strong_call_share, curve.strong_call_share, curve.quality)
    assert (found.quality_low < at_share).all()
    assert (at_share < found.quality_high).all()
    assert found.apgr.low < apgr(curve) < found.apgr.high


def test_equal_models_leave_the_intervals_undefined():
    same = np.array([0.0, 1.0, 1.0, 0.0])
    found = curve_intervals(rank_queries(np.array([0.1, 0.2, 0.3, 0.4])), same, same)
    assert np.isnan(found.apgr).all()
    assert np.isnan([found.pgr_low, found.pgr_high]).all()
    assert np.isnan(found.cpt50).all()


@pytest.mark.parametrize("n", [700, 51_000])
def test_routers_read_together_have_the_intervals_that_each_has_alone(rng, n):
    score, weak, strong = draw_benchmark(rng, n)
    rankings = [rank_queries(score), rank_queries(np.round(rng.random(n), 2))]
    clusters = rng.integers(0, n // 2, n)
    together = curve_resamples(
        rankings, weak, strong, cluster_code=clusters, n_resamples=60, seed=3
    )
    for ranking, read in zip(rankings, together, strict=True):
        alone = curve_intervals(
            ranking, weak, strong, cluster_code=clusters, n_resamples=60, seed=3
        )
        for name in ("apgr", "cpt50", "cpt80"):
            assert percentile_interval(getattr(read, name)) == pytest.approx(
                getattr(alone, name), abs=1e-5
            )


def counted(values, weights):
    """Each value as often as its weight says."""
    return [v for v, n in zip(values, weights, strict=True) for _ in range(int(n))]


def paired_apgr_gain(one, other, weak, strong, **options):
    """95% interval of one router's APGR minus another's, on the same resamples."""
    first, second = paired_resamples([one, other], weak, strong, **options)
    return percentile_interval(first.apgr - second.apgr)


def slow_gains(score, other, weak, strong, clusters, n_resamples, seed):
    """APGR differences of the same resamples, every query written out as often as it counts."""
    rng = np.random.default_rng(seed)
    table = bootstrap._poisson_table()
    gains = []
    for start in range(0, n_resamples, bootstrap._CHUNK):
        n = min(bootstrap._CHUNK, n_resamples - start)
        chance = rng.integers(0, len(table), (n, clusters.max() + 1), dtype=np.uint16)
        for drawn in table[chance]:
            weights = drawn[clusters]
            drawn_weak, drawn_strong = counted(weak, weights), counted(strong, weights)
            one, two = (
                oracles.apgr(counted(s, weights), drawn_weak, drawn_strong) for s in (score, other)
            )
            gains.append(one - two)
    return gains


def test_a_paired_gain_is_the_difference_on_resamples_written_out(rng):
    n = 60
    weak, strong = rng.random(n), rng.random(n) + 0.5
    score, other = np.round(rng.random((2, n)), 1)  # with equal scores
    clusters = rng.integers(0, 40, n)
    got = paired_apgr_gain(
        rank_queries(score),
        rank_queries(other),
        weak,
        strong,
        cluster_code=clusters,
        n_resamples=40,
        seed=7,
    )
    gains = slow_gains(score, other, weak, strong, clusters, 40, 7)
    assert got == pytest.approx(np.quantile(gains, [0.025, 0.975]), abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_area_and_quality_at_a_share_are_those_of_resamples_written_out(rng, share):
    n = 50
    weak, strong = rng.random(n), rng.random(n) + 0.5
    score = np.round(rng.random(n), 1)  # with equal scores
    clusters = rng.integers(0, 30, n)
    (read,) = paired_resamples(
        [rank_queries(score)],
        weak,
        strong,
        cluster_code=clusters,
        strong_call_share=share,
        n_resamples=30,
        seed=7,
    )
    weights = list(resample_weights(n, clusters, n_resamples=30, seed=7))
    weights = np.concatenate(weights, axis=1)
    assert weights.shape == (n, 30)
    for i, drawn in enumerate(weights.T):
        points = oracles.curve(*(counted(values, drawn) for values in (score, weak, strong)))
        _, shares, qualities = zip(*points, strict=True)
        assert read.area[i] == pytest.approx(np.trapezoid(qualities, shares), abs=1e-6)
        assert read.quality[i] == pytest.approx(np.interp(share, shares, qualities), abs=1e-6)


def test_a_router_gains_nothing_over_itself_and_the_opposite_over_its_rival(rng):
    score, weak, strong = draw_benchmark(rng, 300)
    one, other = rank_queries(score), rank_queries(rng.random(300))
    assert paired_apgr_gain(one, one, weak, strong) == (0.0, 0.0)
    forth, back = (paired_apgr_gain(*pair, weak, strong) for pair in ((one, other), (other, one)))
    assert forth == pytest.approx((-back.high, -back.low))
    assert forth.low > 0


def test_95_percent_intervals_of_a_gain_cover_the_truth(rng):
    def draw(n):
        score, weak, strong = draw_benchmark(rng, n)
        blurred = score + rng.normal(0, 0.2, n)
        return rank_queries(score), rank_queries(blurred), weak, strong

    one, other, weak, strong = draw(400_000)
    truth = apgr(curve_of(one, weak, strong)) - apgr(curve_of(other, weak, strong))
    covered = []
    for seed in range(200):
        found = paired_apgr_gain(*draw(600), n_resamples=200, seed=seed)
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 200))
