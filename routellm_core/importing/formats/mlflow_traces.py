"""Traces of MLflow: `search_traces` as CSV, JSON or Parquet, and traces as a list of JSON.

An agent's trace holds the requests to models as spans; a trace without spans is a request itself.
Read against 3.17.2.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from routellm_core.importing import Imported
from routellm_core.importing.asked import as_asked
from routellm_core.importing.calls import Call, bare, is_failure
from routellm_core.importing.fields import at
from routellm_core.importing.records import column_names, records, structured, unit_of
from routellm_core.importing.said import spoken
from routellm_core.importing.spans import Span, call_of
from routellm_core.importing.usage import first, tokens_of

FRAME = frozenset({"trace_id", "request", "response", "trace_metadata"})
TRACE = frozenset({"info", "data"})
WANTED = frozenset(
    {
        *("trace_id", "trace", "state", "execution_duration", "request", "trace_metadata", "spans"),
        *("status", "execution_time_ms", "timestamp_ms"),
    }
)
_NO_TEXT = "log them with mlflow.openai.autolog() or another autolog"


def recognises(path: Path) -> bool:
    """True if the columns are those of traces without grades, or the keys those of a trace."""
    names = column_names(path)
    is_graded = any(name.endswith("/value") for name in names)
    return not is_graded and (names >= FRAME or names >= TRACE)


def read(path: Path) -> list[Imported]:
    """The requests to models as bare queries, with what they took.

    Raises:
        DataError: damaged, or no request is in it.
    """
    unit = unit_of(path)
    found = [
        (number, call)
        for number, record in records(path, WANTED | TRACE)
        for call in _calls(record, f"{path.name}, {unit} {number:,}")
    ]
    return [bare(found, path, unit, "MLflow traces", _NO_TEXT)]


def _calls(record: Mapping[str, Any], where: str) -> Iterator[Call]:
    whole = record if "info" in record else structured(record.get("trace"))
    info = at(whole, "info")
    spans = structured(record.get("spans"))
    spans = spans if isinstance(spans, list) else at(whole, "data", "spans")
    metadata = structured(record.get("trace_metadata")) or at(info, "trace_metadata")
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
    request = structured(record.get("request") or at(metadata, "mlflow.traceInputs"))
    tokens = tokens_of(structured(at(metadata, "mlflow.trace.tokenUsage")), where)
    took = (at(record, "execution_duration"), at(info, "execution_duration_ms"))
    milliseconds = next((t for t in took if t is not None), None)
    model = at(request, "model")
    yield Call(
        said=spoken(request) or as_asked(request) or _only_text(request),
        asked=model if isinstance(model, str) else "",
        prompt_tokens=tokens.prompt,
        answer_tokens=tokens.answer,
        cost_usd=first(cost, ("total_cost",), where),
        latency_s=first({"ms": milliseconds}, ("ms",), where) / 1000.0,
        failed=is_failure(record.get("state"), record.get("status"), at(info, "state")),
        name=str(record.get("trace_id") or at(info, "trace_id") or ""),
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


def _only_text(request: Any) -> str | None:
    """The one text of an object, whatever its name is."""
    values = request.values() if isinstance(request, Mapping) else ()
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    return texts[0] if len(texts) == 1 else None
