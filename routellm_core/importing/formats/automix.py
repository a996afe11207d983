"""Answers of several models side by side, as AutoMix keeps them: a column `<model>_pred_ans` each.

They are graded where there is a column `<model>_f1` too; bare answers are queries to be scored.
"""

from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.formats.graded_records import Row, asked_of, benchmark, grade
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff

ANSWER = "_pred_ans"
GRADES = ("f1", "acc", "accuracy", "em", "exact_match", "correct", "score")


def recognises(path: Path) -> bool:
    """True for a question beside the answers of at least two models."""
    keys = sniff(path).keys
    return "question" in keys and len(_models(keys)) > 1


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file, or its bare queries.

    Raises:
        DataError: damaged, no answer, or no line has a question.
    """
    models = _models(sniff(path).keys)
    if not models:
        raise DataError(f"{named(path)}: holds no column of answers, such as 'heron{ANSWER}'")
    found: list[tuple[int, Row]] = []
    for number, item in objects(path):
        asked = {"number": number, **_asked(item)}
        grades = {m: _grades(item, m) for m in models}
        if any(grades.values()):
            name = {"query_id": str(asked.pop("number"))}
            found += [
                (number, name | asked | {"model": m, **grades[m]} | _state(item, m)) for m in models
            ]
        else:
            del asked["number"]
            found.append((number, asked))
    notes = []
    if not any("model" in row for _, row in found):
        notes.append(
            f"{named(path)} holds the answers of {', '.join(models)}, but no grade of them: grade "
            f"them, with a column such as '{models[0]}_score' for each, to compare the models."
        )
    return [benchmark(path, found, unit(path), "answers side by side", notes=notes)]


def _models(keys: Any) -> list[str]:
    return sorted(
        key.removesuffix(ANSWER) for key in keys if key.endswith(ANSWER) and key != ANSWER
    )


def _asked(item: dict[str, Any]) -> Row:
    question, context = asked_of(item.get("question")), item.get("base_ctx")
    if question and isinstance(context, str) and context.strip():
        question = f"{context.strip()}\n\n{question}"
    return {"query": question, "slice": item.get("dataset") or None}


def _grades(item: dict[str, Any], model: str) -> Row:
    return {Measure(g): grade(v) for g in GRADES if (v := item.get(f"{model}_{g}")) is not None}


def _state(item: dict[str, Any], model: str) -> Row:
    return {"state": state_of(item.get(model + ANSWER))}
