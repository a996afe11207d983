"""Results of a check, and the tests that they wait for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.metrics.slices import BROKEN_ALARM
from routellm_core.statistics.significance import holm

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""`error`: figures do not mean what they seem to. `warning`: they may not. `note`: it is taken care
of, or limits what can be seen."""
FALSE_ALARM = 0.01
"""Chance that a check of a set says any error or warning where nothing is wrong. Strict, for an
alarm sends people to read raw answers, and real defects lie far beyond it."""
TEST_LEVEL = FALSE_ALARM - BROKEN_ALARM
"""What is left of it for all tests but that of broken slices, which other pages make too."""
RARE = 0.02
"""Share of answers that a fault must exceed to be one: chance leaves 2% empty, and a model that is
right on 98% may well be right on the next hundred."""


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
    "constant_measure",
    "constant_quality",
    "below_chance",
    "same_length",
    "empty_answers",
    "cut_answers",
    "missing_answers",
    "non_english",
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
    """Adjusted for all tests of the check; NaN where nothing was tested."""
    figures: Mapping[str, float] = MappingProxyType({})
    """Counts and qualities, by names of the kind."""


class Suspicion(NamedTuple):
    """Result of one test, before it is adjusted for the number of tests.

    A test that could have found something is one also where it found nothing (p-value 1): the
    number of tests must not depend on what they find.
    """

    p_value: float
    finding: Callable[[float], DataFinding | None]
    """What to say, from the adjusted p-value."""


def told(found: Iterable[DataFinding | Suspicion]) -> Iterator[DataFinding]:
    """The findings, and those that the suspicions become, adjusted together (Holm 1979).

    Where nothing is wrong, any of them has an adjusted p-value below `TEST_LEVEL` with that chance
    at most, however they depend on each other.
    """
    listed = list(found)
    suspicions = [each for each in listed if isinstance(each, Suspicion)]
    adjusted = iter(holm(np.array([suspicion.p_value for suspicion in suspicions])))
    for each in listed:
        finding = each.finding(float(next(adjusted))) if isinstance(each, Suspicion) else each
        if finding is not None:
            yield finding
