"""A scoring of stored queries as a job, and its scores put into the store.

Beside what every job has, its folder holds what was scored so far, in `chunks/`, and in the end
`scores.parquet`: query_id and a column a router.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from routellm_core import jobs
from routellm_core.embedders.devices import device
from routellm_core.errors import DataError, TextsError
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.routers import load_router
from routellm_core.routers.checkpoints import checkpoint_dir, checkpoint_hash
from routellm_core.scoring.engine import score
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR
from routellm_core.store.selection import default_pair
from routellm_core.store.workspace import Workspace
from routellm_core.types import ModelPair

VIEW = "untouched"
"""Of scores by a router that was trained before it saw the queries."""


@dataclass(frozen=True)
class ScoringPlan(jobs.JobPlan):
    """The stored queries to score, the routers that score them, and the pair."""

    kind = "scoring"
    benchmark_id: str
    router_ids: tuple[str, ...]
    weak: str
    strong: str

    @property
    def model_pair(self) -> ModelPair:
        return ModelPair(weak=self.weak, strong=self.strong)


def plans_of(
    store: Store,
    benchmark_id: str,
    router_ids: Sequence[str],
    pair: ModelPair | None = None,
) -> list[ScoringPlan]:
    """The scorings that put scores of a set by some routers into the store, one a pair.

    Args:
        store: holds the set and the routers.
        benchmark_id: of the set.
        router_ids: of routers with a checkpoint.
        pair: under which the scores are kept; by default the set's usual one, and each router's own
            where the set has outcomes of fewer than two models. On a set of the user's own they
            count for every pair.

    Raises:
        UnknownNameError: no such set or router.
    """
    if pair is None and len(store.models(benchmark_id)) >= 2:
        pair = default_pair(store, benchmark_id)
    of_pair: dict[ModelPair, list[str]] = {}
    for router_id in router_ids:
        own = pair or ModelPair(**json.loads(store.router(router_id).config)["model_pair"])
        of_pair.setdefault(own, []).append(router_id)
    return [ScoringPlan(benchmark_id, tuple(ids), *of) for of, ids in of_pair.items()]


def folder_for(plan: ScoringPlan, folder: Path) -> Path:
    """Folder of a scoring: that of the same plan which was stopped, else a new one.

    Args:
        plan: what is scored.
        folder: of the scorings of the set.
    """
    for job in jobs.jobs_in(folder):
        if job.status != "done" and ScoringPlan.of(job.plan) == plan:
            return job.folder
    taken = (folder / str(number) for number in itertools.count(1))
    return next(path for path in taken if not path.exists())


def work_on(
    folder: Path,
    plan: ScoringPlan,
    store: Store,
    data_dir: Path,
    cache_dir: Path,
    on_progress: OnProgress = silent,
    queue: Path | None = None,
) -> None:
    """Score as planned, in this process.

    Args:
        folder: of the job.
        plan: what to do.
        store: holds texts and routers; given back to others once these are read.
        data_dir: where the checkpoints of shipped routers lie.
        cache_dir: keeps vectors; another folder for each set, so that they go when it goes.
        on_progress: told how far it is.
        queue: as for `score`; by default scorings of one folder's parent take turns.

    Raises:
        TextsError: texts of the queries are not on this machine.
        NotTrainedError: weights of a router are not on this machine.
        Cancelled: the process was asked to end (SIGTERM).
    """
    with jobs.at_work(folder, plan, on_progress) as context:
        texts = store.query_texts(plan.benchmark_id)
        n_queries = len(store.query_ids(plan.benchmark_id))
        folders = {name: checkpoint_dir(store.router(name), data_dir) for name in plan.router_ids}
        store.release()
        if not texts:
            raise TextsError(
                f"no text of {plan.benchmark_id} is on this machine: a router reads texts"
            )
        chosen = device()
        context.report(device=chosen.name, precision=chosen.precision)
        context.on_progress(Progress("loading the routers", 0, len(folders)))
        routers = {name: load_router(path) for name, path in folders.items()}
        rates = score(
            routers,
            list(texts.values()),
            chunks_dir=folder / "chunks",
            cache_dir=cache_dir,
            checkpoints={name: checkpoint_hash(path) for name, path in folders.items()},
            queue=folder.parent / "queue" if queue is None else queue,
            on_progress=context.on_progress,
        )
        frame = pd.DataFrame({"query_id": list(texts), **rates})
        frame.to_parquet(folder / "scores.parquet", index=False)
        context.report(n_scored=len(texts), n_queries=n_queries)


def keep(folder: Path, store: Store) -> None:
    """Put what a finished scoring found into the store; the same scored before is replaced.

    Raises:
        DataError: it is not finished.
    """
    job = jobs.read(folder)
    plan = ScoringPlan.of(job.plan)
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


def main(folder: Path, store_path: Path) -> None:
    """Do the scoring of a folder, whose plan.json says what."""
    plan, workspace = ScoringPlan.read(folder / "plan.json"), Workspace(store_path)
    with Store(store_path, read_only=True) as store:
        work_on(
            folder,
            plan,
            store,
            DATA_DIR,
            workspace.set_dir(plan.benchmark_id),
            queue=workspace.scoring_queue,
        )
