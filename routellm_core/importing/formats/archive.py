"""A zip archive of files that other formats read, such as the results of several runs.

It is unpacked into a folder of its own that is removed afterwards; names that lead out of it lose
what leads there, and links are no links. An archive inside it is read only where a format is one.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.columns import holds_battles
from routellm_core.importing.formats import helm, inspect, llm_comparator, lm_eval
from routellm_core.importing.readers import zip_limits
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_sample
from routellm_core.importing.run_joining import paired

MOST_FILES = 10_000
NAMED = 5


def recognises(path: Path) -> bool:
    """True for a zip archive that is no spreadsheet."""
    return sniff(path).kind == "zip"


def read(path: Path) -> list[Imported]:
    """All benchmarks in it, runs of one task joined; what nothing reads is named in a note.

    Raises:
        DataError: damaged, a trap, holds battles or another archive, or a file in it is off.
    """
    with _unpacked(path) as folder:
        try:
            parts, rest = _read_folder(folder)
        except DataError as error:
            raise DataError(f"{path.name}: {error}") from error
    if not parts:
        raise DataError(
            f"{path.name}: no format recognises any of its files; there are: "
            f"{', '.join(rest[:NAMED]) or 'none'}"
        )
    if rest:
        shown = ", ".join(rest[:NAMED]) + (", …" if len(rest) > NAMED else "")
        note = f"{len(rest):,} files of {path.name} are of no known format: {shown}."
        parts[0] = parts[0]._replace(notes=(*parts[0].notes, note))
    return parts


def _read_folder(folder: Path) -> tuple[list[Imported], list[str]]:
    """The parts, and the names of the files that nothing reads."""
    parts: list[Imported] = []
    whole = [name for name in importing.OF_FOLDERS if importing.importer(name).recognises(folder)]
    for name in whole:
        parts += importing.importer(name).read(folder)
    single = [name for name in importing.IMPORTERS if name not in importing.OF_FOLDERS]
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    of_runs = {file.parent for file in files if helm.recognises(file)}
    rest = []
    for file in files:
        shown = file.relative_to(folder).as_posix()
        of_checkout = "routellm" in whole and shown.startswith("routellm/")
        of_folder = lm_eval.recognises(file) or inspect.recognises(file)
        if of_checkout or of_folder or file.parent in of_runs:
            continue
        found = next((name for name in single if importing.importer(name).recognises(file)), None)
        if found == "archive":
            raise DataError(f"{shown}: is an archive in an archive; unpack it yourself")
        if found is not None:
            parts += importing.importer(found).read(file)
        elif _is_battles(file):
            raise DataError(f"{shown}: holds battles; import it by itself")
        else:
            rest.append(shown)
    return paired(parts), rest


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
                        f"{path.name}: {len(files):,} files, more than {MOST_FILES:,}; import the "
                        "folder's files in parts"
                    )
                for entry in files:
                    _unpack(archive, entry, folder, path.name)
        except zip_limits.DAMAGE as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path.name}: is no whole zip archive ({error})") from None
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
