"""Trainings as folders: what is trained, how far it is, and what came of it.

    <run>/run.json         the plan, who works on it, and how it ended
    <run>/progress.jsonl   how far it is, a line each time
    <run>/checkpoint/      the router, once it is fitted
    <run>/scores.parquet   its scores of benchmarks

A run is worked on by one process, which may be another than the one that looks at it; a stopped
run goes on where it was when it is started again with the same plan.
"""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from routellm_core.errors import DataError, RoutingError
from routellm_core.progress import Progress, Watch
from routellm_core.recipes import benchmark_part, recipe_of, tier_table, training_set
from routellm_core.routers import configs
from routellm_core.store import Store
from routellm_core.types import ModelPair, RouterEntry

_SECONDS_BETWEEN_LINES = 0.5


class Cancelled(Exception):  # noqa: N818  it is no error
    """Somebody asked the run to stop."""


@dataclass(frozen=True)
class Plan:
    """What is to be trained, from what, and what is to be scored with it."""

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


class Run(NamedTuple):
    """A run as its folder tells it."""

    folder: Path
    plan: Plan
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


def config_of(plan: Plan) -> Any:
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


def work_on(folder: Path, plan: Plan, store: Store, cache_dir: Path, watch: Watch) -> Run:
    """Train and score as planned, in this process; what it writes stays in the folder.

    Args:
        folder: made when absent; a stopped run of the same plan goes on.
        plan: what to do.
        store: holds outcomes, battles and texts; given back to others once these are read.
        cache_dir: keeps vectors and weights between runs.
        watch: told how far it is, beside progress.jsonl.

    Raises:
        DataError: the folder holds a run of another plan, or the plan cannot be trained.
        RoutingError: anything else that the user can put right.
        Cancelled: the process was asked to end (SIGTERM).
    """
    from routellm_core.training import train

    document = _claimed(folder, plan)
    with _accounted(folder, document) as check:
        config = config_of(plan)
        training = training_set(store, recipe_of(plan.golden, plan.battles), plan.model_pair)
        further = [name for name in plan.score_on if name not in plan.golden]
        scored = [benchmark_part(store, name, _pair_for(store, name, plan)) for name in further]
        store.release()
        document["facts"] = {
            "recipe": training.recipe.name,
            "n_queries": len(training.queries),
            "n_battles": len(training.battles.win_a),
            "stand_ins": dict(training.stand_ins),
            "warnings": list(training.warnings),
            "models": tier_table(training).to_dict("records"),
        }
        _write_json(folder / "run.json", document)
        trained = train(
            training,
            plan.router_name,
            scored=scored,
            views=plan.views,
            cache_dir=cache_dir,
            work_dir=folder / "unfinished",
            seed=plan.seed,
            config=config,
            watch=_all(check, watch, _line_writer(folder / "progress.jsonl")),
        )
        trained.router.save(folder / "checkpoint")
        trained.scores.to_parquet(folder / "scores.parquet", index=False)
        document["facts"]["n_dropped"] = trained.n_dropped
    return read_run(folder)


def start(folder: Path, plan: Plan, store_path: Path) -> None:
    """Begin or go on with a run in a process of its own, which outlives this one.

    Raises:
        DataError: a process works on it already, or it is another plan's.
    """
    if (folder / "run.json").exists():
        former = read_run(folder)
        _refuse_another_plan(former, plan)
        if former.status == "running":
            raise DataError(f"another process works on {folder} already")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "progress.jsonl").unlink(missing_ok=True)
    _write_json(folder / "plan.json", asdict(plan))
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "routellm_core", "train", "--no-keep"),
                *("--plan", str(folder / "plan.json")),
                *("--out", str(folder)),
                *("--store", str(store_path)),
            ],
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It takes seconds to load what it needs, and may fail at that: the run is there already.
    _write_json(folder / "run.json", _begun(plan, process.pid))


def cancel(run: Run) -> None:
    """Ask a running run to end; what it has finished is kept."""
    pid = _read_json(run.folder / "run.json").get("pid")
    if run.status == "running" and pid is not None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(int(pid), signal.SIGTERM)


def delete(run: Run) -> None:
    """Remove a run's folder with its checkpoint and scores; what the store keeps stays.

    Raises:
        DataError: it is being worked on.
    """
    if read_run(run.folder).status == "running":
        raise DataError(f"run {run.run_id} is being worked on: cancel it first")
    shutil.rmtree(run.folder)


def keep(run: Run, store: Store, router_id: str) -> None:
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


def new_run_id(plan: Plan, runs_dir: Path) -> str:
    """A name that no run of the folder has: router, recipe, and a number where needed."""
    recipe = recipe_of(plan.golden, plan.battles).name
    stem = "-".join([plan.router_name, *re.findall(r"[A-Za-z0-9_.+]+", recipe), "mine"])[:80]
    names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
    return next(name for name in names if not (runs_dir / name).exists())


def read_runs(runs_dir: Path) -> list[Run]:
    """All runs of a folder, the latest first."""
    folders = [path.parent for path in runs_dir.glob("*/run.json")]
    return sorted((read_run(folder) for folder in folders), key=lambda r: r.started_at)[::-1]


def read_run(folder: Path) -> Run:
    """A run as its folder tells it.

    Raises:
        DataError: the folder holds no run.
    """
    document = _read_json(folder / "run.json")
    status, message = document["status"], document.get("message", "")
    if status == "running" and not _alive(document["pid"]):
        status, message = "stopped", _last_error(folder / "log.txt")
    return Run(
        folder=folder,
        plan=_plan_of(document["plan"]),
        status=status,
        message=message,
        started_at=datetime.fromisoformat(document["started_at"]),
        facts=document.get("facts", {}),
        progress=_read_lines(folder / "progress.jsonl"),
    )


def read_plan(path: Path) -> Plan:
    """A plan from a JSON file.

    Raises:
        DataError: it is no plan.
    """
    return _plan_of(_read_json(path))


def seconds_left(progress: pd.DataFrame) -> float:
    """Of the stage that is being worked on, at its own rate so far; NaN where unknown."""
    if progress.empty:
        return float("nan")
    stage = progress[progress["stage"] == progress["stage"].iloc[-1]]
    first, last = stage.iloc[0], stage.iloc[-1]
    done = last["done"] - first["done"]
    if done <= 0:
        return float("nan")
    return float((last["total"] - last["done"]) * (last["time"] - first["time"]) / done)


def _pair_for(store: Store, benchmark_id: str, plan: Plan) -> ModelPair:
    """The plan's pair where both models have outcomes, otherwise the benchmark's usual one."""
    from routellm_core.evaluation import default_pair

    known = set(store.models(benchmark_id)["model"])
    return plan.model_pair if known >= set(plan.model_pair) else default_pair(store, benchmark_id)


def _plan_of(document: Any) -> Plan:
    try:
        lists = {k: tuple(v) for k, v in document.items() if isinstance(v, list)}
        return Plan(**(document | lists))
    except (TypeError, AttributeError) as error:
        raise DataError(f"this is no plan of a training ({error})") from error


def _claimed(folder: Path, plan: Plan) -> dict[str, Any]:
    """The run's document with this process at work on it.

    Raises:
        DataError: another process works on it, or it is another plan's.
    """
    path = folder / "run.json"
    if path.exists():
        former = read_run(folder)
        _refuse_another_plan(former, plan)
        if former.status == "running" and _read_json(path)["pid"] != os.getpid():
            raise DataError(f"another process works on {folder} already")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "progress.jsonl").unlink(missing_ok=True)
    document = _begun(plan, os.getpid())
    _write_json(path, document)
    return document


def _refuse_another_plan(former: Run, plan: Plan) -> None:
    # As it would be read again: JSON knows no tuple.
    if former.plan != _plan_of(json.loads(json.dumps(asdict(plan)))):
        raise DataError(f"{former.folder} holds a run of another plan: name another folder")


def _begun(plan: Plan, pid: int) -> dict[str, Any]:
    return {
        "plan": asdict(plan),
        "status": "running",
        "pid": pid,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@contextmanager
def _accounted(folder: Path, document: dict[str, Any]) -> Iterator[Watch]:
    """However the work ends, run.json says so.

    SIGTERM ends it at once; where the interpreter happens to be in code whose exceptions are
    lost, the watcher that is yielded ends it at the next step.
    """
    asked = False

    def stop(*_: Any) -> None:
        nonlocal asked
        asked = True
        raise Cancelled

    def check(progress: Progress) -> None:
        if asked:
            raise Cancelled

    former = signal.signal(signal.SIGTERM, stop)
    try:
        yield check
        document["status"] = "done"
    except (Cancelled, KeyboardInterrupt):
        document["status"] = "cancelled"
        raise
    except Exception as error:
        if asked:  # foreign code made another error of it
            document["status"] = "cancelled"
            raise Cancelled from error
        document["status"] = "failed"
        expected = isinstance(error, RoutingError)
        document["message"] = str(error) if expected else f"{type(error).__name__}: {error}"
        raise
    finally:
        signal.signal(signal.SIGTERM, former)
        _write_json(folder / "run.json", document)


def _line_writer(path: Path) -> Watch:
    last: tuple[str, float] = ("", 0.0)

    def write(progress: Progress) -> None:
        nonlocal last
        now = time.time()
        is_news = progress.stage != last[0] or progress.held_out_loss is not None
        if (
            not is_news
            and progress.done < progress.total
            and now - last[1] < _SECONDS_BETWEEN_LINES
        ):
            return
        last = (progress.stage, now)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": now, **progress._asdict()}) + "\n")

    return write


def _all(*watches: Watch) -> Watch:
    def tell(progress: Progress) -> None:
        for watch in watches:
            watch(progress)

    return tell


def _read_lines(path: Path) -> pd.DataFrame:
    columns = ["time", *Progress._fields]
    rows = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break  # being written at this moment
    return pd.DataFrame(rows, columns=columns)


def _last_error(log_path: Path) -> str:
    """What a process that could not say it in run.json said last; empty when it said nothing."""
    if not log_path.exists():
        return ""
    lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line for line in lines if re.match(r"error: |[\w.]*Error\b", line)]
    return said[-1].removeprefix("error: ") if said else ""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    # A child of this process that has ended stays in the table until it is asked for.
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return True


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error


def _write_json(path: Path, document: Any) -> None:
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)
