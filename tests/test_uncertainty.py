import numpy as np
import pytest

from routellm_core import uncertainty
from routellm_core.metrics import apgr, curve_of, rank_queries, routing_curve
from routellm_core.uncertainty import curve_intervals


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
    covered = []
    for seed in range(300):
        score, weak, strong = draw_benchmark(rng, 600)
        found = curve_intervals(rank_queries(score), weak, strong, n_resamples=300, seed=seed)
        at = np.searchsorted(found.strong_call_share, 0.3)
        covered.append(
            (
                found.apgr.low <= apgr(truth) <= found.apgr.high,
                found.quality_low[at] <= true_quality <= found.quality_high[at],
            )
        )
    chance_error = 3 * np.sqrt(0.95 * 0.05 / 300)
    assert np.mean(covered, axis=0) == pytest.approx(0.95, abs=chance_error)


def test_the_fast_way_for_many_queries_agrees_with_drawing_every_query(rng, monkeypatch):
    score, weak, strong = draw_benchmark(rng, 60_000)
    ranking = rank_queries(score)
    fast = curve_intervals(ranking, weak, strong, n_resamples=1000)
    monkeypatch.setattr(uncertainty, "_EXACT_LIMIT", 100_000)
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
    assert np.isnan(found.cpt50).all()
