"""The router's curve as an SVG without script and names; its colours are the page's."""

import math

import numpy as np

from routellm_core.metrics.baselines import MixingLine
from routellm_core.metrics.curve import index_at_share
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.types import Floats, OperatingPoint, RoutingCurve
from routellm_core.wording.numbers import point_scale

_WIDTH, _HEIGHT = 460, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 22, 14, 42
_N_POINTS = 250
"""Of the curve; each is one of the exact ones."""


def curve_picture(
    curve: RoutingCurve,
    intervals: CurveIntervals,
    mixing: MixingLine,
    point: OperatingPoint,
    quality_unit: str,
) -> str:
    """Quality over strong calls: curve with its 95% band, random line, both models, the point.

    Args:
        curve: of the router.
        intervals: give the band.
        mixing: the random line.
        point: the chosen one.
        quality_unit: of the benchmark.
    """
    kept = np.unique([index_at_share(curve, x) for x in np.linspace(0.0, 1.0, _N_POINTS)])
    share, quality = curve.strong_call_share[kept], curve.quality[kept]
    grid, low, high = intervals.strong_call_share, intervals.quality_low, intervals.quality_high
    scale = point_scale(quality_unit).scale
    ends = scale * np.concatenate([low, high, quality, mixing.quality, [point.quality]])
    ticks = _ticks(float(ends.min()), float(ends.max()))
    bottom, top = ticks[0], ticks[-1]

    def x(value: float) -> str:
        return f"{_LEFT + value * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def y(value: float) -> str:
        part = (scale * value - bottom) / (top - bottom)
        return f"{_HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    def line(shares: Floats, values: Floats) -> str:
        return " ".join(f"{x(a)},{y(b)}" for a, b in zip(shares, values, strict=True))

    band = line(np.concatenate([grid, grid[::-1]]), np.concatenate([high, low[::-1]]))
    px, py = x(point.strong_call_share), y(point.quality)
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    unit = "% right" if quality_unit == "share right" else "points"
    return "".join(
        [
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Quality over the share '
            'of strong calls: the curve of the router lies beside the line of random choice">',
            *(_level(y(tick / scale), f"{tick:.{digits}f}") for tick in ticks),
            *(_share_tick(x(share), share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
            f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 5}" class="axis middle">'
            "queries sent to the strong model</text>",
            f'<text x="{-(_TOP + _HEIGHT - _BOTTOM) / 2}" y="11" transform="rotate(-90)" '
            f'class="axis middle">quality, {unit}</text>',
            f'<polygon points="{band}" class="band"/>',
            f'<polyline points="{line(mixing.strong_call_share, mixing.quality)}" class="random"/>',
            f'<polyline points="{line(share, quality)}" class="curve"/>',
            f'<path d="M{px} {_HEIGHT - _BOTTOM}V{py}H{_LEFT}" class="drop"/>',
            f'<circle cx="{x(0.0)}" cy="{y(float(curve.quality[0]))}" r="5" class="weak"/>',
            _square(float(x(1.0)), float(y(float(curve.quality[-1])))),
            f'<path d="M{px} {py}m0 -8l8 8l-8 8l-8 -8z" class="point"/>',
            "</svg>",
        ]
    )


def _level(y: str, text: str) -> str:
    return (
        f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" class="grid"/>'
        f'<text x="{_LEFT - 6}" y="{float(y) + 4:.1f}" class="axis end">{text}</text>'
    )


def _share_tick(x: str, share: float) -> str:
    return f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 16}" class="axis middle">{share:.0%}</text>'


def _square(x: float, y: float) -> str:
    return f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" class="strong"/>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight even, round numbers, the first at or below `low`, the last not below `high`."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = size * next(factor for factor in (1, 2, 5, 10) if factor * size >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * i for i in range(first, last + 1)]
