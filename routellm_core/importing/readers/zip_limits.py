"""Zip archives that may be hostile: sizes and counts are checked before anything is unpacked.

Entries may be packed with Zstandard too, which `zipfile` does not know before Python 3.14.
"""

import copy
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing.readers.naming import named

MOST_ENTRIES = 100_000
LARGEST_ENTRY = 1 << 30  # bytes unpacked
LARGEST_SUM = 1 << 32
LARGEST_RATIO = 200
"""Unpacked to packed, of entries above a megabyte; text rarely packs to less than a fiftieth."""
ZSTANDARD = 93
"""Number of the method in a zip archive."""

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError),
    RuntimeError,  # encrypted
)


def names(path: Path) -> list[str]:
    """Names of all entries; none for what is no zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except DAMAGE:
        return []


def check(path: Path) -> None:
    """Refuse an archive that claims to unpack to too much.

    Raises:
        DataError: damaged, or too many entries, too large ones, or packed too well.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except DAMAGE as error:
        raise DataError(
            f"{named(path)}: is no whole zip archive ({error}); fetch it again"
        ) from None
    if len(entries) > MOST_ENTRIES:
        raise DataError(f"{named(path)}: {len(entries):,} entries, more than {MOST_ENTRIES:,}")
    total = 0
    for entry in entries:
        total += entry.file_size
        packed = max(entry.compress_size, 1)
        if entry.file_size > LARGEST_ENTRY or total > LARGEST_SUM:
            raise DataError(
                f"{named(path)}: {entry.filename[:80]!r} brings it to {total:,} bytes unpacked, "
                f"too much (an entry {LARGEST_ENTRY:,}, all {LARGEST_SUM:,}); unpack it yourself"
            )
        if entry.file_size > 1 << 20 and entry.file_size / packed > LARGEST_RATIO:
            raise DataError(
                f"{named(path)}: {entry.filename[:80]!r} unpacks "
                f"to {entry.file_size / packed:,.0f} times its size, as only a trap does; "
                "unpack it yourself and import the files"
            )


def check_content(path: Path) -> None:
    """Refuse an archive with an entry that cannot be unpacked or is not what its checksum says.

    Raises:
        DataError: names the entry.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except DAMAGE as error:
        raise DataError(f"{named(path)}: cannot be unpacked ({error}); fetch it again") from None
    if damaged is not None:
        raise DataError(f"{named(path)}: {damaged[:80]!r} in it is damaged; fetch it again")


def content(archive: zipfile.ZipFile, name: str, file: str) -> bytes:
    """One entry; never more bytes than the archive claims it has, nor than is allowed.

    Raises:
        DataError: absent, damaged, encrypted, or larger than it claims.
    """
    try:
        entry = archive.getinfo(name)
        most = min(entry.file_size, LARGEST_ENTRY) + 1
        if entry.compress_type == ZSTANDARD:
            found = _of_zstandard(archive, entry, most)
        else:
            with archive.open(entry) as packed:
                found = packed.read(most)
    except KeyError:
        raise DataError(f"{file}: {name} is missing; export it again") from None
    except DAMAGE as error:
        raise DataError(
            f"{file}: {name[:80]} cannot be unpacked ({error}); fetch it again"
        ) from None
    if len(found) > entry.file_size or len(found) > LARGEST_ENTRY:
        raise DataError(f"{file}: {name[:80]} unpacks to more than it claims; fetch it again")
    return found


def _of_zstandard(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The first `most` bytes of an entry that is packed with Zstandard."""
    as_packed = copy.copy(entry)
    as_packed.compress_type, as_packed.file_size = zipfile.ZIP_STORED, entry.compress_size
    as_packed.CRC = None  # type: ignore[assignment]
    with (
        archive.open(as_packed) as packed,
        pa.CompressedInputStream(pa.PythonFile(packed, "r"), "zstd") as unpacked,
    ):
        found: bytes = unpacked.read(most)
    if len(found) < most and zlib.crc32(found) != entry.CRC:
        raise zipfile.BadZipFile("its checksum does not fit")
    return found
