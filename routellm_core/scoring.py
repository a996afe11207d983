"""Queries to strong win rates: any routers together, each model asked once, chunk by chunk.

Beside what every job has, the folder of a scoring holds

    <scoring>/chunks/<key>.parquet   text_hash and a column a router, for some texts

A chunk is written when it is scored and named after what it holds, so that a stopped scoring goes
on where it was, and one that is killed loses a chunk at the most.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from routellm_core import jobs
from routellm_core.devices import device
from routellm_core.errors import DataError, TextsError
from routellm_core.normalise import text_hash
from routellm_core.progress import Progress, Watch, silent
from routellm_core.routers import checkpoint_dir, load_router
from routellm_core.routers.sharing import Reading, shared
from routellm_core.store import Store
from routellm_core.types import Floats, ModelPair

if TYPE_CHECKING:
    from routellm_core.routers.base import Router

CHUNK = 256
"""Texts scored before they are kept; `Device.appetite` times as many on a GPU."""
VIEW = "untouched"
"""Of scores by a router that was trained before it saw the queries."""


@dataclass(frozen=True)
class ScoringPlan:
    """Which stored queries are scored, by which routers, for which pair."""

    benchmark_id: str
    router_ids: tuple[str, ...]
    weak: str
    strong: str

    @property
    def model_pair(self) -> ModelPair:
        return ModelPair(weak=self.weak, strong=self.strong)


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


# As a job


def start(
    folder: Path, plan: ScoringPlan, store_path: Path, data_dir: Path, cache_dir: Path
) -> None:
    """Begin or go on with a scoring in a process of its own; arguments as for `work_on`."""
    paths = (folder, store_path, data_dir, cache_dir)
    jobs.start(folder, asdict(plan), ["routellm_core.scoring", *map(str, paths)])


def work_on(
    folder: Path,
    plan: ScoringPlan,
    store: Store,
    data_dir: Path,
    cache_dir: Path,
    watch: Watch = silent,
    turns: Path | None = None,
) -> None:
    """Score as planned, in this process.

    Args:
        folder: of the job.
        plan: what to do.
        store: holds texts and routers; given back to others once these are read.
        data_dir: where the checkpoints of shipped routers lie.
        cache_dir: keeps vectors; another folder for each set, so that they go when it goes.
        watch: told how far it is.
        turns: as for `score`; by default scorings of one folder's parent take turns.

    Raises:
        TextsError: texts of the queries are not on this machine.
        NotTrainedError: weights of a router are not on this machine.
        Cancelled: the process was asked to end (SIGTERM).
    """
    with jobs.at_work(folder, asdict(plan), watch) as desk:
        texts = store.query_texts(plan.benchmark_id)
        n_queries = len(store.query_ids(plan.benchmark_id))
        folders = {name: checkpoint_dir(store.router(name), data_dir) for name in plan.router_ids}
        store.release()
        if not texts:
            raise TextsError(
                f"no text of {plan.benchmark_id} is on this machine: a router reads texts"
            )
        desk.watch(Progress("loading the routers", 0, len(folders)))
        routers = {name: load_router(path) for name, path in folders.items()}
        rates = score(
            routers,
            list(texts.values()),
            chunks_dir=folder / "chunks",
            cache_dir=cache_dir,
            turns=folder.parent / "turns" if turns is None else turns,
            watch=desk.watch,
        )
        frame = pd.DataFrame({"query_id": list(texts), **rates})
        frame.to_parquet(folder / "scores.parquet", index=False)
        desk.tell(n_scored=len(texts), n_queries=n_queries)


def keep(folder: Path, store: Store) -> None:
    """Put what a finished scoring found into the store; the same scored before is replaced.

    Raises:
        DataError: it is not finished.
    """
    job = jobs.read(folder)
    plan = plan_of(job.plan)
    if job.status != "done":
        raise DataError(f"scoring {folder.name} is {job.status}; only a finished one can be kept")
    frame = pd.read_parquet(folder / "scores.parquet")
    with store.atomic():
        for router_id in plan.router_ids:
            store.add_strong_win_rates(
                plan.benchmark_id,
                plan.model_pair,
                router_id,
                VIEW,
                frame[["query_id", router_id]].rename(columns={router_id: "strong_win_rate"}),
            )


def plan_of(document: Mapping[str, Any]) -> ScoringPlan:
    """A plan as JSON holds it.

    Raises:
        DataError: it is no plan of a scoring.
    """
    try:
        return ScoringPlan(**dict(document) | {"router_ids": tuple(document["router_ids"])})
    except (KeyError, TypeError) as error:
        raise DataError(f"this is no plan of a scoring ({error})") from error


def _main(folder: Path, store_path: Path, data_dir: Path, cache_dir: Path) -> int:
    def work() -> None:
        plan = plan_of(jobs.read_json(folder / "plan.json"))
        turns = store_path.with_name("scoring.turns")
        with Store(store_path, read_only=True) as store:
            work_on(folder, plan, store, data_dir, cache_dir, turns=turns)

    return jobs.process_of(work)


if __name__ == "__main__":
    sys.exit(_main(*map(Path, sys.argv[1:5])))
