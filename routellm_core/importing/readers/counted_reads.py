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

from routellm_core.jobs.progress import Progress, Watch, silent

_WATCH: ContextVar[Watch] = ContextVar("watch", default=silent)


@contextmanager
def watched_by(watch: Watch) -> Iterator[None]:
    """A block in which `watch` is called with the bytes read of every file that is opened."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def report(progress: Progress) -> None:
    """Progress of readers that count something else than bytes."""
    _WATCH.get()(progress)


def open_watched(path: Path) -> io.BufferedReader:
    """The file, opened for reading bytes."""
    return io.BufferedReader(_Counted(path, _WATCH.get()), buffer_size=1 << 20)


class _Counted(io.FileIO):
    # Readers of other libraries may read in threads of their own, which know no context.
    def __init__(self, path: Path, watch: Watch) -> None:
        super().__init__(path)
        self._watch = watch
        self._stage = f"reading {path.name}"
        self._n_bytes = path.stat().st_size

    def readinto(self, buffer: "memoryview | bytearray") -> int | None:  # type: ignore[override]
        n_read = super().readinto(buffer)
        self._watch(Progress(self._stage, self.tell(), self._n_bytes))
        return n_read
