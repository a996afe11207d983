"""Columns of a text with a separator: CSV, TSV and their like, in any encoding.

It is read in blocks and only the chosen columns are kept. Every value is a text, a formula too.
"""

import csv
import io
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from routellm_core.errors import DataError
from routellm_core.importing.readers.counted_reads import open_watched
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import LOOKED_AT, encoding_of, sniff
from routellm_core.importing.readers.table import (
    MOST_TITLES,
    Table,
    check_names,
    column_names,
    is_title,
    numbered,
    reason,
    shortened,
)
from routellm_core.importing.values import Where

DELIMITERS = ",\t;|"
LARGEST_ROW = 1 << 28
_BLOCK = 1 << 23
_NO_DELIMITER = "\x1f"


class _Header(NamedTuple):
    delimiter: str
    names: list[str]
    n_lines: int
    """Lines of the file up to the first row."""


def read(path: Path, names: Sequence[str], looked_at: Sequence[str] = ()) -> Table:
    """All rows of the columns named; of those in `looked_at` the start.

    Raises:
        DataError: a column is missing, there is no row, or a row is longer or shorter than others.
    """
    header = _header(path)
    check_names(path, header.names, names)
    if len(sniff(path).text.splitlines()) <= header.n_lines:
        raise DataError(f"{named(path)}: has columns but no row; export it again")
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
                data = pa.Table.from_batches(
                    [shortened(batch, looked_at) for batch in reader], reader.schema
                )
            break
        except (pa.ArrowException, UnicodeError, OSError) as error:
            if "straddl" in str(error) and size < LARGEST_ROW:
                size *= 8  # a row is longer than a block
                continue
            raise DataError(
                f"{named(path)}: is no CSV table ({reason(error)}); save it again"
            ) from None
    if off:
        where = Where(named(path), np.array([row for row, _, _ in off]))
        raise DataError(
            f"{named(path)}: another number of values than the header in "
            f"{where.rows(np.ones(len(off), dtype=bool))}, for example {off[0][1]} for {off[0][2]} "
            f"in row {off[0][0]:,}; quote values that hold the separator, or drop the rows"
        )
    return numbered(data.select(list(names)), path, (note,) if note else ())


def read_sample(path: Path, n_rows: int) -> pa.Table:
    """The first rows with all columns, as far as the first megabyte holds them.

    Raises:
        DataError: it has no line of column names.
    """
    header, text = _header(path), sniff(path).text
    if len(text.splitlines()) <= header.n_lines:
        return pa.schema([(name, pa.string()) for name in header.names]).empty_table()
    lines = text[: text.rfind("\n") + 1] if len(text) > LOOKED_AT // 4 else text
    content = io.BytesIO(lines.encode("utf-8", "replace"))
    try:
        with _open_csv(content, header, "utf-8", _BLOCK, lambda _: "skip") as reader:
            return reader.read_all().slice(0, n_rows)
    except (pa.ArrowException, UnicodeError) as error:
        raise DataError(
            f"{named(path)}: is no CSV table ({reason(error)}); save it again"
        ) from None


def _header(path: Path) -> _Header:
    """The first line that holds anything; a name that is empty or taken is numbered."""
    text = sniff(path).text
    first = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter not in first:
        delimiter = _NO_DELIMITER
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        given, n_lines = next((row, reader.line_num) for row in reader if row)
    except (csv.Error, StopIteration) as error:
        raise DataError(f"{named(path)}: has no line of column names ({error}); add one") from None
    return _Header(delimiter, *_below_titles(reader, column_names(given), given, n_lines))


def _below_titles(
    reader: Any, names: list[str], given: list[str], n_lines: int
) -> tuple[list[str], int]:
    """Names of the columns, and the lines up to the first row, past titles above them."""
    above = [given]
    with suppress(csv.Error):
        for row in itertools.islice(reader, MOST_TITLES):
            if all(is_title(title, row) for title in above):
                return column_names(row), reader.line_num
            above.append(row)
    return names, n_lines


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
