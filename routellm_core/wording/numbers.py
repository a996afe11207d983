"""Numbers as text: one form for each kind of figure.

What is None, NaN or infinite is a dash. The minus is a true minus, not a hyphen, and a number that
rounds to zero has no sign. Intervals are 95% intervals: any two numbers, low before high; `write`
makes a text of each end, `how` are its further arguments.

>>> fixed(-12345.678, 1), signed(0.0123), percent(0.4615), usd_text(0.012345)
('−12,345.7', '+0.012', '46.2%', '$0.0123')
>>> span((0.5911, 0.6202)), with_span(-0.1, (-0.3, 0.1), signed, digits=1)
('95% 0.591 – 0.620', '−0.1 (95% −0.3 – +0.1)')
>>> bracketed(0.461, (0.45, float("nan")), percent)
'46.1% [45.0%, –]'
"""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

DASH = "–"
MINUS = "−"
_MOST_DIGITS = 8

Value: TypeAlias = float | None
Ends: TypeAlias = Iterable[Value]
Write: TypeAlias = Callable[..., str]


class PointScale(NamedTuple):
    """Points in one unit of quality, and the digits with which they are shown."""

    scale: float
    digits: int


def is_known(value: Value) -> bool:
    """True where there is a finite number to show."""
    return value is not None and math.isfinite(value)


def fixed(value: Value, digits: int = 3, scale: float = 1.0) -> str:
    """A number with so many digits behind the point."""
    if value is None or not math.isfinite(shown := scale * float(value)):
        return DASH
    return f"{shown:z,.{digits}f}".replace("-", MINUS)


def signed(value: Value, digits: int = 3, scale: float = 1.0) -> str:
    """A difference, with a plus or a minus."""
    return plus(fixed(value, digits, scale))


def plus(text: str) -> str:
    """A written figure, with a plus where it is above 0.

    >>> plus(usd_text(0.5)), plus(percent(-0.02, 0)), plus(percent(0.0)), plus(DASH)
    ('+$0.500', '−2%', '0.0%', '–')
    """
    return f"+{text}" if text[0] != MINUS and re.search("[1-9]", text) else text


def percent(share: Value, digits: int = 1) -> str:
    """A share in percent."""
    return _with_unit(fixed(share, digits, 100.0), "%")


def usd_text(value: Value, digits: int | None = None) -> str:
    """Money: two digits behind the point, three figures of a sum below a dollar.

    >>> usd_text(1234.5), usd_text(-0.5), usd_text(1.3e-05)
    ('$1,234.50', '−$0.500', '$0.000013')
    """
    text = fixed(value, usd_digits(value) if digits is None else digits)
    return text if text == DASH else re.sub(f"^{MINUS}?", r"\g<0>$", text)


def usd_digits(value: Value) -> int:
    """Digits behind the point of a sum, and of those that stand beside it: 2 to 6."""
    if value is None or not 0 < abs(value) < 1:
        return 2
    return min(2 - math.floor(math.log10(abs(value))), 6)


def significant(value: Value, n: int = 3) -> str:
    """A number with its first n figures, without zeros at the end and without an exponent.

    >>> significant(0.012345), significant(12.0), significant(1234.5)
    ('0.0123', '12', '1,234')
    """
    text = _padded(value, n)
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds_text(value: Value) -> str:
    """A time of some seconds, with three figures.

    >>> seconds_text(6.6), seconds_text(120.2)
    ('6.60 s', '120 s')
    """
    return _with_unit(_padded(value, 3), " s")


def ms_text(value_ms: Value) -> str:
    """A time of some milliseconds, with three figures."""
    return _with_unit(significant(value_ms), " ms")


def duration(length_s: Value) -> str:
    """A length of time in one unit.

    >>> duration(75), duration(1_500), duration(9_000)
    ('75 s', '25 min', '2.5 h')
    """
    if length_s is None or length_s < 90:
        return _with_unit(fixed(length_s, 0), " s")
    minutes = length_s / 60
    return f"{minutes:.0f} min" if minutes < 90 else _with_unit(fixed(minutes / 60, 1), " h")


def duration_in_days(days: Value) -> str:
    """A length of days, in years where it is long.

    >>> duration_in_days(0.4), duration_in_days(12.3), duration_in_days(1_000)
    ('less than a day', '12 days', '2.7 years')
    """
    if not is_known(days):
        return DASH
    assert days is not None
    if days < 1:
        return "less than a day"
    if days < 730:
        return "1 day" if round(days) == 1 else f"{fixed(days, 0)} days"
    return f"{fixed(days / 365.25, 1)} years"


def gpu_memory(gib: Value) -> str:
    """GPU memory in use."""
    return f"{fixed(gib, 1)} GiB of GPU memory"


def p_text(p_value: Value) -> str:
    """A p-value with two figures.

    >>> p_text(0.0123), p_text(1e-30), p_text(None)
    ('p = 0.012', 'p < 0.001', 'p –')
    """
    if p_value is None or math.isnan(p_value):
        return f"p {DASH}"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def point_scale(quality_unit: str) -> PointScale:
    """The scale of a quality: points of 100 where it is a share that is right."""
    return PointScale(100.0, 1) if quality_unit == "share right" else PointScale(1.0, 2)


def points_text(quality: Value, quality_unit: str) -> str:
    """A quality or a difference of two in points, without the word."""
    scale, digits = point_scale(quality_unit)
    return fixed(quality, digits, scale)


def quality_with_unit(quality: Value, quality_unit: str) -> str:
    """A quality as it stands in a sentence.

    >>> quality_with_unit(0.766, "share right"), quality_with_unit(8.314, "points")
    ('76.6%', '8.31 points')
    """
    unit = "%" if quality_unit == "share right" else " points"
    return _with_unit(points_text(quality, quality_unit), unit)


def both_ends(interval: Ends, write: Write = fixed, **how: Any) -> str:
    """An interval in a table or on a tile; a dash unless both ends are known.

    >>> both_ends((2.75, 3.2), seconds_text), both_ends((0.1, 0.25), percent)
    ('2.75 – 3.20 s', '10.0% – 25.0%')
    """
    low, high = interval
    if not (is_known(low) and is_known(high)):
        return DASH
    first, last = write(low, **how), write(high, **how)
    unit = " ".join(["", *last.split(" ")[1:]])
    return f"{first.removesuffix(unit)} – {last}"


def span(interval: Ends, write: Write = fixed, **how: Any) -> str:
    """The same, where nothing else says that it is a 95% interval."""
    return f"95% {both_ends(interval, write, **how)}"


def with_span(value: Value, interval: Ends, write: Write = fixed, **how: Any) -> str:
    """A figure with its interval, for a sentence."""
    return f"{write(value, **how)} ({span(interval, write, **how)})"


def brackets(interval: Ends, write: Write = fixed, **how: Any) -> str:
    """An interval in a line of many figures."""
    low, high = interval
    return f"[{write(low, **how)}, {write(high, **how)}]"


def bracketed(value: Value, interval: Ends, write: Write = fixed, **how: Any) -> str:
    """A figure with its interval, for a line of many figures."""
    return f"{write(value, **how)} {brackets(interval, write, **how)}"


def two_digits(n: float, *, up: bool = False) -> int:
    """A number of queries to its two leading digits: an estimate has no more.

    Args:
        n: finite, above 0.
        up: rounds up, where fewer would not do.

    >>> two_digits(2311), two_digits(2311, up=True)
    (2300, 2400)
    """
    if not up:
        return int(float(f"{n:.1e}"))
    step = 10 ** max(math.floor(math.log10(n)) - 1, 0)
    return int(math.ceil(n / step) * step)


def more_queries(n_more: float, what: str = "show it") -> str:
    """About how many more queries would show a difference, if any number would.

    >>> more_queries(2311), more_queries(math.inf, "tell bert apart")
    ('about 2,300 more queries would show it', 'no number of queries would tell bert apart')
    """
    if math.isnan(n_more):
        return f"how many more queries would {what} is not known"
    if math.isinf(n_more):
        return f"no number of queries would {what}"
    return f"about {two_digits(max(n_more, 1)):,} more queries would {what}"


def short_more(n_more: float) -> str:
    """The same, short enough for the cell of a table.

    >>> short_more(2311), short_more(999.6), short_more(42), short_more(math.inf)
    ('+2.3k more', '+1k more', '+42 more', 'no number')
    """
    if not math.isfinite(n_more):
        return "no gap" if math.isnan(n_more) else "no number"
    n = two_digits(n_more)
    size, unit = (1_000_000, "M") if n >= 1_000_000 else (1_000, "k") if n >= 1_000 else (1, "")
    return f"+{n / size:g}{unit} more"


def _with_unit(text: str, unit: str) -> str:
    return text if text == DASH else text + unit


def _padded(value: Value, n: int) -> str:
    """Text as from `significant`, zeros at the end included."""
    if value is None or not math.isfinite(value):
        return DASH
    exponent = int(f"{value:.{n - 1}e}".partition("e")[2])
    return fixed(value, min(max(n - 1 - exponent, 0), _MOST_DIGITS))
