"""Records of any table or JSON as objects, with the structures that stand in their texts."""

import ast
import csv
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from routellm_core.errors import DataError
from routellm_core.importing.readers.json_stream import document, objects, unit
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_columns, read_sample

LONGEST_JSON = 1 << 26
LONGEST_REPR = 1 << 20
"""Characters of a text that is looked at for a structure, in JSON and as Python writes it."""


def column_names(path: Path) -> frozenset[str]:
    """Columns of a table, or keys of the first object, from the start of a file."""
    start = sniff(path)
    if start.keys:
        return start.keys
    if start.kind == "parquet":
        try:
            return frozenset(pq.read_schema(path).names)
        except (pa.ArrowException, OSError, UnicodeError):
            return frozenset()
    if start.kind != "text":
        return frozenset()
    line = start.text.lstrip("\ufeff").partition("\n")[0]
    if len(line) > LONGEST_REPR:
        return frozenset()
    names: set[str] = set()
    for delimiter in ",\t;":
        with suppress(csv.Error):
            for row in csv.reader([line.rstrip("\r")], delimiter=delimiter):
                names.update(name.strip() for name in row)
    return frozenset(names)


def records(
    path: Path, wanted: frozenset[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table, or the objects of JSON, with their numbers from 1.

    Args:
        path: JSON, JSON lines, CSV or Parquet.
        wanted: columns of a table to read; None: all of them.

    Raises:
        DataError: it is neither, or damaged.
    """
    if sniff(path).kind in ("list", "objects"):
        yield from objects(path)
        return
    there = read_sample(path).column_names
    names = [name for name in there if wanted is None or name in wanted]
    table = read_columns(path, names or there[:1])
    at = 0
    for batch in table.data.to_batches(max_chunksize=1_000):
        for row in batch.to_pylist():
            yield int(table.where.row[at]), {k: v for k, v in row.items() if v not in (None, "")}
            at += 1


def unit_of(path: Path) -> str:
    """Name of a record in messages."""
    return unit(path) if sniff(path).kind in ("list", "objects") else "row"


def documents(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects of JSON, also of several indented ones after each other, with their numbers.

    Raises:
        DataError: damaged, or something is no object.
    """
    start = sniff(path)
    first = start.text.lstrip("\ufeff \t\r\n").partition("\n")[0].strip()
    if start.kind != "objects" or first != "{":
        yield from objects(path)
        return
    try:
        yield 1, document(path)
        return
    except DataError as error:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        decoder, at, number = json.JSONDecoder(), _next(text, 0), 0
        while at < len(text):
            try:
                found, at = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                raise error from None
            number += 1
            if isinstance(found, dict):
                yield number, found
            at = _next(text, at)


def structured(value: Any) -> Any:
    """The structure that a text holds, as JSON or as Python writes it; otherwise the value.

    >>> structured("{'model': 'heron', 'n': None}"), structured('[1, 2]'), structured("{no")
    ({'model': 'heron', 'n': None}, [1, 2], '{no')
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text[:1] not in ("{", "[", '"') or len(text) > LONGEST_JSON:
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text[0] == '"' or len(text) > LONGEST_REPR:
        return value
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return value


def whole(value: Any) -> Any:
    """The structure that a text holds; None of one that is cut off, which nobody wrote so.

    >>> whole('[{"role": "user", "content": "Who ro...') is None, whole("Who rows?")
    (True, 'Who rows?')
    """
    found = structured(value)
    cut = isinstance(found, str) and re.match(r"\s*(\[\s*)?\{\s*[\"'][\w.]+[\"']\s*:", found)
    return None if cut else found


def each(record: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The records that an answer of a service holds in `data`; otherwise the one itself."""
    inner = record.get("data")
    if isinstance(inner, list) and "messages" not in record:
        return [(at, item) for at, item in enumerate(inner, start=1) if isinstance(item, dict)]
    return [(0, inner if isinstance(inner, dict) and len(record) <= 2 else record)]


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at
