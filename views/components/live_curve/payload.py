"""Core results as the plain data that the browser draws. Knows no Streamlit.

The exact curve has a point for every distinct score; the browser gets at most as many as it can
show. Each of them is one of the exact points, so a shown figure is never interpolated.
"""

from typing import Any, Literal, NamedTuple

import numpy as np

from routellm_core.metrics.baselines import MixingLine, upper_hull
from routellm_core.metrics.costs import PairCosts, routed_cost
from routellm_core.metrics.curve import point_index
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.statistics.curve_bands import Band, share_band
from routellm_core.types import Floats, Ints, OperatingPoint, Ranking, RoutingCurve

N_DRAGGED = 1000
"""Points on which a drag can stop; a wide screen gives the curve fewer pixels."""
N_DRAWN = 250
"""Points of a line that is only looked at."""
_DIGITS = 9
_DIGITS_OF_ENDS = 5
"""Of an interval's; they are most of what is sent."""


def spread_points(strong_call_share: Floats, n_points: int) -> Ints:
    """Positions of at most `n_points` + 1 points, even in share, both ends among them."""
    wanted = np.linspace(0.0, 1.0, n_points)
    nearest = np.searchsorted(strong_call_share, wanted - 0.5 / n_points)
    ends = [0, len(strong_call_share) - 1]
    return np.unique(np.concatenate((np.minimum(nearest, ends[1]), ends)))


class Along(NamedTuple):
    """Figures along a router's curve."""

    curve: RoutingCurve
    n_queries: int
    share_band: Band | None
    """Of the strong-call share; None where all texts differ, so that counts are exact."""
    cost: Floats
    """(n_points,) USD a query."""
    cost_band: Band
    part_band: Band
    """Of the cost as a part of what always calling the strong model costs."""
    intervals: CurveIntervals


def dragged_points(along: Along) -> dict[str, Any]:
    """The chosen router's points."""
    kept = spread_points(along.curve.strong_call_share, N_DRAGGED)
    return {
        "threshold": [exactly(threshold) for threshold in along.curve.threshold[kept].tolist()],
        **{
            name: numbers(values, _DIGITS_OF_ENDS if name.endswith(("low", "high")) else _DIGITS)
            for name, values in _figures(along, kept).items()
        },
    }


def _figures(along: Along, kept: Ints) -> dict[str, Floats]:
    """At some points of the curve, each with its 95% interval; `low` and `high` are quality's."""
    share = along.curve.strong_call_share[kept]
    found = along.intervals
    bands = {
        "": found.quality_at(share),
        "share_": _share_band(along, kept),
        "pgr_": found.pgr_at(share),
        "cost_": [1000 * edge[kept] for edge in along.cost_band],
        "saving_": [1 - edge[kept] for edge in reversed(along.part_band)],
    }
    return {
        "share": share,
        "quality": along.curve.quality[kept],
        "cost": 1000 * along.cost[kept],
        **{f"{name}low": low for name, (low, _) in bands.items()},
        **{f"{name}high": high for name, (_, high) in bands.items()},
    }


def _share_band(along: Along, kept: Ints) -> Band:
    if along.share_band is not None:
        return Band(*(edge[kept] for edge in along.share_band))
    share = along.curve.strong_call_share[kept]
    return share_band(np.rint(share * along.n_queries).astype(np.int64), along.n_queries)


def drawn_line(curve: RoutingCurve, cost: Floats) -> dict[str, list[float | None]]:
    """A curve to look at; `cost` is (n_points,) USD a query."""
    kept = spread_points(curve.strong_call_share, N_DRAWN)
    return {
        "share": numbers(curve.strong_call_share[kept]),
        "quality": numbers(curve.quality[kept]),
        "cost": numbers(1000 * cost[kept]),
    }


def mixing_line(line: MixingLine, cost_weak: float, cost_strong: float) -> dict[str, Any]:
    """The random router's line and band; costs are the two models' mean USD a query."""
    share = line.strong_call_share
    return {
        "share": numbers(share),
        "quality": numbers(line.quality),
        "cost": numbers(1000 * (cost_weak + share * (cost_strong - cost_weak))),
        "low": numbers(line.low),
        "high": numbers(line.high),
    }


def hull_line(lines: list[dict[str, Any]], x: Literal["share", "cost"]) -> dict[str, Any]:
    """Upper hull over the drawn points of all routers; `x` is the axis it is drawn on."""
    points = {
        name: np.concatenate([np.asarray(line[name], dtype=np.float64) for line in lines])
        for name in ("share", "quality", "cost")
    }
    corners = upper_hull(points[x], points["quality"])
    return {name: numbers(values[corners]) for name, values in points.items()}


def oracle_line(
    ranking: Ranking, curve: RoutingCurve, costs: PairCosts
) -> dict[str, list[float | None]]:
    """The oracle's line."""
    return drawn_line(curve, routed_cost(ranking, costs))


def exact_point(point: OperatingPoint, along: Along) -> dict[str, float | None]:
    """Every figure at one threshold, exact."""
    at = np.array([point_index(along.curve, point.threshold)])
    return {
        "alpha": exactly(point.threshold),
        "pgr": number(point.pgr),
        **{name: number(float(values[0])) for name, values in _figures(along, at).items()},
        "share": point.strong_call_share,
        "quality": point.quality,
    }


def numbers(values: Floats, digits: int = _DIGITS) -> list[float | None]:
    """A JSON list: so many significant digits, undefined and infinite as null."""
    return [number(value, digits) for value in np.asarray(values, dtype=np.float64).tolist()]


def exactly(threshold: float) -> float | None:
    """A threshold with all its digits: rounded it may pass a score by, or break a guarantee."""
    return float(threshold) if np.isfinite(threshold) else None


def number(value: float, digits: int = _DIGITS) -> float | None:
    """A JSON number; undefined and infinite as null."""
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None
