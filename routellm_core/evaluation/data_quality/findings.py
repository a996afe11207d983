"""Result of a check."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""`error`: figures do not mean what they seem to. `warning`: they may not. `note`: it is taken care
of, or limits what can be seen."""
FALSE_ALARM = 0.01
"""Chance that a check of many cells flags any of them where nothing is wrong. Strict, for an alarm
sends people to read raw answers, and real defects lie far beyond it."""


FindingKind: TypeAlias = Literal[
    "off_scale",
    "always_equal",
    "swapped_models",
    "broken_slice",
    "reversed_gap",
    "no_gap",
    "tiny_slice",
    "repeated_queries",
    "missing_tokens",
    "copied_tokens",
    "constant_quality",
    "below_chance",
    "same_length",
    "empty_answers",
    "cut_answers",
    "missing_answers",
    "contaminated",
]


class DataFinding(NamedTuple):
    """Property of the outcomes that a reader should know; `sentences.finding` words it."""

    kind: FindingKind
    severity: Severity
    query_id: tuple[str, ...]
    """Queries that it concerns: those to look at, or to leave out."""
    slices: tuple[str, ...] = ()
    """Slices that it is about; empty where it is about the whole benchmark."""
    models: tuple[str, ...] = ()
    """Models that it is about; empty where it is about the queries."""
    p_value: float = float("nan")
    """Adjusted for all cells that the check looked at; NaN where nothing was tested."""
    figures: Mapping[str, float] = MappingProxyType({})
    """Counts and qualities, by names of the kind."""
