"""What the first megabyte of a file says of its kind; nothing here trusts a file's name."""

import codecs
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from routellm_core.errors import DataError

LOOKED_AT = 1 << 20  # bytes
_BLOCK = 1 << 22

Kind: TypeAlias = Literal["parquet", "zip", "pickle", "other", "list", "objects", "text", "empty"]
"""`list` and `objects` are JSON: one list of objects, or objects one after the other."""

_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(:?)')
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Beginning(NamedTuple):
    """The start of a file, as far as it can be told."""

    kind: Kind
    text: str = ""
    """What could be decoded of it; empty for a file that is no text."""
    keys: frozenset[str] = frozenset()
    """Of the first JSON object, those seen."""
    first: Mapping[str, Any] = MappingProxyType({})
    """The first JSON object where all of it was seen."""


def beginning(path: Path) -> Beginning:
    """The first megabyte of a file; `empty` also for what is no file."""
    if not path.is_file():
        return Beginning("empty")
    with path.open("rb") as file:
        content = file.read(LOOKED_AT)
    if content.startswith(b"PAR1"):
        return Beginning("parquet")
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Beginning("zip")
    if re.match(rb"\x80[\x02-\x05]", content):
        return Beginning("pickle")
    text = _decoded(content)
    if text is None:
        return Beginning("other")
    start = text.lstrip()
    if not start:
        return Beginning("empty")
    if start[0] == "{" or re.match(r"\[\s*(\{|\]|$)", start):
        keys, first = _first_object(start[start.find("{") :] if "{" in start else "")
        return Beginning("objects" if start[0] == "{" else "list", text, keys, first)
    return Beginning("text", text)


def encoding_of(path: Path) -> tuple[str, str]:
    """How a text file is encoded, and a note where that had to be guessed.

    Reads all of it, because one wrong byte is enough.

    Raises:
        DataError: it is no text.
    """
    with path.open("rb") as file:
        start = file.read(1 << 12)
        file.seek(0)
        named = _by_bytes(start)
        decoder = codecs.getincrementaldecoder(named or "utf-8")()
        at = 0
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
                at += len(block)
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            at += getattr(error, "start", 0) + 1
        else:
            return named or "utf-8", ""
        if named or b"\0" in start:
            raise DataError(
                f"{path.name}: byte {at:,} is not {(named or 'UTF-8').upper()}; save it as UTF-8"
            )
        file.seek(0)
        guessed = codecs.getincrementaldecoder("cp1252")()
        try:
            while block := file.read(_BLOCK):
                guessed.decode(block)
        except UnicodeDecodeError:
            raise DataError(
                f"{path.name}: is neither UTF-8 nor Windows-1252 text (byte {at:,}); save it as "
                "UTF-8"
            ) from None
    return "cp1252", (
        f"{path.name} is not UTF-8 (byte {at:,}) and was read as Windows-1252: look whether "
        "accents are right."
    )


def _by_bytes(start: bytes) -> str | None:
    """The encoding that a mark, or every second byte being zero, gives away."""
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    even, odd = start[::2], start[1::2]
    if len(start) >= 8 and b"\0" in start:
        if odd.count(0) > 0.4 * len(odd) and not even.count(0):
            return "utf-16-le"
        if even.count(0) > 0.4 * len(even) and not odd.count(0):
            return "utf-16-be"
    return None


def _decoded(content: bytes) -> str | None:
    """As text; a character cut off at the end is dropped, None for what is no text."""
    named = _by_bytes(content[: 1 << 12])
    for name in (named,) if named else ("utf-8", "cp1252"):
        try:
            text = codecs.getincrementaldecoder(name)().decode(content)
        except UnicodeError:
            continue
        # Zero bytes make no sense in a file whose encoding has none.
        return None if named is None and "\0" in text[: 1 << 12] else text
    return None


def _first_object(text: str) -> tuple[frozenset[str], dict[str, Any]]:
    """Keys of the object that the text starts with, and all of it where it is whole."""
    try:
        first, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return frozenset(_leading_keys(text)), {}
    return (frozenset(first), first) if isinstance(first, dict) else (frozenset(), {})


def _leading_keys(text: str) -> list[str]:
    """Keys at depth one of an object that is cut off."""
    keys, depth, at = [], 0, 0
    while at < len(text):
        character = text[at]
        if character == '"':
            found = _KEY.match(text, at)
            if found is None:
                break
            if depth == 1 and found[2]:
                keys.append(found[1])
            at = found.end()
            continue
        depth += (character in "{[") - (character in "}]")
        if depth == 0:
            break
        at += 1
    return keys
