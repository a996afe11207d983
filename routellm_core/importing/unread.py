"""Fields of records that look like a grade, a cost or a time, and were not read."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routellm_core.importing.column_words import COST, MILLISECONDS, QUALITY, SECONDS

LOOKED_AT = 20
"""Records that tell which fields were read."""
DEPTH = 4
NAMED = 5
FACTORS = (1.0, 1e-2, 1e-3, 1e-6, 1e-9)
"""What a value may have been multiplied by, to be a share, dollars or seconds."""
_NAMES = frozenset({*QUALITY, *COST, *SECONDS, *MILLISECONDS})
_LAST_WORDS = frozenset({"score", "grade", "rating", "cost", "price", "latency", "duration", "usd"})


def note_on_unread(
    records: Iterable[tuple[int, Mapping[str, Any]]], rows: Iterable[tuple[int, Mapping[Any, Any]]]
) -> list[str]:
    """A note that names the fields whose values stand in no row; none where there is no such field.

    Args:
        records: numbered, as the file holds them; the first `LOOKED_AT` of it are enough.
        rows: with the numbers of the records that they were read from.

    >>> records = [(1, {"q": "Who?", "score": 0.5, "judge": {"cost": 3}})]
    >>> note_on_unread(records, [(1, {"query": "Who?", "quality": 0.5})])
    ['Not used, though it looks like a grade, a cost or a time: judge.cost.']
    """
    read: dict[int, list[float]] = {}
    for number, row in rows:
        read.setdefault(number, []).extend(v for v in map(_number, row.values()) if v is not None)
    seen: dict[str, list[bool]] = {}
    for number, record in records:
        for name, value in _leaves(record):
            seen.setdefault(name, []).append(_stands_in(value, read.get(number, [])))
    names = [name for name, found in seen.items() if 2 * sum(found) < len(found)]
    if not names:
        return []
    shown = ", ".join(name[:60] for name in names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return [f"Not used, though it looks like a grade, a cost or a time: {shown}."]


def _leaves(record: Mapping[str, Any], path: str = "", depth: int = DEPTH) -> Iterator[Any]:
    """Name and value of each number under such a name."""
    for key, value in record.items():
        if isinstance(value, Mapping) and depth:
            yield from _leaves(value, f"{path}{key}.", depth - 1)
        elif (number := _number(value)) is not None and _looks_so(str(key)):
            yield f"{path}{key}", number


def _looks_so(name: str) -> bool:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    plain = re.sub(r"\W+", "_", split).strip("_").lower()
    return plain in _NAMES or plain.rpartition("_")[2] in _LAST_WORDS


def _number(value: Any) -> float | None:
    try:
        found = float(value) if isinstance(value, bool | int | float) else math.nan
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _stands_in(value: float, read: list[float]) -> bool:
    return any(math.isclose(value * f, one, abs_tol=1e-12) for f in FACTORS for one in read)
