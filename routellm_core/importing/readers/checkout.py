"""Files of a checkout by their path inside it, from a folder or from a .tar.gz.

Nothing is unpacked to disk and nothing is unpickled, so a hostile archive can at most be refused.
"""

import csv
import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from routellm_core.errors import DataError

LARGEST_FILE = 200_000_000  # bytes; RouteLLM's largest evaluation file has 4 million


class Checkout:
    """Reads files below one folder of a checkout.

    Args:
        path: the checkout's folder, or a .tar.gz of it, with or without a folder around it.
        below: the only part that is looked at, for example "routellm/evals".

    Raises:
        DataError: the path is neither, or has no such part.
    """

    def __init__(self, path: Path, below: str) -> None:
        self._path = path
        self._below = below
        if path.is_dir():
            self._files: dict[str, Path | bytes] = {
                file.relative_to(path).as_posix(): file
                for file in (path / below).rglob("*")
                if file.is_file()
            }
        elif is_archive(path):
            self._files = dict(_archive_files(path, below))
        else:
            raise DataError(f"{path}: give a checkout's folder or a .tar.gz of it")
        if not self._files:
            raise DataError(f"{path}: has no folder {below}; give the root of the checkout")

    def names(self, folder: str, ending: str) -> list[str]:
        """Sorted names of the files right in a folder."""
        return sorted(
            name
            for name in self._files
            if name.rpartition("/")[0] == folder and name.endswith(ending)
        )

    def text(self, name: str) -> str:
        """A file's text.

        Raises:
            DataError: absent, empty, or not UTF-8.
        """
        if name not in self._files:
            raise DataError(f"{self._path}: {name} is missing; take a complete checkout")
        file = self._files[name]
        try:
            text = (file if isinstance(file, bytes) else file.read_bytes()).decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{name}: byte {error.start} is not UTF-8; fetch it again") from error
        if not text.strip():
            raise DataError(f"{name}: is empty; fetch it again")
        return text

    def csv(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """A CSV file with exactly these columns, every value as the text it is.

        Raises:
            DataError: as `text`, or the columns differ, or there is no row.
        """
        try:
            header, *rows = csv.reader(io.StringIO(self.text(name), newline=""), strict=True)
        except csv.Error as error:
            raise DataError(f"{name}: is no CSV file ({error}); fetch it again") from error
        _check_columns(name, header, columns)
        if not rows:
            raise DataError(f"{name}: has a header but no row; fetch it again")
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                raise DataError(
                    f"{name}: row {number} has {len(row)} values for {len(header)} columns; "
                    "fetch the file again"
                )
        return pd.DataFrame(rows, columns=header, dtype=object)

    def json_lines(self, name: str, fields: dict[str, type | tuple[type, ...]]) -> pd.DataFrame:
        """A file of one JSON object a line; the fields named, each of the type named.

        Raises:
            DataError: as `text`, or a line is no object, or a field is absent or of another type.
        """
        rows: list[dict[str, Any]] = []
        for number, line in enumerate(self.text(name).split("\n"), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{name}, line {number}: is no JSON ({error.msg})") from error
            for field, kind in fields.items():
                value = row.get(field) if isinstance(row, dict) else None
                if not isinstance(value, kind) or isinstance(value, bool):
                    raise DataError(
                        f"{name}, line {number}, field {field!r}: is missing or "
                        f"{type(value).__name__}; fetch the file again"
                    )
            rows.append({field: row[field] for field in fields})
        return pd.DataFrame(rows)


def is_archive(path: Path) -> bool:
    """True if the name ends in .tar.gz."""
    return path.is_file() and path.name.endswith((".tar.gz", ".tgz"))


def _archive_files(path: Path, below: str) -> list[tuple[str, bytes]]:
    files = []
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                _, found, name = f"/{member.name}".partition(f"/{below}/")
                if not found or not member.isfile():
                    continue
                if member.size > LARGEST_FILE:
                    raise DataError(
                        f"{path}: {member.name} has {member.size:,} bytes, more than any file of "
                        "this kind; fetch the archive again"
                    )
                content = archive.extractfile(member)
                files.append((f"{below}/{name}", content.read() if content else b""))
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is no whole .tar.gz ({error}); fetch it again") from error
    return files


def _check_columns(name: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    absent = [column for column in wanted if column not in found]
    if absent:
        raise DataError(
            f"{name}: column {', '.join(map(repr, absent))} is missing (there are: "
            f"{', '.join(map(str, found))}); fetch the file again"
        )
    unknown = [column for column in found if column not in wanted]
    if unknown:
        raise DataError(
            f"{name}: column {', '.join(map(repr, unknown))} is unknown; this format has "
            f"{', '.join(wanted)} only: bring outcomes of other models as a table of your own"
        )
