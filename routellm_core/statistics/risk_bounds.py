"""Tests that a guarantee is kept, valid for any number of queries: exact for counts, else bets.

A p-value here is at most δ with probability at most δ where the guarantee is broken, however few
queries there are and however they are distributed. No normal approximation enters.

>>> round(float(binomial_p_value(0, 59, 0.05)), 3)
0.048
>>> round(binomial_bound(0, 59, 0.05), 3)
0.05
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.special import bdtr, betaincinv, ndtri

from routellm_core.types import Floats, Interval, Ints

N_BLOCKS = 64
"""How often bets are set anew. With 256 the same test passes one time in a hundred more often."""
BOLDEST = 0.75
"""Largest share of the capital at stake in a query (Waudby-Smith and Ramdas 2024, section 4)."""
POWER = 0.8
"""Chance of success at which needed numbers of queries are given."""
_PRICE = 1.2
"""How many times the queries of a normal test bets need, as measured where these are many."""
_AT_ONCE = 16
_MOST = 1e9
"""Queries beyond which a number of them is no longer an answer."""


def betting_p_value(margin: Floats, worst: Floats | float, delta: float) -> Floats:
    """P-value of the hypothesis that the mean margin is not above 0, by betting on it.

    Who stakes a share of a capital of 1 on every margin in turn, and decides on it beforehand, has
    no more than 1 on average if the mean is not above 0, and ever reaches 1 / δ with probability at
    most δ (Ville 1939; Waudby-Smith and Ramdas 2024, JRSS B 86:1). The stakes aim at 1 / δ with
    the queries that are left, from the second moment so far (Voráček and Orabona 2025,
    arXiv 2505.22422, algorithm STaR); here a stake stays for a 64th of the queries, so that all of
    them are one cumulative sum.

    Args:
        margin: (..., n) by how much each query keeps the guarantee, in random order, each >= worst.
        worst: number or (...), the least a margin can be, below 0; known before the margins are.
        delta: at which the test is sharpest.

    Returns:
        (...) in (0, 1]; seldom far below δ, since nothing is staked once that is reached.
    """
    n = margin.shape[-1]
    target = math.log(1 / delta)
    capital = np.zeros(margin.shape[:-1])  # its logarithm, as all capitals here
    best = capital.copy()
    boldest = BOLDEST / -np.asarray(worst)
    square = np.zeros(capital.shape) + np.square(worst) / 4  # of one query beforehand
    edges = np.unique(np.linspace(0, n, min(N_BLOCKS, n) + 1).astype(np.int64))
    for start, stop in itertools.pairwise(edges):
        missing = np.maximum(target - capital, 0.0)
        stake = np.sqrt(2 * missing * (start + 1) / ((n - start) * square))
        stake = np.minimum(stake, boldest)
        block = margin[..., start:stop]
        grown = capital[..., None] + np.cumsum(np.log1p(stake[..., None] * block), axis=-1)
        best = np.maximum(best, grown.max(axis=-1))
        capital = grown[..., -1]
        square += np.square(block).sum(axis=-1)
    return np.asarray(np.exp(-best))


def betting_need(margin: Floats, worst: Floats | float, delta: float) -> float:
    """About how many queries with such margins pass `betting_p_value` four times out of five.

    As many as a normal test needs for mean and variance of these margins and the boldest stakes for
    that mean alone, and a fifth more. What is observed is taken for the truth.

    Args:
        margin: (n,).
        worst: as for `betting_p_value`.
        delta: of the test.

    Returns:
        NaN where the mean is not above 0: then no number of queries would do.
    """
    mean = float(margin.mean())
    if mean <= 0:
        return math.nan
    normal = (ndtri(1 - delta) + ndtri(POWER)) ** 2 * float(margin.var()) / mean**2
    boldest = math.log(1 / delta) / math.log1p(BOLDEST / -float(worst) * mean)
    need = math.ceil(_PRICE * (normal + boldest))
    return float(need) if need <= _MOST else math.nan


def fixed_sequence(
    p_value: Callable[[Floats], Floats], hypotheses: Floats, delta: float
) -> tuple[int, Floats]:
    """Number of hypotheses rejected before the first that is not, and the p-values so far.

    Args:
        p_value: (k,) hypotheses -> (k,) p-values.
        hypotheses: in an order fixed beforehand.
        delta: of each test.
    """
    found = np.empty(0)
    for start in range(0, len(hypotheses), _AT_ONCE):
        found = np.append(found, p_value(hypotheses[start : start + _AT_ONCE]))
        failed = np.flatnonzero(found > delta)
        if len(failed):
            return int(failed[0]), found
    return len(hypotheses), found


def binomial_p_value(n_failed: Ints | int, n: Ints | int, limit: float) -> Floats:
    """P-value of the hypothesis that failures are no rarer than `limit`: exact (binomial tail).

    Returns:
        P(as few failures or fewer | limit), in the shape of the counts; 1 for no query.
    """
    return np.asarray(bdtr(n_failed, n, limit))


def binomial_bound(n_failed: float, n: int, delta: float) -> float:
    """Upper 1 - δ confidence bound of a share (Clopper and Pearson 1934); 1 for no query."""
    return 1.0 if n_failed >= n else float(betaincinv(n_failed + 1, n - n_failed, 1 - delta))


def binomial_interval(n_failed: float, n: int) -> Interval:
    """95% interval of a share (Clopper and Pearson 1934); NaN for no query."""
    if not n:
        return Interval(math.nan, math.nan)
    return Interval(1 - binomial_bound(n - n_failed, n, 0.025), binomial_bound(n_failed, n, 0.025))


def binomial_need(share: float, limit: float, delta: float) -> float:
    """About how many queries pass `binomial_p_value` four times out of five.

    Args:
        share: of failures, taken for the truth.
        limit: of the guarantee.
        delta: of the test.

    Returns:
        NaN where the share is not below the limit: then no number of queries would do.
    """
    if share >= limit:
        return math.nan
    n = np.unique(np.geomspace(1, _MOST, 4_000).astype(np.int64))
    usual = np.ceil(n * share + ndtri(POWER) * np.sqrt(n * share * (1 - share)))
    passes = bdtr(usual, n, limit) <= delta
    return float(n[np.argmax(passes)]) if passes.any() else math.nan
