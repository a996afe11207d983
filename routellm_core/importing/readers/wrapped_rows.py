"""The one list of rows inside an object, as exports wrap it: `{"run": 1, "results": [...]}`."""

from collections.abc import Mapping
from typing import Any

OF_ROWS = frozenset(
    {
        *("results", "data", "items", "rows", "samples", "records", "entries", "outcomes"),
        *("predictions", "evaluations", "instances", "queries", "questions", "responses"),
    }
)
"""Usual keys of the list of rows that an object wraps."""
NO_ROWS = frozenset(
    {
        *("messages", "choices", "tools", "spans", "examples", "models", "conversation", "input"),
        *("content", "contents", "parts", "testCases", "cases", "failures", "annotations"),
        *("resourceSpans", "scopeSpans", "resource_spans", "task_runs", "evaluation_runs"),
        *("conversation_a", "conversation_b", "turns", "documents", "events", "output", "stats"),
        *("request_states", "prompts", "providers", "request", "response", "tool_calls", "traces"),
    }
)
"""Keys of lists of objects that are parts of one record."""


def key_of_rows(found: Mapping[str, Any]) -> str:
    """Key of the one list of rows that an object holds; empty where there is none or several.

    >>> key_of_rows({"run": 1, "results": [{"query": "Who sweeps?"}]})
    'results'
    """
    if _is_named(found):
        return "data"
    if inner := _around(found):
        return inner
    lists = [key for key, value in found.items() if _is_rows(value)]
    usual = [key for key in lists if key in OF_ROWS]
    several = [key for key in lists if len(found[key]) > 1 and key not in NO_ROWS]
    if len(usual) == 1:
        return usual[0]
    return several[0] if not usual and len(several) == 1 == len(lists) else ""


def rows_inside(found: Mapping[str, Any], key: str) -> list[Any]:
    """The rows of an object under a key; lists of values are rows of the object's `columns`."""
    if key == _around(found):
        found = found[key]
        return rows_inside(found, key_of_rows(found))
    rows: list[Any] = found[key]
    if _is_named(found):
        return [dict(zip(found["columns"], row, strict=False)) for row in rows]
    return rows


def _around(found: Mapping[str, Any]) -> str:
    """Key of the one object that holds the rows, as in `{"data": {"rows": [...]}}`; else empty."""
    if any(map(_is_rows, found.values())):
        return ""
    inner = [
        key
        for key, value in found.items()
        if key in OF_ROWS and isinstance(value, Mapping) and key_of_rows(value) in OF_ROWS
    ]
    return inner[0] if len(inner) == 1 else ""


def _is_named(found: Mapping[str, Any]) -> bool:
    """True for a table of lists beside the names of their columns, as pandas writes it."""
    names, rows = found.get("columns"), found.get("data")
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    listed = isinstance(rows, list) and bool(rows) and all(isinstance(row, list) for row in rows)
    return named and bool(names) and listed


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
