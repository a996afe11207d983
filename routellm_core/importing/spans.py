"""Spans of requests to models, in the dialects of tools that trace them, as `LoggedCall`s.

Understood are the attributes of OpenTelemetry's gen_ai conventions, OpenInference, Langfuse's SDK,
MLflow and the AI SDK. A span of anything else, such as a tool or a chain, is no call.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from routellm_core.importing.calls import LoggedCall, is_chat, is_error, seconds_between
from routellm_core.importing.fields import at
from routellm_core.importing.records import structured, whole
from routellm_core.importing.said import asked_in, spoken
from routellm_core.importing.usage import Tokens, first, tokens_of

MODEL_KINDS = ("llm", "chat_model", "generation", "completion", "chat")
OPERATIONS = ("chat", "text_completion", "generate_content", "completion", "responses", "message")
CONTENT_OFF = (
    "keep them with OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY "
    "(opentelemetry-instrumentation-openai-v2), TRACELOOP_TRACE_CONTENT=true (Traceloop) or "
    "without OPENINFERENCE_HIDE_INPUTS (OpenInference)"
)
_ASKED = (
    *("gen_ai.request.model", "model", "llm.request.model", "mlflow.llm.request_model"),
    "ai.model.id",
)
_ANSWERED = (
    *("gen_ai.response.model", "llm.response.model", "ai.response.model"),
    *("mlflow.llm.model", "llm.model_name", "langfuse.observation.model.name"),
)
_KINDS = (
    *("openinference.span.kind", "langfuse.observation.type", "mlflow.spanType"),
    "gen_ai.operation.name",
)
_RESPONSE = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
_TEXTS = (
    *("gen_ai.input.messages", "llm.input_messages", "gen_ai.prompt", "llm.prompts"),
    *("ai.prompt.messages", "ai.prompt", "request_data", "all_messages_events"),
    *("pydantic_ai.all_messages", "langfuse.observation.input", "mlflow.spanInputs"),
    *("input.value", "traceloop.entity.input"),
)
"""Attributes that hold what was asked, or begin the names of those that do."""
_PROMPT = (
    *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    *("llm.usage.prompt_tokens", "ai.usage.promptTokens", "ai.usage.inputTokens"),
)
_ANSWER = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    *("llm.usage.completion_tokens", "ai.usage.completionTokens", "ai.usage.outputTokens"),
)
_TOTAL = (
    *("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
    *("ai.usage.totalTokens", "gen_ai.usage.total"),
)
_CACHED = ("gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read")
_THOUGHTS = (
    *("gen_ai.usage.reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"),
    *("llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens"),
)
_COST = (
    *("gen_ai.usage.cost", "llm.cost.total", "operation.cost", "gen_ai.usage.total_cost"),
    "mlflow.llm.cost",
)
_NUMBERED = re.compile(r"(\d{1,6})\.(.+)")


class Span(NamedTuple):
    """A span, whichever form it was written in."""

    attributes: Mapping[str, Any]
    """By their full names with dots."""
    start: Any = None
    end: Any = None
    failed: bool = False
    name: str = ""
    """Its id."""
    parent: str = ""
    events: Sequence[Any] = ()


def call_of(span: Span, where: str) -> LoggedCall | None:
    """The call that a span is of; None where it is of none.

    Raises:
        DataError: a number of tokens is none.
    """
    found = span.attributes
    if not _is_call(found):
        return None
    output = structured(found.get("output.value") or found.get("mlflow.spanOutputs"))
    output = output if isinstance(output, Mapping) else {}
    asked = _named(found, _ASKED) or _text(
        at(structured(found.get("llm.invocation_parameters")), "model"),
        at(structured(found.get("mlflow.spanInputs")), "model"),
        at(structured(found.get("input.value")), "model"),
    )
    tokens = _tokens(found, where)
    return LoggedCall(
        said=_said(found, span.events),
        asked=asked,
        answered=_named(found, _ANSWERED) or _text(output.get("model")),
        prompt_tokens=tokens.prompt,
        answer_tokens=tokens.answer,
        cost_usd=_cost(found, where),
        latency_s=seconds_between(span.start, span.end),
        failed=span.failed
        or is_error(found.get("error.type"))
        or found.get("langfuse.observation.level") == "ERROR",
        is_chat=is_chat(asked, *(structured(found.get(name)) for name in _KINDS)),
        name=span.name,
        response=_named(found, _RESPONSE) or _text(output.get("id")),
        parent=span.parent,
    )


def messages_of(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Messages whose fields stand in attributes of their own, such as `<prefix>.0.role`."""
    numbered: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        if name.startswith(f"{prefix}.") and (found := _NUMBERED.match(name, len(prefix) + 1)):
            numbered.setdefault(int(found[1]), {})[found[2]] = value
    return [plain_message(numbered[number]) for number in sorted(numbered)]


def plain_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of OpenInference, whose fields have full names, in the usual form."""
    plain = {name.removeprefix("message."): value for name, value in message.items()}
    if plain.get("content"):
        return plain
    parts = plain.get("contents") or messages_of(plain, "contents")
    if isinstance(parts, list) and parts:
        plain["content"] = [
            {n.removeprefix("message_content."): v for n, v in part.items() if v is not None}
            for part in parts
            if isinstance(part, Mapping)
        ]
    return plain


def _is_call(found: Mapping[str, Any]) -> bool:
    for name in _KINDS[:3]:
        if name in found:
            return _text(structured(found[name])).lower() in (*MODEL_KINDS, "embedding")
    operation = found.get("gen_ai.operation.name")
    if isinstance(operation, str):
        return operation in OPERATIONS or not is_chat(operation)
    if isinstance(found.get("operation.name"), str) and "ai.model.id" in found:
        return ".do" in found["operation.name"]  # the AI SDK's spans around it count the same
    return any(name in found for name in ("gen_ai.request.model", "llm.request.type"))


def _said(found: Mapping[str, Any], events: Sequence[Any]) -> str | None:
    for name in _TEXTS:
        value = whole(found.get(name))
        if isinstance(value, list):
            value = [plain_message(m) if isinstance(m, Mapping) else m for m in value]
        if not value:
            value = messages_of(found, name)
        if value and (said := asked_in(value)) is not None:
            return said
    return spoken(list(_of_events(events)))


def _of_events(events: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Messages that stand in events of a span, as older conventions have it."""
    for event in events:
        inner = at(event, "attributes")
        if not isinstance(inner, Mapping):
            continue
        listed = structured(inner.get("gen_ai.input.messages"))
        if isinstance(listed, list):
            yield from (message for message in listed if isinstance(message, dict))
        if at(event, "name") == "gen_ai.user.message":
            yield {"role": "user", "content": inner.get("content")}
        elif at(event, "name") == "gen_ai.content.prompt":
            said = spoken(structured(inner.get("gen_ai.prompt")))
            yield {"role": "user", "content": said}


def _tokens(found: Mapping[str, Any], where: str) -> Tokens:
    for name in ("langfuse.observation.usage_details", "mlflow.chat.tokenUsage"):
        usage = structured(found.get(name))
        if isinstance(usage, Mapping):
            return tokens_of(usage, where)
    counts = {
        "input_tokens": first(found, _PROMPT, where),
        "output_tokens": first(found, _ANSWER, where),
        "total_tokens": first(found, _TOTAL, where),
        "cache_read_input_tokens": first(found, _CACHED, where),
        "reasoning_tokens": first(found, _THOUGHTS, where),
    }
    known = {name: n for name, n in counts.items() if not math.isnan(n)}
    if known.get("cache_read_input_tokens", 0) <= known.get("input_tokens", 0):
        known.pop("cache_read_input_tokens", None)  # they are among the prompt's
    return tokens_of(known, where)


def _cost(found: Mapping[str, Any], where: str) -> float:
    for name in (*_COST, "langfuse.observation.cost_details"):
        value = structured(found.get(name))
        if isinstance(value, Mapping):
            names = ("total", "total_cost")
            cost = first(value, names, where)
        else:
            cost = first({name: value}, (name,), where)
        if not math.isnan(cost):
            return cost
    return math.nan


def _named(found: Mapping[str, Any], names: Sequence[str]) -> str:
    return _text(*(structured(found.get(name)) for name in names))


def _text(*values: Any) -> str:
    return next((v.strip() for v in values if isinstance(v, str) and v.strip()), "")
