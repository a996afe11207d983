"""Whatever the other model does, routing ends within the bounds, and can reach both."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from routellm_core.metrics.bounds import one_model_bounds
from routellm_core.metrics.curve import curve_of, rank_queries
from routellm_core.statistics.intervals import mean_interval

UNIT = st.floats(0, 1, width=32)


@given(arrays(np.float64, (3, 12), elements=UNIT), st.booleans())
def test_no_other_model_leads_outside(values, is_strong):
    score, known, other = values
    ranking = rank_queries(score.astype(np.float32))
    low, high = one_model_bounds(
        ranking, known, is_strong=is_strong, quality_low=0.0, quality_high=1.0
    )
    for quality in (other, np.zeros(12), np.ones(12)):
        weak, strong = (quality, known) if is_strong else (known, quality)
        routed = curve_of(ranking, weak, strong).quality
        assert (low <= routed + 1e-9).all()
        assert (routed <= high + 1e-9).all()
    known_end = -1 if is_strong else 0
    np.testing.assert_allclose([low[known_end], high[known_end]], known.mean(), atol=1e-9)


def test_the_interval_of_a_mean_is_student_ts():
    low, high = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_allclose([low, high], [0.44574, 4.55426], atol=1e-5)
    assert np.isnan(mean_interval(np.array([1.0]))).all()


def test_values_that_stand_several_times_make_no_interval_narrower():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    again = np.repeat(values, 5)
    codes = np.repeat([7, 3, 5, 1], 5)
    np.testing.assert_allclose(mean_interval(again, codes), mean_interval(values), atol=1e-12)
    assert mean_interval(again).low > mean_interval(values).low
    assert np.isnan(mean_interval(again, np.zeros(20, int))).all()
