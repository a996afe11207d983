"""The place of scores: it can be written, is apart from the input, and is one run's alone.

What is scored is kept in a folder beside the output until that is whole; an output that is a folder
of partitions is its own.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from filelock import FileLock, Timeout

from routellm_core import files
from routellm_core.errors import DataError
from routellm_core.scoring.partitions import takes

ENDINGS = (".parquet", ".csv")
_PART = "part-00000-0123456789abcdef.parquet"
"""A name as scores of a partition have it."""


class Place(NamedTuple):
    """The paths of an output and of its unfinished scores."""

    output: Path
    """A file, or a folder of partitions."""
    kept: Path
    """The folder of what is scored until the output is whole."""


def place_of(output: Path, *, in_partitions: bool) -> Place:
    """The place of an output.

    Args:
        output: a file; without an ending a folder.
        in_partitions: whether it may be a folder.

    Raises:
        DataError: it cannot be what its name says.
    """
    is_file = output.suffix in ENDINGS
    if not is_file and (output.suffix or not in_partitions):
        raise DataError(f"--output {output}: end it in .parquet or .csv")
    if not output.parent.is_dir():
        raise DataError(f"--output {output}: there is no folder {output.parent}; make it first")
    if is_file and output.is_dir():
        raise DataError(f"--output {output} is a folder; name a file, as {output / 'scores.csv'}")
    kept = output.with_name(f"{output.name}.unfinished") if is_file else output
    if kept.exists() and not kept.is_dir():
        raise DataError(f"{kept} is a file where a folder has to be; give --output another name")
    return Place(output, kept)


def keep_apart(place: Place, source: Path, holding: Sequence[Path]) -> None:
    """Refuse an output that would overwrite queries, or be taken for some by the next run.

    Args:
        place: of the output.
        source: of the queries: a file, a folder or a pattern.
        holding: the files that hold them.

    Raises:
        DataError: they are not apart.
    """
    output, kept = place.output.resolve(), place.kept.resolve()
    written = [kept / _PART] if output == kept else [kept / _PART, output]
    resolved = [file.resolve() for file in holding]
    if any(file == output or file.is_relative_to(kept) for file in resolved) or any(
        takes(source, path) for path in written
    ):
        raise DataError(
            f"--output {place.output} lies among the queries of --input {source}, or they in it: "
            "scores and queries would be taken for one another; name an output in another folder"
        )


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Keep other runs away from an output.

    Raises:
        DataError: another run is there, or the place cannot be written.
    """
    kept = place.kept.resolve()
    lock = FileLock(kept.with_name(f".{kept.name}.lock"), blocking=False)
    try:
        TemporaryFile(dir=kept if kept.is_dir() else kept.parent).close()
        lock.acquire()
    except Timeout:
        raise DataError(
            f"another run is writing {place.output}; wait for it, or name another output"
        ) from None
    except OSError as error:
        raise DataError(
            f"--output {place.output} cannot be written ({error.strerror}); name another place"
        ) from error
    try:
        yield
    finally:
        # While it is held: who waits for it sees that its file is gone, and makes another.
        with suppress(PermissionError):  # Windows removes it by itself
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextmanager
def whole(place: Place) -> Iterator[Path]:
    """A file to write in place of the output, which it becomes when it is whole.

    What was kept is removed then. If it fails, nothing is left of the file.

    Raises:
        DataError: it cannot be written.
    """
    try:
        place.kept.mkdir(exist_ok=True)
        with files.whole(place.output, folder=place.kept) as aside:
            yield aside
    except OSError as error:
        raise DataError(
            f"{place.output} cannot be written ({error.__cause__ or error}); the scores are kept, "
            "try again"
        ) from error
    shutil.rmtree(place.kept, ignore_errors=True)
