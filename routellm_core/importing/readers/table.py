"""Some columns of a table, with the names of its columns and rows."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from routellm_core.errors import DataError
from routellm_core.importing.answers import LOOKED_AT
from routellm_core.importing.readers.naming import named
from routellm_core.importing.values import Where

MOST_TITLES = 5
"""Rows below a first title that are looked at for names of columns."""


class Table(NamedTuple):
    """Some columns of a table."""

    data: pa.Table
    where: Where
    notes: tuple[str, ...] = ()
    """Notes for the reader of these columns, one sentence each."""


def numbered(data: pa.Table, path: Path, notes: tuple[str, ...] = ()) -> Table:
    """A table whose rows are counted from 1.

    Raises:
        DataError: it has no row.
    """
    if not data.num_rows:
        raise DataError(f"{named(path)}: has columns but no row; export it again")
    return Table(data, Where(named(path), np.arange(1, data.num_rows + 1)), notes)


def shortened(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """A batch with only the start of the texts of some columns: it tells empty ones and errors."""
    for name in names:
        at = batch.schema.get_field_index(name)
        if at >= 0 and pa.types.is_string(batch.schema.field(at).type):
            start = pc.utf8_slice_codeunits(batch.column(at), 0, LOOKED_AT)
            batch = batch.set_column(at, name, pc.utf8_ltrim_whitespace(start))
    return batch


def column_names(header: Iterable[str | None]) -> list[str]:
    """Names of all columns; one that is empty or taken is numbered.

    >>> column_names(["query", "a", " ", "a"])
    ['query', 'a', 'column 3', 'a (4)']
    """
    names: dict[str, None] = {}
    for number, given in enumerate(header, start=1):
        name = (given or "").strip() or f"column {number}"
        while name in names:
            name = f"{name} ({number})"
        names[name] = None
    return list(names)


def is_title(row: Sequence[str | None], below: Sequence[str | None]) -> bool:
    """True for a row of one text above one of names: a title, and no names of columns.

    >>> is_title(["Our test", "", ""], ["query", "heron", "wren"])
    True
    >>> is_title(["query", "", ""], ["Who rows?", "1", "0"])
    False
    """
    filled = [cell.strip() for cell in below if cell and cell.strip()]
    is_one = len(row) > 1 and sum(bool(cell and cell.strip()) for cell in row) <= 1
    is_number = any(re.fullmatch(r"[-+$]?[\d.,]+%?", cell) for cell in filled)
    return is_one and len(filled) > 1 and not is_number and len(set(filled)) == len(filled)


def check_names(path: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise a `DataError` when a column is missing."""
    absent = [name for name in wanted if name not in there]
    if absent:
        shown = ", ".join(there[:20]) + (", …" if len(there) > 20 else "")
        raise DataError(
            f"{named(path)}: column {', '.join(map(repr, absent))} is missing (there are: "
            f"{shown}); map another one"
        )


def reason(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
