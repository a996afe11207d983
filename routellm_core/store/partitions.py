"""A table that lies in partitions, Parquet files of one form, as one table."""

from collections.abc import Sequence
from pathlib import Path

from routellm_core.store.database import Database, _quoted


def collect(parts: Sequence[Path], output: Path) -> None:
    """Write the rows of all parts into one file, in the order of the parts.

    They stream through: no more is held in memory than a few groups of rows.

    Args:
        parts: Parquet files of the same columns.
        output: that ends in .parquet or .csv.

    Raises:
        StoreError: it cannot be written.
    """
    form = "CSV, HEADER" if output.suffix == ".csv" else "PARQUET"
    target = _quoted(str(output))
    with Database() as memory:
        memory._rows(
            f"COPY (SELECT * FROM read_parquet($parts)) TO '{target}' (FORMAT {form})",
            parts=[str(part) for part in parts],
        )


def means(parts: Sequence[Path], columns: Sequence[str]) -> dict[str, float]:
    """The mean of each named column, of numbers or flags, over the rows of all parts."""
    wanted = ", ".join(f'avg("{name.replace(chr(34), chr(34) * 2)}"::DOUBLE)' for name in columns)
    with Database() as memory:
        row = memory._one(
            f"SELECT {wanted} FROM read_parquet($parts)", parts=[str(part) for part in parts]
        )
    return dict(zip(columns, map(float, row), strict=True))
