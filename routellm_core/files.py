"""JSON knows no NaN and no infinity: undefined numbers become null, which every reader accepts."""

import json
import math
import os
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError


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


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file in one step: who reads it meanwhile sees the former one."""
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)
