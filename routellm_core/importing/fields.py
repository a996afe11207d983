"""Values out of JSON of uncertain form: read as what they should be, or refused."""

import math
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing.values import Where


def at(value: Any, *path: str) -> Any:
    """The value at the end of a path of keys; None where a step is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def number(value: Any, where: str, field: str) -> float:
    """A number, NaN where there is none; flags are 1 and 0.

    Something else is none either: `odd_values` tells of it.
    """
    if value is None or value == "":
        return math.nan
    try:
        found = float(value) if isinstance(value, bool | int | float | str) else math.inf
    except (ValueError, OverflowError):
        found = math.inf
    if math.isinf(found):
        n, first = _ODD.get()
        _ODD.set((n + 1, first or f"{_short(value)} in {where}, field {field!r}"))
        return math.nan
    return found


def odd_values() -> list[str]:
    """A note on the values since the last call that are no numbers; none where all are."""
    n, first = _ODD.get()
    _ODD.set((0, ""))
    if not n:
        return []
    return [f"Values that are no finite numbers, so left out: {n:,}, for example {first}."]


_ODD: ContextVar[tuple[int, str]] = ContextVar("_ODD", default=(0, ""))
"""Number of such values, and the first of them."""


def text(value: Any, where: str, field: str) -> str:
    """A text that says something; numbers are written out.

    Raises:
        DataError: it is missing, empty or something else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        check_whole(value, f"{where}, field {field!r}")
        return value
    raise DataError(f"{where}, field {field!r}: {_short(value)} is no text; fill or drop it")


def is_whole(value: str) -> bool:
    """True if a text has a UTF-8 form, that is, no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_whole(value: str, where: str) -> None:
    """Raise a `DataError` when a text has no UTF-8 form."""
    if not is_whole(value):
        raise DataError(
            f"{where}: a text holds half a character (a lone surrogate); write it again as UTF-8"
        )


def rows_of(
    file: str, found: Iterable[tuple[int, dict[str, Any]]], unit: str
) -> tuple[pd.DataFrame, Where]:
    """Numbered rows as a table, as `assembling.assembled` takes them.

    Raises:
        DataError: a text holds half a character.
    """
    numbered = list(found)
    for number_, row in numbered:
        for value in row.values():
            if isinstance(value, str) and not value.isascii():
                check_whole(value, f"{file}, {unit} {number_:,}")
    where = Where(file, np.array([number for number, _ in numbered], dtype=np.int64), unit)
    return pd.DataFrame([row for _, row in numbered]), where


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:60] + "…"
