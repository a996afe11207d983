"""Tokens that a request took, out of the usage objects of providers and tools."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from routellm_core.importing.fields import at, number

PROMPT = (
    *("prompt_tokens", "input_tokens", "inputTokens", "promptTokens", "promptTokenCount"),
    *("native_tokens_prompt", "tokens_prompt", "input", "inputUsage"),
)
ANSWER = (
    *("completion_tokens", "output_tokens", "outputTokens", "completionTokens"),
    *("candidatesTokenCount", "native_tokens_completion", "tokens_completion", "output"),
    "outputUsage",
)
TOTAL = ("total_tokens", "totalTokens", "totalTokenCount", "total", "totalUsage")
THOUGHTS = (
    *("reasoning_tokens", "reasoningTokens", "thoughtsTokenCount"),
    *("native_tokens_reasoning", "tokens_reasoning"),
)
_DETAILS = ("completion_tokens_details", "output_tokens_details", "outputTokenDetails")
_CACHED = ("cache_read_input_tokens", "cache_creation_input_tokens")


class Tokens(NamedTuple):
    """Tokens of one request; NaN where they are not known."""

    prompt: float = math.nan
    """With those that were read from a cache."""
    answer: float = math.nan
    """With those of thoughts."""


def tokens_of(usage: Any, where: str) -> Tokens:
    """The tokens in a usage object.

    What the total leaves over the prompt is the answer's, so that thoughts are counted also where
    they stand apart. Zeros throughout are a default, so that nothing is known.

    Args:
        usage: of OpenAI, Anthropic, Gemini, the AI SDK, Langfuse, OpenRouter or MLflow, or a row
            that holds such fields.
        where: for messages.

    Raises:
        DataError: a count is no number.

    >>> tokens_of({"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 9}, "line 1")
    Tokens(prompt=5.0, answer=4.0)
    """
    if not isinstance(usage, Mapping):
        return Tokens()
    prompt, answer, total = (first(usage, names, where) for names in (PROMPT, ANSWER, TOTAL))
    if not any(n > 0 for n in (prompt, answer, total)):
        return Tokens()
    prompt = _with_cached(usage, prompt, answer, total, where)
    prompt, answer = _of_langfuse(usage, prompt, answer, total, where)
    if total > prompt:
        answer = total - prompt if math.isnan(answer) else max(answer, total - prompt)
    thoughts = first(usage, THOUGHTS, where)
    for details in _DETAILS:
        if math.isnan(thoughts):
            thoughts = first(at(usage, details), THOUGHTS, where)
    if math.isnan(total) and thoughts > answer:
        answer += thoughts
    return Tokens(prompt, answer)


def first(values: Any, names: tuple[str, ...], where: str) -> float:
    """The first of some fields that holds a number; NaN where none does.

    Raises:
        DataError: a field holds something else.
    """
    for name in names:
        value = at(values, name)
        if isinstance(value, Mapping):  # the AI SDK's parts of a count
            value = value.get("total")
        if value is not None and value != "" and not isinstance(value, list):
            return number(value, where, name)
    return math.nan


def _with_cached(
    usage: Mapping[str, Any], prompt: float, answer: float, total: float, where: str
) -> float:
    """The prompt with its cached tokens, which Anthropic counts apart."""
    counts = [first(usage, (name,), where) for name in _CACHED]
    cached = sum(n for n in counts if n > 0)
    if not cached or "prompt_tokens" in usage:
        return prompt
    is_apart = math.isnan(total) or total == prompt + cached + answer or cached > prompt
    return prompt + cached if is_apart else prompt


def _of_langfuse(
    usage: Mapping[str, Any], prompt: float, answer: float, total: float, where: str
) -> tuple[float, float]:
    """Langfuse counts cached tokens and thoughts beside `input` and `output`."""
    if "input" not in usage:
        return prompt, answer
    parts = {
        side: sum(
            n
            for name in usage
            if isinstance(name, str) and name.startswith(side)
            if (n := first(usage, (name,), where)) > 0
        )
        for side in ("input", "output")
    }
    if math.isnan(total) or parts["input"] + parts["output"] == total:
        return float(parts["input"]), float(parts["output"])
    return prompt, answer
