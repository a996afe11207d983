"""JSON of any size: the objects of a list or of lines one at a time, or one whole document."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing.readers.counted_reads import open_watched
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import encoding_of, sniff
from routellm_core.importing.readers.wrapped_rows import BY_KEY, rows_inside

LARGEST_DOCUMENT = 1 << 30  # bytes; held in memory several times over
_BLOCK = 1 << 20
_DECODER = json.JSONDecoder()


def unit(path: Path) -> str:
    """Name of an object of the file in messages: a line of it, or an item of its list."""
    start = sniff(path)
    return "item" if start.kind == "list" or start.wrapped else "line"


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON list, or of JSON lines, with their number from 1.

    Of lines it is the line's number. One object over several lines counts as one; if it wraps one
    list of rows, as `{"results": [...]}` does, these are the objects.

    Raises:
        DataError: damaged, or something in it is no object.
    """
    start = sniff(path)
    if start.kind not in ("list", "objects"):
        raise DataError(
            f"{named(path)}: is no JSON list of objects and no JSON lines; save it as one"
        )
    items: Iterator[tuple[int, Any]]
    if start.wrapped:
        items = iter(enumerate(rows_inside(document(path), start.wrapped), start=1))
    else:
        items = _of_list(path) if start.kind == "list" else _of_lines(path)
    for number, item in items:
        if not isinstance(item, dict):
            raise DataError(
                f"{named(path)}, {unit(path)} {number:,}: is {_kind(item)}, no object; correct or "
                "drop it"
            )
        yield number, item


def around_rows(path: Path) -> dict[str, Any]:
    """What an object holds beside the one list of rows that it wraps; empty where it is no such.

    Raises:
        DataError: damaged.
    """
    key = sniff(path).wrapped
    if not key or key == BY_KEY:
        return {}
    return {name: value for name, value in document(path).items() if name != key}


def document(path: Path) -> dict[str, Any]:
    """A file that is one JSON object.

    Raises:
        DataError: damaged, too large, or not an object.
    """
    _check_size(path)
    return parsed(path.read_bytes(), named(path), encoding_of(path)[0])


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST_DOCUMENT:
        raise DataError(
            f"{named(path)}: {size:,} bytes of one JSON document, more than {LARGEST_DOCUMENT:,}; "
            "export it as JSON lines or in parts"
        )


def parsed(content: bytes, name: str, encoding: str = "utf-8-sig") -> dict[str, Any]:
    """Bytes that are one JSON object.

    Raises:
        DataError: damaged or not an object.
    """
    try:
        found = json.loads(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: byte {error.start + 1:,} is not UTF-8; save it again") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: is no JSON ({_reason(error)}); export it again") from None
    if not isinstance(found, dict):
        raise DataError(f"{name}: is {_kind(found)}, no JSON object; export it again")
    return found


def _of_lines(path: Path) -> Iterator[tuple[int, Any]]:
    # Only the line feed ends a line: a query may hold any other separator.
    with io.TextIOWrapper(open_watched(path), encoding=_encoding(path), newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                if number == 1 and not line.rstrip().endswith("}"):
                    break
                raise DataError(
                    f"{named(path)}, line {number:,}: is no JSON ({_reason(error)}); correct or "
                    "drop it"
                ) from None
        else:
            return
    yield from _over_lines(path)


def _over_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Objects one after the other, each over several lines."""
    _check_size(path)
    text = path.read_bytes().decode(_encoding(path)).lstrip()
    for number in range(1, 1 << 62):
        try:
            item, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{named(path)}: object {number:,} is no JSON ({_reason(error)}); export it again"
            ) from None
        yield number, item
        text = text[end:].lstrip()
        if not text:
            return


def _of_list(path: Path) -> Iterator[tuple[int, Any]]:
    with io.TextIOWrapper(open_watched(path), encoding=_encoding(path)) as file:
        rest = file.read(_BLOCK).lstrip()[1:]
        ended = False
        for number in range(1, 1 << 62):
            rest = rest.lstrip()
            while not ended and (not rest or rest == ","):
                rest, ended = _more(file, rest)
                rest = rest.lstrip()
            if number > 1 and rest.startswith(","):
                rest = rest[1:].lstrip()
            elif rest.startswith("]") and not rest[1:].strip():
                return
            elif number > 1:
                raise DataError(
                    f"{named(path)}, item {number:,}: after it there is neither a comma nor the "
                    "end of the list; export it again"
                )
            while True:
                try:
                    item, end = _DECODER.raw_decode(rest)
                    # A number may go on in the next block; an object ends where it ends.
                    if end < len(rest) or ended or isinstance(item, dict):
                        break
                except (ValueError, RecursionError) as error:
                    if ended or isinstance(error, RecursionError):
                        raise DataError(
                            f"{named(path)}, item {number:,}: is no JSON ({_reason(error)}); "
                            "correct or drop it"
                        ) from None
                rest, ended = _more(file, rest)
            yield number, item
            rest = rest[end:]


def _more(file: Any, rest: str) -> tuple[str, bool]:
    """The text with as much again read onto it, so that a long item costs no square of it."""
    block = file.read(max(_BLOCK, len(rest)))
    return rest + block, not block


def _encoding(path: Path) -> str:
    return encoding_of(path)[0]


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply or too long"


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a flag", type(None): "null"}
    return names.get(type(value), "a number")
