"""Rows of tables that are no plain outcomes: sums, grades by several measures, and open questions.

What a table does not tell is asked, so that no query is counted twice and nothing is invented.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing import values
from routellm_core.importing.column_words import NO_MODEL, QUALITY, TOTALS
from routellm_core.importing.columns import ColumnMapping
from routellm_core.importing.measures import Measure, columns_of
from routellm_core.importing.readers.table import Table
from routellm_core.importing.records import structured
from routellm_core.importing.scales import Scale
from routellm_core.importing.values import Where

MOST_TOTALS = 20
"""Rows at the end of a table that may sum it up."""
UNIT = re.compile(
    r"[\[(]?\s*(?:\d+\s*(?:/|-|–|to|\.\.)\s*\d+|%|percent|score|points?|bool(?:ean)?|float|int"
    r"|number|share|grade|units?|s|ms|usd|\$|text|string|str)\s*[\])]?",
    re.IGNORECASE,
)
"""What stands in a row of units below the names of columns."""
NO_QUERY_BUT_UNIT = frozenset(("", "-", "text", "string", "str", "query", "question", "unit"))
MOST_MODELS = 50
LEAST_NUMERIC = 0.9


def without_totals(table: Table, mapping: ColumnMapping, notes: list[str]) -> Table:
    """The table without a row of units at its start and rows that sum it up at its end."""
    graded = [c for c in (mapping.quality, *(m.quality for m in mapping.wide)) if c is not None]
    n = table.data.num_rows
    if not graded or n < 2:
        return table
    first = 1 if _is_of_units(table.data, mapping, graded) else 0
    named = [c for c in (mapping.query, mapping.query_id, mapping.model, mapping.slice) if c]
    tail = table.data.select(named).slice(max(first, n - MOST_TOTALS)).to_pylist()
    last = n
    for row in reversed(tail):
        said = {str(cell).strip(" :.").lower() for cell in row.values() if cell is not None}
        if not said & TOTALS:
            break
        last -= 1
    if (first, last) == (0, n) or last <= first:
        return table
    marked = np.ones(n, dtype=bool)
    marked[first:last] = False
    what = "units" if last == n else "sums or means" if not first else "units, sums or means"
    notes.append(f"Left out as {what}, no queries: {table.where.rows(marked)}.")
    return table._replace(
        data=table.data.slice(first, last - first),
        where=table.where._replace(row=table.where.row[first:last]),
    )


def direction(data: pa.Table, mapping: ColumnMapping) -> bool | None:
    """True if a flag beside all grades says that more is better, False if less; else None."""
    told = _directions(data, mapping)
    return None if told is None else _only(told)


def out_of(
    rows: pd.DataFrame, data: pa.Table, mapping: ColumnMapping, where: Where, notes: list[str]
) -> None:
    """Take the best grade of a row for the end of its scale."""
    column = str(mapping.best)
    best = values.numbers(data[column], where, column, notes=notes)
    known = best[np.isfinite(best) & (best > 0)]
    quality = next(m for m in columns_of(rows))
    grades = rows[quality].to_numpy(np.float64)
    if not len(known) or (grades < 0).any() or (grades > best).any():
        return
    if known.min() == known.max():
        top = float(known[0])
        if top != 1.0:
            scaled = replace(quality, scale=Scale(0.0, top, "points"))
            rows.columns = pd.Index([scaled if c == quality else c for c in rows], dtype=object)
        return
    rows[quality] = np.where(best > 0, grades / best, np.nan)
    notes.append(f"Quality is the share of the best grade, column {column!r}.")


def by_metric(
    rows: pd.DataFrame, data: pa.Table, mapping: ColumnMapping, where: Where
) -> tuple[pd.DataFrame, Where]:
    """The rows with a column a measure: rows of one answer by several measures become one."""
    given = columns_of(rows)[0]
    names = values.texts(data[str(mapping.metric)]).to_pandas().fillna("quality")
    told = _directions(data, mapping)
    keys = [c for c in ("query_id", "query", "model", "repeat") if c in rows]
    keys = [c for c in keys if c != "query" or "query_id" not in rows]
    # A measure that comes again is of another answer.
    nth = rows.assign(metric=names).groupby([*keys, "metric"], dropna=False).cumcount()
    at = rows.assign(nth=nth).groupby([*keys, "nth"], dropna=False, sort=False).ngroup().to_numpy()
    first = np.unique(at, return_index=True)[1]
    found = rows.drop(columns=given).iloc[first].reset_index(drop=True)
    for name in dict.fromkeys(names):
        of_name = (names == name).to_numpy()
        grades = np.full(len(first), np.nan)
        grades[at[of_name]] = rows[given].to_numpy(np.float64)[of_name]
        rises = None if told is None else _only(told[of_name])
        found[Measure(str(name), rises=rises)] = grades
    return found, where._replace(row=where.row[first])


class Question(NamedTuple):
    """Point that a table leaves open."""

    what: str
    """What was seen, in whole sentences."""
    remedy: str
    """What to do about it on the command line."""


def asked_about(rows: pd.DataFrame, mapping: ColumnMapping, sample: pa.Table, file: str) -> None:
    """Ask what a guessed table leaves open; arguments as of `open_question`.

    Raises:
        DataError: there is an open question.
    """
    if (question := open_question(rows, mapping, sample)) is not None:
        raise DataError(f"{file}: {question.what} {question.remedy}")


def open_question(rows: pd.DataFrame, mapping: ColumnMapping, sample: pa.Table) -> Question | None:
    """The question that a table leaves open; None where all is told.

    Models answered the same queries, and one of several columns may be the grade; each query stands
    several times, and a column that is not used tells the rows apart; or grades are letters.

    Args:
        rows: `query` or `query_id`, and `model` where it is mapped.
        mapping: of the columns.
        sample: first rows with all columns.
    """
    unread = [name for name in sample.column_names if name not in set(mapping.columns())]
    if mapping.model is None and mapping.quality is None and len(mapping.wide) < 2:
        if lettered := [name for name in unread if _holds_letters(name, sample[name])]:
            verb = "seems" if len(lettered) == 1 else "seem"
            return Question(
                f"{_listed(lettered)} {verb} to hold grades that are letters. "
                + _seen_in(lettered, sample).strip(),
                "Leave it out with --drop to bring in the queries alone",
            )
    if mapping.wide or len(rows) < 2:
        return None
    key = "query_id" if "query_id" in rows else "query"
    if mapping.model is not None and mapping.quality is None:
        return _on_quality(rows, key, mapping.model, unread, sample)
    if mapping.quality is None or mapping.repeat is not None or mapping.model is not None:
        return None
    sizes = rows.groupby(key, dropna=False).size()
    if sizes.min() < 2 or sizes.min() != sizes.max():
        return None
    n = int(sizes.min())
    names = [name for name in unread if _tells_apart(sample[name], n)]
    if not names:
        return None
    return Question(
        f"each query stands {n} times in it, and no column is surely the model.",
        f"If {_listed(names)} names it, say so with --map model={_quoted(names[0])}, or on the My "
        f"data page; if these are repeats of one model, with --map repeat={_quoted(names[0])}",
    )


def question_in(mapping: ColumnMapping, sample: pa.Table) -> Question | None:
    """The open question that the first rows of a table show under a mapping."""
    roles = {"query_id": mapping.query_id, "query": mapping.query, "model": mapping.model}
    there = {role: column for role, column in roles.items() if column in sample.column_names}
    rows = {role: values.texts(sample[column]).to_pylist() for role, column in there.items()}
    return open_question(pd.DataFrame(rows), mapping, sample)


def _on_quality(
    rows: pd.DataFrame, key: str, model: str, unread: Sequence[str], sample: pa.Table
) -> Question | None:
    """The question which column is the grade."""
    pairs = rows[[key, "model"]].drop_duplicates()
    if 2 * pairs[key].duplicated(keep=False).sum() < len(rows):
        return None
    grades = [name for name in unread if _may_be_grade(name, sample)]
    if not grades:
        return None
    return Question(
        f"answers of several models to one query stand in it (column {model!r}), but no column is "
        f"surely their grade. It may be {_listed(grades)}.",
        f"Say so with --map quality={_quoted(grades[0])}, or on the My data page. "
        f"{_seen_in(grades, sample)}Leave it out with --drop to bring in the queries alone",
    )


def _holds_letters(name: str, cells: pa.ChunkedArray) -> bool:
    """True for letters under a name for grades, also in the fields of a structure."""
    words = set(re.split(r"[\W_]+", name.lower()))
    if not {*words, *(word.removesuffix("s") for word in words)} & set(QUALITY):
        return False
    known = [structured(value) for value in cells.to_pylist() if value is not None]
    inner = [v for value in known if isinstance(value, Mapping) for v in value.values()]
    texts = inner or known
    are_letters = (isinstance(t, str) and values.LETTER.fullmatch(t.strip()) for t in texts)
    return bool(texts) and all(are_letters)


def _directions(data: pa.Table, mapping: ColumnMapping) -> np.ndarray | None:
    """Whether more is better, of each row."""
    if mapping.more_is_better is not None:
        return values.flags(data[mapping.more_is_better], values.RIGHT | {"1", "1.0"})
    if mapping.less_is_better is not None:
        return ~values.flags(data[mapping.less_is_better], values.RIGHT | {"1", "1.0"})
    return None


def _only(told: np.ndarray) -> bool | None:
    return bool(told[0]) if len(set(told.tolist())) == 1 else None


def _is_of_units(data: pa.Table, mapping: ColumnMapping, graded: Sequence[str]) -> bool:
    row = data.select(list(dict.fromkeys(graded))).slice(0, 1).to_pylist()[0]
    cells = [str(cell).strip() for cell in row.values() if cell is not None]
    if not cells or not all(UNIT.fullmatch(cell) for cell in cells):
        return False
    query = data[mapping.query].slice(0, 1).to_pylist()[0] if mapping.query else None
    if query is not None and str(query).strip().lower() not in NO_QUERY_BUT_UNIT:
        return False
    return all(values.look(data[column].slice(1, 200)).share >= LEAST_NUMERIC for column in graded)


def _may_be_grade(name: str, sample: pa.Table) -> bool:
    """True for numbers on a usual scale, and for what is named like a grade."""
    words = set(re.split(r"[\W_]+", name.lower()))
    if words & set(QUALITY):
        return True
    look = values.look(sample[name])
    fits = look.share >= LEAST_NUMERIC and -1 <= look.low < look.high <= 100
    return fits and not words & (NO_MODEL - {"score", "label"})


def _tells_apart(cells: pa.ChunkedArray, n: int) -> bool:
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        return False
    known = values.texts(cells).drop_null()
    distinct = known.unique().to_pylist()
    return (
        len(known) == len(cells)
        and 2 <= len(distinct) <= min(MOST_MODELS, n)
        and all(re.search(r"[^\W\d]", text) and len(text) <= 80 for text in distinct)
    )


def _seen_in(names: Sequence[str], sample: pa.Table) -> str:
    """What a column holds that is named like a grade and is none."""
    for name in names:
        if values.look(sample[name]).share < LEAST_NUMERIC:
            cells = values.texts(sample[name]).drop_null().unique().to_pylist()[:3]
            shown = ", ".join(repr(cell[:20]) for cell in cells)
            return f"Column {name!r} holds {shown}: write its grades as numbers. "
    return ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:6])) + (", …" if len(names) > 6 else "")


def _quoted(name: str) -> str:
    return f"'{name}'" if re.search(r"[^\w.-]", name) else name
