"""What a check gives, and how a check of many cells keeps its false alarms rare."""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.types import Benchmark, Floats

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


def holm(p_values: Floats) -> Floats:
    """P-values adjusted so that any false one is below a level with at most that chance.

    Holm's step-down method (Scandinavian Journal of Statistics 6, 1979), which holds however the
    tests depend on one another.

    Args:
        p_values: (n,) of all tests that were made, not of the striking ones alone.

    Returns:
        (n,) in [0, 1], never below the given ones.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    rising = np.argsort(p_values)
    steps = p_values[rising] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[rising] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def said_p(p_value: float) -> str:
    """A p-value as it stands in a sentence.

    >>> said_p(0.0123), said_p(1e-30)
    ('p = 0.012', 'p < 0.001')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def said_quality(quality: float, card: Benchmark) -> str:
    """A quality as it stands in a sentence: percent, or points of the benchmark's scale."""
    return f"{quality:.1%}" if card.quality_unit == "share right" else f"{quality:.2f} points"
