"""Does traffic still look as a policy's evidence said? Shares, costs and scores, each with a band.

>>> share_of_strong(300, 1_000, 0.28, 0.32).is_alarm
False
>>> share_of_strong(450, 1_000, 0.28, 0.32).is_alarm
True
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, ks_2samp

from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Floats, Interval

FAR = 0.1
"""Largest distance between two distributions of scores that passes: then no α moves the strong-call
share by more than ten points."""
SURE = 0.01
"""Of the test that the distance is no chance."""


class Watched(NamedTuple):
    """A figure of the traffic beside what the evidence says."""

    n: int
    value: float
    interval: Interval
    """95%, of the traffic's figure."""
    expected: Interval
    """What the evidence allows."""

    @property
    def is_defined(self) -> bool:
        """True where there is anything to compare."""
        return not any(map(math.isnan, (*self.interval, *self.expected)))

    @property
    def is_alarm(self) -> bool:
        """True where the two intervals do not meet; False where one of them is undefined."""
        if not self.is_defined:
            return False
        return self.interval.low > self.expected.high or self.interval.high < self.expected.low


class Drift(NamedTuple):
    """The distance between the scores of the traffic and those of the evidence."""

    distance: float
    """Kolmogorov-Smirnov: the most by which one α parts their strong-call shares, in [0, 1]."""
    p_value: float
    """Chance of such a distance or a larger one if both were drawn alike."""

    @property
    def is_defined(self) -> bool:
        """True where both sides have scores."""
        return not math.isnan(self.distance)

    @property
    def is_alarm(self) -> bool:
        """True where the distance is large and not by chance; False where it is undefined."""
        return self.distance > FAR and self.p_value < SURE


def share_of_strong(n_strong: int, n: int, expected_low: float, expected_high: float) -> Watched:
    """The share of answers that the strong model gave.

    Its interval is exact (Clopper and Pearson 1934).

    Args:
        n_strong: answers of the strong model.
        n: answers of both.
        expected_low: of the evidence's 95% interval.
        expected_high: its upper end.
    """
    if not n:
        nothing = Interval(math.nan, math.nan)
        return Watched(0, math.nan, nothing, Interval(expected_low, expected_high))
    found = binomtest(n_strong, n).proportion_ci()
    interval = Interval(float(found.low), float(found.high))
    return Watched(n, n_strong / n, interval, Interval(expected_low, expected_high))


def cost_of_answers(usd: Floats, expected_usd: float, tolerance: float = 0.1) -> Watched:
    """Mean USD of an answer.

    Args:
        usd: (n_answers,) as billed; NaN where that is not known.
        expected_usd: of a query, by the evidence; NaN where a price is not known.
        tolerance: share by which it may differ, since the evidence counts other queries' tokens.
    """
    known = usd[np.isfinite(usd)]
    mean = float(known.mean()) if len(known) else math.nan
    band = Interval(expected_usd * (1 - tolerance), expected_usd * (1 + tolerance))
    return Watched(len(known), mean, mean_interval(known), band)


def drift_of_scores(own: Floats, evidence: Floats) -> Drift:
    """Distance of the traffic's strong win rates from the evidence's (two-sample KS test).

    Args:
        own: (n_own,) of the traffic.
        evidence: (n_queries,) of the benchmark, by the same router.

    Returns:
        NaN for both where a side has no score.
    """
    if not len(own) or not len(evidence):
        return Drift(math.nan, math.nan)
    found = ks_2samp(own, evidence)
    return Drift(float(found.statistic), float(found.pvalue))
