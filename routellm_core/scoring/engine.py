"""Queries to strong win rates: any routers together, each model asked once, chunk by chunk.

A chunk is kept when it is scored, and named after what it holds:

    <chunks>/<key>.parquet   text_hash and a column a router, for some texts

so that a stopped scoring goes on where it was, and one that is killed loses a chunk at the most.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from routellm_core.embedders.devices import device
from routellm_core.errors import DataError
from routellm_core.files import whole
from routellm_core.jobs.fifo_lock import turn
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.routers.sharing import Reading, shared
from routellm_core.text_keys import text_hash
from routellm_core.types import Floats

if TYPE_CHECKING:
    from routellm_core.routers.base import Router

CHUNK = 256
"""Texts scored before they are kept, at most; `Device.batch_scale` times as many on a GPU."""
_FEWEST, _N_CHUNKS = 32, 40
"""Of fewer texts smaller chunks are made, so that a short scoring is seen to go on too."""


def score(
    routers: "Mapping[str, Router]",
    queries: Sequence[str],
    *,
    chunks_dir: Path | None = None,
    checkpoints: Mapping[str, str] | None = None,
    cache_dir: Path | None = None,
    queue: Path | None = None,
    on_progress: OnProgress = silent,
) -> dict[str, Floats]:
    """Strong win rates of queries by several routers.

    Each distinct text is read once by each model, with texts of like length beside it.

    Args:
        routers: by id.
        queries: texts, any number of them.
        chunks_dir: where chunks are kept, and taken from when they are there already.
        checkpoints: the hash of each router's checkpoint, by id; a chunk of others is not taken.
        cache_dir: where vectors are kept, as `vector_cache.read_features` does.
        queue: a folder by which scorings take turns, a chunk each, so that none waits for another
            to end; None where there is no other.
        on_progress: told how many distinct texts are scored, those of kept chunks included; what it
            raises ends the scoring.

    Returns:
        Of each router (n_queries,) float32 in [0, 1], in the order of `queries`.

    Raises:
        DataError: a chunk cannot be written.
    """
    known: dict[tuple[Any, ...], Any] = {}
    for router in routers.values():
        if hasattr(router, "embedder"):
            router.embedder = shared(router.embedder, known)
    hashes = np.array([text_hash(query) for query in queries], dtype=object)
    text_of = dict(zip(hashes, queries, strict=True))
    on = device()
    made_by = (sorted(routers), sorted((checkpoints or {}).items()), on.precision)
    chunks = [
        _Chunk(keys, None if chunks_dir is None else chunks_dir / _name(keys, made_by))
        for keys in _cut(text_of, _size(len(text_of)) * on.batch_scale)
    ]
    scored = [frame for chunk in chunks if (frame := chunk.kept()) is not None]
    done = sum(map(len, scored))
    there = {frame["text_hash"].iloc[0] for frame in scored}
    for chunk in chunks:
        if chunk.keys[0] in there:
            continue
        on_progress(Progress("scoring", done, len(text_of), gpu_gib=on.memory_used()))
        with nullcontext() if queue is None else turn(queue):
            frame = chunk.kept()  # another may have scored it meanwhile
            if frame is None:
                reading = Reading([text_of[key] for key in chunk.keys], cache_dir)
                rates = {name: reading.win_rates(router) for name, router in routers.items()}
                frame = pd.DataFrame({"text_hash": chunk.keys} | rates)
                chunk.keep(frame)
        scored.append(frame)
        done += len(chunk.keys)
    on_progress(Progress("scoring", done, len(text_of), gpu_gib=on.memory_used()))
    if not scored:
        return {name: np.empty(0, dtype=np.float32) for name in routers}
    table = pd.concat(scored, ignore_index=True).set_index("text_hash")
    return {name: table[name].loc[hashes].to_numpy(np.float32) for name in routers}


def _size(n_texts: int) -> int:
    """Texts of a chunk on a processor."""
    return min(CHUNK, max(_FEWEST, n_texts // _N_CHUNKS))


def _cut(text_of: Mapping[str, str], size: int) -> list[list[str]]:
    """Keys of texts of like length, the chunks in an order of chance (seed 0).

    The longest ones take longest: in order of length every time left would be told wrongly.
    """
    by_length = sorted(text_of, key=lambda key: (len(text_of[key]), key))
    starts = np.random.default_rng(0).permutation(np.arange(0, len(by_length), size))
    return [by_length[start : start + size] for start in starts]


def _name(keys: Sequence[str], made_by: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr((list(keys), made_by)).encode()).hexdigest()[:32] + ".parquet"


class _Chunk(NamedTuple):
    """Texts that are scored and kept together."""

    keys: list[str]
    path: Path | None
    """Where it is kept; None: nowhere."""

    def kept(self) -> pd.DataFrame | None:
        """Its scores where they are kept; what cannot be read is as if it were not there."""
        if self.path is None or not self.path.exists():
            return None
        try:
            return pd.read_parquet(self.path)
        except (pa.ArrowException, OSError):
            return None

    def keep(self, frame: pd.DataFrame) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with whole(self.path) as aside:  # another may score the same texts
                frame.to_parquet(aside, index=False)
        except OSError as error:
            raise DataError(
                f"scores cannot be written to {self.path.parent} ({error}); what was scored before "
                "is there, make room and start it again"
            ) from error
