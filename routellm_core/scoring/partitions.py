"""Queries in partitions: Parquet files that are read, scored and lost one by one.

The files of a folder or of a pattern are partitions as they are; queries of any other table are
written as some.
"""

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from routellm_core.errors import DataError
from routellm_core.files import whole
from routellm_core.scoring.tables import Queries, QueryColumns
from routellm_core.types import Ints

PARTITION_ROWS = 1_024
"""Of queries that are written as partitions."""


class Partition(NamedTuple):
    """A Parquet file of queries, and where its rows stand among those of all."""

    path: Path
    first_row: int
    n_rows: int
    content: str
    """Another one when the file holds something else."""


def partitions_of(source: Path) -> list[Partition]:
    """The Parquet files of a folder, those below it too, or of a pattern, by name.

    Names that begin with a dot or an underscore are other programs' notes. A file without rows is
    no partition.

    Raises:
        DataError: there is none, a file is damaged, or none has a row.
    """
    if source.is_dir():
        found = source.rglob("*.parquet")
    else:
        found = Path(source.anchor).glob(str(source.relative_to(source.anchor)))
    paths = sorted(path.resolve() for path in found if path.is_file() and path.name[0] not in "._")
    if not paths:
        raise DataError(f"{source}: no Parquet file is there; check the path")
    partitions, first_row = [], 1
    for path in paths:
        n_rows = _n_rows(path)
        if n_rows:
            stat = path.stat()
            content = f"{path.name} {stat.st_size} {stat.st_mtime_ns}"
            partitions.append(Partition(path, first_row, n_rows, content))
        first_row += n_rows
    if not partitions:
        raise DataError(f"{source}: its {len(paths)} Parquet files have no row; export them anew")
    return partitions


def takes(source: Path, path: Path) -> bool:
    """True where `partitions_of` a source would take a file at the path."""
    source, path = source.resolve(), path.resolve()
    if path.name[0] in "._":
        return False
    if source.is_dir():
        return path.suffix == ".parquet" and path.is_relative_to(source)
    return _fits(path.parts, source.parts)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """True where parts fit a pattern as in `Path.glob`: `**` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _n_rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: is a damaged Parquet file ({reason}); write it anew") from None


def write_partitions(
    queries: Queries, folder: Path, n_partitions: int | None = None
) -> tuple[list[Partition], QueryColumns]:
    """Write queries as partitions into a folder of their own, unless they are there already.

    Args:
        queries: of any table.
        folder: where that folder is made, named after what it holds.
        n_partitions: as even as can be; by default `PARTITION_ROWS` rows each.

    Returns:
        The partitions in order, told apart by what they hold alone, and the columns they have.
    """
    columns = QueryColumns("query", None if queries.ids is None else "query_id")
    arrays = [pa.array(queries.texts, pa.string())]
    if queries.ids is not None:
        arrays.append(pa.array(queries.ids, pa.string()))
    rows = pa.table(arrays, names=[name for name in columns if name is not None])
    wanted = n_partitions or -(-rows.num_rows // PARTITION_ROWS)
    ends = np.linspace(0, rows.num_rows, min(wanted, rows.num_rows) + 1).astype(int)
    held = repr((queries.texts, queries.ids, len(ends)))
    written = folder / f"queries-{digest(held)}"
    if not written.is_dir():
        _write(rows, ends, written)
    return [
        part._replace(content=f"{written.name} {number}")
        for number, part in enumerate(partitions_of(written))
    ], columns


def _write(rows: pa.Table, ends: Ints, folder: Path) -> None:
    try:
        with whole(folder) as aside:
            aside.mkdir(parents=True)
            for number, (start, end) in enumerate(pairwise(ends)):
                pq.write_table(rows.slice(start, end - start), aside / f"part-{number:05}.parquet")
    except OSError as error:
        raise DataError(
            f"{folder.parent} cannot be written ({error}); make room or name another"
        ) from error


def digest(held: str) -> str:
    """A short name for what something holds."""
    return hashlib.sha256(held.encode()).hexdigest()[:16]
