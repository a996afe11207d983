import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.metrics import cost_quality
from routellm_core.metrics.baselines import upper_hull
from routellm_core.metrics.curve import apgr, cpt, routing_curve

coordinates = st.integers(0, 12).map(float)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=12))
def test_aiq_is_the_mean_height_of_the_hull_that_never_falls(points):
    x, y = (np.array(values) for values in zip(*sorted(points), strict=True))
    if x[0] == x[-1]:
        assert np.isnan(cost_quality.aiq(x, y))
        return
    grid = np.arange(x[0], x[-1] + 1)  # all corners lie on it, so that trapezoids are exact
    expected = np.trapezoid(
        np.maximum.accumulate([hull_between(x, y, at) for at in grid]), grid
    ) / (x[-1] - x[0])
    assert cost_quality.aiq(x, y) == pytest.approx(expected)


def hull_between(x, y, at):
    """Highest point at `at` on a segment between any two points."""
    best = -np.inf
    for x0, y0 in zip(x, y, strict=True):
        for x1, y1 in zip(x, y, strict=True):
            if x0 <= at <= x1:
                part = (at - x0) / (x1 - x0) if x1 > x0 else 0.0
                best = max(best, y0 + part * (y1 - y0))
    return best


def test_over_the_calls_the_area_is_apgr_and_the_neutral_cost_is_cpt(rng):
    need = rng.random(800)
    weak = (rng.random(800) > 0.2 + 0.5 * need).astype(float)
    strong = (rng.random(800) > 0.2).astype(float)
    scores = need + rng.normal(0, 0.3, 800)
    curve = routing_curve(scores, weak, strong)
    gap = curve.quality[-1] - curve.quality[0]
    area = cost_quality.deferral_area(curve.strong_call_share, curve.quality)
    assert area == pytest.approx(curve.quality[0] + apgr(curve) * gap)
    neutral = cost_quality.quality_neutral_cost(curve.strong_call_share, curve.quality)
    assert neutral == cpt(curve, 1.0)
    assert cost_quality.aiq(curve.strong_call_share, curve.quality) >= area


def test_the_neutral_cost_is_nothing_more_where_the_weak_model_is_the_best():
    assert cost_quality.quality_neutral_cost(np.array([1.0, 3.0]), np.array([0.9, 0.7])) == 1.0


def test_unknown_prices_leave_what_is_read_along_costs_undefined():
    cost, quality = np.full(3, np.nan), np.array([0.1, 0.2, 0.3])
    assert np.isnan(cost_quality.aiq(cost, quality))
    assert np.isnan(cost_quality.deferral_area(cost, quality))
    assert np.isnan(cost_quality.quality_neutral_cost(cost, quality))


points = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=1, max_size=40)


@given(points)
def test_aiq_is_the_area_of_the_hull(drawn):
    cost, quality = np.array(sorted(drawn), dtype=float).T
    corners = upper_hull(cost, quality)
    hull = cost_quality.deferral_area(cost[corners], np.maximum.accumulate(quality[corners]))
    assert cost_quality.aiq(cost, quality) == pytest.approx(hull, nan_ok=True)


def test_the_part_of_a_model_that_costs_nothing_is_undefined():
    quality = np.array([0.9, 0.8, 0.7])
    free_weak = np.array([0.0, 1.0, 2.0])
    assert cost_quality.quality_neutral_cost(free_weak, quality) == 0.0
    assert np.isnan(cost_quality.quality_neutral_part(free_weak, quality))
    assert cost_quality.quality_neutral_part(free_weak, quality[::-1]) == 1.0
    assert cost_quality.quality_neutral_part(free_weak + 1, quality) == 1.0
