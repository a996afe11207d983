"""Jobs as their folders tell of them, and processes that work on none."""

import os
import subprocess
import sys
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from routellm_core import files, jobs

ASLEEP = "import time; time.sleep(600)"


@dataclass(frozen=True)
class AnyPlan(jobs.JobPlan):
    """Of no work at all."""

    kind = "any"
    what: Any = None


def document(plan, status="running", pid=None, **more):
    """What run.json holds of a job that this process, or another, works on."""
    pid = os.getpid() if pid is None else pid
    return {
        "plan": asdict(plan) if is_dataclass(plan) else plan,
        "status": status,
        "pid": pid,
        "created": _created(pid),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }


def _created(pid):
    try:
        return psutil.Process(pid).create_time()
    except (psutil.NoSuchProcess, ValueError):  # none has this number, or no process can
        return 0.0


def write_job(folder, plan=None, status="running", pid=None, **more):
    """A job's folder with its run.json."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "run.json", document(plan or {}, status, pid, **more))
    return folder


def start_asleep(monkeypatch, folder, plan=None):
    """Start a job whose process sleeps; the process."""
    popen, begun = subprocess.Popen, []

    def asleep(command, **options):
        assert command[1:3] == ["-m", "routellm_core.jobs"]
        begun.append(popen([sys.executable, "-c", ASLEEP], **options))
        return begun[0]

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", asleep)
        jobs.start(folder, plan or AnyPlan(), folder.parent / "explorer.duckdb")
    return begun[0]
