"""Grades of an answer by promptfoo: score, verdict and named scores of a result.

What an answer cost, how long it took, and whether another one was better are no grades of it, so
assertions on them are left out and the score is made again of the others.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from routellm_core.importing.fields import at, number
from routellm_core.importing.measures import Measure

SCORE, PASS = Measure("score", is_main=True), Measure("pass")
NO_GRADES = frozenset({"cost", "latency", "trace-span-duration", "select-best", "max-score"})
"""Assertions that say nothing of how good the answer is by itself."""
UNGRADED = "No assertions"
"""Reason that promptfoo gives for a test that asserts nothing."""


class Grades(NamedTuple):
    """Grades of one result."""

    values: dict[Measure, float]
    """Empty where nothing graded the answer."""
    n_left_out: int
    """Number of assertions that are no grades."""


class _Part(NamedTuple):
    """An assertion, or a set of them taken together."""

    score: float
    passed: bool
    weight: float


def grades_of(result: Mapping[str, Any], where: str) -> Grades:
    """All grades of a result.

    Raises:
        DataError: a score is no number.
    """
    graded = result.get("gradingResult")
    listed = at(graded, "componentResults")
    listed = listed if isinstance(listed, list) else []
    leaves = list(_leaves(listed))
    n_left_out = sum(not _is_grade(leaf) for leaf in leaves)
    if _is_ungraded(result, leaves) or (leaves and n_left_out == len(leaves)):
        return Grades({}, n_left_out)
    values = {}
    if n_left_out:
        parts = list(_parts(listed, where))
        values[SCORE] = _mean(parts)
        values[PASS] = _passes(result, parts, values[SCORE], where)
    else:
        passed = result.get("success", at(graded, "pass"))
        score = result.get("score", at(graded, "score"))
        values[SCORE] = number(passed if score is None else score, where, "score")
        values[PASS] = number(passed, where, "success")
    return Grades(values | _named(result, leaves, where), n_left_out)


def _is_ungraded(result: Mapping[str, Any], leaves: list[Any]) -> bool:
    graded = result.get("gradingResult")
    if at(graded, "reason") == UNGRADED:
        return True
    asserted = leaves or at(result, "testCase", "assert") or result.get("namedScores")
    return not asserted and not at(graded, "reason") and bool(result.get("success"))


def _is_grade(component: Any) -> bool:
    kind = at(component, "assertion", "type")
    return not (isinstance(kind, str) and kind.removeprefix("not-") in NO_GRADES)


def _at_top(listed: list[Any]) -> Iterator[Any]:
    """The assertions and sets of them; promptfoo writes those of a set once more behind it."""
    skip = 0
    for place, component in enumerate(listed):
        if skip:
            skip -= 1
            continue
        yield component
        inner = _inner(component)
        skip = len(inner) if inner == listed[place + 1 : place + 1 + len(inner)] else 0


def _inner(component: Any) -> list[Any]:
    inner = at(component, "componentResults")
    return inner if isinstance(inner, list) else []


def _leaves(listed: list[Any]) -> Iterator[Any]:
    """The single assertions; a set holds no other set."""
    for component in _at_top(listed):
        yield from _inner(component) or (component,)


def _parts(listed: list[Any], where: str) -> Iterator[_Part]:
    """The assertions that are grades, a set as one."""
    for component in _at_top(listed):
        inner = _inner(component)
        parts = [_part(leaf, where) for leaf in inner or (component,) if _is_grade(leaf)]
        if not inner:
            yield from parts
        elif parts:
            weight = _weight(at(component, "metadata", "assertionSet"))
            yield _Part(_mean(parts), all(part.passed for part in parts), weight)


def _part(component: Any, where: str) -> _Part:
    asserted = at(component, "assertion")
    return _Part(
        number(at(component, "score"), where, "componentResults.score"),
        bool(at(component, "pass")),
        _weight(asserted),
    )


def _weight(asserted: Any) -> float:
    weight = at(asserted, "weight")
    return float(weight) if isinstance(weight, int | float) and weight >= 0 else 1.0


def _mean(parts: Iterable[_Part]) -> float:
    known = [part for part in parts if math.isfinite(part.score)]
    whole = sum(part.weight for part in known)
    return sum(part.weight * part.score for part in known) / whole if whole else math.nan


def _passes(result: Mapping[str, Any], parts: list[_Part], score: float, where: str) -> float:
    threshold = number(at(result, "testCase", "threshold"), where, "testCase.threshold")
    if math.isfinite(threshold):
        return float(score >= threshold)
    return float(all(part.passed for part in parts))


def _named(result: Mapping[str, Any], leaves: list[Any], where: str) -> dict[Measure, float]:
    """Named scores: the mean of the assertions of a metric, else what promptfoo says."""
    of_metric: dict[str, list[_Part]] = {}
    no_grades = set()
    for leaf in leaves:
        metric = at(leaf, "assertion", "metric")
        if metric and _is_grade(leaf):
            of_metric.setdefault(str(metric), []).append(_part(leaf, where))
        elif metric:
            no_grades.add(str(metric))
    named = {metric: _mean(parts) for metric, parts in of_metric.items()}
    said = result.get("namedScores") or at(result, "gradingResult", "namedScores")
    for metric, value in said.items() if isinstance(said, Mapping) else ():
        if str(metric) not in named and str(metric) not in no_grades:
            named[str(metric)] = number(value, where, f"namedScores.{metric}")
    return {named_measure(metric): value for metric, value in named.items()}


def named_measure(metric: str) -> Measure:
    """The measure of a named score; `score` and `pass` are those of the whole test."""
    # An assertion passes with 1, whatever its metric is called.
    return Measure(metric, "named" if metric in (SCORE.name, PASS.name) else "", rises=True)
