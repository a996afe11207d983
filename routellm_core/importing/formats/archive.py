"""A zip archive or folder of files that other formats read, such as the results of several runs.

It is unpacked into a folder of its own that is removed afterwards; names that lead out of it lose
what leads there, and links are no links. An archive inside it is read only where a format is one.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.columns import holds_battles
from routellm_core.importing.formats import (
    batches,
    evalscope,
    every_eval_ever,
    helm,
    lighteval,
    llm_comparator,
    lm_eval,
)
from routellm_core.importing.readers import zip_limits
from routellm_core.importing.readers.naming import named, told_apart
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_sample
from routellm_core.importing.run_joining import noted, paired, readable

MOST_FILES = 10_000
NAMED = 5


def recognises(path: Path) -> bool:
    """True for a zip archive that is no spreadsheet, and for any folder with a file in it."""
    if path.is_dir():
        return any(file.is_file() for file in path.rglob("*"))
    return sniff(path).kind == "zip"


def read(path: Path) -> list[Imported]:
    """All benchmarks in it, runs of one task joined; what nothing reads is named in a note.

    Raises:
        DataError: damaged, a trap, holds battles or another archive, or a file in it is off.
    """
    with nullcontext(path) if path.is_dir() else _unpacked(path) as folder:
        try:
            parts, rest, left = _read_folder(folder)
        except DataError as error:
            raise DataError(f"{named(path)}: {error}") from error
    if not parts:
        raise DataError(
            f"{named(path)}: no format recognises any of its files; there are: "
            f"{', '.join(rest[:NAMED]) or 'none'}"
        )
    if rest:
        shown = ", ".join(rest[:NAMED]) + (", …" if len(rest) > NAMED else "")
        note = f"Files of {named(path)} of no known format: {len(rest):,} ({shown})."
        parts[0] = noted(parts[0], note)
    if left:
        shown = "; ".join(left[:NAMED]) + ("; …" if len(left) > NAMED else "")
        parts[0] = noted(parts[0], f"Left out of {named(path)}, for it cannot be read: {shown}.")
    return parts


def _read_folder(folder: Path) -> tuple[list[Imported], list[str], list[str]]:
    """The parts, the names of files of no known format, and what is wrong with others."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if len(files) > MOST_FILES:
        raise DataError(
            f"{len(files):,} files, more than {MOST_FILES:,}; import the folder's files in parts"
        )
    with told_apart(files):
        parts: list[Imported] = []
        of_folders = [
            name for name in importing.OF_FOLDERS if importing.importer(name).recognises(folder)
        ]
        for name in of_folders:
            parts += importing.importer(name).read(folder)
        of_batches, files = batches.read_together(files)
        parts += of_batches
        single: list[tuple[Path, str]] = []
        rest = []
        for file in files:
            found = _format_of(file, folder, of_folders)
            if found is None:
                rest.append(file.relative_to(folder).as_posix())
            elif found:
                single.append((file, found))
        formats = dict(single)
        read, left = readable(
            [file for file, _ in single], lambda file: importing.read(file, formats[file])
        )
        parts += [part for of_file in read for part in of_file]
        return paired(parts), rest, left


def _format_of(file: Path, folder: Path, of_folders: list[str]) -> str | None:
    """The format of a single file; empty where the folder's formats have read it."""
    shown = file.relative_to(folder).as_posix()
    of_checkout = "routellm" in of_folders and shown.startswith("routellm/")
    if of_checkout or helm.is_of_run(file) or lm_eval.recognises(file):
        return ""
    if any(form.is_totals(file) for form in (lighteval, every_eval_ever, evalscope)):
        return ""
    found = next((n for n in importing.IMPORTERS if importing.importer(n).recognises(file)), None)
    if found == "archive":
        raise DataError(f"{shown}: is an archive in an archive; unpack it yourself")
    if found is not None:
        return "" if found in of_folders else found
    if _is_battles(file):
        raise DataError(f"{shown}: holds battles; import it by itself")
    return None


def _is_battles(path: Path) -> bool:
    if llm_comparator.recognises(path):
        return True
    try:
        return holds_battles(read_sample(path).column_names)
    except DataError:
        return False


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    zip_limits.check(path)
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        try:
            with zipfile.ZipFile(path) as archive:
                files = [entry for entry in archive.namelist() if not entry.endswith("/")]
                if len(files) > MOST_FILES:
                    raise DataError(
                        f"{named(path)}: {len(files):,} files, more than {MOST_FILES:,}; import "
                        "the folder's files in parts"
                    )
                for entry in files:
                    _unpack(archive, entry, folder, path.name)
        except zip_limits.DAMAGE as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{named(path)}: is no whole zip archive ({error})") from None
        yield folder


def _unpack(archive: zipfile.ZipFile, entry: str, folder: Path, file: str) -> None:
    """One file, below the folder whatever its name says."""
    steps = PurePosixPath(entry.replace("\\", "/").replace(":", "_").replace("\0", "_")).parts
    steps = tuple(step[:120] for step in steps if step not in ("/", "..", "."))
    target = folder.joinpath(*steps)
    if not steps or not target.is_relative_to(folder):
        raise DataError(f"{file}: an entry has no usable name ({entry[:80]!r}); pack it again")
    if target.exists() or any(parent.is_file() for parent in target.parents):
        raise DataError(f"{file}: two entries are called {'/'.join(steps)[:80]!r}; pack it again")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(zip_limits.content(archive, entry, file))
