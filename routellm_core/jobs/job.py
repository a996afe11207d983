"""Long work as a folder: what is to be done, who does it, how far it is, how it ended.

    <job>/plan.json        what is to be done, where a process of its own was asked to do it
    <job>/run.json         the same, who works on it, and how it ended
    <job>/progress.jsonl   how far it is, a line each time
    <job>/log.txt          what that process said

A job is worked on by one process, which may be another than the one that looks at it: so a page
may be closed, a click cancels, and whatever the work does to its process it does to that one alone.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from routellm_core.errors import DataError, RoutingError
from routellm_core.files import read_json, write_json
from routellm_core.jobs.plans import JobPlan
from routellm_core.jobs.progress import OnProgress, Progress, silent

if TYPE_CHECKING:
    from psutil import Process

_SECONDS_BETWEEN_LINES = 0.5
_SECONDS_TO_END = 10.0
_CLOCK_SECONDS = 2.0
"""By so much the system may tell the moment a process began another time it is asked."""
_MARK = "cancel"
"""File that says that somebody asked the job to stop."""


class Cancelled(Exception):  # noqa: N818  it is no error
    """Somebody asked the work to stop."""


class Job(NamedTuple):
    """A job as its folder tells it."""

    folder: Path
    plan: Mapping[str, Any]
    status: str
    """running, done, cancelled, failed, or stopped (its process is gone)."""
    message: str
    """Why it failed or was stopped, where that is known; empty otherwise."""
    started_at: datetime
    """UTC."""
    facts: Mapping[str, Any]
    """What the work has told so far."""
    progress: pd.DataFrame
    """Columns time (seconds since the epoch), stage, done, total, loss, held_out_loss."""


class JobContext(NamedTuple):
    """The folder, document and callback that the work of a job reports to."""

    folder: Path
    document: dict[str, Any]
    on_progress: OnProgress
    """Called with how far the work is; raises `Cancelled` once somebody asked it to stop."""

    def report(self, **facts: Any) -> None:
        """Add to the job's facts."""
        self.document["facts"] = self.document.get("facts", {}) | facts
        write_json(self.folder / "run.json", self.document)


@contextmanager
def at_work(folder: Path, plan: JobPlan, on_progress: OnProgress = silent) -> Iterator[JobContext]:
    """Work on a job in this process; however it ends, the folder says so.

    SIGTERM ends the work at once; where the interpreter happens to be in code whose exceptions are
    lost, it ends at the next step.

    Args:
        folder: made when absent; a stopped job of the same plan is taken up again.
        plan: what is done.
        on_progress: called with how far it is, beside progress.jsonl.

    Raises:
        DataError: another process works on it, or it is another plan's.
        Cancelled: the process was asked to end (SIGTERM).
    """
    document = _claimed(folder, plan)
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
        watches = (check, on_progress, _line_writer(folder / "progress.jsonl"))
        yield JobContext(folder, document, _all(*watches))
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
        write_json(folder / "run.json", document)


def start(folder: Path, plan: JobPlan, store_path: Path) -> None:
    """Begin or go on with a job in a process of its own, which outlives this one.

    Args:
        folder: of the job; plan.json is there when the process begins.
        plan: what is to be done.
        store_path: the store whose data the job works on.

    Raises:
        DataError: a process works on it already, or it is another plan's.
    """
    if (folder / "run.json").exists():
        former = read(folder)
        _refuse_another_plan(former, plan)
        if former.status == "running":
            raise DataError(f"another process works on {folder} already")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("progress.jsonl", "run.json", _MARK):
        (folder / name).unlink(missing_ok=True)
    write_json(folder / "plan.json", asdict(plan))
    paths = (str(folder.resolve()), str(store_path.resolve()))
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "routellm_core.jobs", plan.kind, *paths],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It takes seconds to load what it needs, and may fail at that: the job is there already. What
    # the process itself has written by now stands.
    aside = folder / "begun.part"
    write_json(aside, _begun(plan, process.pid))
    with suppress(FileExistsError):
        os.link(aside, folder / "run.json")
    aside.unlink()


def cancel(folder: Path) -> None:
    """Ask a running job to end; what it has finished is kept."""
    if read(folder).status == "running":
        (folder / _MARK).touch()  # for a process that does not listen yet
        if (process := _process(read_json(folder / "run.json"))) is not None:
            process.terminate()


def delete(folder: Path) -> None:
    """Remove a job's folder with all that is in it.

    Raises:
        DataError: it is being worked on.
    """
    if read(folder).status == "running":
        raise DataError(f"{folder.name} is being worked on: cancel it first")
    shutil.rmtree(folder)


def end(folders: Iterable[Path]) -> None:
    """End the jobs of these folders and wait until they have; who goes on when asked is killed.

    A folder that holds no job is passed over, and this process does not end itself.
    """
    import psutil

    processes = []
    for folder in folders:
        with suppress(DataError):
            if read(folder).status == "running":
                processes.append(_process(read_json(folder / "run.json")))
    there = [process for process in processes if process and process.pid != os.getpid()]
    for process in there:
        process.terminate()
    _, deaf = psutil.wait_procs(there, _SECONDS_TO_END)
    for process in deaf:
        process.kill()
    psutil.wait_procs(deaf, 1.0)


def jobs_in(folder: Path) -> list[Job]:
    """The jobs whose folders lie in a folder, by name.

    What cannot be read as a job, or is deleted meanwhile, is left out.
    """
    found = []
    for path in sorted(folder.glob("*/run.json")):
        with suppress(DataError):
            found.append(read(path.parent))
    return found


def read(folder: Path) -> Job:
    """A job as its folder tells it.

    Raises:
        DataError: the folder holds no job.
    """
    document = read_json(folder / "run.json")
    try:
        status, message = str(document["status"]), str(document.get("message", ""))
        plan, facts = dict(document["plan"]), dict(document.get("facts", {}))
        started_at = datetime.fromisoformat(document["started_at"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{folder} holds no job ({type(error).__name__}: {error})") from error
    if status == "running" and _process(document) is None:
        asked = (folder / _MARK).exists()
        status, message = "cancelled" if asked else "stopped", _last_error(folder / "log.txt")
    return Job(
        folder=folder,
        plan=plan,
        status=status,
        message=message,
        started_at=started_at,
        facts=facts,
        progress=_read_lines(folder / "progress.jsonl"),
    )


def rate(progress: pd.DataFrame) -> float:
    """Steps a second of the stage that is being worked on; NaN where unknown."""
    if progress.empty:
        return float("nan")
    stage = progress[progress["stage"] == progress["stage"].iloc[-1]]
    first, last = stage.iloc[0], stage.iloc[-1]
    done, seconds = last["done"] - first["done"], last["time"] - first["time"]
    return float(done / seconds) if done > 0 and seconds > 0 else float("nan")


def seconds_left(progress: pd.DataFrame) -> float:
    """Seconds until the current stage ends, at its own rate so far; NaN where unknown."""
    if progress.empty:
        return float("nan")
    last = progress.iloc[-1]
    return float(last["total"] - last["done"]) / rate(progress)


def _claimed(folder: Path, plan: JobPlan) -> dict[str, Any]:
    """The job's document with this process at work on it.

    Raises:
        DataError: another process works on it, or it is another plan's.
    """
    path = folder / "run.json"
    if path.exists():
        former = read(folder)
        _refuse_another_plan(former, plan)
        if former.status == "running" and read_json(path)["pid"] != os.getpid():
            raise DataError(f"another process works on {folder} already")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("progress.jsonl", _MARK):
        (folder / name).unlink(missing_ok=True)
    document = _begun(plan, os.getpid())
    write_json(path, document)
    return document


def _refuse_another_plan(former: Job, plan: JobPlan) -> None:
    # As it would be read again: JSON knows no tuple.
    if former.plan != json.loads(json.dumps(asdict(plan))):
        raise DataError(f"{former.folder} holds a run of another plan: name another folder")


def _begun(plan: JobPlan, pid: int) -> dict[str, Any]:
    import psutil

    return {
        "plan": asdict(plan),
        "status": "running",
        "pid": pid,
        "created": psutil.Process(pid).create_time(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _line_writer(path: Path) -> OnProgress:
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


def _all(*watches: OnProgress) -> OnProgress:
    def tell(progress: Progress) -> None:
        for on_progress in watches:
            on_progress(progress)

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
    """Last error in the log of a process that could not say it in run.json; empty without one."""
    if not log_path.exists():
        return ""
    lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line for line in lines if re.match(r"error: |[\w.]*Error\b", line)]
    return said[-1].removeprefix("error: ") if said else ""


def _process(document: Mapping[str, Any]) -> "Process | None":
    """The very process that a job's document names, where it is still there.

    Numbers are given anew, so that only number and moment together name a process.
    """
    import psutil

    try:
        process = psutil.Process(document["pid"])
        created, has_ended = process.create_time(), process.status() == psutil.STATUS_ZOMBIE
        if "created" in document:
            is_it = abs(created - document["created"]) < _CLOCK_SECONDS
        else:  # of a former version: whoever began later has no more than the number
            started_at = datetime.fromisoformat(document["started_at"])
            is_it = "born" in document and created < started_at.timestamp() + _CLOCK_SECONDS
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None
    return process if is_it and not has_ended else None
