"""Experiments of Arize Phoenix: a row an example and repetition, with annotations as grades.

They come as JSON or CSV from the server, or as what `run_experiment` gives back, which holds no
texts. The model is not in them, unless somebody put it into the experiment's metadata. Read against
20.26.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.fields import at
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    asked_of,
    benchmark,
    grade,
    is_grade,
    items,
    model_in,
    model_of,
    of_label,
    slice_of,
    structure,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import document
from routellm_core.importing.readers.sniffing import sniff

RUNS = frozenset({"task_runs", "evaluation_runs"})
ROW = frozenset({"example_id", "repetition_number", "input", "output"})
_SCORE = re.compile(r"annotation_(.+)_score")


def recognises(path: Path) -> bool:
    """True for an experiment in one of its three forms."""
    start = sniff(path)
    if start.kind == "text":
        head = start.text.partition("\n")[0]
        return "example_id" in head and "repetition_number" in head
    return start.keys >= ROW or start.keys >= RUNS


def read(path: Path) -> list[Imported]:
    """The one benchmark of an experiment, of one model; repetitions are averaged.

    Raises:
        DataError: damaged, or it holds no run.
    """
    notes: list[str] = []
    start = sniff(path)
    model = None
    if start.keys >= RUNS:
        whole = document(path)
        numbered, of_items = list(enumerate(_joined(whole), start=1)), "run"
        model = model_in(whole.get("experiment_metadata"))
    else:
        numbered, of_items = items(path)
    found = [(number, _row(item)) for number, item in numbered]
    if any(row["model"] is None for _, row in found):
        model = model or model_of(path, notes)
        for _, row in found:
            row["model"] = row["model"] or model
    return [benchmark(path, found, of_items, "a Phoenix experiment", notes=notes)]


def _joined(whole: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The task runs, each with its evaluations as annotations."""
    graded: dict[Any, list[Any]] = {}
    for one in whole["evaluation_runs"] if isinstance(whole["evaluation_runs"], list) else ():
        result = at(one, "result")
        for part in result if isinstance(result, list) else [result]:
            named = {"name": at(one, "name"), "error": at(one, "error"), "score": at(part, "score")}
            graded.setdefault(at(one, "experiment_run_id"), []).append(named)
    for run in whole["task_runs"] if isinstance(whole["task_runs"], list) else ():
        yield {
            "example_id": at(run, "dataset_example_id"),
            "repetition_number": at(run, "repetition_number"),
            "output": at(run, "output"),
            "error": at(run, "error"),
            "start_time": at(run, "start_time"),
            "end_time": at(run, "end_time"),
            "annotations": graded.get(at(run, "id"), []),
        }


def _row(item: dict[str, Any]) -> Row:
    facts = structure(item.get("metadata"))
    output = structure(item.get("output"))
    took = amount(item.get("latency_ms"), 1e-3)
    row: Row = {
        "query_id": item.get("example_id"),
        "slice": slice_of(facts) or "all",
        "model": model_in(facts, output),
        "prompt_tokens": amount(item.get("prompt_token_count")),
        "answer_tokens": amount(item.get("completion_token_count")),
        "latency_s": took if not math.isnan(took) else _seconds(item),
        "failed": bool(item.get("error")),
        "repeat": item.get("repetition_number"),
        "state": state_of(output, stopped_in(item, output, facts)),
    }
    if "input" in item:
        row["query"] = asked_of(item.get("input"))
    annotations = item.get("annotations")
    for one in annotations if isinstance(annotations, list) else ():
        name = at(one, "name")
        if isinstance(name, str) and is_grade(name) and not at(one, "error"):
            row |= _score(name, at(one, "score"), at(one, "label"))
    for column, value in item.items():
        named = _SCORE.fullmatch(column)
        if named and is_grade(named[1]) and not item.get(f"annotation_{named[1]}_error"):
            label = item.get(f"annotation_{named[1]}_label")
            row |= _score(named[1], value, label)
    return row


def _score(name: str, score: Any, label: Any) -> dict[Measure, float]:
    """The score, or where there is none the label, if it says right or wrong."""
    found = grade(score)
    return of_label(name, label) if math.isnan(found) else {Measure(name): found}


def _seconds(item: Mapping[str, Any]) -> float:
    try:
        moments = [datetime.fromisoformat(str(item[name])) for name in ("start_time", "end_time")]
        return amount((moments[1] - moments[0]).total_seconds())
    except (KeyError, ValueError, TypeError):
        return math.nan
