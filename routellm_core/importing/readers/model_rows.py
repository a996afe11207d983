"""Rows that lie below their models in an object: `{"models": {"heron": {"results": [...]}}}`."""

from collections.abc import Iterator, Mapping
from typing import Any

ASKED = ("query", "question", "prompt", "input", "id", "query_id", "question_id", "task_id")
OF_MODELS = (
    "models",
    "runs",
    "model_results",
    "results_by_model",
    "by_model",
    "systems",
    "results",
)
"""Keys of an object or list of models with the rows of each."""
OF_ONE = ("results", "rows", "items", "samples", "records", "data", "outcomes", "predictions")
"""Keys of the rows of one model."""
_NAMES = ("model", "model_name", "name", "model_id")


def rows_by_model(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of all models of an object, each with its model; empty where it is none such.

    >>> rows_by_model({"models": {"heron": {"results": [{"id": 1, "score": 0.5}]}}})
    [{'model': 'heron', 'id': 1, 'score': 0.5}]
    >>> rows_by_model({"runs": [{"model": "wren", "results": [{"id": 1, "score": 1}]}]})
    [{'model': 'wren', 'id': 1, 'score': 1}]
    """
    inner = next((found[key] for key in OF_MODELS if key in found), None)
    holders = [inner] if inner is not None else []
    if len(found) > 1 and all(isinstance(value, Mapping) for value in found.values()):
        holders.append(found)
    for holder in holders:
        parts = list(_parts(holder))
        if parts and all(name and rows for name, rows in parts):
            return [{"model": name, **row} for name, rows in parts for row in rows]
    return []


def _parts(holder: Any) -> Iterator[tuple[str, list[Any]]]:
    """Each model with its rows; a name or rows that are missing are empty."""
    if isinstance(holder, Mapping):
        for name, value in holder.items():
            yield str(name), _rows_of(value)
    elif isinstance(holder, list):
        for value in holder:
            if not isinstance(value, Mapping):
                yield "", []
                continue
            name = next((value[n] for n in _NAMES if isinstance(value.get(n), str)), "")
            yield name, _rows_of(value)


def _rows_of(value: Any) -> list[Any]:
    """Rows with a question or an id and without a model of their own."""
    rows = value
    if isinstance(value, Mapping):
        rows = next((value[key] for key in OF_ONE if is_rows(value.get(key))), [])
    fits = is_rows(rows) and all(is_asked(row) and "model" not in row for row in rows)
    return rows if fits else []


def is_asked(row: Mapping[str, Any]) -> bool:
    """True for a row with a question or an id."""
    return any(name in row for name in ASKED)


def is_rows(value: Any) -> bool:
    """True for a list of objects."""
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
