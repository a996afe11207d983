"""Trainings as jobs: what is trained, how far it is, and what came of it.

Beside what every job has, a run's folder holds

    <run>/checkpoint/      the router, once it is fitted
    <run>/scores.parquet   its scores of benchmarks

A stopped run goes on where it was when it is started again with the same plan.
"""

import itertools
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from routellm_core import jobs
from routellm_core.embedders.silence import silence_libraries
from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.routers import configs
from routellm_core.store import Store
from routellm_core.store.places import cache_dir
from routellm_core.training.recipes import (
    TrainingSet,
    benchmark_part,
    recipe_of,
    tier_table,
    training_set,
)
from routellm_core.types import Floats, ModelPair, RouterEntry


@dataclass(frozen=True)
class TrainingPlan(jobs.JobPlan):
    """The router to train, its data, and the benchmarks to score with it."""

    kind = "training"
    router_name: str
    weak: str
    strong: str
    golden: tuple[str, ...] = ()
    """Benchmarks whose outcomes are golden labels."""
    battles: tuple[str, ...] = ()
    """Sources of judged battles."""
    score_on: tuple[str, ...] = ()
    """Further benchmarks to score; the golden ones are always scored, out of fold."""
    views: tuple[str, ...] = ("in_domain",)
    """Out-of-fold views of the golden benchmarks."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the router, by the names in `routers.configs`."""
    seed: int = 0

    @property
    def model_pair(self) -> ModelPair:
        return ModelPair(weak=self.weak, strong=self.strong)

    @property
    def asks_label_curve(self) -> bool:
        """True where one set is learned from and named to be scored too, out of fold."""
        return (
            len(self.golden) == 1
            and self.golden[0] in self.score_on
            and not self.battles
            and "in_domain" in self.views
            and self.router_name != "stacked"
        )

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Ids of the benchmarks that it learns from or scores."""
        return self.golden + self.score_on


class TrainingRun(NamedTuple):
    """A run as its folder tells it."""

    folder: Path
    plan: TrainingPlan
    status: str
    """running, done, cancelled, failed, or stopped (its process is gone)."""
    message: str
    """Why it failed or was stopped, where that is known; empty otherwise."""
    started_at: datetime
    """UTC."""
    facts: Mapping[str, Any]
    """What went in, known once the data is read: see `work_on`."""
    progress: pd.DataFrame
    """Columns time (seconds since the epoch), stage, done, total, loss, held_out_loss."""

    @property
    def run_id(self) -> str:
        return self.folder.name


def config_of(plan: TrainingPlan) -> Any:
    """The router's options as their dataclass; None for a router without options.

    Raises:
        DataError: an option is unknown or out of range.
    """
    kind = configs.CONFIGS.get(plan.router_name)
    unknown = set(plan.options) - ({f.name for f in fields(kind)} if kind else set())
    if unknown:
        there = ", ".join(f.name for f in fields(kind)) if kind else "none"
        raise DataError(
            f"{plan.router_name} has no option {', '.join(sorted(unknown))}; there are: {there}"
        )
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in plan.options.items()}
    try:
        return kind(**options) if kind else None
    except (ValueError, TypeError) as error:
        raise DataError(f"{plan.router_name}: {error}") from error


def work_on(
    folder: Path,
    plan: TrainingPlan,
    store: Store,
    cache_dir: Path,
    on_progress: OnProgress = silent,
) -> TrainingRun:
    """Train and score as planned, in this process; what it writes stays in the folder.

    Args:
        folder: made when absent; a stopped run of the same plan goes on.
        plan: what to do.
        store: holds outcomes, battles and texts; given back to others once these are read.
        cache_dir: keeps vectors and weights between runs.
        on_progress: told how far it is, beside progress.jsonl.

    Raises:
        DataError: the folder holds a run of another plan, or the plan cannot be trained.
        RoutingError: anything else that the user can put right.
        Cancelled: the process was asked to end (SIGTERM).
    """
    from routellm_core.routers.fold_checkpoints import fold_checkpoint_name
    from routellm_core.training.cross_fitting import train

    with jobs.at_work(folder, plan, on_progress) as context:
        config = config_of(plan)
        training = training_set(store, recipe_of(plan.golden, plan.battles), plan.model_pair)
        further = [name for name in plan.score_on if name not in plan.golden]
        scored = [benchmark_part(store, name, _pair_for(store, name, plan)) for name in further]
        store.release()
        context.report(
            recipe=training.recipe.name,
            n_queries=len(training.queries),
            n_battles=len(training.battles.win_a),
            stand_ins=dict(training.proxy_models),
            warnings=list(training.warnings),
            models=tier_table(training).to_dict("records"),
        )
        trained = train(
            training,
            plan.router_name,
            scored=scored,
            views=plan.views,
            cache_dir=cache_dir,
            work_dir=folder / "unfinished",
            seed=plan.seed,
            config=config,
            on_progress=context.on_progress,
            fold_checkpoint_dir=folder / fold_checkpoint_name("checkpoint"),
        )
        if plan.asks_label_curve:
            curve = _label_curve(folder, plan, training, trained.scores, cache_dir, config, context)
            context.report(label_curve=curve)
        trained.router.save(folder / "checkpoint")
        trained.scores.to_parquet(folder / "scores.parquet", index=False)
        context.report(n_dropped=trained.n_dropped)
    return read_run(folder)


def _label_curve(
    folder: Path,
    plan: TrainingPlan,
    training: TrainingSet,
    scores: pd.DataFrame,
    cache_dir: Path,
    config: Any,
    context: jobs.JobContext,
) -> list[dict[str, Any]]:
    """What fewer labels would have given; see `training.label_curve`."""
    from routellm_core.training.cross_fitting import scores_of_fewer_labels
    from routellm_core.training.label_curve import label_curve

    def of_fewer(n_labels: int) -> Floats:
        return scores_of_fewer_labels(
            training,
            plan.router_name,
            n_labels,
            cache_dir=cache_dir,
            work_dir=folder / f"unfinished-{n_labels}",
            seed=plan.seed,
            config=config,
            on_progress=context.on_progress,
        )

    of_all = scores[scores["view"] == "in_domain"]["strong_win_rate"].to_numpy()
    return label_curve(training.parts[0].outcomes, of_fewer, of_all, seed=plan.seed)


def main(folder: Path, store_path: Path) -> None:
    """Do the training of a folder, whose plan.json says what; nothing is put into the store."""
    silence_libraries()
    plan = TrainingPlan.read(folder / "plan.json")
    with Store(store_path, read_only=True) as store:
        work_on(folder, plan, store, cache_dir())


def keep(run: TrainingRun, store: Store, router_id: str) -> None:
    """Put a finished run's router and scores into the store, as the user's own.

    Raises:
        DataError: the run is not finished, or the name is taken.
    """
    if run.status != "done":
        raise DataError(f"run {run.run_id} is {run.status}; only a finished one can be kept")
    scores = pq.read_table(run.folder / "scores.parquet").to_pandas()
    config = (run.folder / "checkpoint" / "config.json").read_text(encoding="utf-8")
    with store.atomic():
        store.add_router(
            RouterEntry(
                router_id=router_id,
                router_name=run.plan.router_name,
                recipe=str(run.facts["recipe"]),
                trained_on=", ".join([*run.plan.golden, *run.plan.battles]),
                embedder=json.loads(config).get("embedder"),
                config=config,
                checkpoint=str((run.folder / "checkpoint").resolve()),
            )
        )
        keys = ["weak_model", "strong_model", "benchmark_id", "view"]
        for (weak, strong, benchmark_id, view), rows in scores.groupby(keys):
            store.add_strong_win_rates(
                benchmark_id,
                ModelPair(weak=weak, strong=strong),
                router_id,
                view,
                rows[["query_id", "strong_win_rate", "fold"]],
            )


def new_run_id(plan: TrainingPlan, runs_dir: Path) -> str:
    """A name that no run of the folder has: router, recipe, and a number where needed."""
    recipe = recipe_of(plan.golden, plan.battles).name
    stem = "-".join([plan.router_name, *re.findall(r"[A-Za-z0-9_.+]+", recipe), "mine"])[:80]
    names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
    return next(name for name in names if not (runs_dir / name).exists())


def read_runs(runs_dir: Path) -> list[TrainingRun]:
    """All runs of a folder, the latest first."""
    found = []
    for job in jobs.jobs_in(runs_dir):
        with suppress(DataError):  # of another version
            found.append(_run_of(job))
    return sorted(found, key=lambda run: run.started_at)[::-1]


def read_run(folder: Path) -> TrainingRun:
    """A run as its folder tells it.

    Raises:
        DataError: the folder holds no run.
    """
    return _run_of(jobs.read(folder))


def _run_of(job: jobs.Job) -> TrainingRun:
    return TrainingRun(**job._asdict() | {"plan": TrainingPlan.of(job.plan)})


def _pair_for(store: Store, benchmark_id: str, plan: TrainingPlan) -> ModelPair:
    """The plan's pair where both models have outcomes, otherwise the benchmark's usual one."""
    from routellm_core.store.selection import default_pair

    known = set(store.models(benchmark_id)["model"])
    return plan.model_pair if known >= set(plan.model_pair) else default_pair(store, benchmark_id)
