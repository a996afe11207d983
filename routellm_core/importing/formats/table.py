"""Any table of queries: CSV, TSV, JSON, JSON lines, Parquet or a spreadsheet, of any columns.

What its columns mean is a `ColumnMapping`: guessed, or given by the user.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from routellm_core.errors import DataError
from routellm_core.importing import Imported, units, values
from routellm_core.importing.answers import is_cut, state_of
from routellm_core.importing.asked import as_asked
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.calls import is_failure
from routellm_core.importing.column_words import FAILED, METRIC
from routellm_core.importing.columns import ColumnMapping, around, guess, holds_battles, is_told
from routellm_core.importing.currencies import cell_currencies, currency_of, in_dollars
from routellm_core.importing.fields import is_whole
from routellm_core.importing.formats.graded_records import (
    model_beside_rows,
    model_of,
    name_of_model,
    rises_in,
)
from routellm_core.importing.long_tables import (
    asked_about,
    by_metric,
    direction,
    out_of,
    without_totals,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.json_stream import around_rows
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.table import Table
from routellm_core.importing.readers.tables import read_columns, read_sample
from routellm_core.importing.records import structured
from routellm_core.importing.said import asked_in
from routellm_core.importing.tenants import TENANTS, tenant_of
from routellm_core.importing.values import Where

SHOWN = 8
LEAST_NUMERIC = 0.9
"""Share of numbers in a column that may hold grades."""


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
    is_guess, mapping = mapping is None, mapping or found
    rows, where, notes = rows_of(path, mapping)
    if is_guess:
        asked_about(rows, mapping, sample, named(path))
    read_too = {*mapping.columns(), *_billed_to(sample.column_names, mapping)}
    unread = [name for name in sample.column_names if name not in read_too]
    if unread:
        notes.append(f"Not used: {_listed(unread)}.")
        numeric = any(values.look(sample[name]).share >= LEAST_NUMERIC for name in unread)
        if numeric and mapping.quality is None and not mapping.wide:
            notes.append(
                "If one of these columns holds grades, say so (--map quality=COLUMN, or on the My "
                "data page)."
            )
    card = Card(path.stem, f"a table, {named(path)}", scale=mapping.scale)
    return [assembled(rows, where, card, notes)]


def rows_of(path: Path, mapping: ColumnMapping) -> tuple[pd.DataFrame, Where, list[str]]:
    """The rows of a table as `assembling.assembled` takes them, their numbers, and notes.

    Raises:
        DataError: a column is missing, or a cell is off.
    """
    sample = read_sample(path)
    if mapping.around is None:
        mapping = replace(mapping, around=around(sample.column_names, sample, mapping.query))
    answers = {mapping.answer, *(model.answer for model in mapping.wide)} - {None}
    read_whole = {mapping.query, *(mapping.around or ())}
    looked_at = [name for name in answers if name and name not in read_whole]
    billed_to = _billed_to(sample.column_names, mapping)
    table = read_columns(path, [*mapping.columns(), *billed_to], looked_at)
    notes = [*table.notes, _read_as(mapping)]
    if billed_to:
        notes.append(f"Billed to: {_listed(billed_to)}; of a key a hash is kept.")
    table = without_totals(table, mapping, notes)
    rows, where = (_wide if mapping.wide else _long)(table, mapping, path, notes)
    return rows, where, notes


def _long(
    table: Table, mapping: ColumnMapping, path: Path, notes: list[str]
) -> tuple[pd.DataFrame, Where]:
    data, where = table.data, table.where
    rows = _names(data, mapping)
    if mapping.model is not None:
        rows["model"] = _models(values.texts(data[mapping.model]).to_pandas())
    beside = around_rows(path) if mapping.quality is not None else {}
    for column in (mapping.quality, *mapping.also):
        if column is not None:
            grades = values.numbers(data[column], where, column, "quality", notes)
            rows[_measure(column, mapping, data, beside)] = grades
    if mapping.best is not None and mapping.quality is not None and mapping.scale is None:
        out_of(rows, data, mapping, where, notes)
    if mapping.quality is not None and mapping.model is None:
        is_among_namesakes = "/" in named(path)
        file_s = model_of(path, notes) if is_among_namesakes else path.stem
        rows["model"] = mapping.one_model or model_beside_rows(path) or file_s
    amounts = {
        "prompt_tokens": mapping.prompt_tokens,
        "answer_tokens": mapping.answer_tokens,
    }
    for name, column in amounts.items():
        if column is not None:
            rows[name] = values.numbers(data[column], where, column, notes=notes)
    if mapping.cost_usd is not None:
        rows["cost_usd"] = _dollars(data, mapping.cost_usd, mapping.currency, where, notes)
    if mapping.latency is not None:
        times = units.seconds({mapping.latency: data[mapping.latency]}, where, notes)
        rows["latency_s"] = times[mapping.latency]
    elif mapping.started is not None and mapping.ended is not None:
        rows["latency_s"] = units.between(data[mapping.started], data[mapping.ended])
    if billed_to := _billed_to(data.column_names, mapping):
        owners = data.select(billed_to).rename_columns([name.strip().lower() for name in billed_to])
        rows["tenant"] = [tenant_of(owner) or None for owner in owners.to_pylist()]
    _count_thoughts(rows, data, mapping, where, notes)
    _look_at_calls(rows, data, mapping, notes)
    if mapping.metric is not None:
        rows, where = by_metric(rows, data, mapping, where)
    return rows, where


def _billed_to(columns: Sequence[str], mapping: ColumnMapping) -> list[str]:
    """Columns of a table of calls without grades that name who is billed."""
    if mapping.quality is not None or mapping.wide or mapping.model is None:
        return []
    mapped = set(mapping.columns())
    by_name = {name.strip().lower(): name for name in columns if name not in mapped}
    return [name for plain, name in by_name.items() if plain in TENANTS]


def _measure(
    column: str, mapping: ColumnMapping, data: pa.Table, beside: Mapping[str, Any]
) -> Measure:
    """The measure of a column of grades; its direction where a flag beside it tells."""
    is_quality = column == mapping.quality
    scale = mapping.scale if is_quality else None
    name = mapping.measure if is_quality else column
    rises = None
    if is_quality and mapping.metric is None:
        rises = direction(data, mapping)
        rises = rises_in(beside) if rises is None else rises
        metric = next((beside[k] for k in METRIC if isinstance(beside.get(k), str)), None)
        name = metric or (column if rises is False else name)
    return Measure(name, rises=rises, is_main=scale is not None, scale=scale)


def _models(names: pd.Series) -> pd.Series:
    """Names of models, where they are objects of name and provider the names in them."""
    is_object = names.str.startswith("{", na=False)
    if is_object.any():
        found = names[is_object].map(lambda text: name_of_model(structured(text)) or text)
        names = names.astype(object).mask(is_object, found)
    return names


def _dollars(
    data: pa.Table, column: str, of: str | None, where: Where, notes: list[str]
) -> np.ndarray:
    """The costs of a column in US dollars."""
    beside = None if of is None else data[of]
    cells, codes = cell_currencies(data[column], column, beside) or (data[column], None)
    amounts = units.in_whole(values.numbers(cells, where, column, notes=notes), column)
    return in_dollars(amounts, column, notes, codes)


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
        failed |= _are_failures(data[mapping.status])
    if failed.any() and not failed.all():
        rows["failed"] = failed
    if mapping.cached is not None:
        cached = values.flags(data[mapping.cached], values.RIGHT)
        there = [name for name in ("cost_usd", "latency_s") if name in rows]
        if cached.any() and there:
            rows.loc[cached, there] = np.nan
            notes.append(
                counted(int(cached.sum()), "answer")
                + " out of a cache: cost and time are not the model's and count as unknown."
            )
    state = np.full(len(rows), None, dtype=object)
    if mapping.stop_reason is not None:
        cut = values.texts(data[mapping.stop_reason]).to_pylist()
        state[[text is not None and is_cut(text) for text in cut]] = "cut"
    if mapping.answer is not None and mapping.answer != mapping.query:
        of_answers = _states(data[mapping.answer])
        told = ~failed & (of_answers != None)  # noqa: E711
        state[told] = of_answers[told]
    if any(state):
        rows["state"] = state


def _count_thoughts(
    rows: pd.DataFrame, data: pa.Table, mapping: ColumnMapping, where: Where, notes: list[str]
) -> None:
    """Count thoughts among the tokens of the answer, where they stand beside them."""
    if mapping.total_tokens is None and mapping.thought_tokens is None:
        return
    found: dict[str, np.ndarray] = {}
    for name in ("prompt_tokens", "answer_tokens", "total_tokens", "thought_tokens"):
        column = getattr(mapping, name)
        found[name] = (
            np.full(len(rows), np.nan)
            if column is None
            else values.numbers(data[column], where, column, notes=notes)
        )
    prompt, answer, total, thoughts = found.values()
    rest = np.where(total > prompt, total - prompt, np.nan)
    beside = np.where(np.isnan(total) & (thoughts > answer), answer + thoughts, np.nan)
    whole = np.fmax(np.fmax(answer, rest), beside)
    more = int((whole > answer).sum())
    if more:
        notes.append(
            counted(more, "answer has", "answers have")
            + " more tokens in all than prompt and answer: the rest is counted as thoughts."
        )
    if np.isfinite(whole).any():
        rows["answer_tokens"] = whole


def _are_failures(cells: pa.ChunkedArray) -> np.ndarray:
    """Marks of the words and HTTP statuses that say that a call failed."""
    said = values.texts(cells).combine_chunks().dictionary_encode()
    meant = [
        text.strip().lower() in FAILED or (text.strip()[:3].isdigit() and is_failure(text))
        for text in said.dictionary.to_pylist()
    ]
    codes = said.indices.fill_null(len(meant)).to_numpy(zero_copy_only=False)
    found: np.ndarray = np.array([*meant, False])[codes]
    return found


def _states(cells: pa.ChunkedArray) -> np.ndarray:
    """State of each answer; of none where all are empty, so that they were not kept."""
    is_text = pa.types.is_string(cells.type)
    said = (cells if is_text else values.texts(cells)).dictionary_encode().combine_chunks()
    known = [state_of(text) for text in said.dictionary.to_pylist()]
    if not any(known) and not said.null_count:
        return np.full(len(said), None, dtype=object)
    codes = said.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    found: np.ndarray = np.array([*known, "empty"], dtype=object)[codes]
    return found if (found != "empty").any() else np.full(len(found), None, dtype=object)


def _says_something(cells: pa.ChunkedArray) -> np.ndarray:
    """Marks of the cells that hold more than nothing or no."""
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return values.flags(cells, frozenset())
    said = values.texts(cells).combine_chunks().dictionary_encode()
    nothing = values.MISSING | values.NO | {"wrong", "incorrect", "0", "[]", "{}"}
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
    measures = dict.fromkeys(name for model in models for name, _ in model.measures)
    for name in measures or ("quality",):
        grades = []
        for model in models:
            column = dict(model.measures).get(name) if measures else model.quality
            grades.append(
                np.full(n, np.nan)
                if column is None
                else values.numbers(data[column], where, column, "quality", notes)
            )
        rows[Measure(name) if measures else "quality"] = np.concatenate(grades)
    nothing = np.full(n, np.nan)
    if any(model.answer_tokens for model in models):
        rows["answer_tokens"] = np.concatenate(
            [
                values.numbers(data[m.answer_tokens], where, m.answer_tokens, notes=notes)
                if m.answer_tokens
                else nothing
                for m in models
            ]
        )
    if any(model.cost_usd for model in models):
        rows["cost_usd"] = np.concatenate(
            [
                _dollars(data, m.cost_usd, None, where, notes) if m.cost_usd else nothing
                for m in models
            ]
        )
    if timed := [model.latency for model in models if model.latency]:
        times = units.seconds({name: data[name] for name in timed}, where, notes)
        rows["latency_s"] = np.concatenate(
            [times[m.latency] if m.latency else nothing for m in models]
        )
    if any(model.answer for model in models):
        unknown = np.full(n, None, dtype=object)
        rows["state"] = np.concatenate(
            [_states(data[m.answer]) if m.answer else unknown for m in models]
        )
    return rows, where._replace(row=where.row[again])


def _names(data: pa.Table, mapping: ColumnMapping) -> pd.DataFrame:
    columns = {"query": mapping.query, "query_id": mapping.query_id, "slice": mapping.slice}
    cells = {name: values.texts(data[c]) for name, c in columns.items() if c is not None}
    rows = pd.DataFrame({name: found.to_pandas() for name, found in cells.items()})
    if "query" in rows:
        # Messages and requests are structures; the query is what the person said last.
        structure = pc.match_substring_regex(cells["query"], r"^\s*(\[\s*)?[\[{]").fill_null(False)
        listed = structure.to_numpy()
        if listed.any():
            rows.loc[listed, "query"] = rows.loc[listed, "query"].map(_asked)
        if mapping.around:
            rows["query"] = _with_around(rows["query"], data.select(list(mapping.around)))
    return rows


def _asked(text: str) -> str:
    """What was asked in a text that is a structure: the first of several turns."""
    found = structured(text)
    if isinstance(found, list) and found and all(isinstance(turn, str) for turn in found):
        asked: str | None = found[0]
    else:
        asked = asked_in(found)
    return asked if asked and is_whole(asked) else text


def _with_around(queries: pd.Series, beside: pa.Table) -> pd.Series:
    """The queries with the passage, instruction and options that stand in other columns."""
    others = [
        {name.strip().lower(): structured(value) for name, value in row.items() if value}
        for row in beside.to_pylist()
    ]
    return pd.Series(
        [
            as_asked({**other, "question": query}) if isinstance(query, str) and other else query
            for query, other in zip(queries, others, strict=True)
        ],
        dtype=object,
    )


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
            (_time_unit(mapping.latency), mapping.latency),
        )
        if column is not None
    ]
    parts += [f"asked with it {_listed(mapping.around)}"] if mapping.around else []
    parts += [
        f"{what} {column!r}"
        for what, column in (
            ("tokens in all", mapping.total_tokens),
            ("tokens of thoughts", mapping.thought_tokens),
            ("answer", mapping.answer),
            ("reason to stop", mapping.stop_reason),
            ("error", mapping.error),
            ("status", mapping.status),
            ("from a cache", mapping.cached),
            ("repeat", mapping.repeat),
            ("name of the measure", mapping.metric),
            ("best grade", mapping.best),
            ("more is better", mapping.more_is_better),
            ("less is better", mapping.less_is_better),
            ("currency", mapping.currency),
            ("start", None if mapping.latency else mapping.started),
            ("end", None if mapping.latency else mapping.ended),
        )
        if column is not None
    ]
    parts += [f"measure {column!r}" for column in mapping.also]
    if mapping.wide:
        parts.append(f"a model each {_listed([model.quality for model in mapping.wide])}")
        for what, field in (("answer tokens", 2), ("US dollars", 3), ("answers", 5)):
            if columns := [str(model[field]) for model in mapping.wide if model[field]]:
                parts.append(f"{currency_of(columns[0]) or what} {_listed(columns)}")
        if columns := [str(model.latency) for model in mapping.wide if model.latency]:
            parts.append(f"{_time_unit(columns[0])} {_listed(columns)}")
    return f"Columns: {', '.join(parts)}."


def _time_unit(column: str | None) -> str:
    names = {1e-9: "nanoseconds", 1e-6: "microseconds", 1e-3: "milliseconds", 1.0: "seconds"}
    return (names | {60.0: "minutes"}).get(units.unit_of_time(column or "") or 0.0, "time")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
