"""Files that report how far they are read, so that reading a large one shows progress.

>>> from routellm_core.jobs.progress import silent
>>> with watched_by(silent):
...     pass
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from routellm_core.importing.readers.naming import named
from routellm_core.jobs.progress import OnProgress, Progress, silent

_ON_PROGRESS: ContextVar[OnProgress] = ContextVar("on_progress", default=silent)


@contextmanager
def watched_by(on_progress: OnProgress) -> Iterator[None]:
    """A block in which `on_progress` is called with the bytes read of every file that is opened."""
    token = _ON_PROGRESS.set(on_progress)
    try:
        yield
    finally:
        _ON_PROGRESS.reset(token)


def report(progress: Progress) -> None:
    """Progress of readers that count something else than bytes."""
    _ON_PROGRESS.get()(progress)


def open_watched(path: Path) -> io.BufferedReader:
    """The file, opened for reading bytes."""
    return io.BufferedReader(_Counted(path, _ON_PROGRESS.get()), buffer_size=1 << 20)


class _Counted(io.FileIO):
    # Readers of other libraries may read in threads of their own, which know no context.
    def __init__(self, path: Path, on_progress: OnProgress) -> None:
        super().__init__(path)
        self._watch = on_progress
        self._stage = f"reading {named(path)}"
        self._n_bytes = path.stat().st_size

    def readinto(self, buffer: "memoryview | bytearray") -> int | None:  # type: ignore[override]
        n_read = super().readinto(buffer)
        self._watch(Progress(self._stage, self.tell(), self._n_bytes))
        return n_read
