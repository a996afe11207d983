"""A sheet for people: queries worth labelling first, out as CSV or Excel, and back filled in.

A cell that a spreadsheet would run as a formula gets an apostrophe in front, as does one that
starts with an apostrophe itself, so that taking one away restores every text exactly.
"""

import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing.readers import tables
from routellm_core.importing.values import Where, numbers
from routellm_core.types import Floats

LabelKind = Literal["qualities", "winner"]

COLUMNS = {
    "qualities": (
        "query_id",
        "slice",
        "query",
        "strong_win_rate",
        "quality_weak",
        "quality_strong",
    ),
    "winner": ("query_id", "slice", "query", "strong_win_rate", "winner"),
}
WINNER_QUALITIES = {"weak": (1.0, 0.0), "strong": (0.0, 1.0), "tie": (0.5, 0.5)}
"""Of the weak and the strong model."""
SUFFIXES = (".csv", ".xlsx")
_TEXTS = ("query_id", "slice", "query")
_LONGEST_CELL = 32_767
"""Characters that Excel keeps of a cell."""
_CUT = " … (cut)"
_DEFUSED = ("=", "+", "-", "@", "\t", "\r", "'")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class Labels(NamedTuple):
    """The labels that people wrote into a sheet."""

    qualities: pd.DataFrame
    """query_id, quality_weak, quality_strong (one may be NaN), winner (None unless given)."""
    n_rows: int
    """Of the sheet, the empty ones too."""


def worth_labelling(
    queries: pd.DataFrame,
    strong_win_rate: Floats | None = None,
    threshold: float | None = None,
    n: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """The queries in the order in which labels tell most: near the threshold, from every slice.

    Slices take turns; in each slice the query whose score is nearest to the threshold comes first,
    and those without a score come last. Without scores the order is random.

    Args:
        queries: `query_id`, `slice`, `text`.
        strong_win_rate: (n_queries,) NaN where there is none.
        threshold: needed with scores.
        n: no more than these; None for all.
        seed: of the order among equals.

    Returns:
        query_id, slice, query, strong_win_rate.

    Raises:
        DataError: no query, scores without a threshold, or a seed below 0.
    """
    if (strong_win_rate is None) != (threshold is None):
        raise DataError("a sheet near a threshold needs both the threshold and a router's scores")
    rows = _shuffled(queries, strong_win_rate, n, seed)
    distance = (rows["strong_win_rate"] - (0.0 if threshold is None else threshold)).abs()
    rows = rows.assign(distance=distance).sort_values("distance", kind="stable")
    rows = rows.assign(turn=rows.groupby("slice", sort=False).cumcount())
    rows = rows.sort_values(["turn", "distance"], kind="stable")
    return rows.drop(columns=["distance", "turn"]).head(n or len(rows)).reset_index(drop=True)


def drawn_at_random(queries: pd.DataFrame, n: int, seed: int = 0) -> pd.DataFrame:
    """So many queries in random order: whatever cuts them short leaves a random sample.

    Arguments and result as for `worth_labelling`. The same seed goes on where fewer ended.

    Raises:
        DataError: no query, or a seed below 0.
    """
    return _shuffled(queries, None, n, seed).head(n).reset_index(drop=True)


def _shuffled(
    queries: pd.DataFrame, strong_win_rate: Floats | None, n: int | None, seed: int
) -> pd.DataFrame:
    """All queries in random order, in the columns of a sheet."""
    if queries.empty:
        raise DataError("there is no query to label; choose a set that holds query texts")
    if n is not None and n < 1:
        raise DataError(f"a sheet of {n} queries holds nothing; ask for at least 1")
    if seed < 0:
        raise DataError(f"a seed of {seed} draws nothing; give a whole number from 0")
    scores = np.full(len(queries), np.nan) if strong_win_rate is None else strong_win_rate
    return pd.DataFrame(
        {
            "query_id": queries["query_id"].to_numpy(object),
            "slice": queries["slice"].to_numpy(object),
            "query": queries["text"].to_numpy(object),
            "strong_win_rate": np.asarray(scores, dtype=np.float64),
        }
    ).iloc[np.random.default_rng(seed).permutation(len(queries))]


def write_sheet(path: Path, rows: pd.DataFrame, asked: LabelKind = "qualities") -> None:
    """Write rows of `worth_labelling` with empty columns to fill.

    Args:
        path: its suffix says which kind, .csv or .xlsx.
        rows: what people see.
        asked: a quality of each model, or who won (weak, strong, tie).

    Raises:
        DataError: another suffix, an id that Excel would cut, or the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path.name}: a sheet is a .csv or .xlsx file; name it so")
    is_excel = path.suffix.lower() == ".xlsx"
    table = rows.reindex(columns=list(COLUMNS[asked])).astype(object)
    for column in _TEXTS:
        table[column] = [_defused(text) for text in table[column]]
        if is_excel:
            table[column] = [_escaped(text, is_name=column != "query") for text in table[column]]
    table = table.where(table.notna(), None)
    try:
        (_write_excel if is_excel else _write_csv)(path, table)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); name another file") from None


def read_texts(path: Path) -> tuple[pd.DataFrame, Where]:
    """The cells of a sheet as they were before they were defused, all as texts.

    Returns:
        The columns of `COLUMNS` that are there, empty cells as empty texts; and how to call rows.

    Raises:
        DataError: it is no table, or has no column `query_id`.
    """
    there = tables.read_sample(path).column_names
    known = dict.fromkeys(name for names in COLUMNS.values() for name in names)
    wanted = [name for name in known if name in there]
    if "query_id" not in wanted:
        raise DataError(
            f"{path.name}: column 'query_id' is missing (there are: {', '.join(there)}); fill in "
            "the sheet that was exported"
        )
    table = tables.read_columns(path, wanted)
    frame = pd.DataFrame(
        {name: table.data[name].fill_null("").to_pylist() for name in wanted}, dtype=object
    )
    for column in set(_TEXTS) & set(wanted):
        frame[column] = [text.removeprefix("'") for text in frame[column]]
    return frame, table.where


def read_sheet(
    path: Path, query_ids: Collection[str], quality_low: float = 0.0, quality_high: float = 1.0
) -> Labels:
    """The labels of a sheet; rows that nobody filled in are fine.

    Args:
        path: CSV or Excel, recognised by what it holds.
        query_ids: those that may occur.
        quality_low: the worst quality.
        quality_high: the best one.

    Raises:
        DataError: it is no sheet, holds no label, an id is unknown or occurs twice, or a label is
            none; the text names rows, counted from 1 below the header.
    """
    frame, where = read_texts(path)
    ids = frame["query_id"]
    where.refuse(
        (ids == "").to_numpy(), "no query_id", "restore it from the export", "column 'query_id'"
    )
    unknown = ~ids.isin(list(query_ids)).to_numpy()
    if unknown.any():
        where.refuse(
            unknown,
            f"unknown ids, for example {ids[unknown].iloc[0]!r},",
            "restore them from the export (a spreadsheet may have taken them for numbers or dates)",
            "column 'query_id'",
        )
    where.refuse(
        ids.duplicated(keep=False).to_numpy(),
        "an id that occurs twice",
        "keep one row of each",
        "column 'query_id'",
    )
    scale = quality_low, quality_high
    weak, strong = (_qualities(frame, f"quality_{m}", where, scale) for m in ("weak", "strong"))
    winners = _winners(frame, where)
    has_winner = np.array([w is not None for w in winners], dtype=bool)
    has_quality = ~(np.isnan(weak) & np.isnan(strong))
    where.refuse(has_winner & has_quality, "both a winner and a quality", "keep one of them")
    if has_winner.any() and scale != (0.0, 1.0):
        raise DataError(
            f"{path.name}: a winner is worth 0, ½ or 1, which does not fit a scale from "
            f"{quality_low:g} to {quality_high:g}; leave the scale at 0 to 1"
        )
    labelled = has_winner | has_quality
    if not labelled.any():
        raise DataError(f"{path.name}: no row has a label; fill in some of them")
    won = np.array([WINNER_QUALITIES.get(w or "", (np.nan, np.nan)) for w in winners])
    qualities = pd.DataFrame(
        {
            "query_id": ids,
            "quality_weak": np.where(has_winner, won[:, 0], weak),
            "quality_strong": np.where(has_winner, won[:, 1], strong),
            "winner": winners,
        }
    )
    return Labels(qualities[labelled].reset_index(drop=True), len(frame))


def _qualities(
    frame: pd.DataFrame, column: str, where: Where, scale: tuple[float, float]
) -> NDArray[np.float64]:
    if column not in frame:
        return np.full(len(frame), np.nan)
    cells = pa.chunked_array([pa.array(frame[column], pa.string())])
    found = numbers(cells, where, column, "quality")
    off = (found < scale[0]) | (found > scale[1])
    where.refuse(
        off,
        f"a quality outside {scale[0]:g} to {scale[1]:g}",
        "correct the rows or name the scale",
        f"column {column!r}",
    )
    return found


def _winners(frame: pd.DataFrame, where: Where) -> list[str | None]:
    if "winner" not in frame:
        return [None] * len(frame)
    words = frame["winner"].str.strip().str.lower()
    unknown = ~words.isin([*WINNER_QUALITIES, ""]).to_numpy()
    if unknown.any():
        where.refuse(
            unknown,
            f"{frame['winner'][unknown].iloc[0][:60]!r} is no winner",
            "write weak, strong or tie, or leave the cell empty",
            "column 'winner'",
        )
    return [word or None for word in words]


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    """With a mark at the start, without which Excel takes UTF-8 for something else."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(table.columns)
        writer.writerows(table.itertuples(index=False))


def _write_excel(path: Path, table: pd.DataFrame) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("label")
    sheet.append(list(table.columns))
    for row in table.itertuples(index=False):
        cells = [WriteOnlyCell(sheet, value=value) for value in row]
        for cell in cells[: len(_TEXTS)]:
            cell.data_type = "s"  # never a formula
        sheet.append(cells)
    book.save(path)


def _defused(text: str) -> str:
    return f"'{text}" if text.startswith(_DEFUSED) else text


def _escaped(text: str, *, is_name: bool) -> str:
    """Text with characters that XML does not keep as Excel writes them; cut if it does not fit."""
    escaped = _NOT_IN_XML.sub(lambda found: f"_x{ord(found.group()):04X}_", text)
    if len(escaped) <= _LONGEST_CELL:
        return escaped
    if is_name:
        raise DataError(
            f"an id or slice of {len(text):,} characters does not fit a cell of Excel; write a .csv"
        )
    return text[: _LONGEST_CELL // 8] + _CUT if escaped != text else text[:32_000] + _CUT
