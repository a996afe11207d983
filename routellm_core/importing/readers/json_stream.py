"""JSON of any size: the objects of a list or of lines one at a time, or one whole document."""

import io
import json
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing.readers.counted_reads import open_watched
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import encoding_of, sniff
from routellm_core.importing.readers.wrapped_rows import BY_KEY, rows_inside

LARGEST_DOCUMENT = 1 << 30  # bytes; held in memory several times over
_BLOCK = 1 << 20
NAMED = 3
_DECODER = json.JSONDecoder()
MOST_DAMAGED = 0.02
"""Share of the objects of a file that may be damaged and are left out for it; one at its end may be
so in any file, as where a run was stopped while it wrote."""
_SEEN: ContextVar[tuple[str, ...]] = ContextVar("_SEEN", default=())
"""Notes on files whose damaged objects were left out."""


def unit(path: Path) -> str:
    """Name of an object of the file in messages: a line of it, or an item of its list."""
    start = sniff(path)
    return "item" if start.kind == "list" or start.wrapped else "line"


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON list, or of JSON lines, with their number from 1.

    Of lines it is the line's number. One object over several lines counts as one; if it wraps one
    list of rows, as `{"results": [...]}` does, these are the objects. A last object that is cut
    off, and few damaged lines among many, are left out: `damage` tells of them.

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


def damage() -> list[str]:
    """Notes on what was left out of files since the last call, for it was damaged."""
    found = list(dict.fromkeys(_SEEN.get()))
    _SEEN.set(())
    return found


def _left_out(note: str) -> None:
    _SEEN.set((*_SEEN.get(), note))


def around_rows(path: Path) -> dict[str, Any]:
    """Fields of an object beside the one list of rows that it wraps; empty where it is no such.

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
    n_whole, bad = 0, []
    with io.TextIOWrapper(open_watched(path), encoding=_encoding(path), newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                if number == 1 and not line.rstrip().endswith("}"):
                    break
                bad.append((number, _reason(error), line.endswith("\n")))
                if len(bad) > 1 + MOST_DAMAGED * n_whole:
                    raise _damaged_line(path, *bad[0][:2]) from None
                continue
            n_whole += 1
            yield number, found
        else:
            if bad:
                _say_damaged(path, bad, n_whole)
            return
    yield from _over_lines(path)


def _say_damaged(path: Path, bad: list[tuple[int, str, bool]], n_whole: int) -> None:
    """Tell of the damaged lines, each with its number, what is off, and whether it ends.

    Raises:
        DataError: they are too many of all.
    """
    number, why, is_ended = bad[0]
    if len(bad) == 1 and not is_ended and n_whole:
        _left_out(f"{named(path)} ends in the middle of line {number:,}, which was left out.")
    elif len(bad) <= MOST_DAMAGED * n_whole:
        shown = ", ".join(f"{one[0]:,}" for one in bad[:NAMED]) + (
            ", …" if len(bad) > NAMED else ""
        )
        _left_out(f"{named(path)}: lines that are no JSON, left out: {len(bad):,} ({shown}).")
    else:
        raise _damaged_line(path, number, why)


def _damaged_line(path: Path, number: int, why: str) -> DataError:
    return DataError(f"{named(path)}, line {number:,}: is no JSON ({why}); correct or drop it")


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
            elif number > 1 and ended and not rest:
                _left_out(f"{named(path)} ends behind item {number - 1:,}, before its list does.")
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
                    if ended and number > 1 and _is_at_end(error, rest):
                        _left_out(
                            f"{named(path)} ends in the middle of item {number:,}, which was left "
                            "out."
                        )
                        return
                    if ended or isinstance(error, RecursionError):
                        raise DataError(
                            f"{named(path)}, item {number:,}: is no JSON ({_reason(error)}); "
                            "correct or drop it"
                        ) from None
                rest, ended = _more(file, rest)
            yield number, item
            rest = rest[end:]


def _is_at_end(error: Exception, text: str) -> bool:
    """True if what is no JSON would be it with more behind it."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    is_open = error.msg.startswith("Unterminated string")
    return is_open or error.pos >= len(text.rstrip()) - len("fals")


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
