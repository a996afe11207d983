"""Traces of MLflow: `search_traces` as CSV, JSON or Parquet, and traces as a list of JSON.

An agent's trace holds the requests to models as spans; a trace without spans is a request itself.
Read against 3.17.2.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import LoggedCall, bare, is_failure
from routellm_core.importing.feedback import grades_in
from routellm_core.importing.fields import at
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.records import column_names, records, structured, unit_of, whole
from routellm_core.importing.said import asked_in
from routellm_core.importing.spans import Span, call_of
from routellm_core.importing.usage import first, tokens_of

FRAMES = (
    frozenset({"trace_id", "request", "response", "trace_metadata"}),
    frozenset({"request_id", "request", "response", "execution_time_ms", "request_metadata"}),
)
TRACE = frozenset({"info", "data"})
IDS = ("trace_id", "request_id")
WANTED = frozenset(
    {
        *("trace_id", "trace", "state", "execution_duration", "request", "trace_metadata", "spans"),
        *("status", "execution_time_ms", "request_metadata", "assessments"),
        "request_id",
    }
)
MILLISECONDS = ("execution_duration", "execution_duration_ms", "execution_time_ms")
_NO_TEXT = "log them with mlflow.openai.autolog() or another autolog"


def recognises(path: Path) -> bool:
    """True if the columns are those of traces without grades, or the keys those of a trace."""
    names = column_names(path)
    is_graded = any(name.endswith("/value") for name in names)
    info = sniff(path).first.get("info") if names >= TRACE else None
    is_trace = isinstance(info, Mapping) and any(name in info for name in IDS)
    return not is_graded and (any(names >= frame for frame in FRAMES) or is_trace)


def read(path: Path) -> list[Imported]:
    """The requests to models as bare queries, with what they took.

    Raises:
        DataError: damaged, or no request is in it.
    """
    if not recognises(path):
        raise DataError(f"{named(path)}: holds no traces of MLflow; export search_traces()")
    unit, found, n_several = unit_of(path), [], 0
    for number, record in records(path, WANTED | TRACE):
        grades = grades_in(record) or grades_in(record.get("info"))
        grades = grades or grades_in(at(structured(record.get("trace")), "info"))
        calls = list(_calls(record, f"{named(path)}, {unit} {number:,}"))
        n_several += bool(grades) and len(calls) > 1
        if len(calls) == 1:
            calls = [calls[0]._replace(grades=grades)]
        found += [(number, call) for call in calls]
    notes = [
        f"Not read: assessments of {counted(n_several, 'trace')} of several requests, of which "
        "nobody says whose they are."
    ]
    notes = notes if n_several else []
    return [bare(found, path, unit, "MLflow traces", _NO_TEXT, notes=notes)]


def _calls(record: Mapping[str, Any], where: str) -> Iterator[LoggedCall]:
    trace = record if "info" in record else structured(record.get("trace"))
    info = at(trace, "info")
    spans = structured(record.get("spans"))
    spans = spans if isinstance(spans, list) else at(trace, "data", "spans")
    metadata = structured(record.get("trace_metadata") or record.get("request_metadata"))
    metadata = metadata or at(info, "trace_metadata") or at(info, "request_metadata")
    calls = [
        call
        for span in (spans if isinstance(spans, list) else ())
        if isinstance(span, Mapping)
        if (call := call_of(_span(span), where)) is not None
    ]
    cost = structured(at(metadata, "mlflow.trace.cost"))
    if len(calls) == 1 and calls[0].cost_usd != calls[0].cost_usd:
        calls = [calls[0]._replace(cost_usd=first(cost, ("total_cost",), where))]
    if calls:
        yield from calls
        return
    request = whole(record.get("request") or at(metadata, "mlflow.traceInputs"))
    tokens = tokens_of(structured(at(metadata, "mlflow.trace.tokenUsage")), where)
    took = {
        name: at(holder, name)
        for holder in (info, record)
        for name in MILLISECONDS
        if at(holder, name) is not None
    }
    model = at(request, "model")
    yield LoggedCall(
        said=asked_in(request),
        asked=model if isinstance(model, str) else "",
        prompt_tokens=tokens.prompt,
        answer_tokens=tokens.answer,
        cost_usd=first(cost, ("total_cost",), where),
        latency_s=first(took, MILLISECONDS, where) / 1000.0,
        failed=is_failure(record.get("state"), record.get("status"), at(info, "state")),
        name=next((str(h[n]) for h in (record, info) for n in IDS if at(h, n)), ""),
    )


def _span(span: Mapping[str, Any]) -> Span:
    attributes = span.get("attributes")
    return Span(
        attributes if isinstance(attributes, Mapping) else {},
        span.get("start_time_unix_nano") or span.get("start_time"),
        span.get("end_time_unix_nano") or span.get("end_time"),
        is_failure(at(span, "status", "code"), span.get("status_code")),
        str(span.get("span_id") or ""),
        str(span.get("parent_span_id") or span.get("parent_id") or ""),
    )
