"""Feedback that logs and traces hold on answers: scores of people, judges and code by name.

Understood are Langfuse's and Opik's scores, MLflow's assessments, Phoenix's annotations,
LangSmith's feedback, and a `feedback` or `rating` beside a request.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from routellm_core.importing.fields import at
from routellm_core.importing.formats.graded_records import grade, is_grade
from routellm_core.importing.records import structured

LISTS = ("scores", "feedback_scores", "assessments", "annotations", "feedback", "evaluations")
"""Fields of feedback by name, in a list or an object."""
ALONE = ("feedback", "user_feedback", "rating", "user_rating", "thumbs")
"""Fields that may hold one grade."""
_NAMES = ("name", "assessment_name", "key", "scorer", "metric")
SHOWN = 4


def grades_in(record: Any) -> dict[str, float]:
    """The grades that a record holds, by name; the mean of several of one name.

    >>> grades_in({"scores": [{"name": "right", "value": 1}, {"name": "right", "value": 0}]})
    {'right': 0.5}
    >>> grades_in({"feedback_stats": {"right": {"n": 1, "avg": 1.0}}})
    {'right': 1.0}
    """
    if not isinstance(record, Mapping):
        return {}
    found: dict[str, list[float]] = {}
    for name, value in _pairs(record):
        number = grade(value)
        if is_grade(name) and not math.isnan(number):
            found.setdefault(name, []).append(number)
    return {name: float(np.mean(values)) for name, values in found.items()}


def shared(grades: Sequence[Mapping[str, float]]) -> tuple[list[str], str]:
    """The names that all answers are graded by, and a note on grades that only some have.

    Args:
        grades: of each answer, by name.
    """
    counts: dict[str, int] = {}
    for one in grades:
        for name in one:
            counts[name] = counts.get(name, 0) + 1
    whole = [name for name, n in counts.items() if n == len(grades)]
    partly = [f"{name!r} {n:,}" for name, n in counts.items() if n < len(grades)]
    if not partly:
        return whole, ""
    shown = ", ".join(partly[:SHOWN]) + (", …" if len(partly) > SHOWN else "")
    return whole, (
        f"Not read: feedback that only some of the {len(grades):,} answers have ({shown}); "
        "grade all of them to take it as the quality."
    )


def _pairs(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in LISTS:
        held = structured(record.get(key))
        if isinstance(held, Mapping) and not {"score", "value"} & held.keys():
            yield from ((str(name), _value(value)) for name, value in held.items())
        for one in held if isinstance(held, list) else ():
            name = next((one[k] for k in _NAMES if at(one, k)), None)
            if isinstance(name, str):
                yield name, _value(one)
    stats = structured(record.get("feedback_stats"))
    for name, value in stats.items() if isinstance(stats, Mapping) else ():
        yield str(name), at(value, "avg")
    for key in ALONE:
        held = structured(record.get(key))
        if isinstance(held, Mapping) and {"score", "value"} & held.keys():
            yield key, held
        elif isinstance(held, bool | int | float | str):
            yield key, held


def _value(one: Any) -> Any:
    """The grade of an item of feedback; of several the mean."""
    if isinstance(one, list):
        known = [number for value in one if not math.isnan(number := grade(value))]
        return float(np.mean(known)) if known else None
    for inner in (at(one, "feedback"), at(one, "result"), one):
        for key in ("value", "score"):
            if at(inner, key) is not None:
                return at(inner, key)
    return one if not isinstance(one, Mapping) else None
