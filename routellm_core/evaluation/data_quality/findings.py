"""What a check gives, and how it is said."""

from typing import Literal, NamedTuple, TypeAlias

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
