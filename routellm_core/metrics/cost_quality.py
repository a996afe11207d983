"""Other papers' figures of quality over cost: AIQ, deferral area, quality-neutral cost.

>>> import numpy as np
>>> cost, quality = np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.5, 0.7, 0.9, 0.8])
>>> round(deferral_area(cost, quality), 4), round(aiq(cost, quality), 4)
(0.7625, 0.775)
>>> quality_neutral_cost(cost, quality), quality_neutral_part(cost, quality)
(4.0, 0.8)
"""

import numpy as np
from scipy.optimize import isotonic_regression

from routellm_core.types import Floats


def aiq(cost: Floats, quality: Floats) -> float:
    """Average improvement in quality of RouterBench (arXiv 2403.12031, section 3).

    The mean over the costs of the non-decreasing convex hull: between two thresholds both are mixed
    at random, and no one pays for a worse answer. Fast enough for a thousand resamples: the slopes
    of the least concave majorant are the falling isotonic regression of the curve's own slopes,
    each weighted by its width (Robertson, Wright and Dykstra 1988, section 1.2).

    Args:
        cost: (n_points,) of each point of a router's curve.
        quality: (n_points,) in the benchmark's own scale.

    Returns:
        In the same scale; NaN where costs are, or where all points cost the same.
    """
    order = np.lexsort((-quality, cost))
    leading = order[np.concatenate(([True], np.diff(cost[order]) > 0))]
    width, rise = np.diff(cost[leading]), np.diff(quality[leading])
    if not width.sum() > 0:
        return np.nan
    slope = isotonic_regression(rise / width, weights=width, increasing=False).x
    majorant = quality[leading[0]] + np.concatenate(([0.0], np.cumsum(slope * width)))
    return deferral_area(cost[leading], np.maximum.accumulate(majorant))


def deferral_area(cost: Floats, quality: Floats) -> float:
    """Mean quality of the deferral curve over its range of costs, the curve taken as it is.

    UniRoute (arXiv 2502.08773, section 7) takes the area of quality over cost; over the
    strong-call share in place of a cost it is the weak model's quality plus APGR times the gap.

    Args:
        cost: (n_points,) rising along the curve: money, or the strong-call share.
        quality: (n_points,) in the benchmark's own scale.

    Returns:
        In the same scale; NaN where a cost is, or where all points cost the same.
    """
    width = float(cost[-1] - cost[0])
    return float(np.trapezoid(quality, cost)) / width if width > 0 else np.nan


def quality_neutral_cost(cost: Floats, quality: Floats) -> float:
    """Least cost at which the quality of the best single model is reached (UniRoute's QNC).

    UniRoute (arXiv 2502.08773, section 7) gives it as a part of that model's own cost. It is the
    least over the whole curve, so on few queries luck makes it too small.

    Args:
        cost: (n_points,) of each point, from always weak to always strong.
        quality: (n_points,) in the benchmark's own scale.

    Returns:
        In the unit of `cost`; NaN where a cost is.
    """
    best = max(quality[0], quality[-1])
    reached = cost[quality >= best - 1e-12 * max(1.0, abs(best))]
    return float(reached.min())


def quality_neutral_part(cost: Floats, quality: Floats) -> float:
    """`quality_neutral_cost` as a part of what the best single model costs, which may be above 1.

    Returns:
        NaN where a cost is, or where that model costs nothing.
    """
    own = float(cost[-1] if quality[-1] >= quality[0] else cost[0])
    return quality_neutral_cost(cost, quality) / own if own else np.nan
