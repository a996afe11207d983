"""Spans of Arize Phoenix: `get_spans_dataframe` as JSON, CSV or Parquet, and `get_spans` as JSON.

Phoenix keeps what requests cost, and exports it in none of these. Read against 20.26.1.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import bare
from routellm_core.importing.feedback import grades_in
from routellm_core.importing.fields import at
from routellm_core.importing.readers.naming import named
from routellm_core.importing.records import column_names, records, structured, unit_of
from routellm_core.importing.spans import CONTENT_OFF, Span, call_of

FRAME = frozenset({"span_kind", "start_time", "end_time", "context.span_id"})
LIST = frozenset({"span_kind", "start_time", "end_time", "context", "attributes"})
_PREFIX = "attributes."


def recognises(path: Path) -> bool:
    """True if the columns or the keys are those of spans."""
    names = column_names(path)
    return names >= FRAME or names >= LIST


def read(path: Path) -> list[Imported]:
    """The requests to models as bare queries, with what they took.

    Raises:
        DataError: damaged, or no span is of a request to a model.
    """
    unit, found = unit_of(path), []
    for number, span, grades in _spans(path):
        call = call_of(span, f"{named(path)}, {unit} {number:,}")
        if call is not None:
            found.append((number, call._replace(grades=grades)))
    if not found:
        raise DataError(f"{named(path)}: no span is of a request to a model; export those of LLMs")
    return [bare(found, path, unit, "Phoenix spans", CONTENT_OFF)]


def _spans(path: Path) -> Iterator[tuple[int, Span, dict[str, float]]]:
    for number, row in records(path):
        attributes = row.get("attributes")
        if not isinstance(attributes, dict):
            attributes = {
                name.removeprefix(_PREFIX): _known(value)
                for name, value in row.items()
                if name.startswith(_PREFIX) and value is not None
            }
        attributes = {"openinference.span.kind": row.get("span_kind"), **attributes}
        span = Span(
            attributes,
            row.get("start_time"),
            row.get("end_time"),
            row.get("status_code") == "ERROR",
            str(row.get("context.span_id") or at(row.get("context"), "span_id") or ""),
            str(row.get("parent_id") or ""),
        )
        yield number, span, grades_in(row)


def _known(value: Any) -> Any:
    """A cell; of messages in Parquet, the fields that are there."""
    if isinstance(value, list):
        return [
            {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item
            for item in value
        ]
    return structured(value) if isinstance(value, str) and value[:1] == "[" else value
