"""Chosen columns of a file that holds a table, whatever the file is called.

It is `delimited` text, a list or lines of JSON objects, Parquet, or a `spreadsheet`. Text and JSON
are read in blocks and only the chosen columns are kept, so that long answers beside them cost no
memory.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from routellm_core.errors import DataError
from routellm_core.importing.answers import LOOKED_AT
from routellm_core.importing.readers import delimited, spreadsheet
from routellm_core.importing.readers.counted_reads import report
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import MOST_LOOKED_AT, encoding_of, sniff
from routellm_core.importing.readers.table import (
    Table,
    check_names,
    numbered,
    reason,
    shortened,
)
from routellm_core.importing.values import Where
from routellm_core.jobs.progress import Progress

SAMPLED = 200
LARGEST_UNPACKED = 1 << 31
"""Bytes in memory of the chosen columns of a Parquet file."""
_JSON_ROWS = 50_000
_PARQUET_ROWS = 1 << 16


def read_sample(path: Path) -> pa.Table:
    """The first rows with all columns; the columns of JSON are those that these rows have.

    Raises:
        DataError: it is no table, or damaged from the start.
    """
    kind = _kind(path)
    if kind == "text":
        return delimited.read_sample(path, SAMPLED)
    if kind == "spreadsheet":
        return spreadsheet.read(path, SAMPLED).data
    if kind == "parquet":
        with _parquet(path) as file:
            batch = next(file.iter_batches(SAMPLED), None)
            if batch is not None:
                batch.validate(full=True)
            schema = file.schema_arrow
            return pa.Table.from_batches([] if batch is None else [batch], schema)
    if kind == "objects" and not sniff(path).first and sniff(path).keys:
        raise DataError(
            f"{named(path)}: its first object is no row of a table: longer than "
            f"{MOST_LOOKED_AT:,} bytes; export it as JSON lines"
        )
    rows = [row for _, row in zip(range(SAMPLED), objects(path), strict=False)]
    names = list(dict.fromkeys(name for row in rows for name in row[1]))
    return pa.table({name: _json_cells(row.get(name) for _, row in rows) for name in names})


def read_columns(path: Path, names: Sequence[str], looked_at: Sequence[str] = ()) -> Table:
    """All rows of the columns named; every value of CSV, JSON and a spreadsheet is a text.

    Of the columns in `looked_at` only the start is kept where they are long texts.

    Raises:
        DataError: it is no table, a column is missing, or a row is damaged.
    """
    kind = _kind(path)
    if kind == "text":
        return delimited.read(path, names, looked_at)
    if kind == "spreadsheet":
        whole = spreadsheet.read(path)
        check_names(path, whole.data.column_names, names)
        return whole._replace(data=whole.data.select(list(names)))
    if kind == "parquet":
        with _parquet(path) as file:
            check_names(path, file.schema_arrow.names, names)
            return numbered(_unpacked(path, file, names, looked_at), path)
    return _json(path, names, looked_at)


def read_typed(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """All rows of those columns among `names` that are there, with the types JSON and Parquet have.

    A value of CSV or a spreadsheet is a text, and missing where the cell is empty.

    Raises:
        DataError: it is no table, or a row is damaged.
    """
    if _kind(path) in ("list", "objects"):
        rows = [{name: row[name] for name in names if name in row} for _, row in objects(path)]
        return pd.DataFrame(rows)
    columns = read_sample(path).column_names
    there = [name for name in names if name in columns]
    if not there:
        return pd.DataFrame()
    data = read_columns(path, there).data
    if _kind(path) != "parquet":
        for at, name in enumerate(data.column_names):
            filled = pc.if_else(pc.equal(data[name], ""), None, data[name])
            data = data.set_column(at, name, filled)
    frame: pd.DataFrame = data.to_pandas(ignore_metadata=True)
    return frame


def _kind(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"there is no file {path}; check the path")
    kind = sniff(path).kind
    if kind == "empty":
        raise DataError(f"{named(path)}: is empty; export it again")
    if kind == "pickle":
        raise DataError(
            f"{named(path)}: is a pickle, which can run code when it is opened, so it is not; save "
            "it as CSV or Parquet"
        )
    if kind == "zip":
        raise DataError(
            f"{named(path)}: is an archive and no spreadsheet; unpack it, or save it again if it "
            "was one"
        )
    if kind == "other":
        raise DataError(
            f"{named(path)}: is no table: neither text in a known encoding, nor Parquet, nor a "
            "spreadsheet; save it as one of these"
        )
    return kind


# JSON


def _json(path: Path, names: Sequence[str], looked_at: Sequence[str]) -> Table:
    parts: list[pa.Table] = []
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    seen: set[str] = set()

    def keep() -> None:
        parts.append(pa.table({name: _json_cells(row.get(name) for row in rows) for name in names}))
        rows.clear()

    for number, item in objects(path):
        seen.update(name for name in names if name in item)
        row = {name: item[name] for name in names if name in item}
        for name in looked_at:
            if isinstance(row.get(name), str):
                row[name] = row[name].strip()[:LOOKED_AT]
        rows.append(row)
        numbers.append(number)
        if len(rows) == _JSON_ROWS:
            keep()
    keep()
    check_names(path, sorted(seen), names)
    where = Where(named(path), np.array(numbers, np.int64), unit(path))
    note = encoding_of(path)[1]
    return Table(pa.concat_tables(parts), where, (note,) if note else ())


def _json_cells(values: Iterable[Any]) -> pa.Array:
    try:
        return pa.array([_json_text(value) for value in values], pa.string())
    except UnicodeEncodeError:
        raise DataError(
            "a text of the file holds half a character (a lone surrogate); write it again as UTF-8"
        ) from None


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return str(value[0])  # the first of several turns
    return json.dumps(value, ensure_ascii=False)


# Parquet


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if len(set(names)) < len(names):
                raise DataError(f"{named(path)}: has two columns of one name; rename one")
            yield file
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise DataError(
            f"{named(path)}: is a damaged Parquet file ({reason(error)}); write it again"
        ) from None


def _unpacked(
    path: Path, file: pq.ParquetFile, names: Sequence[str], looked_at: Sequence[str]
) -> pa.Table:
    """Some columns, a batch at a time: a small file can unpack to more than memory holds."""
    schema = pa.schema([_decoded(file.schema_arrow.field(name)) for name in names])
    batches, n_rows, n_bytes = [], 0, 0
    for packed in file.iter_batches(_PARQUET_ROWS, columns=list(names)):
        packed.validate(full=True)  # bytes that are no text, also deep in structures
        batch = pa.RecordBatch.from_arrays(
            [_as_type(packed[field.name], field.type) for field in schema], schema=schema
        )
        batch = shortened(batch, looked_at)
        n_rows += batch.num_rows
        n_bytes += batch.nbytes
        if n_bytes > LARGEST_UNPACKED:
            raise DataError(
                f"{named(path)}: unpacks to more than {LARGEST_UNPACKED:,} bytes by row {n_rows:,} "
                f"of {file.metadata.num_rows:,}; import it in parts"
            )
        batches.append(batch)
        report(Progress(f"reading {named(path)}", n_rows, file.metadata.num_rows))
    return pa.Table.from_batches(batches, schema)


def _as_type(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cells of a type; a cast to their own breaks lists of structures with a column of nulls."""
    return cells if cells.type == kind else cells.cast(kind)


def _decoded(field: pa.Field) -> pa.Field:
    is_dictionary = pa.types.is_dictionary(field.type)
    return field.with_type(field.type.value_type) if is_dictionary else field
