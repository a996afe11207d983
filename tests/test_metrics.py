import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from routellm_core.metrics import variants
from routellm_core.metrics.curve import (
    apgr,
    cpt,
    operating_point,
    pgr,
    quality_at_share,
    rank_queries,
    routed_mean,
    routing_curve,
)
from tests import oracles


@st.composite
def outcomes(draw):
    """Scores with many ties, binary or graded qualities, one query up to forty."""
    n = draw(st.integers(1, 40))
    few_levels = st.sampled_from([0.0, -0.0, 0.1, 0.25, 0.5, 1 / 3, 0.9, 1.0])
    level = draw(st.sampled_from([few_levels, st.floats(0, 1, width=32)]))
    quality = draw(
        st.sampled_from([st.sampled_from([0.0, 1.0]), st.integers(2, 20).map(lambda x: x / 2)])
    )
    values = [draw(st.lists(kind, min_size=n, max_size=n)) for kind in (level, quality, quality)]
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return np.array(values[0], dtype=dtype), np.array(values[1]), np.array(values[2])


@given(outcomes())
def test_the_curve_equals_a_loop_over_every_threshold(data):
    scores, weak, strong = data
    curve = routing_curve(scores, weak, strong)
    slow = oracles.curve(scores, weak, strong)
    assert curve.threshold.tolist() == [t for t, _, _ in slow]
    np.testing.assert_allclose(curve.strong_call_share, [c for _, c, _ in slow])
    np.testing.assert_allclose(curve.quality, [q for _, _, q in slow])


@given(outcomes())
def test_apgr_equals_the_literal_trapezoids(data):
    np.testing.assert_allclose(
        apgr(routing_curve(*data)), oracles.apgr(*data), atol=1e-9, equal_nan=True
    )


@given(outcomes(), st.sampled_from([0.2, 0.5, 0.8, 0.95, 1.2]))
def test_cpt_is_the_first_share_that_reaches_the_gap(data, wanted):
    np.testing.assert_allclose(
        cpt(routing_curve(*data), wanted), oracles.cpt(*data, wanted), equal_nan=True
    )


@given(outcomes(), st.floats(-0.5, 1.5))
def test_any_number_is_a_threshold(data, threshold):
    scores, weak, strong = data
    point = operating_point(routing_curve(*data), threshold)
    threshold = float(threshold)
    assert point.strong_call_share == oracles.strong_call_share(scores, threshold)
    assert point.quality == pytest.approx(oracles.routed_quality(scores, weak, strong, threshold))


@given(outcomes(), st.randoms(use_true_random=False))
def test_the_order_of_the_queries_does_not_matter(data, random):
    order = list(range(len(data[0])))
    random.shuffle(order)
    shuffled = routing_curve(*(values[order] for values in data))
    for one, other in zip(routing_curve(*data), shuffled, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@given(outcomes(), st.floats(0, 1))
def test_quality_at_a_share_never_uses_more_strong_calls(data, share):
    curve = routing_curve(*data)
    allowed = [q for _, c, q in oracles.curve(*data) if c <= share + 1e-12]
    assert quality_at_share(curve, share) == pytest.approx(allowed[-1])


@given(outcomes())
def test_money_is_routed_like_quality(data):
    scores, weak, strong = data
    ranking = rank_queries(scores)
    np.testing.assert_allclose(
        routed_mean(ranking, strong, weak), routing_curve(scores, strong, weak).quality
    )


def test_float32_scores_sort_like_float64_ones():
    scores = np.random.default_rng(3).normal(size=5000).astype(np.float32).round(2)
    fast, plain = rank_queries(scores), rank_queries(scores.astype(np.float64))
    assert (scores[fast.order] == scores[plain.order]).all()
    assert (fast.n_strong == plain.n_strong).all()
    assert (fast.threshold == plain.threshold).all()


def test_tied_queries_are_routed_together():
    curve = routing_curve(np.array([0.5, 0.5, 0.5]), np.zeros(3), np.array([1.0, 0.0, 1.0]))
    assert curve.strong_call_share.tolist() == [0.0, 1.0]


def test_equal_models_leave_the_gap_undefined():
    curve = routing_curve(np.array([0.1, 0.9]), np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert np.isnan(pgr(curve)).all()
    assert math.isnan(apgr(curve))
    assert math.isnan(cpt(curve, 0.5))
    assert math.isnan(operating_point(curve, 0.5).pgr)


def test_one_query_gives_two_points():
    curve = routing_curve(np.array([0.3]), np.array([0.0]), np.array([1.0]))
    assert curve.threshold.tolist() == [math.inf, pytest.approx(0.3)]
    assert apgr(curve) == 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_what_is_not_finite_is_refused(bad, where):
    values = [np.array([0.2, 0.7]), np.array([0.0, 1.0]), np.array([1.0, 1.0])]
    values[where] = np.array([0.2, bad])
    with pytest.raises(ValueError, match="NaN or infinite"):
        routing_curve(*values)


@pytest.mark.parametrize(
    "shapes", [((3,), (2,), (3,)), ((3,), (3,), (4,)), ((2, 2), (4,), (4,)), ((0,), (0,), (0,))]
)
def test_wrong_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match=r"shape|values for"):
        routing_curve(*(np.zeros(shape) for shape in shapes))


def test_a_threshold_or_share_that_is_none_is_refused():
    curve = routing_curve(np.array([0.1, 0.9]), np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match="NaN"):
        operating_point(curve, math.nan)
    with pytest.raises(ValueError, match="outside"):
        quality_at_share(curve, 1.1)


@st.composite
def with_ten_bins(draw):
    """Outcomes that mostly have eleven different deciles; with equal ones RouteLLM's call fails."""
    n = draw(st.sampled_from([11, 21, 31]) | st.integers(11, 40))
    gaps = draw(st.lists(st.sampled_from([0, 1, 1, 1, 2, 5]), min_size=n, max_size=n))
    place = np.cumsum(gaps)[draw(st.permutations(range(n)))]
    scores = place / (place.max() + draw(st.integers(1, 9)))
    level = draw(st.sampled_from([[0.0, 1.0], [x / 2 for x in range(2, 21)]]))
    qualities = st.lists(st.sampled_from(level), min_size=n, max_size=n)
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return scores.astype(dtype), np.array(draw(qualities)), np.array(draw(qualities))


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(with_ten_bins())
def test_the_ten_bins_are_routellms_points(data):
    scores, weak, strong = data
    try:
        _, edges = pd.qcut(scores.astype(np.float64), 10, retbins=True)
    except ValueError:  # equal edges
        reject()
    # Two ways to interpolate may differ in the last digit, and a score may lie right between.
    ours = np.quantile(scores.astype(np.float64), np.linspace(0, 1, 11))
    reached = scores.astype(np.float64)[:, np.newaxis]
    assume(((reached >= edges) == (reached >= ours)).all())
    share, quality = variants.ten_bin_curve(scores, weak, strong, routing_curve(*data))
    slow = oracles.routellm_points(scores, weak, strong, edges)
    np.testing.assert_allclose(share, [c for c, _ in slow])
    np.testing.assert_allclose(quality, [q for _, q in slow])


def test_the_published_variants_differ_from_the_exact_area_as_known():
    rng = np.random.default_rng(0)
    scores, strong = rng.random(5000), np.ones(5000)
    weak = (rng.random(5000) > scores).astype(float)
    curve = routing_curve(scores, weak, strong)
    exact = apgr(curve)
    bins = variants.ten_bin_curve(scores, weak, strong, curve)
    assert -0.02 < variants.ten_bin_apgr(*bins) - exact < 0  # a concave curve lies above chords
    assert 0.03 < variants.tenth_sum_apgr(curve) - exact < 0.06
