"""Results of Braintrust's `Eval`: a row an input and trial, with scores by name.

They are what a script writes of `result.results`, or an experiment's export. Trials have no number:
they share their input. Read against 0.48.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
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
    grades_of,
    items,
    model_in,
    model_of,
    slice_of,
    structure,
    tokens_of,
)
from routellm_core.importing.readers.sniffing import sniff

TELLING = frozenset({"input", "output", "scores"})
BESIDE = frozenset({"expected", "metadata", "tags", "error", "metrics", "span_id", "root_span_id"})


def recognises(path: Path) -> bool:
    """True for rows with an input and an object of scores."""
    start = sniff(path)
    if start.kind == "text":
        head = start.text.partition("\n")[0].replace('"', "").strip()
        return _is_telling(set(head.split(",")))
    return _is_telling(set(start.keys)) or (
        start.keys >= TELLING and isinstance(start.first.get("scores"), Mapping)
    )


def _is_telling(names: set[str]) -> bool:
    return names >= TELLING and bool(names & BESIDE)


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file; each score is a measure, and trials are averaged.

    Raises:
        DataError: damaged, or no row says what was asked.
    """
    notes: list[str] = []
    numbered, of_rows = items(path)
    found = [(number, _row(item)) for number, item in numbered]
    if any(row["model"] is None for _, row in found):
        model = model_of(path, notes)
        for _, row in found:
            row["model"] = row["model"] or model
    n_seen: dict[tuple[Any, Any], int] = {}
    for _, row in found:
        key = row["query"], row["model"]
        row["repeat"] = n_seen[key] = n_seen.get(key, 0) + 1
    return [benchmark(path, found, of_rows, "Braintrust results", notes=notes)]


def _row(item: dict[str, Any]) -> Row:
    facts, metrics = structure(item.get("metadata")), structure(item.get("metrics"))
    prompt, answer = tokens_of(metrics)
    took = amount(at(metrics, "duration"))
    if math.isnan(took):
        took = amount(at(metrics, "end")) - amount(at(metrics, "start"))
    return {
        "query": asked_of(item.get("input")),
        "slice": slice_of(facts) or "all",
        "model": model_in(facts),
        "prompt_tokens": prompt,
        "answer_tokens": answer,
        "cost_usd": amount(at(metrics, "estimated_cost")),
        "latency_s": took if took >= 0 else math.nan,
        "failed": bool(item.get("error")),
        "state": state_of(item.get("output"), stopped_in(item, facts, metrics)),
        # Of every scorer 1 is the best, of a distance too.
        **{replace(m, rises=True): n for m, n in grades_of(structure(item.get("scores"))).items()},
    }
