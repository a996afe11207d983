"""Tests of a difference: its p-value, what many tests at once cost, and how many queries it needs.

>>> import numpy as np
>>> holm(np.array([0.01, 0.04, 0.03, 0.005])).round(3).tolist()
[0.03, 0.06, 0.06, 0.02]
>>> mcnemar_p_value(2, 8)
0.109375
"""

import numpy as np
from scipy.special import ndtri, stdtr
from scipy.stats import binomtest

from routellm_core.types import Floats, Ints

LEVEL = 0.05
"""Chance at which something that is not there may be seen."""
POWER = 0.8
"""Chance with which the queries said to be needed show a difference."""
MOST_QUERIES = 10_000_000
"""Beyond it no number of queries is said to show a difference."""


def two_sided_p_value(difference: float, standard_error: float, n_clusters: int) -> float:
    """Chance of a difference this far from 0, either way, where there is none (Student's t).

    Returns:
        1 without any error, which only what is always the same has; NaN for fewer than two
        clusters.
    """
    if n_clusters < 2:
        return np.nan
    if standard_error == 0.0:
        return 1.0
    return float(2 * stdtr(n_clusters - 1, -abs(difference) / standard_error))


def mcnemar_p_value(n_only_first: int, n_only_second: int) -> float:
    """McNemar's exact test: do both get as many queries right that the other gets wrong?

    McNemar 1947; exact because the split of those queries is binomial.

    Args:
        n_only_first: queries that only the first has right.
        n_only_second: queries that only the second has right.

    Returns:
        Two-sided; 1 when they never differ.
    """
    n = n_only_first + n_only_second
    return float(binomtest(n_only_first, n).pvalue) if n else 1.0


def holm(p_values: Floats) -> Floats:
    """P-values made larger for their number: below 5%, any of them is false with 5% at most.

    Step-down (Holm 1979); the tests may depend on each other in any way.

    Args:
        p_values: (n,) in [0, 1]; NaN is no test and stays NaN.
    """
    order = np.argsort(p_values)[: int(np.isfinite(p_values).sum())]
    stepped = p_values[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def queries_needed(
    n_queries: int, difference: float, standard_error: float, level: float = LEVEL
) -> float:
    """Number of queries in all that show a difference of this size with a chance of 80%.

    The standard error falls with the root of their number (Miller, arXiv 2411.00640, section 5).
    The difference seen is taken for the true one, which it is only nearly: a rough guide.

    Args:
        n_queries: that were looked at.
        difference: that they show.
        standard_error: of that difference.
        level: of the two-sided test.

    Returns:
        Infinite where ten million would not do; NaN where the error is.
    """
    wanted = ndtri(1.0 - level / 2.0) + ndtri(POWER)
    if difference == 0.0:
        return np.inf
    needed = float(np.ceil(n_queries * (wanted * standard_error / difference) ** 2))
    return np.inf if needed > MOST_QUERIES else needed


def one_per_cluster(cluster_code: Ints) -> Ints:
    """Positions of the first query of each cluster, rising: for tests that know no clusters."""
    return np.sort(np.unique(cluster_code, return_index=True)[1])
