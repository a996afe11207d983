"""Features of queries that routers are trained and run on, kept between runs.

Turning queries into vectors is the long part, so each is kept by the hash of its text: a changed
text never gets a stale vector, and another set of queries reuses what it shares. Chunks are
written one by one, so that a stopped run goes on where it was.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from routellm_core.embedders.devices import device
from routellm_core.embedders.sentence import Embedder, JoinedEmbedder
from routellm_core.errors import DataError
from routellm_core.files import whole
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.text_keys import text_hash
from routellm_core.types import Floats

_CHUNK = 512


def read_features(
    queries: Sequence[str], embedder: Any, cache_dir: Path, on_progress: OnProgress = silent
) -> Any:
    """Features of the queries by this embedder, from the cache or computed now.

    Args:
        queries: texts.
        embedder: of the router; token states of `bert` are large and quick, and are not kept.
        cache_dir: keeps vectors between runs.
        on_progress: told how many queries are read.

    Returns:
        (n_queries, dimension) float32, or another form of the embedder: one item a query.
    """
    from routellm_core.embedders.bert_tokens import TokenStates
    from routellm_core.embedders.causal_lm import Texts

    if isinstance(embedder, TokenStates | Texts):
        on_progress(Progress(f"reading with {embedder.name}", 0, len(queries)))
        return embedder.embed(queries)
    if isinstance(embedder, JoinedEmbedder):
        parts = [read_features(queries, part, cache_dir, on_progress) for part in embedder.parts]
        return np.concatenate(parts, axis=1)
    return _cached(queries, embedder, cache_dir, on_progress)


def _cached(
    queries: Sequence[str], embedder: Embedder, cache_dir: Path, on_progress: OnProgress
) -> Floats:
    hashes = [text_hash(query) for query in queries]
    if not hashes:
        return np.empty((0, 0), dtype=np.float32)
    folder = cache_dir / "embeddings" / embedder.name.replace("/", "--")
    if device().precision != "float32":
        folder /= device().precision
    folder.mkdir(parents=True, exist_ok=True)
    known = _index_of(folder)
    known.refresh()
    by_hash = {key: query for key, query in zip(hashes, queries, strict=True) if key not in known}
    missing = sorted(by_hash, key=lambda key: len(by_hash[key]))
    for start in range(0, len(missing), _CHUNK):
        stage = f"reading with {embedder.name}"
        on_progress(Progress(stage, len(queries) - len(missing) + start, len(queries)))
        chunk = missing[start : start + _CHUNK]
        vectors = embedder.embed([by_hash[key] for key in chunk])
        _keep(folder / f"{text_hash(''.join(chunk))}.npz", chunk, vectors)
    known.refresh()
    places = [known[key] for key in hashes]
    of_file = {path: _array(path, "vectors") for path in {path for path, _ in places}}
    if any(vectors is None for vectors in of_file.values()):
        return _cached(queries, embedder, cache_dir, on_progress)
    return np.stack([of_file[path][row] for path, row in places])


def _keep(path: Path, keys: list[str], vectors: Floats) -> None:
    try:
        with whole(path) as temporary:  # another process may read the same texts
            np.savez(temporary, text_hash=np.array(keys), vectors=vectors)
    except OSError as error:
        raise DataError(
            f"vectors cannot be kept in {path.parent} ({error}); those before are there, make room "
            "and start it again"
        ) from error


def _array(path: Path, name: str) -> Any:
    """Array in a file; None where it is damaged: it is then deleted and its texts read again."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[name]
    except (BadZipFile, EOFError, KeyError, ValueError):
        path.unlink(missing_ok=True)
        return None


class _Index(dict[str, tuple[Path, int]]):
    """File and row of each text that was read before."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._seen: set[Path] = set()

    def refresh(self) -> None:
        """Take in what was written since; forget all when a file is gone."""
        there = set(self.folder.glob("[!.]*.npz"))
        if not self._seen <= there:
            self.clear()
            self._seen.clear()
        for path in sorted(there - self._seen):
            keys = _array(path, "text_hash")
            if keys is None:
                continue
            for row, key in enumerate(keys.tolist()):
                self[key] = (path, row)
            self._seen.add(path)


@lru_cache(maxsize=8)
def _index_of(folder: Path) -> _Index:
    return _Index(folder)
