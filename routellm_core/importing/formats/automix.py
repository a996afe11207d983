"""Answers of several models side by side, as AutoMix keeps them: a column `<model>_pred_ans` each.

They are graded where there is a column `<model>_f1` too; bare answers are queries to be scored.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    asked_of,
    benchmark,
    grade,
    items,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_sample

ANSWER = "_pred_ans"
GRADES = ("f1", "acc", "accuracy", "em", "exact_match", "correct", "score")


def recognises(path: Path) -> bool:
    """True for a question beside the answers of at least two models."""
    keys = _names(path)
    return "question" in keys and len(_models(keys)) > 1


def _names(path: Path) -> Collection[str]:
    start = sniff(path)
    if start.kind not in ("text", "parquet"):
        return start.keys
    try:
        return frozenset(read_sample(path).column_names)
    except DataError:
        return frozenset()


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file, or its bare queries.

    Raises:
        DataError: damaged, no answer, or no line has a question.
    """
    models = _models(_names(path))
    if not models:
        raise DataError(f"{named(path)}: holds no column of answers, such as 'heron{ANSWER}'")
    found: list[tuple[int, Row]] = []
    numbered, of_items = items(path)
    for number, item in numbered:
        asked = {"number": number, **_asked(item)}
        grades = {m: _grades(item, m) for m in models}
        if any(grades.values()):
            name = {"query_id": str(asked.pop("number"))}
            found += [
                (number, name | asked | {"model": m, **of_model} | _beside(item, m))
                for m, of_model in grades.items()
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
    return [benchmark(path, found, of_items, "answers side by side", notes=notes)]


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


def _beside(item: dict[str, Any], model: str) -> Row:
    """State, cost and time of a model's answer."""
    latency = next((v for n in ("latency", "time") if (v := item.get(f"{model}_{n}"))), None)
    return {
        "state": state_of(item.get(model + ANSWER)),
        "cost_usd": amount(item.get(f"{model}_cost")),
        "latency_s": amount(latency),
    }
