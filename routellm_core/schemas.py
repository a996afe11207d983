"""The agreed form of every table that may enter the store, and the check that says what is off.

A check either gives a typed arrow table or raises a `DataError` naming table, column and rows.
Rows are counted from 1. Columns nobody asked for are left out.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from routellm_core.errors import DataError

ROWS_NAMED = 5


class Column(NamedTuple):
    """The requirements on one column."""

    name: str
    kind: Literal["text", "number", "whole", "flag"]
    needed: bool = True
    """False: the column may be absent, and single values may be missing."""
    low: float = -np.inf
    high: float = np.inf


ARROW_TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "whole": pa.int16(),
    "flag": pa.bool_(),
}

QUERIES = (
    Column("query_id", "text"),
    Column("slice", "text"),
    Column("cluster_id", "text", needed=False),
    Column("contaminated", "flag", needed=False),
    Column("prompt_tokens", "number", needed=False, low=0),
    Column("text_hash", "text", needed=False),
)
USAGE = (
    Column("query_id", "text"),
    Column("model", "text"),
    Column("answer_tokens", "number", needed=False, low=0),
    Column("cost_usd", "number", needed=False, low=0),
    Column("latency_s", "number", needed=False, low=0),
    Column("tenant", "text", needed=False),
)
STRONG_WIN_RATES = (
    Column("query_id", "text"),
    Column("strong_win_rate", "number", low=0, high=1),
    Column("fold", "whole", needed=False, low=-1, high=2**15 - 1),
)
TEXTS = (Column("text_hash", "text"), Column("text", "text"))


def outcome_columns(quality_low: float, quality_high: float) -> tuple[Column, ...]:
    """Columns of outcomes; the quality must lie on the benchmark's own scale."""
    return (
        Column("query_id", "text"),
        Column("model", "text"),
        Column("quality", "number", low=quality_low, high=quality_high),
        Column("answer_tokens", "number", needed=False, low=0),
        Column("cost_usd", "number", needed=False, low=0),
        Column("latency_s", "number", needed=False, low=0),
        Column("state", "text", needed=False),
        *(
            Column(name, "number", needed=False, low=0)
            for name in (
                *("prompt_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"),
            )
        ),
    )


def checked(
    frame: pd.DataFrame, columns: Sequence[Column], table: str, unique: Sequence[str]
) -> pa.Table:
    """The frame as an arrow table with exactly `columns`, absent optional ones filled with nulls.

    Args:
        frame: one row an entry; the index means nothing.
        columns: the agreed form.
        table: how messages call it, for example "outcomes".
        unique: columns that together name a row.

    Raises:
        DataError: no row, a column is missing or of the wrong type, values are missing, infinite or
            off the scale, or a name occurs twice.
    """
    absent = [column.name for column in columns if column.needed and column.name not in frame]
    if absent:
        there = ", ".join(map(str, frame.columns)) or "no column"
        raise DataError(
            f"{table}: column {', '.join(map(repr, absent))} is missing (there are: {there}); "
            "rename or add it"
        )
    if frame.empty:
        raise DataError(f"{table}: there is no row; at least one is needed")
    arrays = [
        _checked_column(frame[column.name], column, table)
        if column.name in frame
        else pa.nulls(len(frame), ARROW_TYPES[column.kind])
        for column in columns
    ]
    repeated = frame.duplicated(list(unique)).to_numpy()
    if repeated.any():
        first = frame.loc[repeated, list(unique)].iloc[0]
        raise DataError(
            f"{table}, column {' + '.join(map(repr, unique))}: the name of an earlier row in "
            f"{_rows(repeated)}, for example {' + '.join(map(str, first))!r}; keep one of each"
        )
    return pa.table(arrays, names=[column.name for column in columns])


def missing_names(given: pa.ChunkedArray, known: pa.ChunkedArray, table: str, column: str) -> None:
    """Raise a `DataError` when a name in `given` is none of the `known` ones."""
    unknown = ~pc.is_in(given, value_set=known.combine_chunks()).to_numpy()
    if unknown.any():
        raise DataError(
            f"{table}, column {column!r}: not among the queries in {_rows(unknown)}, for example "
            f"{given[int(unknown.argmax())].as_py()!r}; add the query or drop the rows"
        )


def _checked_column(values: pd.Series, column: Column, table: str) -> pa.Array:
    where = f"{table}, column {column.name!r}"
    missing = values.isna().to_numpy()
    if column.needed and missing.any():
        raise DataError(f"{where}: no value in {_rows(missing)}; fill or drop them")
    if column.kind == "text":
        return _checked_text(values, missing, where)
    if not (missing.all() and not column.needed):
        _check_dtype(values, column, where)
    if column.kind == "flag":
        return pa.array(values, pa.bool_(), from_pandas=True)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    off = ~missing & ~np.isfinite(numbers)
    if off.any():
        raise DataError(f"{where}: an infinite value in {_rows(off)}; give finite numbers")
    off = (numbers < column.low) | (numbers > column.high)
    if off.any():
        raise DataError(
            f"{where}: outside {_scale(column)} in {_rows(off)}, for example {numbers[off][0]:g}; "
            "rescale the column or correct the rows"
        )
    return pa.array(numbers, ARROW_TYPES[column.kind], mask=missing)


def _checked_text(values: pd.Series, missing: np.ndarray, where: str) -> pa.Array:
    try:
        array = pa.array(values, pa.string(), from_pandas=True)
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        other = np.array([not _is_utf8(value) for value in values]) & ~missing
        example = values[other].iloc[0]
        raise DataError(
            f"{where}: no text in {_rows(other)}, for example {type(example).__name__} "
            f"{example!r}; turn the column into text"
        ) from None
    empty = values.eq("").fillna(False).to_numpy(dtype=bool)
    if empty.any():
        raise DataError(f"{where}: empty in {_rows(empty)}; fill or drop them")
    return array


def _check_dtype(values: pd.Series, column: Column, where: str) -> None:
    dtype = values.dtype
    flag = pd.api.types.is_bool_dtype(dtype)
    if column.kind == "flag" and not flag:
        raise DataError(f"{where}: holds {dtype}; use True and False")
    if column.kind == "number" and (flag or not pd.api.types.is_numeric_dtype(dtype)):
        hint = "map True to 1 and False to 0" if flag else "turn the column into numbers"
        raise DataError(f"{where}: holds {dtype}, not numbers; {hint}")
    if column.kind == "whole":
        whole = pd.api.types.is_integer_dtype(dtype) or (
            pd.api.types.is_float_dtype(dtype) and (values.dropna() % 1 == 0).all()
        )
        if not whole:
            raise DataError(f"{where}: holds {dtype}, not whole numbers; round the column")


def _is_utf8(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False


def _scale(column: Column) -> str:
    high = f"to {column.high:g}" if np.isfinite(column.high) else "and up"
    return f"{column.low:g} {high}"


def _rows(mask: np.ndarray) -> str:
    """The number of marked rows, and which they are, as `3 rows (2, 5, 9)`."""
    rows = np.flatnonzero(mask) + 1
    named = ", ".join(map(str, rows[:ROWS_NAMED])) + (", …" if len(rows) > ROWS_NAMED else "")
    return f"1 row ({named})" if len(rows) == 1 else f"{len(rows):,} rows ({named})"


BATTLE_COLUMNS = ("query", "model_a", "model_b", "winner", "judge", "source")
WINNERS = ("model_a", "model_b", "tie")
WIN_A = {"model_a": 1.0, "tie": 0.5, "model_b": 0.0}


def checked_battles(
    frame: pd.DataFrame, table: str = "battles", *, drop_unjudged: bool = False
) -> pd.DataFrame:
    """The frame with exactly the agreed columns, when every row is a battle.

    Args:
        frame: has the columns query, model_a, model_b, winner, judge and source.
        table: how messages call it, for example the file's name.
        drop_unjudged: leave out the rows without a winner.

    Raises:
        DataError: no row, a missing column or value, an unknown winner, a model that battles
            itself, or one model only.
    """
    columns = [Column(c, "text", needed=c != "winner" or not drop_unjudged) for c in BATTLE_COLUMNS]
    chosen = frame[[c for c in BATTLE_COLUMNS if c in frame]].assign(row=np.arange(len(frame)))
    battles: pd.DataFrame = checked(chosen, columns, table, ["row"]).to_pandas()
    judged = battles["winner"].notna().to_numpy()
    _refuse(
        judged & ~battles["winner"].isin(WINNERS).to_numpy(),
        battles["winner"],
        f"{table}, column 'winner': no known verdict",
        "use model_a, model_b or tie, or drop the rows",
    )
    models = pd.unique(battles[["model_a", "model_b"]].to_numpy().ravel())
    if len(models) == 1:
        raise DataError(
            f"{table}, columns 'model_a' and 'model_b': {models[0]!r} is the only model in all "
            f"{len(battles):,} rows; add battles between two models"
        )
    _refuse(
        (battles["model_a"] == battles["model_b"]).to_numpy(),
        battles["model_a"],
        f"{table}, columns 'model_a' and 'model_b': a model battles itself",
        "name two models a row or drop the rows",
    )
    if not judged.any():
        raise DataError(
            f"{table}, column 'winner': no verdict in any of {len(battles):,} rows; at least one "
            "is needed"
        )
    return battles[judged].reset_index(drop=True)


def _refuse(rows: np.ndarray, example: pd.Series, wrong: str, remedy: str) -> None:
    """Raise a `DataError` when any row is marked, naming how many, which, and what they hold."""
    marked = np.flatnonzero(rows)
    if not len(marked):
        return
    named = ", ".join(str(row + 1) for row in marked[:ROWS_NAMED])
    named += ", …" if len(marked) > ROWS_NAMED else ""
    plural = "row" if len(marked) == 1 else "rows"
    raise DataError(
        f"{wrong} in {len(marked):,} {plural} ({named}), "
        f"for example {example.iloc[marked[0]]!r}; {remedy}"
    )
