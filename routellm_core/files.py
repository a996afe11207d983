"""Files written in one step, and JSON.

JSON knows no NaN and no infinity: undefined numbers become null, which every reader accepts.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

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
    """The value that a JSON file holds.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error


@contextmanager
def whole(path: Path, *, folder: Path | None = None) -> Iterator[Path]:
    """A place to write a file or folder, which is then put at a path in one step.

    Who reads the path meanwhile sees the former file. Where the writing fails nothing is left.

    Args:
        path: of the file, or of a folder that is absent or empty by the end.
        folder: where it is written, on the same disk; by default beside the path.

    Yields:
        A path with the same ending that nobody else has; its name begins with a dot, by which
        readers of a whole folder know what is not there yet.
    """
    aside = (folder or path.parent) / f".{path.stem}.{uuid4().hex}{path.suffix}"
    try:
        yield aside
        aside.replace(path)
    finally:
        if aside.is_dir():
            rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file in one step: who reads it meanwhile sees the former one."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    with whole(path) as aside:
        aside.write_text(text, encoding="utf-8")
