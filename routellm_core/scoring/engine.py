"""Queries to strong win rates: any routers together, each model asked once, chunk by chunk.

A chunk is kept when it is scored, and named after what it holds:

    <chunks>/<key>.parquet   text_hash and a column a router, for some texts

so that a stopped scoring goes on where it was, and one that is killed loses a chunk at the most.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from routellm_core.devices import device
from routellm_core.errors import DataError
from routellm_core.normalise import text_hash
from routellm_core.progress import Progress, Watch, silent
from routellm_core.routers.sharing import Reading, shared
from routellm_core.types import Floats

if TYPE_CHECKING:
    from routellm_core.routers.base import Router

CHUNK = 256
"""Texts scored before they are kept; `Device.appetite` times as many on a GPU."""


def score(
    routers: "Mapping[str, Router]",
    queries: Sequence[str],
    *,
    chunks_dir: Path | None = None,
    cache_dir: Path | None = None,
    turns: Path | None = None,
    watch: Watch = silent,
) -> dict[str, Floats]:
    """Strong win rates of queries by several routers.

    Each distinct text is read once by each model, with texts of like length beside it.

    Args:
        routers: by id.
        queries: texts, any number of them.
        chunks_dir: where chunks are kept, and taken from when they are there already.
        cache_dir: where vectors are kept, as `inputs.read_inputs` does.
        turns: a file by which scorings take turns, a chunk each, so that none waits for another
            to end; None where there is no other.
        watch: told how many distinct texts are scored; what it raises ends the scoring.

    Returns:
        Of each router (n_queries,) float32 in [0, 1], in the order of `queries`.
    """
    known: dict[tuple[Any, ...], Any] = {}
    for router in routers.values():
        if hasattr(router, "embedder"):
            router.embedder = shared(router.embedder, known)
    hashes = np.array([text_hash(query) for query in queries], dtype=object)
    text_of = dict(zip(hashes, queries, strict=True))
    by_length = sorted(text_of, key=lambda key: (len(text_of[key]), key))
    scored: list[pd.DataFrame] = []
    size = CHUNK * device().appetite
    for start in range(0, len(by_length), size):
        watch(Progress("scoring", start, len(by_length)))
        keys = by_length[start : start + size]
        texts = [text_of[key] for key in keys]
        with _turn(turns):
            scored.append(_chunk(routers, keys, texts, chunks_dir, cache_dir))
    watch(Progress("scoring", len(by_length), len(by_length)))
    if not scored:
        return {name: np.empty(0, dtype=np.float32) for name in routers}
    table = pd.concat(scored, ignore_index=True).set_index("text_hash")
    return {name: table[name].loc[hashes].to_numpy(np.float32) for name in routers}


@contextmanager
def _turn(turns: Path | None) -> Iterator[None]:
    """Waits until no other process has its turn."""
    if turns is None:
        yield
        return
    try:
        import fcntl
    except ImportError:  # no such locks on this system: scorings run side by side
        yield
        return
    with turns.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _chunk(
    routers: "Mapping[str, Router]",
    keys: list[str],
    texts: list[str],
    chunks_dir: Path | None,
    cache_dir: Path | None,
) -> pd.DataFrame:
    path = None
    if chunks_dir is not None:
        name = hashlib.sha256("\n".join([*keys, *sorted(routers)]).encode()).hexdigest()[:32]
        path = chunks_dir / f"{name}.parquet"
        if path.exists():
            return pd.read_parquet(path)
    reading = Reading(texts, cache_dir)
    rates = {name: _rates(router, reading) for name, router in routers.items()}
    frame = pd.DataFrame({"text_hash": keys} | rates)
    if path is not None:
        aside = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.to_parquet(aside, index=False)
        except OSError as error:
            raise DataError(
                f"scores cannot be written to {path.parent} ({error}); what was scored before is "
                "there, make room and start it again"
            ) from error
        aside.replace(path)
    return frame


def _rates(router: "Router", reading: Reading) -> Floats:
    if not hasattr(router, "embedder"):
        return router.strong_win_rate(reading.queries)
    rates: Floats = router.strong_win_rate_of(reading.by(router.embedder))  # type: ignore[attr-defined]
    return rates
