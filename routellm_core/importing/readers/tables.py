"""Chosen columns of a file that holds a table: CSV, TSV, JSON, JSON lines, Parquet or Excel.

CSV and JSON are read in blocks and only the chosen columns are kept, so that long answers beside
them cost no memory. Every value of CSV, JSON and Excel is a text; a formula is the text it is.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from routellm_core.errors import DataError
from routellm_core.importing.readers import excel
from routellm_core.importing.readers.counted_reads import open_watched, told
from routellm_core.importing.readers.json_stream import objects
from routellm_core.importing.readers.sniffing import LOOKED_AT, beginning, encoding_of
from routellm_core.importing.values import Where
from routellm_core.jobs.progress import Progress

SAMPLED = 200
LARGEST_ROW = 1 << 28
LARGEST_UNPACKED = 1 << 31
"""Bytes in memory of the chosen columns of a Parquet file."""
DELIMITERS = ",\t;|"
_BLOCK = 1 << 23
_JSON_ROWS = 50_000
_PARQUET_ROWS = 1 << 16
_NO_DELIMITER = "\x1f"


class Table(NamedTuple):
    """Some columns of a table."""

    data: pa.Table
    where: Where
    notes: tuple[str, ...] = ()


def read_sample(path: Path) -> pa.Table:
    """The first rows with all columns; the columns of JSON are those that these rows have.

    Raises:
        DataError: it is no table, or damaged from the beginning.
    """
    kind = _kind(path)
    if kind == "text":
        return _csv_sample(path)
    if kind == "parquet":
        with _parquet(path) as file:
            batch = next(file.iter_batches(SAMPLED), None)
            schema = file.schema_arrow
            return pa.Table.from_batches([] if batch is None else [batch], schema)
    if kind == "zip":
        return excel.read(path, SAMPLED)[0]
    rows = [row for _, row in zip(range(SAMPLED), objects(path), strict=False)]
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    return pa.table({name: _json_cells(row.get(name) for _, row in rows) for name in names})


def read_columns(path: Path, names: Sequence[str]) -> Table:
    """All rows with the columns named.

    Raises:
        DataError: it is no table, a column is missing, or a row is damaged.
    """
    kind = _kind(path)
    if kind == "text":
        return _csv(path, names)
    if kind == "parquet":
        with _parquet(path) as file:
            _check_names(path, file.schema_arrow.names, names)
            return _numbered(_unpacked(path, file, names), path)
    if kind == "zip":
        whole, row, notes = excel.read(path)
        _check_names(path, whole.column_names, names)
        return Table(whole.select(list(names)), Where(path.name, row), notes)
    return _json(path, names, "item" if kind == "list" else "line")


def _kind(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"there is no file {path}; check the path")
    kind = beginning(path).kind
    if kind == "empty":
        raise DataError(f"{path.name}: is empty; export it anew")
    if kind == "pickle":
        raise DataError(
            f"{path.name}: is a pickle, which can run code when it is opened, so it is not; save "
            "it as CSV or Parquet"
        )
    if kind == "other":
        raise DataError(
            f"{path.name}: is no table: neither UTF-8, UTF-16 or Windows-1252 text, nor Parquet or "
            "Excel; save it as one of these"
        )
    return kind


# CSV


class _Header(NamedTuple):
    delimiter: str
    names: list[str]
    n_lines: int
    """Lines of the file up to the first row."""


def _csv(path: Path, names: Sequence[str]) -> Table:
    header = _header(path)
    _check_names(path, header.names, names)
    if not _csv_sample(path).num_rows and len(beginning(path).text.splitlines()) <= header.n_lines:
        raise DataError(f"{path.name}: has columns but no row; export it anew")
    encoding, note = encoding_of(path)
    off: list[tuple[int, int, int]] = []

    def ragged(row: Any) -> str:
        off.append((row.number - header.n_lines, row.actual_columns, row.expected_columns))
        return "skip"

    size = _BLOCK
    while True:
        off.clear()
        try:
            with (
                open_watched(path) as file,
                _open_csv(file, header, encoding, size, ragged, names) as reader,
            ):
                data = reader.read_all()
            break
        except (pa.ArrowException, UnicodeError, OSError) as error:
            if "straddl" in str(error) and size < LARGEST_ROW:
                size *= 8  # a row is longer than a block
                continue
            raise DataError(
                f"{path.name}: is no CSV table ({_reason(error)}); save it anew"
            ) from None
    if off:
        where = Where(path.name, np.array([row for row, _, _ in off]))
        raise DataError(
            f"{path.name}: another number of values than the header in "
            f"{where.rows(np.ones(len(off), dtype=bool))}, for example {off[0][1]} for {off[0][2]} "
            f"in row {off[0][0]:,}; quote values that hold the separator, or drop the rows"
        )
    return _numbered(data.select(list(names)), path, (note,) if note else ())


def _csv_sample(path: Path) -> pa.Table:
    header, text = _header(path), beginning(path).text
    if len(text.splitlines()) <= header.n_lines:
        return pa.schema([(name, pa.string()) for name in header.names]).empty_table()
    lines = text[: text.rfind("\n") + 1] if len(text) > LOOKED_AT // 4 else text
    content = io.BytesIO(lines.encode("utf-8", "replace"))
    try:
        with _open_csv(content, header, "utf-8", _BLOCK, lambda _: "skip") as reader:
            return reader.read_all().slice(0, SAMPLED)
    except (pa.ArrowException, UnicodeError) as error:
        raise DataError(f"{path.name}: is no CSV table ({_reason(error)}); save it anew") from None


def _header(path: Path) -> _Header:
    """The first line that holds anything; a name that is empty or taken is numbered."""
    text = beginning(path).text
    first = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter not in first:
        delimiter = _NO_DELIMITER
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        given = next(row for row in reader if row)
    except (csv.Error, StopIteration) as error:
        raise DataError(f"{path.name}: has no line of column names ({error}); add one") from None
    names: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(given, start=1):
        name = name.strip() or f"column {number}"
        name = name if name not in taken else f"{name} ({number})"
        names.append(name)
        taken.add(name)
    return _Header(delimiter, names, reader.line_num)


def _open_csv(
    source: Any,
    header: _Header,
    encoding: str,
    block_size: int,
    ragged: Callable[[Any], str],
    names: Sequence[str] | None = None,
) -> Any:
    return pyarrow.csv.open_csv(
        source,
        # Rows that one thread reads are counted, so that messages can name them.
        read_options=pyarrow.csv.ReadOptions(
            encoding=encoding.removesuffix("-sig"),
            block_size=block_size,
            use_threads=False,
            column_names=header.names,
            skip_rows=header.n_lines,
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=ragged
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(header.names, pa.string()),
            strings_can_be_null=False,
            include_columns=None if names is None else list(names),
        ),
    )


# JSON


def _json(path: Path, names: Sequence[str], unit: str) -> Table:
    parts: list[pa.Table] = []
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    seen: set[str] = set()

    def keep() -> None:
        parts.append(pa.table({name: _json_cells(row.get(name) for row in rows) for name in names}))
        rows.clear()

    for number, item in objects(path):
        seen.update(name for name in names if name in item)
        rows.append({name: item[name] for name in names if name in item})
        numbers.append(number)
        if len(rows) == _JSON_ROWS:
            keep()
    keep()
    _check_names(path, sorted(seen), names)
    return Table(pa.concat_tables(parts), Where(path.name, np.array(numbers, np.int64), unit))


def _json_cells(values: Iterable[Any]) -> pa.Array:
    try:
        return pa.array([_json_text(value) for value in values], pa.string())
    except UnicodeEncodeError:
        raise DataError(
            "a text of the file holds half a character (a lone surrogate); write it anew as UTF-8"
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
                raise DataError(f"{path.name}: has two columns of one name; rename one")
            yield file
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise DataError(
            f"{path.name}: is a damaged Parquet file ({_reason(error)}); write it anew"
        ) from None


def _unpacked(path: Path, file: pq.ParquetFile, names: Sequence[str]) -> pa.Table:
    """Some columns, a batch at a time: a small file can unpack to more than memory holds."""
    schema = pa.schema([_decoded(file.schema_arrow.field(name)) for name in names])
    batches, n_rows, n_bytes = [], 0, 0
    for packed in file.iter_batches(_PARQUET_ROWS, columns=list(names)):
        batch = pa.RecordBatch.from_arrays(
            [packed[field.name].cast(field.type) for field in schema], schema=schema
        )
        n_rows += batch.num_rows
        n_bytes += batch.nbytes
        if n_bytes > LARGEST_UNPACKED:
            raise DataError(
                f"{path.name}: unpacks to more than {LARGEST_UNPACKED:,} bytes by row {n_rows:,} "
                f"of {file.metadata.num_rows:,}; import it in parts"
            )
        batches.append(batch)
        told(Progress(f"reading {path.name}", n_rows, file.metadata.num_rows))
    return pa.Table.from_batches(batches, schema)


def _decoded(field: pa.Field) -> pa.Field:
    is_dictionary = pa.types.is_dictionary(field.type)
    return field.with_type(field.type.value_type) if is_dictionary else field


def _check_names(path: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in there]
    if absent:
        shown = ", ".join(there[:20]) + (", …" if len(there) > 20 else "")
        raise DataError(
            f"{path.name}: column {', '.join(map(repr, absent))} is missing (there are: {shown}); "
            "map another one"
        )


def _numbered(data: pa.Table, path: Path, notes: tuple[str, ...] = ()) -> Table:
    if not data.num_rows:
        raise DataError(f"{path.name}: has columns but no row; export it anew")
    return Table(data, Where(path.name, np.arange(1, data.num_rows + 1)), notes)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
