"""APGR and CPT as published elsewhere, so that printed and exact numbers can be reconciled.

These are not the definitions that this project uses; each name says whose they are.
"""

import numpy as np

from routellm_core.metrics.curve import operating_point, pgr, pgr_of, quality_at_share
from routellm_core.types import Floats, RoutingCurve


def ten_bin_curve(
    strong_win_rate: Floats, quality_weak: Floats, quality_strong: Floats, curve: RoutingCurve
) -> tuple[Floats, Floats]:
    """The eleven points at which RouteLLM evaluates: decile edges of the scores.

    Its last edge, the highest score, is met with > instead of >=, so that it is always weak.
    Equal edges, at which its pandas call fails, are merged here.

    Returns:
        Strong-call share and quality, both (n_edges,), shares falling from 1 to 0.
    """
    edges = np.unique(np.quantile(strong_win_rate.astype(np.float64), np.linspace(0, 1, 11)))
    edges[-1] = np.inf
    points = [operating_point(curve, edge) for edge in edges]
    return np.array([p.strong_call_share for p in points]), np.array([p.quality for p in points])


def ten_bin_apgr(share: Floats, quality: Floats) -> float:
    """RouteLLM's APGR: trapezoids over the points of `ten_bin_curve`.

    Lower than the exact area where the curve is concave. NaN without a gap.
    """
    area = float(np.trapezoid(quality[::-1], share[::-1]))
    return float(pgr_of(area, quality[-1], quality[0]))


def tenth_sum_apgr(curve: RoutingCurve) -> float:
    """The sum in arXiv 2406.18665, equation 6, read literally: mean PGR at shares 10% to 100%.

    A random router gets 0.55 of it, while the paper's tables print 0.50: they hold the area.
    """
    shares = np.arange(1, 11) / 10
    quality = np.array([quality_at_share(curve, share) for share in shares])
    if np.isnan(pgr(curve)[-1]):
        return float("nan")
    return float(pgr_of(quality, curve.quality[0], curve.quality[-1]).mean())
