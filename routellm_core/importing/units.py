"""Units of costs and times in tables: told from the names of columns, or written in the cells."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.importing import values
from routellm_core.importing.calls import seconds_between
from routellm_core.importing.values import Cells, Where

SecondsUnit: TypeAlias = Literal["s", "ms", "us", "ns"]
"""A unit of times as the user says it."""
_SECONDS = {
    **dict.fromkeys(("ns", "nanos", "nanoseconds", "nanosecond"), 1e-9),
    **dict.fromkeys(("us", "µs", "μs", "micros", "microseconds", "microsecond", "usec"), 1e-6),
    **dict.fromkeys(("ms", "millis", "milliseconds", "millisecond", "msec", "msecs"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
}
"""Units of time by their names, in seconds."""
_MONEY = {
    **dict.fromkeys(("cent", "cents", "ct", "cts", "¢"), 1e-2),
    **dict.fromkeys(("micro", "micros", "microdollars", "microusd"), 1e-6),
    "microcents": 1e-8,
}
"""Parts of a dollar, or of another currency, by their names."""
UNIT_AT_END = re.compile(
    r"[\W_]+\(?(?:ms|us|µs|ns|s|sec|secs|seconds|cents?|ct)\)?$", re.IGNORECASE
)
"""A unit at the end of a column's name."""
LONGEST_S = 60.0
"""Median time above which times without a unit are not taken for seconds."""
_BARE: ContextVar[SecondsUnit | None] = ContextVar("_BARE", default=None)
_TIME = re.compile(r"([\d.,]+(?:e[+-]?\d+)?)\s*([a-zµμ]+)\.?", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_WORD = re.compile(r"[^\W_]+|¢")
_RUN_TOGETHER = re.compile(r"(?:latency|duration|elapsed|time)(ms|us|ns|sec)")


@contextmanager
def bare_times_in(unit: SecondsUnit | None) -> Iterator[None]:
    """A block in which times have this unit where neither their column nor their cell names one."""
    token = _BARE.set(unit)
    try:
        yield
    finally:
        _BARE.reset(token)


def unit_of_time(column: str) -> float | None:
    """The unit in the name of a column of times, in seconds; None where it names none.

    >>> unit_of_time("latency_us"), unit_of_time("Latency (ms)"), unit_of_time("latency")
    (1e-06, 0.001, None)
    """
    last = (_words(column) or [""])[-1]
    if together := _RUN_TOGETHER.fullmatch(last):
        last = together[1]
    return _SECONDS.get(last)


def without_unit(column: str) -> str:
    """The name of a column of times or costs without its unit; another name as it is.

    >>> without_unit("latency (µs)"), without_unit("cost_cents"), without_unit("cost_micro_usd")
    ('latency', 'cost', 'cost_usd')
    """
    words = _words(column)
    if len(words) > 1 and words[-1] in _SECONDS:
        return "_".join(words[:-1])
    if part_of_money(column) != 1.0:
        return "_".join(word for word in words if word not in _MONEY) or "cost"
    return column


def part_of_money(column: str) -> float:
    """The part of a dollar that a column of costs counts in.

    >>> part_of_money("cost_cents"), part_of_money("cost_usd")
    (0.01, 1.0)
    """
    return next((_MONEY[word] for word in _words(column) if word in _MONEY), 1.0)


def in_whole(amounts: NDArray[np.float64], column: str) -> NDArray[np.float64]:
    """The costs of a column in whole units of their currency."""
    return _times(amounts, part_of_money(column))


def seconds(
    columns: Mapping[str, Cells], where: Where, notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Each time of some columns of a table in seconds, NaN where there is none.

    Args:
        columns: by their names, which may hold the unit: numbers of one unit, or texts such as
            `850 ms`, `1.2 s` and `0:01:30`.
        where: for messages.
        notes: gets a sentence on cells that are no time, and on times that name no unit.
    """
    found, bare = {}, {}
    for column, cells in columns.items():
        found[column], own = _seconds(cells, where, column, notes)
        if unit_of_time(column) is None:
            bare[column] = np.where(own, np.nan, found[column])
    for column, times in in_seconds(bare, notes).items():
        found[column] = np.where(np.isnan(bare[column]), found[column], times)
    return found


def in_seconds(
    bare: Mapping[str, NDArray[np.float64]], notes: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Times without a unit in seconds: in the unit that the user says, else as they are.

    Where nobody says one and a column is too long for seconds, all are left out, and a note asks.

    Args:
        bare: the times by the names of their columns, NaN where there is none.
        notes: gets a sentence on what was left out or taken for seconds.
    """
    medians = {column: median(times) for column, times in bare.items()}
    known = {column: m for column, m in medians.items() if not math.isnan(m)}
    unit = _BARE.get()
    if unit is not None or not known:
        return {column: _times(times, _SECONDS[unit or "s"]) for column, times in bare.items()}
    longest = max(known, key=known.__getitem__)
    named = ", ".join(map(repr, known))
    if known[longest] <= LONGEST_S:
        notes.append(f"The times in {named} name no unit and were taken as seconds.")
        return dict(bare)
    notes.append(
        f"Left out: the times in {named}. They name no unit, and the median of {longest!r}, "
        f"{known[longest]:,.6g}, is long for seconds. Say the unit: --seconds-unit ms (or s, us, "
        "ns). For a table My data asks too."
    )
    return {column: np.full_like(times, np.nan) for column, times in bare.items()}


def bare_median(column: str, cells: Cells) -> float:
    """Median of the times of a column that has no unit; NaN where its name or its cells have one.

    Args:
        column: its name.
        cells: some of its cells.
    """
    is_named = unit_of_time(column) is not None
    return math.nan if is_named else median(values.numbers_of(cells))


def median(times: NDArray[np.float64]) -> float:
    """Median of the times that are known; NaN of none."""
    known = times[np.isfinite(times)]
    return float(np.median(known)) if len(known) else math.nan


def _seconds(
    cells: Cells, where: Where, column: str, notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n_rows,) times in the unit of the cell, else of the name; true where a cell has a unit."""
    factor = unit_of_time(column) or 1.0
    coded = _coded(cells)
    if coded is not None:
        distinct = coded.dictionary.to_pylist()
        found = [_seconds_of(text) for text in distinct]
        if any(found):
            codes = coded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
            told = np.array([*(math.nan if n is None else n for n in found), math.nan])[codes]
            rest = pa.array([None if n else t for n, t in zip(found, distinct, strict=True)])
            others = pa.chunked_array([rest.take(pa.array(codes, mask=codes == len(found)))])
            plain = values.numbers(others.cast(pa.string()), where, column, notes=notes)
            own = ~np.isnan(told)
            return np.where(own, told, _times(plain, factor)), own
    plain = values.numbers(cells, where, column, notes=notes)
    return _times(plain, factor), np.zeros(len(plain), dtype=bool)


def between(started: Cells, ended: Cells) -> NDArray[np.float64]:
    """Seconds from each moment to another, NaN where they are not known or run backwards."""
    pairs = zip(started.to_pylist(), ended.to_pylist(), strict=True)
    return np.array([seconds_between(start, end) for start, end in pairs], dtype=np.float64)


def _times(amounts: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """The product; of a decimal part the nearest, as 700 ms are 0.7 s."""
    return amounts * factor if factor >= 1 else amounts / round(1 / factor)


def _seconds_of(text: str) -> float | None:
    """The seconds of a text that holds their unit; None of one without."""
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, rest = clock.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(rest)
    parts = _TIME.findall(text)
    if not parts or re.sub(_TIME, "", text).strip():
        return None
    factors = [_SECONDS.get(unit.lower()) for _, unit in parts]
    numbers = [values.number_in(number) for number, _ in parts]
    if None in factors or None in numbers:
        return None
    return sum(n * f for n, f in zip(numbers, factors, strict=True) if n and f)


def _coded(cells: Cells) -> pa.DictionaryArray | None:
    """Texts as codes; None of numbers and of texts that are all plain numbers."""
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return None
    if values.are_plain(cells):
        return None
    return cells.combine_chunks().dictionary_encode()


def _words(column: str) -> Sequence[str]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column)
    return [word.lower() for word in _WORD.findall(split)]
