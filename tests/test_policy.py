"""Names and numbers by which a threshold leaves this machine."""

import numpy as np
import pytest

from routellm_core.metrics.curve import routing_curve
from routellm_core.metrics.thresholds import Target, for_target, threshold_of
from routellm_core.policy.export.routellm import routellm_model_name


def threshold(target):
    curve = routing_curve(np.array([0.2, 0.4, 0.9]), np.zeros(3), np.array([0.0, 1.0, 1.0]))
    return threshold_of(curve, for_target(curve, np.zeros(4), target))


def test_a_threshold_for_a_target_is_midway_between_two_scores():
    assert threshold(Target("share", 0.4)) == pytest.approx(0.65)  # of 0.4 and 0.9


def test_a_given_alpha_leaves_as_it_is():
    assert threshold(Target("alpha", 0.65432)) == 0.65432
    assert routellm_model_name("mf", threshold(Target("alpha", 0.65432))) == "router-mf-0.65432"


def test_never_calling_strong_has_no_routellm_name():
    never = threshold(Target("share", 0.0))
    assert never > 1
    with pytest.raises(ValueError, match="outside"):
        routellm_model_name("mf", never)


def test_a_routellm_name_splits_back_into_router_and_threshold():
    _, router, threshold = routellm_model_name("sw_ranking", 0.1234567890123).split("-", 2)
    assert (router, float(threshold)) == ("sw_ranking", 0.1234567890123)


def test_a_tiny_threshold_survives_the_split_at_dashes():
    _, _, threshold = routellm_model_name("mf", 1e-7).split("-", 2)
    assert float(threshold) == 1e-7


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_0_to_1_has_no_name(bad):
    with pytest.raises(ValueError, match="outside"):
        routellm_model_name("mf", bad)


def test_a_router_name_with_a_dash_has_no_name():
    with pytest.raises(ValueError, match="-"):
        routellm_model_name("my-router", 0.5)
