"""Scales of quality: the usual ones, the one that values suggest, and values that lie off it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STRAY_SHARE = 0.01
"""Share of the values that may lie off the scale of all others and be left out for it."""
LEAST_BESIDE_STRAYS = 20


class Scale(NamedTuple):
    """From the worst quality to the best."""

    low: float
    high: float
    unit: str
    """One of `types.QUALITY_UNITS`."""


SHARE_RIGHT = Scale(0.0, 1.0, "share right")
_USUAL = ((0, 1), (1, 5), (0, 5), (1, 10), (0, 10), (0, 100), (-1, 1))


def scale_between(low: float, high: float) -> Scale:
    """The scale with these ends; from 0 to 1 it is the share right.

    >>> scale_between(1, 10)
    Scale(low=1.0, high=10.0, unit='points')
    """
    unit = "share right" if (low, high) == (0, 1) else "points"
    return Scale(float(low), float(high), unit)


def guessed_scale(quality: NDArray[np.float64]) -> Scale:
    """The narrowest usual scale that holds all qualities.

    >>> guessed_scale(np.array([0.0, 1.0])).unit
    'share right'
    >>> guessed_scale(np.array([7.0, 9.5]))
    Scale(low=1.0, high=10.0, unit='points')
    """
    known = quality[np.isfinite(quality)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    for lowest, highest in _USUAL:
        if lowest <= low and high <= highest:
            return scale_between(lowest, highest)
    return Scale(float(min(low, 0.0)), float(max(high, low + 1.0)), "points")


def strays(quality: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Marks of the few values outside 0 to 1 where all others are shares.

    A whole number above 1 among zeros and ones may be the top of a longer scale: it is no stray.

    >>> strays(np.array([0.5, 0.25, -0.03] + [1.0] * 97)).nonzero()[0]
    array([2])
    """
    off = (quality < 0.0) | (quality > 1.0)
    inside = quality[~off & np.isfinite(quality)]
    few = off.sum() <= max(STRAY_SHARE * len(inside), 1) and len(inside) >= LEAST_BESIDE_STRAYS
    if not off.any() or not few:
        return np.zeros(len(quality), dtype=bool)
    are_shares = bool((inside != np.trunc(inside)).any())
    is_odd = bool(((quality[off] < 0) | (quality[off] != np.trunc(quality[off]))).all())
    return off if are_shares or is_odd else np.zeros(len(quality), dtype=bool)


def differ(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """True if the one holds shares from 0 to 1 and the other points, so that they do not compare.

    >>> differ(np.array([0.2, 0.9]), np.array([4.0, 9.0, 7.0]))
    True
    >>> differ(np.array([1.0, 3.0]), np.array([4.0, 9.0, 7.0]))
    False
    """
    if one.size == 0 or other.size == 0:
        return False
    if one.max() > other.max():
        one, other = other, one
    if one.min() < 0.0 or one.max() > 1.0 or np.median(other) <= 1.0:
        return False
    has_both_ends = bool((one == 0.0).any() and (one == 1.0).any())
    return bool((one != np.trunc(one)).any()) or has_both_ends
