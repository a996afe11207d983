"""Cells of any table as numbers and texts, with the rows of those that are neither."""

import math
import re
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing.notes import counted
from routellm_core.schemas import ROWS_NAMED

MISSING = frozenset({"", "nan", "none", "null", "na", "n/a", "-", "#n/a"})
RIGHT = frozenset(
    {
        *("true", "yes", "right", "correct", "pass", "passed", "success", "y", "t", "✓", "✔", "✅"),
        *("ja", "sí", "si", "oui", "richtig", "good", "up", "thumbs_up", "thumbs up", "👍", "like"),
    }
)
WRONG = frozenset(
    {
        *("false", "no", "wrong", "incorrect", "fail", "failed", "failure", "n", "f", "✗", "✘"),
        *("❌", "nein", "non", "falsch", "bad", "down", "thumbs_down", "thumbs down", "👎"),
        "dislike",
    }
)
NO = frozenset({"false", "no", "n", "f"})
"""Words of a flag that is not set."""

LETTER = re.compile(r"[A-F][+\-−]?")
"""A grade as a letter."""
MOST_ODD = 0.1
"""Share of the cells of a quality that may be no number and are left out for it."""

Cells: TypeAlias = pa.ChunkedArray


Kind: TypeAlias = Literal["quality", "amount"]


class Where(NamedTuple):
    """Names of the rows of a table in messages."""

    file: str
    row: NDArray[np.int64]
    """(n_rows,) number of each row in the file."""
    unit: str = "row"

    def rows(self, marked: NDArray[np.bool_], one: str = "", many: str = "") -> str:
        """Number and names of the marked rows, as `3 rows (2, 5, 9)`, and the verb for as many."""
        at = np.unique(self.row[marked])  # a wide row stands for several
        named = ", ".join(f"{row}" for row in at[:ROWS_NAMED])
        named += ", …" if len(at) > ROWS_NAMED else ""
        return f"{counted(len(at), self.unit)} ({named}) {one if len(at) == 1 else many}".strip()

    def refuse(self, marked: NDArray[np.bool_], what: str, remedy: str, of: str = "") -> None:
        """Raise a `DataError` when any row is marked."""
        if marked.any():
            where = f"{self.file}, {of}" if of else self.file
            raise DataError(f"{where}: {what} in {self.rows(marked)}; {remedy}")


class Look(NamedTuple):
    """Cells taken as qualities."""

    share: float
    """Share of numbers and words for right and wrong among the cells that hold anything."""
    low: float
    high: float


def numbers(
    cells: Cells,
    where: Where,
    column: str,
    kind: Kind = "amount",
    notes: list[str] | None = None,
) -> NDArray[np.float64]:
    """Each cell as a number, NaN where there is none.

    Args:
        cells: numbers, flags or texts.
        where: for messages.
        column: for messages.
        kind: of a quality, flags and words such as `true` and `wrong` are 1 and 0; of an amount,
            `$` and commas between thousands are dropped.
        notes: where given, cells that are no number are left empty and a note counts them: all of
            an amount, and those of a quality up to `MOST_ODD` of all.

    Raises:
        DataError: a cell is no number, or an infinite one.
    """
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        found = _typed(cells, where, column, kind)
        bad = np.zeros(len(found), dtype=bool)
        example = ""
    elif (plain := _plain(cells)) is not None:
        found, bad, example = plain, np.zeros(len(plain), dtype=bool), ""
    else:
        coded = cells.combine_chunks().dictionary_encode()
        codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
        distinct, known = _parsed(coded.dictionary, kind)
        bad = np.append(~known, False)[codes]
        example = str(coded.dictionary[int(codes[bad.argmax()])].as_py()) if bad.any() else ""
        found = np.append(distinct, np.nan)[codes]
    infinite = np.isinf(found)
    odd = bad | infinite
    may_be_odd = notes is not None and (kind == "amount" or odd.mean() <= MOST_ODD)
    if odd.any() and may_be_odd and notes is not None:
        shown = repr(example[:60]) if bad.any() else f"{found[infinite][0]:g}"
        notes.append(
            f"Column {column!r}: no number in {where.rows(odd)}, for example {shown}: left empty."
        )
        return np.where(odd, np.nan, found)
    if bad.any():
        words = ", right or wrong" if kind == "quality" else ""
        where.refuse(
            bad,
            f"{example[:60]!r} is no number{words}",
            "correct or empty the cells, or map another column",
            f"column {column!r}",
        )
    where.refuse(infinite, "an infinite value", "give finite numbers", f"column {column!r}")
    return found


def are_plain(cells: Cells) -> bool:
    """True for texts that are all plain numbers."""
    return _plain(cells) is not None


def number_in(text: str) -> float | None:
    """An amount in a text; None where it is no number, or none is there."""
    found = _number(text, "amount")
    return None if found is None or math.isnan(found) else found


def _plain(cells: Cells) -> NDArray[np.float64] | None:
    """Texts that are all plain numbers, as most columns are; None where one is more than that."""
    try:
        found: NDArray[np.float64] = cells.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return found


def numbers_of(cells: Cells) -> NDArray[np.float64]:
    """Cells of a sample as qualities, NaN for what is none."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_boolean(cells.type) or _is_number(cells.type):
        plain: NDArray[np.float64] = cells.cast(pa.float64(), safe=False).to_numpy()
        return plain
    if not pa.types.is_string(cells.type):
        return np.full(len(cells), np.nan)
    coded = cells.combine_chunks().dictionary_encode()
    distinct, _ = _parsed(coded.dictionary, "quality")
    codes = coded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    found: NDArray[np.float64] = np.append(distinct, np.nan)[codes]
    return found


def flags(cells: Cells, words: frozenset[str]) -> NDArray[np.bool_]:
    """Marks of the cells that are true, or a text that says so or is one of these words."""
    if pa.types.is_boolean(cells.type):
        marked: NDArray[np.bool_] = cells.fill_null(False).to_numpy()
        return marked
    if _is_number(cells.type):
        nonzero: NDArray[np.bool_] = numbers_of(cells) != 0
        return nonzero & ~np.isnan(numbers_of(cells))
    said = texts(cells).combine_chunks().dictionary_encode()
    meant = [text.strip().lower() in words for text in said.dictionary.to_pylist()]
    codes = said.indices.fill_null(len(meant)).to_numpy(zero_copy_only=False)
    found: NDArray[np.bool_] = np.array([*meant, False])[codes]
    return found


def texts(cells: Cells) -> Cells:
    """Each cell as text, null where it is empty; a whole number has no point."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_floating(cells.type):
        values = cells.to_numpy()
        known = np.isfinite(values)
        if (known & (values == np.trunc(values)) & (np.abs(values) < 2**53) | ~known).all():
            cells = pa.chunked_array(
                [pa.array(np.where(known, values, 0).astype(np.int64), mask=~known)]
            )
    try:
        cells = cells.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # lists, structures, bytes
        cells = pa.chunked_array([pa.array([_shown(v) for v in cells.to_pylist()], pa.string())])
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(cells), ""), None, cells)


def look(cells: Cells) -> Look:
    """Cells of a sample, taken as qualities."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_boolean(cells.type) or _is_number(cells.type):
        found = cells.drop_null().cast(pa.float64(), safe=False).to_numpy()
        share = 1.0
    elif pa.types.is_string(cells.type):
        coded = cells.drop_null().combine_chunks().dictionary_encode()
        distinct, known = _parsed(coded.dictionary, "quality")
        codes = coded.indices.to_numpy()
        found = distinct[codes]
        there = ~(known & np.isnan(distinct))[codes]
        share = float(np.isfinite(found)[there].mean()) if there.any() else 0.0
    else:
        return Look(0.0, 0.0, 0.0)
    found = found[np.isfinite(found)]
    return Look(share, found.min(), found.max()) if len(found) else Look(0.0, 0.0, 0.0)


def _typed(cells: Cells, where: Where, column: str, kind: Kind) -> NDArray[np.float64]:
    if pa.types.is_dictionary(cells.type):
        return numbers(cells.cast(cells.type.value_type), where, column, kind)
    if pa.types.is_null(cells.type):
        return np.full(len(cells), np.nan)
    if not (_is_number(cells.type) or (kind == "quality" and pa.types.is_boolean(cells.type))):
        raise DataError(
            f"{where.file}, column {column!r}: holds {cells.type}, not numbers; map another column"
        )
    found: NDArray[np.float64] = cells.cast(pa.float64(), safe=False).to_numpy()
    return found


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _parsed(distinct: pa.Array, kind: Kind) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Distinct texts as numbers, and which of them are understood; a missing one is NaN."""
    try:  # mostly they are plain numbers
        plain = distinct.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return plain, np.ones(len(distinct), dtype=bool)
    except pa.ArrowInvalid:
        texts = distinct.to_pylist()
        found = [_number(text, kind) for text in texts]
        if kind == "quality" and any(LETTER.fullmatch(t.strip()) and t != "F" for t in texts if t):
            # Beside other letters an F is no word for wrong, but the lowest grade.
            found = [
                None if t and LETTER.fullmatch(t.strip()) else n
                for t, n in zip(texts, found, strict=True)
            ]
    known = np.array([number is not None for number in found], dtype=bool)
    return np.array([np.nan if n is None else n for n in found], dtype=np.float64), known


def _number(text: str, kind: Kind) -> float | None:
    """A text as a number, NaN when it says that there is none; None when it says something else.

    >>> [_number(text, "quality") for text in ("Right", "12.5 %", "0,5", "4/5", "n/a", "well")]
    [1.0, 0.125, 0.5, 0.8, nan, None]
    >>> _number("$1,234.50", "amount")
    1234.5
    """
    text = text.strip().lower()
    if text in MISSING:
        return math.nan
    percent = False
    if kind == "quality":
        if text in RIGHT or text in WRONG:
            return float(text in RIGHT)
        if (share := _SHARE.fullmatch(text)) and float(share[2]) > 0:
            return float(share[1]) / float(share[2])
        percent, text = text.endswith("%"), text.rstrip("% ")
    else:
        text = _THOUSANDS.sub("", text.lstrip("$ "))
    text = _COMMA.sub(r"\1.\2", text)
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) / 100.0 if percent else float(text)


_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)", re.ASCII)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))")
_COMMA = re.compile(r"^(-?\d+),(\d+)$", re.ASCII)
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)", re.ASCII)


def _shown(value: Any) -> str | None:
    """Text of a cell that is neither number nor text; the first of a list of texts."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return str(value[0])
    return str(value)
