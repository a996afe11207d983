import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.metrics import baselines
from routellm_core.metrics.curve import apgr, rank_queries, routed_mean, routing_curve
from tests import oracles


def test_the_random_band_holds_95_percent_of_random_routers(rng):
    weak, strong = (rng.random(300) < 0.6).astype(float), (rng.random(300) < 0.8).astype(float)
    line = baselines.random_line(weak, strong, n_points=11)
    inside = []
    for _ in range(1000):
        curve = routing_curve(rng.random(300), weak, strong)
        quality = np.interp(line.strong_call_share, curve.strong_call_share, curve.quality)
        inside.append((quality >= line.low - 1e-9) & (quality <= line.high + 1e-9))
    assert np.mean(inside, axis=0)[1:-1].mean() == pytest.approx(0.95, abs=0.02)


def test_the_range_of_a_random_apgr_holds_95_percent_of_them(rng):
    weak, strong = (rng.random(300) < 0.6).astype(float), (rng.random(300) < 0.8).astype(float)
    low, high = baselines.random_apgr(weak, strong)
    drawn = [apgr(routing_curve(rng.random(300), weak, strong)) for _ in range(2000)]
    assert np.mean([low <= a <= high for a in drawn]) == pytest.approx(0.95, abs=0.02)
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.02)


def test_without_a_gap_a_random_apgr_is_undefined():
    same = np.array([0.0, 1.0, 1.0])
    assert np.isnan(baselines.random_apgr(same, same)).all()
    assert np.isnan(baselines.random_apgr(np.zeros(1), np.ones(1))).all()


def test_no_order_beats_the_oracle(rng):
    weak, strong = rng.integers(2, 20, (2, 200)) / 2
    best = baselines.oracle_curve(weak, strong)
    for _ in range(50):
        curve = routing_curve(rng.random(200), weak, strong)
        ceiling = np.interp(curve.strong_call_share, best.strong_call_share, best.quality)
        assert (curve.quality <= ceiling + 1e-9).all()


def test_the_oracle_of_money_is_nowhere_below_that_of_calls(rng):
    weak, strong = rng.integers(0, 2, (2, 400)).astype(float)
    cheap, dear = rng.random(400), 1 + 9 * rng.random(400)
    heights = {}
    for name, extra in (("calls", None), ("money", dear - cheap)):
        ranking = rank_queries(baselines.oracle_score(weak, strong, extra))
        cost = routed_mean(ranking, cheap, dear)
        grid = np.linspace(cost[0], cost[-1], 30)
        heights[name] = np.interp(grid, cost, routed_mean(ranking, weak, strong))
    assert (heights["money"] >= heights["calls"] - 1e-9).all()
    assert heights["money"][5] > heights["calls"][5] + 0.01


coordinates = st.integers(0, 12).map(float)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=15))
def test_the_hull_is_as_high_as_any_segment_between_points(points):
    x, y = (np.array(values) for values in zip(*points, strict=True))
    corners = baselines.upper_hull(x, y)
    for at in np.unique(x):
        height = np.interp(at, x[corners], y[corners])
        assert height == pytest.approx(oracles.hull_height(x, y, at))
    assert (np.diff(x[corners]) > 0).all()
