"""Samples of Every Eval Ever: a line a sample, in `*_samples.jsonl`."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.asked import as_asked
from routellm_core.importing.fields import at
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    asked_of,
    benchmark,
    grade,
    tokens_of,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import document, objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.said import spoken

TELLING = frozenset({"evaluation_id", "model_id", "sample_id", "input", "evaluation"})
AGGREGATE = frozenset({"evaluation_id", "evaluation_results", "model_info"})
MOST_BESIDE = 1_000
SECONDS = ("latency_ms", "total_time_ms", "generation_time_ms")


def recognises(path: Path) -> bool:
    """True for its samples, and for its totals, which hold no sample."""
    keys = sniff(path).keys
    return keys >= TELLING or keys >= AGGREGATE


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file; its evaluations are slices.

    Raises:
        DataError: totals without samples, or a line is damaged.
    """
    if not sniff(path).keys >= TELLING:
        raise DataError(f"{named(path)}: holds totals only; give the *_samples.jsonl beside it")
    rises = _directions(path)
    found = [(number, _row(line, rises)) for number, line in objects(path)]
    names = {row["slice"] for _, row in found}
    if len(names) > 1:
        names = {row["group"] for _, row in found}
    if _collide(found):
        for _, row in found:
            row["query_id"] = f"{row['slice']}-{row['query_id']}"
    for _, row in found:
        del row["group"]
    name = names.pop() if len(names) == 1 else ""
    return [benchmark(path, found, unit(path), "Every Eval Ever samples", name=name or "")]


def _collide(found: list[tuple[int, Row]]) -> bool:
    """True if evaluations of one file number their samples each from the start."""
    asked: dict[str, tuple[Any, Any]] = {}
    return any(
        asked.setdefault(str(row["query_id"]), (row["slice"], row["query"]))[1] != row["query"]
        and asked[str(row["query_id"])][0] != row["slice"]
        for _, row in found
    )


def _with_choices(said: Any, choices: Any) -> str | None:
    question = asked_of(said) if said else None
    return question and as_asked({"question": question, "choices": choices})


def is_totals(path: Path) -> bool:
    """True for the totals of a run, which say whether more is better in the samples beside them."""
    keys = sniff(path).keys
    return keys >= AGGREGATE and not keys >= TELLING


def _directions(path: Path) -> dict[tuple[str, str], bool]:
    """Whether more is better, by id and name of an evaluation; the totals beside it say so."""
    found = {}
    for beside in sorted(path.parent.glob("*.json"))[:MOST_BESIDE]:
        if not is_totals(beside):
            continue
        totals = document(beside)
        results = totals.get("evaluation_results")
        for one in results if isinstance(results, list) else ():
            falls = at(one, "metric_config", "lower_is_better")
            if isinstance(falls, bool):
                key = str(totals.get("evaluation_id")), str(at(one, "evaluation_name"))
                found[key] = not falls
    return found


def _rises(line: dict[str, Any], known: Mapping[tuple[str, str], bool]) -> bool | None:
    for said in (line.get("evaluation"), line.get("metric_config"), line):
        if isinstance(falls := at(said, "lower_is_better"), bool):
            return not falls
    return known.get((str(line.get("evaluation_id")), str(line.get("evaluation_name"))))


def _row(line: dict[str, Any], known: Mapping[tuple[str, str], bool]) -> Row:
    asked, spent = line.get("input"), line.get("performance")
    prompt, answer = tokens_of(line.get("token_usage"))
    took = (amount(at(spent, key), 1e-3) for key in SECONDS)
    said = at(asked, "raw") or at(asked, "formatted")
    output = at(line.get("output"), "raw")
    row: Row = {
        "query_id": line.get("sample_id"),
        "query": _with_choices(said, at(asked, "choices")) or spoken(line.get("messages")),
        "group": str(line.get("evaluation_id")).partition("/")[0],
        "slice": str(line.get("evaluation_name") or "") or None,
        "model": line.get("model_id") or None,
        "prompt_tokens": prompt,
        "answer_tokens": answer,
        "latency_s": next((s for s in took if not math.isnan(s)), math.nan),
        "failed": bool(line.get("error")),
        "state": state_of(output, stopped_in(line.get("output"), line, spent)),
    }
    if isinstance(content := line.get("sample_hash"), str) and content.strip("0"):
        row["content"] = content
    graded = line.get("evaluation")
    for name in ("score", "is_correct"):
        if not math.isnan(number := grade(at(graded, name))):
            rises = _rises(line, known) if name == "score" else None
            row[Measure(name, rises=rises, is_main=name == "score")] = number
    return row
