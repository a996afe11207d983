"""JSON knows no NaN and no infinity: undefined numbers become null, which every reader accepts."""

import math
from typing import Any


def with_nulls(value: Any) -> Any:
    """The same value, containers and all, with None for numbers that are not finite.

    >>> with_nulls({"apgr": float("nan"), "interval": (0.5, float("inf"))})
    {'apgr': None, 'interval': [0.5, None]}
    """
    if isinstance(value, dict):
        return {key: with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_nulls(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
