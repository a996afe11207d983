"""Many readers at once, or one writer alone, who goes before new readers while it waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A readers-writer lock. A thread that is inside may pass again, so readings may nest."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._n_readers = 0
        self._n_waiting = 0
        self._writer: int | None = None
        self._inside = threading.local()

    @property
    def is_mine(self) -> bool:
        """True in the thread that holds the gate alone."""
        return self._writer == threading.get_ident()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Waits while another thread writes or is about to."""
        if self.is_mine or self._is_reading:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: self._writer is None and not self._n_waiting)
            self._n_readers += 1
        self._inside.reading = True
        try:
            yield
        finally:
            self._inside.reading = False
            with self._changed:
                self._n_readers -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until no other thread is inside; this thread may then read too.

        Raises:
            RuntimeError: this thread is reading, so it would wait for itself.
        """
        if self.is_mine:
            yield
            return
        if self._is_reading:
            raise RuntimeError("a thread that is reading cannot ask to be alone")
        with self._changed:
            self._n_waiting += 1
            try:
                self._changed.wait_for(lambda: self._writer is None and not self._n_readers)
                self._writer = threading.get_ident()
            finally:
                self._n_waiting -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._writer = None
                self._changed.notify_all()

    @property
    def _is_reading(self) -> bool:
        return getattr(self._inside, "reading", False)
