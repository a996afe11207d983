"""Routing data of llmrouter-lib: a line a query and model, with performance, tokens and seconds.

A call that failed stands there with the error as its response and a performance of 0. Read against
0.4.
"""

import math
from collections import Counter
from pathlib import Path
from typing import Any

from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    asked_of,
    benchmark,
    grade,
    structure,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.sniffing import sniff

TELLING = frozenset({"query", "model_name", "response", "performance"})
FAILED = ("ERROR:", "Error:", "API Error")


def recognises(path: Path) -> bool:
    """True for lines with a model's performance."""
    return sniff(path).keys >= TELLING


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file.

    Raises:
        DataError: damaged, or no line holds a query.
    """
    found, graded_by = [], Counter[str]()
    for number, item in objects(path):
        found.append((number, _row(item)))
        graded_by[str(item.get("metric") or "")] += 1
    graded_by.pop("", None)
    notes = []
    if len(graded_by) > 1:
        shown = ", ".join(f"{name} {n:,}" for name, n in graded_by.most_common(5))
        notes.append(
            f"Its performance is by several metrics ({shown}), each on a scale of its own."
        )
    # An id that is absent from any row names no query.
    if any(row["query_id"] in (None, "") for _, row in found):
        for _, row in found:
            del row["query_id"]
    return [benchmark(path, found, unit(path), "llmrouter-lib routing data", notes=notes)]


def _row(item: dict[str, Any]) -> Row:
    response, choices = item.get("response"), structure(item.get("choices"))
    name = item.get("task_id")
    return {
        "query_id": None if name is None else str(name),
        "query": asked_of({"question": asked_of(item.get("query")), "choices": choices}),
        "slice": item.get("task_name") or None,
        "model": item.get("model_name") or None,
        "prompt_tokens": amount(item.get("input_tokens")) or math.nan,
        "answer_tokens": amount(item.get("output_tokens")) or math.nan,
        "cost_usd": amount(item.get("cost")),
        "latency_s": amount(item.get("response_time")),
        "failed": isinstance(response, str) and response.lstrip().startswith(FAILED),
        "state": state_of(response, stopped_in(item)),
        Measure("performance"): grade(item.get("performance")),
    }
