"""Kind and encoding of a file from its content; nothing here trusts a file's name."""

import codecs
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, NamedTuple, TypeAlias

from routellm_core.errors import DataError
from routellm_core.importing.readers import zip_limits
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.wrapped_rows import OF_ROWS, key_of_rows, rows_inside

LOOKED_AT = 1 << 20  # bytes
MOST_LOOKED_AT = 1 << 24
"""Bytes that may be read until the first JSON object is whole: its keys tell the format."""
_BLOCK = 1 << 22

Kind: TypeAlias = Literal[
    "parquet", "spreadsheet", "zip", "pickle", "other", "list", "objects", "text", "empty"
]
"""`list` and `objects` are JSON: one list of objects, or objects one after the other."""

LEGACY_ENCODINGS = {
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp874": "Windows-874 (Thai)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GBK (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
    "cp1252": "Windows-1252 (Western)",
}
"""Encodings that are distinguished where a file is not UTF-8. Windows-1250, 1254 and 1257 are not
among them: their letters stand alone between ASCII ones, as those of Windows-1252 do."""
_SAMPLED = 1 << 16
_LEAST_RUNS = 8  # bytes
_RUN = re.compile(rb"[\x80-\xff]{3,}")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(:?)')
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # xls, and xlsx with a password
_ODS = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"


class Sniffed(NamedTuple):
    """The start of a file, as far as it is understood."""

    kind: Kind
    text: str = ""
    """The decoded part; empty for a file that is no text."""
    keys: frozenset[str] = frozenset()
    """Keys of the first JSON object, those seen."""
    first: Mapping[str, Any] = MappingProxyType({})
    """The first JSON object where all of it was seen; the first row of wrapped ones."""
    wrapped: str = ""
    """Key of the one list of rows inside the one object that the file is, if it is such a file. Its
    first row's keys are among `keys`."""


def sniff(path: Path) -> Sniffed:
    """Kind and start of a file; `empty` also for what is no file.

    `text` is of the first megabyte; the first object may be longer.
    """
    if not path.is_file():
        return Sniffed("empty")
    found = path.stat()
    return _sniffed(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=16)  # each format asks in turn
def _sniffed(path: Path, n_bytes: int, _: int) -> Sniffed:
    with path.open("rb") as file:
        content = file.read(LOOKED_AT)
    if content.startswith(b"PAR1"):
        return Sniffed("parquet")
    if content.startswith(_ZIP):
        excel = any(name.startswith("xl/") for name in zip_limits.names(path))
        return Sniffed("spreadsheet" if excel or _ODS in content[:100] else "zip")
    if content.startswith(_OLE):
        return Sniffed("spreadsheet")
    if re.match(rb"\x80[\x02-\x05]", content):
        return Sniffed("pickle")
    text = _decoded(content)
    if text is None:
        return Sniffed("other")
    start = text.lstrip()
    if not start:
        return Sniffed("empty")
    if start[0] == "{" or re.match(r"\[\s*([\[{\]\d\"]|$)", start):
        keys, first, is_all = _first_object(path, text, n_bytes)
        if start[0] == "[":
            return Sniffed("list", text, keys, first)
        if is_all and (wrapped := key_of_rows(first)):
            row = rows_inside(first, wrapped)[0]
            return Sniffed("objects", text, keys | row.keys(), row, wrapped)
        if not first and (wrapped := _key_of_open_rows(start)):
            of_row, row = _row_at(start, wrapped)
            return Sniffed("objects", text, keys | of_row, row, wrapped)
        return Sniffed("objects", text, keys, first)
    return Sniffed("text", text)


def encoding_of(path: Path) -> tuple[str, str]:
    """Python's name of a text file's encoding, and a note where it had to be guessed.

    Reads all of the file, because one wrong byte is enough.

    Raises:
        DataError: it is no text.
    """
    errors: list[tuple[int, str]] = []
    with path.open("rb") as file:
        for encoding in _candidates(file):
            at = _first_error(file, encoding)
            if at is None:
                break
            errors.append((at, encoding))
        else:
            tried = ", ".join(f"{name.upper()} (byte {at:,})" for at, name in errors)
            raise DataError(f"{named(path)}: is no text in {tried}; save it as UTF-8")
    if not errors:
        return encoding, ""
    return encoding, (
        f"{named(path)} is not UTF-8 (byte {errors[0][0]:,}) and was read as "
        f"{LEGACY_ENCODINGS[encoding]}: look whether its letters are right."
    )


def _candidates(file: BinaryIO) -> Iterator[str]:
    """Encodings that a text may have, the surest first."""
    start = file.read(1 << 12)
    if named := _by_bytes(start):
        yield named
        return
    yield "utf-8"
    if b"\0" in start:  # makes no sense in an encoding of single bytes
        return
    file.seek(0)
    if guessed := _guessed(_beyond_ascii(file)):
        yield guessed
    yield "cp1252"


def _first_error(file: BinaryIO, encoding: str) -> int | None:
    """The number of the first byte that is wrong, from 1."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    try:
        is_plain = encoding in ("utf-8", "cp1252")  # ASCII is ASCII there, and quick to tell
        while block := file.read(_BLOCK):
            if not (is_plain and block.isascii() and not decoder.getstate()[0]):
                decoder.decode(block)
            at += len(block)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        return at + int(getattr(error, "start", 0)) + 1
    return None


def _by_bytes(start: bytes) -> str | None:
    """The encoding that a mark, or every second byte being zero, gives away."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    even, odd = start[::2], start[1::2]
    if len(start) >= 8 and b"\0" in start:
        if odd.count(0) > 0.4 * len(odd) and not even.count(0):
            return "utf-16-le"
        if even.count(0) > 0.4 * len(even) and not odd.count(0):
            return "utf-16-be"
    return None


def _beyond_ascii(file: BinaryIO) -> bytes:
    """The first lines that hold more than ASCII: what tells encodings apart."""
    found = bytearray()
    while len(found) < _SAMPLED and (line := file.readline(_SAMPLED)):
        if not line.isascii():
            found += line
    return bytes(found)


def _guessed(sample: bytes) -> str | None:
    """The encoding of a text that is not UTF-8, where that is sure enough.

    In Western text a letter beyond ASCII stands alone; other scripts write runs of such letters.
    Without runs Windows-1252 stays the best guess, and too few letters decide nothing.
    """
    beyond = re.sub(rb"[\x00-\x7f]+", b"", sample)
    in_runs = sum(map(len, _RUN.findall(sample)))
    of_utf8 = len(beyond.decode(errors="ignore").encode())
    if in_runs < max(_LEAST_RUNS, len(beyond) / 2) or of_utf8 > len(beyond) / 2:
        return None  # the last: UTF-8 with a damaged byte
    import charset_normalizer

    best = charset_normalizer.from_bytes(
        sample, cp_isolation=list(LEGACY_ENCODINGS), enable_fallback=False
    ).best()
    return None if best is None else best.encoding


def _decoded(content: bytes) -> str | None:
    """The start of a text; a character cut off at the end is dropped, None for what is no text."""
    for encoding in _candidates(io.BytesIO(content)):
        with suppress(UnicodeError):
            text = codecs.getincrementaldecoder(encoding)().decode(content)
            return None if encoding == "utf-8" and "\0" in text[: 1 << 12] else text
    return None


def _key_of_open_rows(text: str) -> str:
    """Key of a list of rows that begins in an object whose end was not seen."""
    found = [key for key in _leading_keys(text) if key in OF_ROWS and _rows_at(text, key)]
    return found[0] if len(found) == 1 else ""


def _rows_at(text: str, key: str) -> int:
    """Place of the first row under a key; 0 where no list of objects stands there."""
    found = re.search(rf'"{re.escape(key)}"\s*:\s*\[\s*(?={{)', text)
    return found.end() if found else 0


def _row_at(text: str, key: str) -> tuple[frozenset[str], dict[str, Any]]:
    """Keys of the first row under a key, and all of it where it is whole."""
    row = text[_rows_at(text, key) :]
    try:
        found, _ = json.JSONDecoder().raw_decode(row)
    except (ValueError, RecursionError):
        return frozenset(_leading_keys(row)), {}
    return frozenset(found), found


def _first_object(
    path: Path, text: str, n_bytes: int
) -> tuple[frozenset[str], dict[str, Any], bool]:
    """Keys of the first object, all of it if seen whole, and whether it is all of the file."""
    n_read = LOOKED_AT
    while True:
        at = text.find("{")
        try:
            first, end = json.JSONDecoder().raw_decode(text[at:] if at >= 0 else "")
        except RecursionError:
            break
        except ValueError:
            if n_read >= min(n_bytes, MOST_LOOKED_AT):
                break
            n_read *= 16
            with path.open("rb") as file:
                text = _decoded(file.read(n_read)) or ""
            continue
        if not isinstance(first, dict):
            return frozenset(), {}, False
        return frozenset(first), first, n_read >= n_bytes and not text[at + end :].strip()
    return frozenset(_leading_keys(text[max(text.find("{"), 0) : LOOKED_AT])), {}, False


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
