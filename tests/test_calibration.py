import math

import numpy as np
import pytest
from hypothesis import given

from routellm_core.errors import UnreachableError
from routellm_core.metrics import thresholds
from routellm_core.metrics.curve import calls_strong, operating_point, pgr, routing_curve
from tests.test_metrics import outcomes


@given(outcomes())
def test_the_achieved_share_never_exceeds_the_wanted_one(data):
    curve = routing_curve(*data)
    for wanted in (0.0, 0.123, 0.5, 1.0):
        found = thresholds.for_share(curve, wanted)
        assert found.achieved <= wanted + 1e-12
        assert operating_point(curve, found.threshold).strong_call_share == found.achieved
        higher = curve.strong_call_share[curve.strong_call_share > found.achieved]
        assert not len(higher) or higher.min() > wanted


@given(outcomes())
def test_a_wanted_quality_is_reached_with_the_fewest_strong_calls(data):
    curve = routing_curve(*data)
    wanted = float(np.median(curve.quality))
    found = thresholds.for_quality(curve, wanted)
    reaching = curve.strong_call_share[curve.quality >= wanted - 1e-9]
    point = operating_point(curve, found.threshold)
    assert point.quality >= wanted - 1e-9
    assert point.strong_call_share == reaching.min()


@given(outcomes())
def test_no_affordable_point_is_better_than_the_one_a_budget_finds(data):
    curve = routing_curve(*data)
    cost = 0.001 + 0.01 * curve.strong_call_share
    found = thresholds.for_budget(curve, cost, 5.0, 1000)
    affordable = curve.quality[cost * 1000 <= 5.0]
    assert found.achieved <= 5.0
    assert operating_point(curve, found.threshold).quality == pytest.approx(affordable.max())


@given(outcomes())
def test_a_threshold_between_scores_sends_the_same_queries(data):
    scores, curve = data[0], routing_curve(*data)
    for threshold in curve.threshold:
        moved = thresholds.between_scores(curve, threshold)
        assert (calls_strong(scores, moved) == calls_strong(scores, threshold)).all()
        assert math.isfinite(moved)
        assert moved not in scores or moved == scores.min()


def test_a_hand_typed_threshold_is_moved_within_its_gap_only():
    scores = np.array([0.2, 0.4, 0.8])
    curve = routing_curve(scores, np.zeros(3), np.ones(3))
    assert thresholds.between_scores(curve, 0.5) == pytest.approx(0.6)
    assert thresholds.between_scores(curve, 0.8) == pytest.approx(0.6)
    assert thresholds.between_scores(curve, 0.9) > 1.0


def test_a_target_above_the_curve_names_the_best_there_is():
    curve = routing_curve(np.array([0.1, 0.9]), np.zeros(2), np.array([1.0, 0.5]))
    with pytest.raises(UnreachableError, match=r"0\.9; the best is 0\.75"):
        thresholds.for_quality(curve, 0.9)
    with pytest.raises(UnreachableError, match=r"the best is 1"):
        thresholds.for_pgr(curve, 1.5)


def test_a_budget_below_the_cheapest_model_names_the_least_budget():
    curve = routing_curve(np.array([0.1, 0.9]), np.zeros(2), np.ones(2))
    cost = np.array([0.01, 0.02, 0.03])
    with pytest.raises(UnreachableError, match=r"the least this pair costs is \$10\.00"):
        thresholds.for_budget(curve, cost, 5.0, 1000)
    with pytest.raises(UnreachableError, match="how many queries"):
        thresholds.for_budget(curve, cost, 5.0, 0)
    with pytest.raises(UnreachableError, match="a price of this pair is not known"):
        thresholds.for_budget(curve, np.full(3, np.nan), 5.0, 1000)


def test_equal_models_have_no_gap_to_recover():
    curve = routing_curve(np.array([0.1, 0.9]), np.ones(2), np.ones(2))
    assert np.isnan(pgr(curve)).all()
    with pytest.raises(UnreachableError, match="no gap to recover"):
        thresholds.for_pgr(curve, 0.5)


def test_a_share_outside_0_to_1_is_refused():
    curve = routing_curve(np.array([0.1, 0.9]), np.zeros(2), np.ones(2))
    with pytest.raises(UnreachableError, match="not between"):
        thresholds.for_share(curve, 1.2)
