"""Tables of queries in, tables of scores out: the same for every engine that scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import values
from routellm_core.importing.formats import table
from routellm_core.importing.readers.tables import read_columns
from routellm_core.metrics.curve import calls_strong
from routellm_core.types import Floats


class QueryColumns(NamedTuple):
    """The columns of a table that hold queries and their ids."""

    query: str
    query_id: str | None = None


class Queries(NamedTuple):
    """Queries as a table has them, in its order."""

    texts: list[str]
    ids: list[str] | None
    """None where no column holds any."""


def columns_of(path: Path, column: str | None = None) -> QueryColumns:
    """The columns of queries and of their ids, as the names and the first rows tell.

    Args:
        path: of any kind that `tabular` reads.
        column: that holds the queries; by default the one that looks like it.

    Raises:
        DataError: it is no table, or no column looks like queries.
    """
    mapping, sample = table.guessed(path)
    name = column or mapping.query
    if name is None:
        there = ", ".join(sample.column_names[:20]) or "none"
        raise DataError(f"{path.name}: no column looks like queries (there are: {there}); --column")
    return QueryColumns(name, mapping.query_id if mapping.query_id != name else None)


def read_queries(path: Path, columns: QueryColumns) -> Queries:
    """The queries of a table; an empty cell is an empty query.

    Raises:
        DataError: it is damaged, has no row, or lacks a column.
    """
    data = read_columns(path, [name for name in columns if name is not None]).data
    texts = [text or "" for text in values.texts(data[columns.query]).to_pylist()]
    if columns.query_id is None:
        return Queries(texts, None)
    return Queries(texts, values.texts(data[columns.query_id]).to_pylist())


def scored_table(
    rates: Mapping[str, Floats],
    ids: Sequence[str] | None,
    alpha: float | None = None,
    first_row: int = 1,
) -> pd.DataFrame:
    """A row a query: its number, its id where it has one, a strong win rate a router.

    Args:
        rates: of each router (n_queries,) in [0, 1].
        ids: (n_queries,) of the queries.
        alpha: adds `<router> calls_strong`, what this threshold decides.
        first_row: number of the first query.
    """
    n_queries = len(next(iter(rates.values())))
    frame = pd.DataFrame({"row": np.arange(first_row, first_row + n_queries)})
    if ids is not None:
        frame["query_id"] = pd.Series(ids, dtype="str")
    for name, of_router in rates.items():
        frame[name] = of_router
        if alpha is not None:
            frame[f"{name} calls_strong"] = calls_strong(of_router, alpha)
    return frame
