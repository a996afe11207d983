"""A table in a file on this machine: CSV, JSON list, JSON lines or Parquet, by its ending."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from routellm_core.errors import DataError


def read_table(path: Path) -> pd.DataFrame:
    """The whole table; values of a CSV file are the texts they are, an empty one included.

    Raises:
        DataError: absent, of an unknown ending, damaged, or JSON that is no list of objects.
    """
    readers = {
        ".csv": _csv,
        ".json": _json,
        ".jsonl": _json_lines,
        ".parquet": _parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: of no known kind; name it {', '.join(readers)}")
    try:
        table: pd.DataFrame = reader(path)
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: also JSON, CSV, UTF-8
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: cannot be read as {path.suffix} ({reason})") from error
    return table


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _parquet(path: Path) -> pd.DataFrame:
    table: pd.DataFrame = pq.read_table(path).to_pandas()
    return table


def _json(path: Path) -> pd.DataFrame:
    rows = json.loads(path.read_text(encoding="utf-8"))
    return _of_objects(rows if isinstance(rows, list) else [None])


def _json_lines(path: Path) -> pd.DataFrame:
    # Only the line feed ends a line: a query may hold any other separator.
    lines = path.read_text(encoding="utf-8").split("\n")
    return _of_objects([json.loads(line) for line in lines if line.strip()])


def _of_objects(rows: list[object]) -> pd.DataFrame:
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of objects")
    return pd.DataFrame(rows)
