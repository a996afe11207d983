"""Names of files in messages: equal ones are told apart by the folders that they lie in."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_NAMES: ContextVar[Mapping[Path, str]] = ContextVar("_NAMES", default={})  # noqa: B039


def named(path: Path) -> str:
    """The name of a file or folder as messages say it.

    >>> one, other = Path("a/samples.jsonl"), Path("b/samples.jsonl")
    >>> with told_apart([one, other, Path("b/notes.txt")]):
    ...     named(one), named(other), named(Path("b/notes.txt"))
    ('a/samples.jsonl', 'b/samples.jsonl', 'notes.txt')
    """
    return _NAMES.get().get(path, path.name)


@contextmanager
def told_apart(paths: Iterable[Path]) -> Iterator[None]:
    """A block in which files of equal names are named with as many folders as it takes."""
    by_name: dict[str, list[Path]] = {}
    for path in dict.fromkeys(paths):
        by_name.setdefault(path.name, []).append(path)
    names = dict(_NAMES.get())
    for alike in by_name.values():
        depth = 1
        while len(alike) > 1 and len({path.parts[-depth:] for path in alike}) < len(alike):
            depth += 1
        for path in alike if depth > 1 else ():
            names[path] = "/".join(path.parts[-depth:])
    token = _NAMES.set(names)
    try:
        yield
    finally:
        _NAMES.reset(token)
