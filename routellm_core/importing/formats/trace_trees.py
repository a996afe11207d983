"""Generations of Langfuse, traces of Opik and runs of LangSmith, as JSON or CSV.

They keep a tree of observations, spans or runs a trace; those of requests to models are read.
Opik's were read against 2.2.122.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import LoggedCall, bare
from routellm_core.importing.feedback import grades_in
from routellm_core.importing.fields import at
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.records import column_names, records, structured, unit_of
from routellm_core.importing.request_records import call_of
from routellm_core.importing.spans import MODEL_KINDS
from routellm_core.importing.usage import first

LANGFUSE = frozenset(
    {
        *("usageDetails", "costDetails", "usage_details", "cost_details", "inputUsage"),
        *("outputUsage", "calculatedTotalCost", "completionStartTime", "completion_start_time"),
        *("modelParameters", "model_parameters", "providedModelName", "provided_model_name"),
        *("promptTokens", "parentObservationId", "parent_observation_id", "promptName"),
    }
)
OPIK = frozenset(
    {"feedback_scores", "error_info", "total_cost", "total_estimated_cost", "thread_id"}
)
LANGSMITH = frozenset({"run_type", "inputs"})
_INSIDE = ("observations", "spans", "child_runs")
_NO_TEXT = "export the input and output of the generations too"
_DEEPEST = 100


def recognises(path: Path) -> bool:
    """True if the columns are those of observations or spans, or the objects hold such."""
    return bool(_source(path))


def read(path: Path) -> list[Imported]:
    """The requests to models as bare queries, with what they took.

    Raises:
        DataError: damaged, or nothing in it is a request to a model.
    """
    unit, found, n_judged = unit_of(path), [], 0
    for number, record in records(path):
        where = f"{named(path)}, {unit} {number:,}"
        calls = [call for one in _each(record) if (call := _call(one, where)) is not None]
        if len(calls) == 1:
            calls = [_with_trace(calls[0], record, where)]
        else:
            n_judged += bool(grades_in(record))
        found += [(number, call) for call in calls]
    if not found:
        raise DataError(
            f"{named(path)}: no request to a model is in it; export the generations or LLM spans"
        )
    notes = [
        f"Not read: scores of {counted(n_judged, 'trace')} of several requests, of which nobody "
        "says whose they are."
    ]
    notes = notes if n_judged else []
    return [bare(found, path, unit, _source(path), _NO_TEXT, notes=notes)]


def _with_trace(call: LoggedCall, trace: Mapping[str, Any], where: str) -> LoggedCall:
    """The one request of a trace, with the trace's scores and cost."""
    cost = first(trace, ("total_estimated_cost", "total_cost", "totalCost"), where)
    return call._replace(
        grades={**grades_in(trace), **call.grades},
        cost_usd=cost if math.isnan(call.cost_usd) else call.cost_usd,
    )


def _call(record: Mapping[str, Any], where: str) -> LoggedCall | None:
    kind = record.get("type", record.get("run_type"))
    if kind == "chain" and record.get("run_type") == kind and record.get("feedback_stats"):
        kind = "llm"  # people grade the run, whose requests may be left out
    if isinstance(kind, str) and kind.lower() not in MODEL_KINDS:
        return None
    if kind is None and not record.get("model") and "usage" not in record:
        return None
    record = _of_langsmith(record)
    call = call_of(record, where)
    parent = record.get("parentObservationId") or record.get("parent_observation_id")
    parent = parent or record.get("parent_span_id")
    call = call._replace(
        name=str(record.get("id") or call.name), parent=parent if isinstance(parent, str) else ""
    )
    if math.isnan(call.latency_s):
        call = call._replace(latency_s=first(record, ("latency",), where))
    return call


def _of_langsmith(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A run of LangSmith under the names of the others."""
    if not record.keys() >= LANGSMITH:
        return record
    extra = structured(record.get("extra"))
    model = at(extra, "invocation_params", "model") or at(extra, "metadata", "ls_model_name")
    model = model or at(extra, "invocation_params", "model_name")
    return {**record, "input": structured(record["inputs"]), "model": record.get("model") or model}


def _each(record: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The record's observations or spans; the record itself where it has none."""
    listed = record.get("data")
    inside = [
        item
        for value in (listed, *(structured(record.get(name)) for name in _INSIDE))
        if isinstance(value, list)
        for item in value
        if isinstance(item, Mapping)
    ]
    if depth < _DEEPEST:
        for item in inside:
            yield from _each(item, depth + 1)
    if not inside or isinstance(record.get("type", record.get("run_type")), str):
        yield record


def _source(path: Path) -> str:
    first = sniff(path).first
    names = column_names(path)
    lists = [v for name in ("data", *_INSIDE) if isinstance(v := first.get(name), list) and v]
    inside = lists[0] if lists else []
    of_inside = frozenset(inside[0]) if inside and isinstance(inside[0], Mapping) else frozenset()
    for keys in (names, of_inside):
        is_traced = bool(keys & {"traceId", "trace_id", "Trace ID"})
        if is_traced and len(keys & LANGFUSE) >= 2:
            return "Langfuse generations"
        if keys >= LANGSMITH and keys & {"outputs", "start_time", "trace_id"}:
            return "LangSmith runs"
        if {"start_time", "input"} <= keys and len(keys & OPIK) >= 2:
            return "Opik traces"
    return ""
