"""Intervals of a mean and of resampled values."""

import numpy as np
from scipy.special import stdtrit

from routellm_core.types import Floats, Interval, Ints


def mean_interval(values: Floats, cluster_code: Ints | None = None) -> Interval:
    """95% interval of a mean (Student's t).

    The variance is that of the clusters' sums of residuals (Liang and Zeger 1986), which is the
    usual one where every value is a cluster of its own.

    Args:
        values: (n,).
        cluster_code: (n,) equal for values that are not independent; None: all are.

    Returns:
        NaN for fewer than two clusters.
    """
    n = len(values)
    codes = (
        np.arange(n) if cluster_code is None else np.unique(cluster_code, return_inverse=True)[1]
    )
    n_clusters = int(codes.max()) + 1 if n else 0
    if n_clusters < 2:
        return Interval(float("nan"), float("nan"))
    mean = float(values.mean())
    sums = np.bincount(codes, values - mean)
    error = np.sqrt(n_clusters / (n_clusters - 1) * (sums**2).sum()) / n
    half = float(stdtrit(n_clusters - 1, 0.975) * error)
    return Interval(mean - half, mean + half)


def percentile_interval(resamples: Floats) -> Interval:
    """The middle 95% of the resamples; NaN when it is undefined in one of them.

    A statistic that some resamples cannot reach has no honest upper end.
    """
    low, high = np.quantile(resamples, [0.025, 0.975])
    return Interval(float(low), float(high))
