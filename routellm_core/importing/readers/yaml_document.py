"""YAML that is one object, read as plain data: no tag makes anything else of it."""

from pathlib import Path
from typing import Any

import yaml

from routellm_core.errors import DataError
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import encoding_of

LARGEST = 1 << 27  # bytes
DEEPEST = 200
MOST_VALUES = 5_000_000
"""Values with all that aliases repeat; a trap of aliases has billions."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def document(path: Path) -> dict[str, Any]:
    """A file that is one YAML object.

    Raises:
        DataError: damaged, too large, nested too deeply, or not an object.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise DataError(
            f"{named(path)}: {size:,} bytes of YAML, more than {LARGEST:,}; export it as JSON"
        )
    content = path.read_bytes().decode(encoding_of(path)[0])
    try:
        _check_depth(content, path.name)
        found = yaml.load(content, Loader=_Loader)
    except DataError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        at = getattr(error, "problem_mark", None)
        line = f", line {at.line + 1:,}" if at else ""
        reason = getattr(error, "problem", None) or "a value is off"
        raise DataError(f"{named(path)}{line}: is no YAML ({reason}); export it again") from None
    if not isinstance(found, dict):
        raise DataError(f"{named(path)}: is no YAML object; export it again")
    _check_size(found, path.name)
    return found


def _check_depth(content: str, name: str) -> None:
    # The loader calls itself for each level, in C, where nothing stops it.
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise DataError(f"{name}: is nested more than {DEEPEST} deep; export it as JSON")


def _check_size(found: Any, name: str) -> None:
    left, n = [found], 0
    while left:
        value = left.pop()
        n += 1
        if n > MOST_VALUES:
            raise DataError(f"{name}: its aliases repeat too much; export it as JSON")
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
