"""One record of a log of requests as a `LoggedCall`, whatever tool wrote it.

A record holds the request, or its fields, and perhaps the answer, its usage, cost and time, under
one of the names that gateways give them.
"""

import math
from collections.abc import Mapping
from typing import Any

from routellm_core.importing.calls import LoggedCall, is_chat, is_error, is_failure, seconds_between
from routellm_core.importing.feedback import grades_in
from routellm_core.importing.fields import at
from routellm_core.importing.records import structured, whole
from routellm_core.importing.said import asked_in, spoken
from routellm_core.importing.tenants import tenant_of
from routellm_core.importing.usage import first, tokens_of

REQUEST = (
    *("body", "request", "request_body", "requestBody", "params", "kwargs", "input"),
    *("proxy_server_request", "raw_request"),
)
"""Fields that may hold the request."""
RESPONSE = ("response", "response_body", "responseBody", "result", "output", "completion")
ID = (
    *("id", "request_id", "requestId", "generation_id", "custom_id", "response_id", "trace_id"),
    "helicone_id",
)
MODEL = ("request_model", "model", "model_permaslug", "providedModelName", "provided_model_name")
COST = (
    *("cost_usd", "cost", "spend", "response_cost", "total_cost", "totalCost", "cost_total"),
    *("calculatedTotalCost", "costUSD", "costUsd", "total_price", "totalPrice"),
)
MILLISECONDS = (
    *("latency_ms", "latencyMs", "duration_ms", "durationMs", "request_duration_ms", "delay_ms"),
    *("generation_time_ms", "response_time_ms", "elapsed_ms", "generation_time"),
)
SECONDS = ("latency_s", "duration_s", "latency_seconds", "elapsed_s")
PERHAPS_TO_FIRST_TOKEN = ("response_time", "time_s")
MOMENTS = (
    *(("startTime", "endTime"), ("start_time", "end_time")),
    ("request_created_at", "response_created_at"),
)
USAGE = ("usageDetails", "usage_details", "usage", "usageMetadata", "usage_object")
ERROR = ("error", "error_str", "error_info", "error_message", "errorMessage", "exception")
STATUS = ("status", "status_code", "statusCode", "response_status", "http_status", "level")
KIND = ("call_type", "url", "endpoint", "path", "request_path", "requestPath", "operation")


def call_of(record: Mapping[str, Any], where: str) -> LoggedCall:
    """The call that a record tells of.

    Args:
        record: an object, or a row of a table, whose cells may hold JSON or Python's own form.
        where: for messages.

    Raises:
        DataError: an amount is no number.
    """
    request = request_of(record) or {}
    response = response_of(record)
    holders = (response, record, structured(record.get("metadata")))
    counts = {k: v for k, v in record.items() if k not in ("input", "output", "total")}
    usage = next(
        (
            found
            for holder in holders
            for name in USAGE
            if isinstance(found := structured(at(holder, name)), Mapping) and found
        ),
        counts,
    )
    tokens = tokens_of(usage, where)
    if math.isnan(tokens.prompt) and usage is not counts:
        tokens = tokens_of(counts, where)
    answered = _text(at(response, "model"), record.get("response_model"))
    asked = _text(
        request.get("model"), at(request, "model", "modelId"), *(record.get(name) for name in MODEL)
    )
    return LoggedCall(
        said=said_in(record, request),
        asked=asked,
        answered=answered,
        prompt_tokens=tokens.prompt,
        answer_tokens=tokens.answer,
        cost_usd=_cost(record, response, where),
        latency_s=_latency(record, where),
        failed=_failed(record, response),
        is_chat=is_chat(
            *(record.get(name) for name in KIND),
            asked,
            "embedding" if "encoding_format" in request or "dimensions" in request else None,
        ),
        cached=_is_true(record.get("cache_hit")) or _is_true(record.get("cached")),
        name=_text(*(record.get(name) for name in ID)),
        grades=grades_in(record),
        tenant=tenant_of(record),
    )


def request_of(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The request in a record, or the record itself where it is one; None without one."""
    if is_request(record):
        return record
    for name in REQUEST:
        inner = structured(record.get(name))
        inner = structured(inner.get("body")) if is_wrapped(inner) else inner
        if is_request(inner):
            return dict(inner)
    return None


def response_of(record: Mapping[str, Any]) -> Any:
    """The answer in a record: an object or None."""
    for name in RESPONSE:
        found = structured(record.get(name))
        if isinstance(found, Mapping):
            inner = structured(found.get("body")) or found.get("message")
            return inner if isinstance(inner, Mapping) else found
    return record if isinstance(record.get("choices"), list) else None


def is_wrapped(value: Any) -> bool:
    """True for an object that holds a request in its `body`."""
    return isinstance(value, Mapping) and "body" in value and "messages" not in value


def is_request(value: Any) -> bool:
    """True if it has messages, contents, or the input or prompt of a named model."""
    if not isinstance(value, Mapping):
        return False
    if any(isinstance(structured(value.get(name)), list) for name in ("messages", "contents")):
        return True
    if "model" not in value:
        return False
    return any(isinstance(value.get(name), list | str) for name in ("input", "prompt"))


def said_in(record: Mapping[str, Any], request: Mapping[str, Any] | None) -> str | None:
    """Last words of a person in a record; None without a text."""
    asked = {name: whole(value) for name, value in (request or {}).items()}
    if (said := spoken(asked)) is not None:
        return said
    for name in ("messages", "prompt", "input", "request", "proxy_server_request"):
        value = whole(record.get(name))
        if value not in (None, "", {}, []) and (said := asked_in(value)) is not None:
            return said
    return None


def _cost(record: Mapping[str, Any], response: Any, where: str) -> float:
    for holder in (record, at(response, "usage"), structured(record.get("usage"))):
        for name in COST:
            value = structured(at(holder, name))
            if isinstance(value, Mapping):
                value = value.get("total")
            found = first({name: value}, (name,), where)
            if not math.isnan(found):
                return found
    details = structured(record.get("costDetails") or record.get("cost_details"))
    return first(details, ("total",), where)


def _latency(record: Mapping[str, Any], where: str) -> float:
    milliseconds = first(record, MILLISECONDS, where)
    if not math.isnan(milliseconds):
        return milliseconds / 1000.0
    seconds = first(record, SECONDS, where)
    if not math.isnan(seconds):
        return seconds
    spans = (seconds_between(record.get(start), record.get(end)) for start, end in MOMENTS)
    took = next((took for took in spans if not math.isnan(took)), math.nan)
    return first(record, PERHAPS_TO_FIRST_TOKEN, where) if math.isnan(took) else took


def _failed(record: Mapping[str, Any], response: Any) -> bool:
    outer = structured(record.get("response"))
    errors = [structured(record.get(name)) for name in ERROR]
    errors += [at(outer, "error"), at(response, "error")]
    errors.append(at(structured(record.get("error_information")), "error_class"))
    if any(map(is_error, errors)):
        return True
    if at(response, "type") == "error" or at(response, "status") in ("failed", "cancelled"):
        return True
    kind = at(record, "result", "type")
    if kind in ("errored", "canceled", "expired"):
        return True
    return is_failure(at(outer, "status_code"), *(record.get(name) for name in STATUS))


def _text(*values: Any) -> str:
    """The first that is a text, or a whole number written out."""
    for value in values:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
