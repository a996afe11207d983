"""Spans of OpenTelemetry: a console exporter's JSON, and OTLP as JSON or a file exporter's lines.

Langfuse's SDK writes such spans too. Those of requests to models are read, whichever
instrumentation made them.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import bare
from routellm_core.importing.fields import at
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.records import documents
from routellm_core.importing.spans import CONTENT_OFF, Span, call_of

CONSOLE = frozenset({"name", "context", "attributes", "start_time", "end_time"})
GROUPS = ("resourceSpans", "resource_spans")
_VALUES = ("stringValue", "intValue", "doubleValue", "boolValue")


def recognises(path: Path) -> bool:
    """True if the first object is a span or holds spans by their resource."""
    start = sniff(path)
    return bool(start.keys & set(GROUPS)) or (
        start.keys >= CONSOLE and "span_kind" not in start.keys
    )


def read(path: Path) -> list[Imported]:
    """The requests to models as bare queries, with what they took.

    Raises:
        DataError: damaged, or no span is of a request to a model.
    """
    found = []
    for number, span in enumerate(_spans(path), start=1):
        call = call_of(span, f"{named(path)}, span {number:,}")
        if call is not None:
            found.append((number, call))
    if not found:
        raise DataError(
            f"{named(path)}: no span is of a request to a model; instrument the client of the model"
        )
    return [bare(found, path, "span", "OpenTelemetry spans", CONTENT_OFF)]


def _spans(path: Path) -> Iterator[Span]:
    for _, item in documents(path):
        groups = next((item[name] for name in GROUPS if isinstance(item.get(name), list)), None)
        if groups is None:
            yield _of_console(item)
            continue
        for group in groups:
            for scope in _listed(group, "scopeSpans", "scope_spans"):
                yield from (_of_otlp(span) for span in _listed(scope, "spans"))


def _of_console(item: Mapping[str, Any]) -> Span:
    attributes = item.get("attributes")
    return Span(
        attributes if isinstance(attributes, Mapping) else {},
        item.get("start_time"),
        item.get("end_time"),
        at(item, "status", "status_code") == "ERROR",
        str(at(item, "context", "span_id") or ""),
        str(item.get("parent_id") or ""),
        _listed(item, "events"),
    )


def _of_otlp(span: Any) -> Span:
    events = [
        {"name": at(event, "name"), "attributes": _attributes(event)}
        for event in _listed(span, "events")
    ]
    return Span(
        _attributes(span),
        _nanoseconds(span, "startTimeUnixNano", "start_time_unix_nano"),
        _nanoseconds(span, "endTimeUnixNano", "end_time_unix_nano"),
        at(span, "status", "code") in (2, "2", "STATUS_CODE_ERROR", "ERROR"),
        str(at(span, "spanId") or at(span, "span_id") or ""),
        str(at(span, "parentSpanId") or at(span, "parent_span_id") or ""),
        events,
    )


def _attributes(holder: Any) -> dict[str, Any]:
    return {
        str(at(pair, "key")): _value(at(pair, "value")) for pair in _listed(holder, "attributes")
    }


def _value(value: Any, depth: int = 0) -> Any:
    """A value of OTLP, whose kind stands in its key."""
    if not isinstance(value, Mapping) or depth > 50:
        return None
    for name in _VALUES:
        if name in value:
            return value[name]
    if "arrayValue" in value:
        return [_value(v, depth + 1) for v in _listed(value["arrayValue"], "values")]
    if "kvlistValue" in value:
        pairs = _listed(value["kvlistValue"], "values")
        return {str(at(pair, "key")): _value(at(pair, "value"), depth + 1) for pair in pairs}
    return None


def _nanoseconds(span: Any, *names: str) -> Any:
    value = next((at(span, name) for name in names if at(span, name) is not None), None)
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,30}", value) else value


def _listed(holder: Any, *names: str) -> list[Any]:
    found = next((at(holder, name) for name in names if at(holder, name)), None)
    return found if isinstance(found, list) else []
