"""Any table of queries: CSV, TSV, JSON, JSON lines, Parquet or a spreadsheet, of any columns.

What its columns mean is a `ColumnMapping`: guessed, or given by the user.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing import Imported, values
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.column_words import CUT, FAILED
from routellm_core.importing.columns import ColumnMapping, guess, holds_battles, is_told
from routellm_core.importing.currencies import currency_of, in_dollars
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.naming import named
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


def guessed(path: Path, dropped: Sequence[str] = ()) -> tuple[ColumnMapping, pa.Table]:
    """Guessed meaning of the columns of a file, and its first rows to show beside it.

    Columns in `dropped` are not looked at.

    Raises:
        DataError: it is no table.
    """
    sample = read_sample(path)
    return guess([name for name in sample.column_names if name not in dropped], sample), sample


def read(path: Path, mapping: ColumnMapping | None = None) -> list[Imported]:
    """The one benchmark, or set of bare queries, in a table.

    Args:
        path: of any kind named above; which one is read from its first bytes.
        mapping: what its columns are; guessed when None.

    Raises:
        DataError: no column holds queries, a column is missing, or a row is off.
    """
    found, sample = guessed(path)
    if mapping is None and found.query is None and found.query_id is None:
        shown = ", ".join(sample.column_names[:20]) or "none"
        raise DataError(
            f"{named(path)}: no column looks like queries (there are: {shown}); name one 'query'"
        )
    mapping = mapping or found
    rows, where, notes = rows_of(path, mapping)
    read_too = set(mapping.columns())
    unread = [name for name in sample.column_names if name not in read_too]
    if unread:
        notes.append(f"Not used: {_listed(unread)}.")
    card = Card(path.stem, f"a table, {named(path)}", scale=mapping.scale)
    return [assembled(rows, where, card, notes)]


def rows_of(path: Path, mapping: ColumnMapping) -> tuple[pd.DataFrame, Where, list[str]]:
    """The rows of a table as `assembling.assembled` takes them, their numbers, and notes.

    Raises:
        DataError: a column is missing, or a cell is off.
    """
    looked_at = [mapping.answer] if mapping.answer not in (None, mapping.query) else []
    table = read_columns(path, mapping.columns(), [name for name in looked_at if name])
    notes = [*table.notes, _read_as(mapping)]
    rows, where = (_wide if mapping.wide else _long)(table, mapping, path, notes)
    return rows, where, notes


def _long(
    table: Table, mapping: ColumnMapping, path: Path, notes: list[str]
) -> tuple[pd.DataFrame, Where]:
    data, where = table.data, table.where
    rows = _names(data, mapping)
    if mapping.model is not None:
        rows["model"] = values.texts(data[mapping.model]).to_pandas()
    for column in (mapping.quality, *mapping.also):
        if column is None:
            continue
        fixed = mapping.scale if column == mapping.quality else None
        grades = values.numbers(data[column], where, column, "quality", notes)
        name = mapping.measure if column == mapping.quality else column
        rows[Measure(name, is_main=fixed is not None, scale=fixed)] = grades
    if mapping.quality is not None and mapping.model is None:
        rows["model"] = mapping.one_model or path.stem
    amounts = {
        "prompt_tokens": mapping.prompt_tokens,
        "answer_tokens": mapping.answer_tokens,
        "cost_usd": mapping.cost_usd,
        "latency_s": mapping.latency,
    }
    for name, column in amounts.items():
        if column is not None:
            rows[name] = values.numbers(data[column], where, column, notes=notes)
    if mapping.cost_usd is not None:
        rows["cost_usd"] = in_dollars(rows["cost_usd"].to_numpy(), mapping.cost_usd, notes)
    _look_at_calls(rows, data, mapping, notes)
    return _in_seconds(rows, mapping), where


def _look_at_calls(
    rows: pd.DataFrame, data: pa.Table, mapping: ColumnMapping, notes: list[str]
) -> None:
    """Mark rows of calls that failed or were cached, and answers that are empty or cut."""
    if mapping.repeat is not None:
        rows["repeat"] = values.texts(data[mapping.repeat]).to_pandas()
    failed = np.zeros(len(rows), dtype=bool)
    if mapping.error is not None:
        failed |= _says_something(data[mapping.error])
    if mapping.status is not None:
        failed |= values.flags(data[mapping.status], FAILED)
    if failed.any() and not failed.all():
        rows["failed"] = failed
    if mapping.cached is not None:
        cached = values.flags(data[mapping.cached], values.RIGHT)
        there = [name for name in ("cost_usd", "latency_s") if name in rows]
        if cached.any() and there:
            rows.loc[cached, there] = np.nan
            notes.append(
                f"{int(cached.sum()):,} answers came out of a cache: their cost and time are not "
                "the model's and count as unknown."
            )
    state = np.full(len(rows), None, dtype=object)
    if mapping.stop_reason is not None:
        state[values.flags(data[mapping.stop_reason], CUT)] = "cut"
    if mapping.answer is not None and mapping.answer != mapping.query:
        empty = values.texts(data[mapping.answer]).is_null().to_numpy()
        if not empty.all():
            state[empty & ~failed] = "empty"
    if any(state):
        rows["state"] = state


def _says_something(cells: pa.ChunkedArray) -> np.ndarray:
    """Marks of the cells that hold more than nothing or no."""
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return values.flags(cells, frozenset())
    said = values.texts(cells).combine_chunks().dictionary_encode()
    nothing = values.MISSING | values.WRONG - {"failed", "failure", "fail"} | {"0", "[]", "{}"}
    meant = [text.strip().lower() not in nothing for text in said.dictionary.to_pylist()]
    codes = said.indices.fill_null(len(meant)).to_numpy(zero_copy_only=False)
    found: np.ndarray = np.array([*meant, False])[codes]
    return found


def _wide(
    table: Table, mapping: ColumnMapping, path: Path, notes: list[str]
) -> tuple[pd.DataFrame, Where]:
    """The models' rows one below the other, each with its number in the file."""
    data, where = table.data, table.where
    n, models = len(where.row), mapping.wide
    one = _names(data, mapping)
    if mapping.prompt_tokens is not None:
        one["prompt_tokens"] = values.numbers(
            data[mapping.prompt_tokens], where, mapping.prompt_tokens, notes=notes
        )
    if "query_id" in one and "query" in one and one["query_id"].isna().any():
        one = one.drop(columns="query_id")
        notes.append(f"Column {mapping.query_id!r} is empty in some rows and was not read as id.")
    if "query_id" not in one:  # rows of one text are queries of their own
        width = len(str(int(where.row.max())))
        one["query_id"] = [f"{row:0{width}d}" for row in where.row]
    again = np.tile(np.arange(n), len(models))
    rows = one.take(again).reset_index(drop=True)
    rows["model"] = pd.Categorical.from_codes(
        np.repeat(np.arange(len(models)), n), [model.model for model in models]
    )
    rows["quality"] = np.concatenate(
        [
            values.numbers(data[model.quality], where, model.quality, "quality", notes)
            for model in models
        ]
    )
    for name, field in (("answer_tokens", 2), ("cost_usd", 3), ("latency_s", 4)):
        if any(model[field] for model in models):
            rows[name] = np.concatenate(
                [
                    values.numbers(data[model[field]], where, str(model[field]), notes=notes)
                    if model[field]
                    else np.full(n, np.nan)
                    for model in models
                ]
            )
    if "cost_usd" in rows:
        costs = np.split(rows["cost_usd"].to_numpy(), len(models))
        rows["cost_usd"] = np.concatenate(
            [in_dollars(usd, m.cost_usd or "", notes) for usd, m in zip(costs, models, strict=True)]
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
        if listed.any():
            said = rows.loc[listed, "query"].map(lambda text: spoken(text) or text)
            rows.loc[listed, "query"] = said
    return rows


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
            ("prompt tokens", mapping.prompt_tokens),
            ("answer tokens", mapping.answer_tokens),
            (currency_of(mapping.cost_usd or "") or "US dollars", mapping.cost_usd),
            ("milliseconds" if mapping.in_milliseconds else "seconds", mapping.latency),
        )
        if column is not None
    ]
    parts += [f"measure {column!r}" for column in mapping.also]
    if mapping.wide:
        parts.append(f"a model each {_listed([model.quality for model in mapping.wide])}")
        for what, field in (("answer tokens", 2), ("US dollars", 3)):
            if columns := [str(model[field]) for model in mapping.wide if model[field]]:
                parts.append(f"{currency_of(columns[0]) or what} {_listed(columns)}")
        if columns := [str(model.latency) for model in mapping.wide if model.latency]:
            unit = "milliseconds" if mapping.in_milliseconds else "seconds"
            parts.append(f"{unit} {_listed(columns)}")
    return f"Columns: {', '.join(parts)}."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
