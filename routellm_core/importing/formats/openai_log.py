"""Logs of requests in OpenAI's, Anthropic's or Gemini's form: what was asked, and what it took.

Understood are a request itself, with or without its answer beside or in it, and logs of gateways
that hold both. None of them says how good the answer was.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import LoggedCall, bare
from routellm_core.importing.column_words import QUALITY
from routellm_core.importing.fields import at
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.records import column_names, each, records, structured, unit_of
from routellm_core.importing.request_records import REQUEST, call_of, is_request, is_wrapped
from routellm_core.importing.said import PEOPLE, spoken

_OF_RESPONSES = frozenset(
    {"instructions", "max_output_tokens", "previous_response_id", "usage", "reasoning", "response"}
)

_OF_TABLE = frozenset({"model", "messages"})
_TAKEN = frozenset({"usage", "total_tokens", "completion_tokens", "response", "status", "error"})
_FEEDBACK = frozenset({"feedback", "user_feedback", "user_rating", "thumbs"})
"""Fields of grades that a log of requests may hold too."""
_SURELY = ("request", "request_body", "raw_request")
"""Fields that hold a request whatever it looks like."""


def recognises(path: Path) -> bool:
    """True if the first object is or holds a request or an answer, and no grade."""
    first = _first(path)
    names = column_names(path)
    if names & set(QUALITY) - _FEEDBACK:
        return False
    if not first:
        return names >= _OF_TABLE and bool(names & _TAKEN)
    return (
        _is_plainly(first)
        or any(_is_plainly(_inside(first, name)) for name in REQUEST)
        or any(is_request(_inside(first, name)) for name in _SURELY)
        or _is_message(first)
        or _is_answer(first)
    )


def read(path: Path) -> list[Imported]:
    """The requests as bare queries, each with what the person said last.

    Raises:
        DataError: damaged, or no request holds anything that a person said.
    """
    of_lines = unit_of(path)
    first = _first(path)
    if _is_answer(first) and not is_request(first):
        raise DataError(
            f"{named(path)}: holds answers without what was asked; give the requests, or export "
            "the messages with them"
        )
    calls = _turns(path) if _is_message(first) else _calls(path, of_lines)
    return [bare(calls, path, of_lines, "OpenAI requests", "log the messages of requests too")]


def _calls(path: Path, of_lines: str) -> list[tuple[int, LoggedCall]]:
    found = []
    for number, outer in records(path):
        for at_, record in each(outer):
            of = at_ or number
            found.append((of, call_of(record, f"{named(path)}, {of_lines} {of:,}")))
    if all(call.said is None for _, call in found):
        raise DataError(
            f"{named(path)}: no request holds a message of a user; export it with texts"
        )
    return found


def _turns(path: Path) -> list[tuple[int, LoggedCall]]:
    """A conversation, a message an object: what a person said is a query each."""
    return [
        (at_ or number, LoggedCall(said=spoken(message)))
        for number, outer in records(path)
        for at_, message in each(outer)
        if message.get("role") in PEOPLE
    ]


def _first(path: Path) -> Mapping[str, Any]:
    """The first record, out of an answer of the API where it is one."""
    found = each(dict(sniff(path).first))
    return found[0][1] if found else {}


def _inside(record: Mapping[str, Any], name: str) -> Any:
    inner = structured(record.get(name))
    return structured(inner.get("body")) if is_wrapped(inner) else inner


def _is_plainly(value: Any) -> bool:
    """True for a request that is no table's row: `model` and `input` alone may be one."""
    if not is_request(value):
        return False
    listed = any(isinstance(value.get(name), list) for name in ("messages", "contents"))
    messages = any(
        isinstance(value.get(name), list) and bool(spoken(value[name]))
        for name in ("input", "prompt")
    )
    return listed or messages or bool(value.keys() & _OF_RESPONSES)


def _is_message(first: Mapping[str, Any]) -> bool:
    return "role" in first and ("parts" in first or "content" in first)


def _is_answer(first: Mapping[str, Any]) -> bool:
    return isinstance(first.get("choices"), list) and (
        at(first, "object") == "chat.completion" or "usage" in first
    )
