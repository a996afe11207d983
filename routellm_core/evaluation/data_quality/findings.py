"""What a check gives, and how it is said."""

from typing import Literal, NamedTuple, TypeAlias

from routellm_core.types import Benchmark

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""`error`: figures do not mean what they seem to. `warning`: they may not. `note`: it is taken care
of, or limits what can be seen."""
FALSE_ALARM = 0.01
"""Chance that a check of many cells flags any of them where nothing is wrong. Strict, for an alarm
sends people to read raw answers, and real defects lie far beyond it."""


class Finding(NamedTuple):
    """Something about the outcomes that a reader should know."""

    kind: str
    """Which check it is from, for example `below_chance`."""
    severity: Severity
    sentence: str
    query_id: tuple[str, ...]
    """The queries it concerns: those to look at, or to leave out."""
    slices: tuple[str, ...] = ()
    """Those it is about; empty where it is about the whole benchmark."""
    models: tuple[str, ...] = ()
    """Those it is about; empty where it is about the queries."""
    p_value: float = float("nan")
    """Adjusted for all cells that the check looked at; NaN where nothing was tested."""


def said_p(p_value: float) -> str:
    """A p-value as it stands in a sentence.

    >>> said_p(0.0123), said_p(1e-30)
    ('p = 0.012', 'p < 0.001')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def said_quality(quality: float, card: Benchmark) -> str:
    """A quality as it stands in a sentence: percent, or points of the benchmark's scale."""
    return f"{quality:.1%}" if card.quality_unit == "share right" else f"{quality:.2f} points"
