"""Tables of MLflow's evaluations: a row a trace, and a column `<scorer>/value` a scorer.

They are written as JSON, CSV or Parquet; in CSV structures are Python's notation of them. The model
stands in the request. Read against 3.17.
"""

import math
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
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
    slice_of,
    structure,
    tokens_of,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_sample

SCORED = ("/value", "/score")
ASKED = ("request", "inputs", "input", "question", "prompt", "query")
NOT_READ = ("spans", "trace", "assessments")
"""Long columns that repeat what the others say."""
NAMED = 5


def recognises(path: Path) -> bool:
    """True for a table with the input and a column of a scorer."""
    start = sniff(path)
    names = start.keys
    if start.kind in ("text", "parquet"):
        try:
            names = frozenset(read_sample(path).column_names)
        except DataError:
            return False
    return bool(names & set(ASKED)) and any(name.endswith(SCORED) for name in names)


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file; each scorer is a measure.

    Raises:
        DataError: damaged, or no row says what was asked.
    """
    notes: list[str] = []
    found, passed_over = [], set()
    numbered, of_items = items(path, NOT_READ)
    for number, item in numbered:
        found.append((number, _row(item)))
        passed_over |= {n for n in item if n.endswith(SCORED) and not is_grade(_scorer(n))}
    if any(row["model"] is None for _, row in found):
        model = model_of(path, notes)
        for _, row in found:
            row["model"] = row["model"] or model
    if passed_over:
        shown = ", ".join(sorted(passed_over)[:NAMED])
        notes.append(f"No grades, so left out: {shown}.")
    return [benchmark(path, found, of_items, "an MLflow evaluation", notes=notes)]


def _row(item: dict[str, Any]) -> Row:
    asked = next((structure(item[name]) for name in ASKED if item.get(name) is not None), None)
    response = structure(next((item[n] for n in ("response", "outputs") if item.get(n)), None))
    facts = structure(item.get("trace_metadata"))
    prompt, answer = tokens_of(at(facts, "mlflow.trace.tokenUsage") or at(response, "usage"))
    tags = structure(item.get("tags"))
    said = at(_first_of(at(response, "choices")), "message", "content")
    is_silent = response is None and bool({"response", "outputs"} & item.keys())
    failed = item.get("state") == "ERROR" or bool(item.get("error_message")) or is_silent
    row: Row = {
        "query": asked_of(asked),
        "slice": slice_of(tags) or "all",
        "model": model_in(asked, item) or model_in(at(facts, "mlflow.trace.metadata")),
        "prompt_tokens": prompt,
        "answer_tokens": answer,
        "cost_usd": _cost(at(facts, "mlflow.trace.cost")),
        "latency_s": amount(item.get("execution_duration"), 1e-3),
        "failed": failed,
        "state": None if failed else state_of(said, stopped_in(response)),
    }
    if math.isnan(row["latency_s"]):
        row["latency_s"] = amount(item.get("latency"))
    for name, value in item.items():
        if name.endswith(SCORED) and is_grade(_scorer(name)) and is_grade(name):
            row[Measure(_scorer(name))] = grade(value)
    return row


def _scorer(column: str) -> str:
    """The name of a column's scorer; a version between it and the value is dropped."""
    return column.split("/")[0]


def _cost(value: Any) -> float:
    """Dollars of a trace: a number, or an object with the total."""
    value = structure(value)
    return amount(at(value, "total_cost") if at(value, "total_cost") is not None else value)


def _first_of(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None
