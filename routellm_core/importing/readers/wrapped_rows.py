"""The one list of rows inside an object, as exports wrap it: `{"run": 1, "results": [...]}`."""

from collections.abc import Mapping
from typing import Any

from routellm_core.importing.readers.model_rows import ASKED, is_asked, is_rows, rows_by_model

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


BY_KEY = "\0by key"
"""Stands for a key where the rows are all of the object: under a name each, or as columns."""
_SPLITS = frozenset({"train", "test", "dev", "val", "validation", "examples", "metadata", "config"})


def key_of_rows(found: Mapping[str, Any]) -> str:
    """Key of the one list of rows that an object holds; empty where there is none or several.

    >>> key_of_rows({"run": 1, "results": [{"query": "Who sweeps?"}]})
    'results'
    """
    if _is_named(found):
        return "data"
    if rows_by_model(found):
        return BY_KEY
    if inner := _around(found):
        return inner
    if _by_key(found):
        return BY_KEY
    lists = [key for key, value in found.items() if is_rows(value)]
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
    if key == BY_KEY:
        return rows_by_model(found) or _by_key(found)
    rows: list[Any] = found[key]
    if _is_named(found):
        return [dict(zip(found["columns"], row, strict=False)) for row in rows]
    return rows


def _around(found: Mapping[str, Any]) -> str:
    """Key of the one object that holds the rows, as in `{"data": {"rows": [...]}}`; else empty."""
    if any(map(is_rows, found.values())):
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


def _by_key(found: Mapping[str, Any]) -> list[Any]:
    """The rows of an object that is all rows; empty where it is none.

    >>> _by_key({"heron": [{"id": 1, "score": 0.5}], "wren": [{"id": 1, "score": 1.0}]})[1]
    {'model': 'wren', 'id': 1, 'score': 1.0}
    >>> _by_key({"question": ["Who?", "Where?"], "heron": [1, 0]})[0]
    {'question': 'Who?', 'heron': 1}
    >>> _by_key({"Who rows?": {"heron": 1, "wren": 0}, "Who eats?": {"heron": 0, "wren": 0}})[1]
    {'query': 'Who eats?', 'heron': 0, 'wren': 0}
    """
    values = list(found.values())
    if len(values) < 2 or _SPLITS & found.keys():
        return []
    if all(is_rows(value) for value in values):
        rows = [(key, row) for key, value in found.items() for row in value]
        fits = all(is_asked(row) and "model" not in row for _, row in rows)
        is_graded = all(
            any(isinstance(v, bool | int | float) for k, v in row.items() if k not in ASKED)
            for _, row in rows
        )
        return [{"model": key, **row} for key, row in rows] if fits and is_graded else []
    if not all(isinstance(value, list | Mapping) for value in values):
        return []
    if is_asked(found):
        if all(isinstance(value, Mapping) for value in values):  # pandas' columns, by index
            index = list(values[0])
            if not index or any(list(value) != index for value in values):
                return []
            values = [list(value.values()) for value in values]
        n = len(values[0])
        if n < 2 or any(not isinstance(v, list) or len(v) != n for v in values):
            return []
        if any(isinstance(cell, list | Mapping) for value in values for cell in value):
            return []
        return [dict(zip(found, row, strict=True)) for row in zip(*values, strict=True)]
    return _of_queries(found)


def _of_queries(found: Mapping[str, Any]) -> list[Any]:
    """Rows by their query or its id, each with the same keys."""
    rows = [row for row in found.values() if isinstance(row, Mapping)]
    if len(rows) < len(found) or not rows[0] or any(r.keys() != rows[0].keys() for r in rows):
        return []
    numbers = [k for k, v in rows[0].items() if isinstance(v, bool | int | float)]
    are_texts = all(" " in key.strip() for key in found)
    if not numbers or not (is_asked(rows[0]) or (are_texts and len(numbers) == len(rows[0]))):
        return []
    name = "query" if are_texts and not is_asked(rows[0]) else "id"
    return [{name: key, **row} for key, row in found.items()]
