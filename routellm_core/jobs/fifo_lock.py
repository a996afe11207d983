"""Processes that take turns: who asked first goes first, and who dies holds up nobody.

A folder holds a ticket for each that waits or has its turn, a file by number, which its owner locks
until it is done. The system lets a lock go when a process dies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

_HAS_LOCKS = find_spec("fcntl") is not None
if _HAS_LOCKS:
    import fcntl
_GATE = "gate"


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Waits until all that asked before have had their turn or are gone.

    On a system without such locks everybody's turn is now.

    Args:
        folder: the queue, on a disk of this machine; made when absent.
    """
    if not _HAS_LOCKS:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    before, path, ticket = _queue_up(folder)
    try:
        for earlier in before:
            _wait_for(earlier)
        yield
    finally:
        path.unlink(missing_ok=True)
        ticket.close()


def _queue_up(folder: Path) -> tuple[list[Path], Path, IO[str]]:
    """The tickets there were, by number, and a locked one that comes after them."""
    with (folder / _GATE).open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        before = sorted(path for path in folder.iterdir() if path.name != _GATE)
        path = folder / f"{1 + int(before[-1].name) if before else 1:012}"
        ticket = path.open("w")
        fcntl.flock(ticket, fcntl.LOCK_EX)
        return before, path, ticket


def _wait_for(path: Path) -> None:
    """Until the owner of a ticket is done; one whose owner died goes away."""
    try:
        with path.open() as ticket:
            fcntl.flock(ticket, fcntl.LOCK_SH)
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
