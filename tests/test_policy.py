import json

import numpy as np
import pytest

from routellm_core.metrics.curve import operating_point, routing_curve
from routellm_core.metrics.thresholds import Target, for_target
from routellm_core.policy.document import RULE
from routellm_core.policy.export.routellm_choice import choice_document, routellm_model_name
from routellm_core.policy.fields import EVIDENCE
from routellm_core.types import Interval, ModelPair


def document(target):
    curve = routing_curve(np.array([0.2, 0.4, 0.9]), np.zeros(3), np.array([0.0, 1.0, 1.0]))
    found = for_target(curve, np.zeros(4), target)
    return choice_document(
        router=dict(router_id="mf-golden", router_name="mf", recipe="golden", view="in_domain"),
        model_pair=ModelPair(weak="small", strong="large"),
        benchmark_id="b",
        n_queries=3,
        data_hash="abc",
        curve=curve,
        calibration=found,
        achieved=operating_point(curve, found.threshold),
        quality_interval=Interval(0.1, 0.9),
        money={},
    )


def test_the_document_carries_the_choice_and_what_it_achieves():
    chosen = json.loads(json.dumps(document(Target("share", 0.4))))
    assert chosen["threshold"] == pytest.approx(0.65)  # midway between the scores 0.4 and 0.9
    assert chosen["routellm_model_name"] == f"router-mf-{chosen['threshold']!r}"
    assert chosen["chosen_by"] == {"mode": "share", "wanted": 0.4, "achieved": pytest.approx(1 / 3)}
    assert chosen["evidence"]["n_queries"] == 3
    assert chosen["evidence"]["quality"] == pytest.approx(1 / 3)
    assert chosen["evidence"]["data_hash"] == "abc"


def test_a_given_alpha_is_in_the_document_as_it_is():
    chosen = document(Target("alpha", 0.65432))
    assert chosen["threshold"] == 0.65432
    assert chosen["routellm_model_name"] == "router-mf-0.65432"
    assert chosen["rule"] == RULE
    assert chosen["evidence"]["scores"] == EVIDENCE["in_domain"]


def test_never_calling_strong_has_no_routellm_name():
    never = document(Target("share", 0.0))
    assert never["routellm_model_name"] is None
    assert never["threshold"] > 1


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
