"""Ending jobs that are at work; the rest is tested with trainings and imports."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from routellm_core import files, jobs
from routellm_core.errors import DataError
from routellm_core.jobs import __main__ as entry
from tests.long_work import AnyPlan, start_asleep, write_job

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
WAITS = "print('here', flush=True); time.sleep(600)"


@pytest.fixture
def job(tmp_path):
    """`job(name, code)` is a job whose process runs some code."""
    processes = []

    def begin(name, code):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "here\n"
        return write_job(tmp_path / "jobs" / name, pid=process.pid)

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("before", ["import time; ", STUBBORN])
def test_jobs_are_ended_or_killed(job, tmp_path, monkeypatch, before):
    monkeypatch.setattr("routellm_core.jobs.job._SECONDS_TO_END", 0.2)
    folders = [job("one", before + WAITS), job("two", before + WAITS)]
    assert [jobs.read(folder).status for folder in folders] == ["running"] * 2
    assert [j.folder for j in jobs.jobs_in(tmp_path / "jobs")] == folders
    jobs.end([*folders, tmp_path / "absent"])
    assert [jobs.read(folder).status for folder in folders] == ["stopped"] * 2


def test_this_process_does_not_end_itself(tmp_path):
    write_job(tmp_path)
    jobs.end([tmp_path])
    assert jobs.read(tmp_path).status == "running"


def test_another_process_of_the_same_number_is_let_alone(job):
    folder = job("one", "import time; " + WAITS)
    document = files.read_json(folder / "run.json")
    files.write_json(folder / "run.json", document | {"created": document["created"] - 60})
    assert jobs.read(folder).status == "stopped"
    jobs.end([folder])
    jobs.cancel(folder)
    files.write_json(folder / "run.json", document)
    assert jobs.read(folder).status == "running"  # it was not ended


def test_a_job_that_a_former_version_began_is_known_by_when_its_process_began(job):
    folder = job("one", "import time; " + WAITS)
    document = files.read_json(folder / "run.json")
    born = "6f2c9a37-0b8e-4d3e-9f0a-1c2d3e4f5a6b 123456"  # of this start of the machine, in ticks
    former = {name: document[name] for name in document if name != "created"} | {"born": born}
    files.write_json(folder / "run.json", former)
    assert jobs.read(folder).status == "running"
    earlier = {"started_at": "2026-01-01T00:00:00+00:00"}  # its process was there before this one
    files.write_json(folder / "run.json", former | earlier)
    assert jobs.read(folder).status == "stopped"
    jobs.end([folder])
    files.write_json(folder / "run.json", former)
    jobs.end([folder])
    assert jobs.read(folder).status == "stopped"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"plan": {}, "status": "running", "pid": -1, "started_at": "2026-01-01T00:00:00"},
        {"plan": {}, "status": "running", "pid": "1", "started_at": "2026-01-01T00:00:00"},
        {"plan": {}, "status": "running", "pid": 1, "started_at": "2026-01-01T00:00:00"},
        {"plan": 3, "status": "done", "started_at": "2026-01-01T00:00:00"},
        {"plan": {}, "status": "done", "started_at": "yesterday"},
    ],
)
def test_a_file_that_somebody_made_up_ends_no_process(tmp_path, monkeypatch, document):
    monkeypatch.setattr(os, "kill", lambda pid, demand: pytest.fail(f"kill {pid} {demand}"))
    folder = tmp_path / "jobs" / "one"
    folder.mkdir(parents=True)
    files.write_json(folder / "run.json", document)
    jobs.end([folder])
    assert all(j.status == "stopped" for j in jobs.jobs_in(tmp_path / "jobs"))


def test_a_job_that_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "run.json").write_text("{")
    assert jobs.jobs_in(tmp_path) == []


def test_one_that_is_cancelled_before_it_listens_is_cancelled(tmp_path, monkeypatch):
    folder = tmp_path / "one"
    start_asleep(monkeypatch, folder)
    jobs.cancel(folder)
    jobs.end([folder])
    assert (jobs.read(folder).status, jobs.read(folder).message) == ("cancelled", "")


def test_a_fresh_start_forgets_a_former_cancel(tmp_path, monkeypatch):
    start_asleep(monkeypatch, tmp_path / "one")
    jobs.cancel(tmp_path / "one")
    jobs.end([tmp_path / "one"])
    start_asleep(monkeypatch, tmp_path / "one")
    assert jobs.read(tmp_path / "one").status == "running"
    jobs.end([tmp_path / "one"])
    assert jobs.read(tmp_path / "one").status == "stopped"


def test_a_folder_is_of_one_plan_and_one_process(tmp_path, monkeypatch):
    folder = tmp_path / "one"
    start_asleep(monkeypatch, folder, AnyPlan(("a", 1)))
    with pytest.raises(DataError, match="another process works on"):
        start_asleep(monkeypatch, folder, AnyPlan(("a", 1)))
    with pytest.raises(DataError, match="holds a run of another plan"):
        start_asleep(monkeypatch, folder, AnyPlan(("a", 2)))
    jobs.end([folder])


def test_every_kind_of_job_has_a_module_that_does_it():
    kinds = {plan.kind for plan in jobs.JobPlan.__subclasses__() if plan is not AnyPlan}
    modules = {kind: importlib.import_module(name) for kind, name in entry.KINDS.items()}
    assert kinds <= set(modules)
    for kind, module in modules.items():
        plans = [p for p in vars(module).values() if getattr(p, "kind", None) == kind]
        assert len(plans) == 1
        assert callable(module.main)


def test_a_process_that_cannot_begin_says_why(tmp_path, capsys, monkeypatch):
    ends = []

    def work(folder, store_path):
        ends.append((folder, store_path))
        raise DataError("the store is in use by process 7")

    monkeypatch.setattr("routellm_core.scoring.job.main", work)
    assert entry.main(["scoring", "a", "b"]) == 2
    assert capsys.readouterr().err == "error: the store is in use by process 7\n"
    assert ends == [(Path("a"), Path("b"))]
    monkeypatch.setattr("routellm_core.scoring.job.main", lambda *_: None)
    assert entry.main(["scoring", "a", "b"]) == 0
