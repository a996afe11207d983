"""Test runs of DeepEval: `.latest_test_run.json`, or the run inside it.

A metric that raised an error has no score. What a case cost to judge is not what the answer cost.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.fields import at
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    benchmark,
    grade,
    model_in,
    model_of,
    slice_of,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import document
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff

RUN = frozenset({"testCases", "metricsScores"})
NUMBERED = "test_case_"
"""How cases without a name are called, by their place in the run."""


def recognises(path: Path) -> bool:
    """True for a run, bare or with its link, and for a link alone."""
    keys = sniff(path).keys
    return bool(keys & {"testRunData", "testRunLink"}) or keys >= RUN


def read(path: Path) -> list[Imported]:
    """The one benchmark of a run, of one model; each metric is a measure.

    Raises:
        DataError: a link without the run, no case of one turn, or damaged.
    """
    whole = document(path)
    run = whole.get("testRunData", whole)
    cases = at(run, "testCases")
    if not isinstance(cases, list) or not cases:
        if at(run, "conversationalTestCases"):
            raise DataError(f"{named(path)}: holds conversations only; run it on single questions")
        raise DataError(
            f"{named(path)}: holds only a link to a test run, or no case of one; give "
            ".deepeval/.latest_test_run.json as it is before the run is uploaded"
        )
    notes: list[str] = []
    model = model_in(at(run, "hyperparameters")) or model_of(path, notes)
    found: list[tuple[int, Row]]
    rises = _directions(cases)
    found = [(n, {"model": model} | _row(case, rises)) for n, case in enumerate(cases, start=1)]
    names = [row["query_id"] for _, row in found]
    if any(_is_number(n) for n in names) or len(set(names)) < len(names):
        for _, row in found:
            del row["query_id"]
    if n_raised := sum(row.pop("raised") for _, row in found):
        notes.append(f"Scores that are missing, for the metric ended in an error: {n_raised:,}.")
    if conversations := at(run, "conversationalTestCases"):
        notes.append(f"Conversations of {named(path)} that were left out: {len(conversations):,}.")
    return [benchmark(path, found, "case", "a DeepEval test run", notes=notes)]


def _is_number(name: Any) -> bool:
    return not isinstance(name, str) or name.startswith(NUMBERED)


def _metrics(case: Any) -> list[Mapping[str, Any]]:
    metrics = at(case, "metricsData")
    return [m for m in metrics if isinstance(m, Mapping)] if isinstance(metrics, list) else []


def _directions(cases: list[Any]) -> dict[str, bool]:
    """Whether more is better, a metric: its success tells, beside a threshold that it is not at."""
    votes: dict[str, set[bool]] = {}
    for metric in (m for case in cases for m in _metrics(case)):
        score, threshold = grade(metric.get("score")), grade(metric.get("threshold"))
        success, name = metric.get("success"), metric.get("name")
        if not isinstance(success, bool) or not isinstance(name, str) or metric.get("error"):
            continue
        if score > threshold or score < threshold:
            votes.setdefault(name, set()).add(success == (score > threshold))
        elif metric.get("strictMode") is True and threshold in (0.0, 1.0):
            votes.setdefault(name, set()).add(threshold == 1.0)
    return {name: of_name.pop() for name, of_name in votes.items() if len(of_name) == 1}


def _row(case: Any, rises: Mapping[str, bool]) -> Row:
    metrics = _metrics(case)
    row: Row = {
        "query_id": at(case, "name"),
        "query": at(case, "input"),
        "slice": slice_of(at(case, "metadata"), at(case, "additionalMetadata")) or "all",
        "cost_usd": amount(at(case, "tokenCost")),
        "latency_s": amount(at(case, "completionTime")),
        "state": state_of(at(case, "actualOutput")),
        "raised": sum(bool(metric.get("error")) for metric in metrics),
    }
    for metric in metrics:
        if isinstance(metric.get("name"), str) and not metric.get("error"):
            row[_measure(metric["name"], rises)] = grade(metric.get("score"))
    return row


def _measure(name: str, rises: Mapping[str, bool]) -> Measure:
    """A metric; the way in which it is reached stands in brackets, as in `Correctness [GEval]`."""
    parts = re.fullmatch(r"(.+?) \[(.+)\]", name)
    plain, how = (parts[1], parts[2]) if parts else (name, "")
    return Measure(plain, how, rises.get(name))
