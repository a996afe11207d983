import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from routellm_core.statistics.significance import (
    holm,
    mcnemar_p_value,
    one_per_cluster,
    queries_needed,
    two_sided_p_value,
)

chances = st.floats(0.0, 1.0, allow_nan=False)


def holm_by_closure(p_values):
    """A hypothesis is as sure as the least sure of all sets that hold it, each by Bonferroni."""
    n = len(p_values)
    adjusted = []
    for i in range(n):
        worst = 0.0
        for members in range(1 << n):
            if members >> i & 1:
                held = [p_values[k] for k in range(n) if members >> k & 1]
                worst = max(worst, min(1.0, len(held) * min(held)))
        adjusted.append(worst)
    return adjusted


@given(st.lists(chances, min_size=1, max_size=7))
def test_holm_is_the_closure_of_bonferroni(p_values):
    assert holm(np.array(p_values)) == pytest.approx(holm_by_closure(p_values))


def test_holm_equals_its_step_down_rule(rng):
    for n in (1, 2, 7, 40) * 25:
        p = rng.random(n) ** 3
        for level in (0.01, 0.05, 0.2):
            rejected = set()
            for step, i in enumerate(np.argsort(p)):
                if p[i] > level / (n - step):
                    break
                rejected.add(i)
            assert set(np.flatnonzero(holm(p) <= level)) == rejected


def test_what_is_no_test_does_not_count_among_the_tests():
    adjusted = holm(np.array([0.02, np.nan, 0.01]))
    assert adjusted[[0, 2]].tolist() == [0.02, 0.02]
    assert np.isnan(adjusted[1])
    assert holm(np.array([])).tolist() == []


def mcnemar_by_hand(b, c):
    """Twice the smaller tail of b + c fair coins."""
    n = b + c
    tail = sum(math.comb(n, k) for k in range(min(b, c) + 1)) / 2**n
    return min(1.0, 2 * tail)


@pytest.mark.parametrize("counts", [(0, 0), (0, 1), (5, 5), (2, 8), (11, 3), (40, 61)])
def test_mcnemar_is_a_tail_of_fair_coins(counts):
    assert mcnemar_p_value(*counts) == pytest.approx(mcnemar_by_hand(*counts))


def test_the_p_value_of_a_mean_is_students(rng):
    values = rng.normal(0.2, 1.0, 30)
    error = values.std(ddof=1) / np.sqrt(30)
    expected = ttest_1samp(values, 0).pvalue
    assert two_sided_p_value(values.mean(), error, 30) == pytest.approx(expected)
    assert two_sided_p_value(-values.mean(), error, 30) == pytest.approx(expected)


def test_what_is_always_the_same_is_no_difference_and_one_query_no_test():
    assert two_sided_p_value(0.0, 0.0, 100) == 1.0
    assert np.isnan(two_sided_p_value(0.3, 0.1, 1))


def test_the_textbook_number_of_queries():
    # A difference of half a standard deviation: (1.96 + 0.84)^2 / 0.25 = 31.4, so 32.
    assert queries_needed(100, 0.5, 0.1) == 32
    assert queries_needed(100, -0.5, 0.1) == 32
    assert queries_needed(100, 0.5, 0.1, level=0.01) == 47


def test_no_number_of_queries_shows_what_is_not_there():
    assert queries_needed(100, 0.0, 0.1) == math.inf
    assert queries_needed(100, 1e-6, 0.1) == math.inf
    assert np.isnan(queries_needed(100, 0.5, np.nan))


def test_one_query_of_each_text_is_kept():
    assert one_per_cluster(np.array([7, 3, 7, 0, 3])).tolist() == [0, 1, 3]
