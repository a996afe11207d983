"""The first sheet of an Excel file that holds a table; formulas are not worked out."""

import zipfile
import zlib
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.errors import DataError, MissingPackageError
from routellm_core.importing.readers import zip_limits

# What openpyxl lets through of a damaged file.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, ParseError, OSError, EOFError, ValueError, TypeError),
    *(LookupError, AttributeError, NotImplementedError, RuntimeError, AssertionError),
    OverflowError,
)


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is an Excel file."""
    return any(name.startswith("xl/") for name in zip_limits.names(path))


def read(
    path: Path, n_rows: int | None = None
) -> tuple[pa.Table, NDArray[np.int64], tuple[str, ...]]:
    """All columns as texts, the number of each row below the header, and notes.

    Raises:
        DataError: it is no Excel file, damaged, or a row is longer than the header.
        MissingPackageError: openpyxl is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"{path.name} is an Excel file, which needs openpyxl: pip install openpyxl==3.1.5"
        ) from error
    if not is_workbook(path):
        raise DataError(f"{path.name}: is an archive and no Excel file; unpack it or name --format")
    zip_limits.check(path)
    try:
        # Opened here, so that openpyxl does not judge it by its name.
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=False)
            for sheet in book.worksheets:
                sheet.reset_dimensions()
                rows = _rows(sheet, n_rows)
                if rows:
                    break
            else:
                raise DataError(f"{path.name}: no sheet holds a table; export it anew")
            notes = _which(path, sheet.title, len(book.worksheets))
    except DataError:
        raise
    except (*_DAMAGE, openpyxl.utils.exceptions.InvalidFileException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path.name}: is no whole Excel file ({reason}); save it anew") from None
    return *_table(path, rows), notes


def _rows(sheet: Any, n_rows: int | None) -> list[tuple[int, list[str | None]]]:
    """Number and texts of each row that holds anything; the header first."""
    rows: list[tuple[int, list[str | None]]] = []
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = [_text(value) for value in row]
        if any(text is not None for text in texts):
            rows.append((number, texts))
            if n_rows is not None and len(rows) > n_rows:
                break
    return rows


def _table(
    path: Path, rows: list[tuple[int, list[str | None]]]
) -> tuple[pa.Table, NDArray[np.int64]]:
    (above, header), *body = rows
    names: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(header, start=1):
        name = (name or "").strip() or f"column {number}"
        name = name if name not in taken else f"{name} ({number})"
        names.append(name)
        taken.add(name)
    width = len(names)
    row = np.array([number - above for number, _ in body], dtype=np.int64)
    for number, texts in body:
        if any(text is not None for text in texts[width:]):
            raise DataError(
                f"{path.name}, row {number - above}: has more values than the {width} column names "
                "above; name every column"
            )
    columns = [
        pa.array([texts[i] if i < len(texts) else None for _, texts in body], pa.string())
        for i in range(width)
    ]
    return pa.table(columns, names), row


def _which(path: Path, title: str, n_sheets: int) -> tuple[str, ...]:
    if n_sheets == 1:
        return ()
    return (f"Of the {n_sheets} sheets of {path.name} only {title!r} was read.",)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)
