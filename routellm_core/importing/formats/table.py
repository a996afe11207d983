"""Any table of queries: CSV, TSV, JSON, JSON lines, Parquet or a spreadsheet, of any columns.

What its columns mean is a `ColumnMapping`: guessed, or given by the user.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing import Imported, values
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.columns import ColumnMapping, guess, holds_battles, is_told
from routellm_core.importing.readers.table import Table
from routellm_core.importing.readers.tables import read_columns, read_sample
from routellm_core.importing.said import spoken
from routellm_core.importing.values import Where

SHOWN = 8


def recognises(path: Path) -> bool:
    """True for a table with a column of queries, and not one of battles."""
    try:
        sample = read_sample(path)
    except DataError:
        return False
    columns = sample.column_names
    return not holds_battles(columns) and is_told(guess(columns, sample))


def guessed(path: Path) -> tuple[ColumnMapping, pa.Table]:
    """Guessed meaning of the columns of a file, and its first rows to show beside it.

    Raises:
        DataError: it is no table.
    """
    sample = read_sample(path)
    return guess(sample.column_names, sample), sample


def read(path: Path, mapping: ColumnMapping | None = None) -> list[Imported]:
    """The one benchmark, or set of bare queries, in a table.

    Args:
        path: of any kind named above; which one is read from its first bytes.
        mapping: what its columns are; guessed when None.

    Raises:
        DataError: no column holds queries, a column is missing, or a row is off.
    """
    if mapping is None:
        mapping, sample = guessed(path)
        if mapping.query is None and mapping.query_id is None:
            shown = ", ".join(sample.column_names[:20]) or "none"
            raise DataError(
                f"{path.name}: no column looks like queries (there are: {shown}); name one 'query'"
            )
    rows, where, notes = rows_of(path, mapping)
    card = Card(path.stem, f"a table, {path.name}", scale=mapping.scale, measure=mapping.measure)
    return [assembled(rows, where, card, notes)]


def rows_of(path: Path, mapping: ColumnMapping) -> tuple[pd.DataFrame, Where, list[str]]:
    """The rows of a table as `assembling.assembled` takes them, their numbers, and notes.

    Raises:
        DataError: a column is missing, or a cell is off.
    """
    table = read_columns(path, mapping.columns())
    rows, where = (_wide if mapping.wide else _long)(table, mapping, path)
    return rows, where, [*table.notes, _read_as(mapping)]


def _long(table: Table, mapping: ColumnMapping, path: Path) -> tuple[pd.DataFrame, Where]:
    data, where = table.data, table.where
    rows = _names(data, mapping)
    if mapping.model is not None:
        rows["model"] = values.texts(data[mapping.model]).to_pandas()
    if mapping.quality is not None:
        rows["quality"] = values.numbers(data[mapping.quality], where, mapping.quality, "quality")
        if mapping.model is None:
            rows["model"] = mapping.one_model or path.stem
    amounts = {
        "prompt_tokens": mapping.prompt_tokens,
        "answer_tokens": mapping.answer_tokens,
        "cost_usd": mapping.cost_usd,
        "latency_s": mapping.latency,
    }
    for name, column in amounts.items():
        if column is not None:
            rows[name] = values.numbers(data[column], where, column)
    return _in_seconds(rows, mapping), where


def _wide(table: Table, mapping: ColumnMapping, path: Path) -> tuple[pd.DataFrame, Where]:
    """The models' rows one below the other, each with its number in the file."""
    data, where = table.data, table.where
    n, models = len(where.row), mapping.wide
    one = _names(data, mapping)
    if mapping.prompt_tokens is not None:
        one["prompt_tokens"] = values.numbers(
            data[mapping.prompt_tokens], where, mapping.prompt_tokens
        )
    if "query_id" not in one:  # rows of one text are queries of their own
        width = len(str(int(where.row.max())))
        one["query_id"] = [f"{row:0{width}d}" for row in where.row]
    _check_once(one["query_id"], where)
    again = np.tile(np.arange(n), len(models))
    rows = one.take(again).reset_index(drop=True)
    rows["model"] = pd.Categorical.from_codes(
        np.repeat(np.arange(len(models)), n), [model.model for model in models]
    )
    rows["quality"] = np.concatenate(
        [values.numbers(data[model.quality], where, model.quality, "quality") for model in models]
    )
    for name, field in (("answer_tokens", 2), ("cost_usd", 3), ("latency_s", 4)):
        if any(model[field] for model in models):
            rows[name] = np.concatenate(
                [
                    values.numbers(data[model[field]], where, str(model[field]))
                    if model[field]
                    else np.full(n, np.nan)
                    for model in models
                ]
            )
    return _in_seconds(rows, mapping), where._replace(row=where.row[again])


def _names(data: pa.Table, mapping: ColumnMapping) -> pd.DataFrame:
    columns = {"query": mapping.query, "query_id": mapping.query_id, "slice": mapping.slice}
    rows = pd.DataFrame(
        {name: values.texts(data[c]).to_pandas() for name, c in columns.items() if c is not None}
    )
    if "query" in rows:
        # Messages are a list in JSON; the query is what the person said last.
        listed = rows["query"].str.startswith("[{", na=False)
        rows.loc[listed, "query"] = rows.loc[listed, "query"].map(lambda text: spoken(text) or text)
    return rows


def _check_once(ids: pd.Series, where: Where) -> None:
    twice = ids.duplicated().to_numpy() & ids.notna().to_numpy()
    if twice.any():
        raise DataError(
            f"{where.file}, column of the id: the id of an earlier row in {where.rows(twice)}, for "
            f"example {ids[twice].iloc[0]!r}; keep one row of each, or map no column as id"
        )


def _in_seconds(rows: pd.DataFrame, mapping: ColumnMapping) -> pd.DataFrame:
    if mapping.in_milliseconds and "latency_s" in rows:
        rows["latency_s"] /= 1000.0
    return rows


def _read_as(mapping: ColumnMapping) -> str:
    """The mapping in a sentence."""
    parts = [
        f"{what} {column!r}"
        for what, column in (
            ("query", mapping.query),
            ("id", mapping.query_id),
            ("slice", mapping.slice),
            ("model", mapping.model),
            ("quality", mapping.quality),
        )
        if column is not None
    ]
    if mapping.wide:
        names = ", ".join(model.quality for model in mapping.wide[:SHOWN])
        more = f" and {len(mapping.wide) - SHOWN} more" if len(mapping.wide) > SHOWN else ""
        parts.append(f"a model each {names}{more}")
    return f"Columns: {', '.join(parts)}."
