"""Alarms sound when traffic leaves the bands, and rarely when it does not."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from routellm_core.policy.monitoring import cost_of_answers, drift_of_scores, share_of_strong


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_the_interval_of_a_share_is_exact(n, data):
    n_strong = data.draw(st.integers(0, n))
    found = share_of_strong(n_strong, n, 0.2, 0.4)
    low, high = found.interval
    assert low <= found.value <= high
    if 0 < n_strong < n:
        np.testing.assert_allclose(binom.sf(n_strong - 1, n, low), 0.025, atol=1e-6)
        np.testing.assert_allclose(binom.cdf(n_strong, n, high), 0.025, atol=1e-6)


def test_an_unchanged_share_rarely_sounds_and_a_doubled_one_always():
    rng = np.random.default_rng(0)
    calm = [share_of_strong(int(k), 500, 0.29, 0.31).is_alarm for k in rng.binomial(500, 0.3, 400)]
    loud = [share_of_strong(int(k), 500, 0.29, 0.31).is_alarm for k in rng.binomial(500, 0.6, 400)]
    assert np.mean(calm) < 0.05
    assert all(loud)


def test_costs_are_compared_where_they_are_known():
    usd = np.array([1.0, 1.1, 0.9, np.nan, 1.0] * 20)
    assert cost_of_answers(usd, 1.0).n == 80
    assert not cost_of_answers(usd, 1.05).is_alarm
    assert cost_of_answers(usd, 2.0).is_alarm
    assert not cost_of_answers(usd, np.nan).is_alarm
    assert np.isnan(cost_of_answers(np.full(3, np.nan), 1.0).value)


def test_drift_of_scores_sees_a_shift_and_no_more():
    rng = np.random.default_rng(0)
    evidence = rng.beta(4, 4, 5_000)
    assert not drift_of_scores(rng.beta(4, 4, 1_000), evidence).is_alarm
    assert drift_of_scores(rng.beta(4, 2, 1_000), evidence).is_alarm
    assert not drift_of_scores(np.array([0.8]), evidence).is_alarm  # one query proves nothing
    assert np.isnan(drift_of_scores(np.array([]), evidence).distance)
    assert share_of_strong(0, 0, 0.1, 0.2).is_alarm is False
