"""Units of costs and times in tables: told from the names of columns, or written in the cells."""

import math
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.importing import values
from routellm_core.importing.calls import seconds_between
from routellm_core.importing.currencies import SIGNS
from routellm_core.importing.values import Cells, Where

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
LONG = 100.0
"""Median time from which a column that names no unit is taken as milliseconds."""
_TIME = re.compile(r"([\d.,]+(?:e[+-]?\d+)?)\s*([a-zµμ]+)\.?", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_DOLLARS = re.compile(r"(?i:\busd\b|us\$|[$])")
_WORD = re.compile(r"[^\W_]+|¢")


def unit_of_time(column: str) -> float | None:
    """The unit in the name of a column of times, in seconds; None where it names none.

    >>> unit_of_time("latency_us"), unit_of_time("Latency (ms)"), unit_of_time("latency")
    (1e-06, 0.001, None)
    """
    last = (_words(column) or [""])[-1]
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


def looks_long(column: str, cells: Cells) -> bool:
    """True for times of a column that names no unit, so long that they are milliseconds."""
    if unit_of_time(column) is not None:
        return False
    known = values.numbers_of(cells)
    known = known[np.isfinite(known)]
    return bool(len(known)) and bool(np.median(known) >= LONG)


def seconds(
    cells: Cells, where: Where, column: str, in_milliseconds: bool, notes: list[str]
) -> NDArray[np.float64]:
    """Each time in seconds, NaN where there is none.

    Args:
        cells: numbers of one unit, or texts such as `850 ms`, `1.2 s` and `0:01:30`.
        where: for messages.
        column: its name may hold the unit.
        in_milliseconds: True if numbers without a unit are milliseconds.
        notes: gets a sentence on cells that are no time.
    """
    factor = 1e-3 if in_milliseconds else (unit_of_time(column) or 1.0)
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
            return np.where(np.isnan(told), _times(plain, factor), told)
    return _times(values.numbers(cells, where, column, notes=notes), factor)


def between(started: Cells, ended: Cells) -> NDArray[np.float64]:
    """Seconds from each moment to another, NaN where they are not known or run backwards."""
    pairs = zip(started.to_pylist(), ended.to_pylist(), strict=True)
    return np.array([seconds_between(start, end) for start, end in pairs], dtype=np.float64)


def currencies_in(cells: Cells) -> tuple[Cells, NDArray[np.object_] | None]:
    """The costs without the signs of currencies in them, and the currency of each cell, if any.

    >>> plain, of = currencies_in(pa.chunked_array([["0,01 €", "$0.02"]]))
    >>> plain.to_pylist(), of.tolist()
    (['0,01', '0.02'], ['EUR', None])
    """
    coded = _coded(cells)
    if coded is None:
        return cells, None
    texts = coded.dictionary.to_pylist()
    signs = [next((s for s in SIGNS if s in text.lower()), None) for text in texts]
    if not any(signs) and not any(_DOLLARS.search(text) for text in texts):
        return cells, None
    plain = [
        re.sub(f"(?i:{re.escape(sign)})" if sign else _DOLLARS, "", text).strip()
        for text, sign in zip(texts, signs, strict=True)
    ]
    codes = coded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    named = np.array([*(SIGNS[s] if s else None for s in signs), None], dtype=object)[codes]
    at = pa.array(codes, mask=codes == len(texts))
    return pa.chunked_array([pa.array(plain, pa.string()).take(at)]), named


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
