"""Reports of pydantic-evals, as `EvaluationReportAdapter` dumps them, or their list of cases.

A case has assertions (right or wrong) and scores by name; a task that raised is a failure. Read
against 2.62.
"""

import re
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
    model_in,
    model_of,
    of_label,
    slice_of,
    tokens_of,
)
from routellm_core.importing.readers.json_stream import document, objects
from routellm_core.importing.readers.sniffing import sniff

CASE = frozenset({"inputs", "output", "assertions", "scores"})
_REPEAT = re.compile(r" \[(\d+)/\d+\]$")


def recognises(path: Path) -> bool:
    """True for a report or its cases."""
    start = sniff(path)
    if start.keys >= CASE:
        return True
    is_report = {"cases", "name"} <= start.keys
    return is_report and bool(start.keys & {"failures", "analyses", "report_evaluator_failures"})


def read(path: Path) -> list[Imported]:
    """The one benchmark of a report, of one model; repeats of a case are averaged.

    Raises:
        DataError: damaged, or it holds no case.
    """
    notes: list[str] = []
    report: dict[str, Any] = {}
    if sniff(path).keys >= CASE:
        cases = [item for _, item in objects(path)]
    else:
        report = document(path)
        cases = [*_listed(report, "cases"), *_listed(report, "failures")]
    found = [(number, _row(case)) for number, case in enumerate(cases, start=1)]
    if any(row["model"] is None for _, row in found):
        known = {row["model"] for _, row in found} - {None}
        model = model_in(report.get("experiment_metadata"))
        model = model or (known.pop() if len(known) == 1 else None)
        model = model or report.get("name") or model_of(path, notes)
        for _, row in found:
            row["model"] = row["model"] or model
    if any(row["query_id"] is None for _, row in found):
        for _, row in found:
            del row["query_id"]
    name = str(report.get("dataset_name") or "")
    return [benchmark(path, found, "case", "a pydantic-evals report", name=name, notes=notes)]


def _listed(report: dict[str, Any], key: str) -> list[Any]:
    cases = report.get(key)
    return cases if isinstance(cases, list) else []


def _row(case: dict[str, Any]) -> Row:
    name = at(case, "name")
    repeat = _REPEAT.search(name) if isinstance(name, str) else None
    bare = name[: repeat.start()] if repeat else name
    metrics = at(case, "metrics")
    prompt, answer = tokens_of(metrics)
    row: Row = {
        "query_id": at(case, "source_case_name") or bare or None,
        "query": asked_of(at(case, "inputs")),
        "slice": slice_of(at(case, "metadata")) or "all",
        "model": model_in(at(case, "attributes"), at(case, "metadata")),
        "prompt_tokens": prompt,
        "answer_tokens": answer,
        "cost_usd": amount(at(metrics, "cost")),
        "latency_s": amount(at(case, "task_duration")),
        "failed": bool(at(case, "error_message")),
        "state": state_of(at(case, "output"), stopped_in(at(case, "attributes"))),
    }
    if repeat:
        row["repeat"] = int(repeat[1])
    asserted = grades_of(at(case, "assertions"))
    right = {replace(measure, rises=True): value for measure, value in asserted.items()}
    labels = at(case, "labels")
    for label, value in labels.items() if isinstance(labels, Mapping) else ():
        row |= of_label(str(label), at(value, "value"))
    return row | right | grades_of(at(case, "scores"))
