"""Ending jobs that are at work; the rest is tested with trainings and imports."""

import os
import subprocess
import sys

import pytest

from routellm_core import files, jobs
from routellm_core.errors import DataError

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
        folder = tmp_path / "jobs" / name
        folder.mkdir(parents=True)
        files.write_json(folder / "run.json", jobs._begun({}, process.pid))
        return folder

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("before", ["import time; ", STUBBORN])
def test_jobs_are_ended_or_killed(job, tmp_path, monkeypatch, before):
    monkeypatch.setattr(jobs, "_SECONDS_TO_END", 0.2)
    folders = [job("one", before + WAITS), job("two", before + WAITS)]
    assert [jobs.read(folder).status for folder in folders] == ["running"] * 2
    assert [j.folder for j in jobs.jobs_in(tmp_path / "jobs")] == folders
    jobs.end([*folders, tmp_path / "absent"])
    assert [jobs.read(folder).status for folder in folders] == ["stopped"] * 2


def test_this_process_does_not_end_itself(tmp_path):
    files.write_json(tmp_path / "run.json", jobs._begun({}, os.getpid()))
    jobs.end([tmp_path])
    assert jobs.read(tmp_path).status == "running"


def test_another_process_of_the_same_number_is_let_alone(job):
    folder = job("one", "import time; " + WAITS)
    document = files.read_json(folder / "run.json")
    files.write_json(folder / "run.json", document | {"born": "before the machine was restarted"})
    assert jobs.read(folder).status == "stopped"
    jobs.end([folder])
    jobs.cancel(folder)
    files.write_json(folder / "run.json", document)
    assert jobs.read(folder).status == "running"  # it was not ended


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


def test_one_that_is_cancelled_before_it_listens_is_cancelled(tmp_path):
    folder = tmp_path / "one"
    jobs.start(folder, {"a": 1}, ["timeit", "-n", "1", "import time; time.sleep(600)"])
    jobs.cancel(folder)
    jobs.end([folder])
    assert (jobs.read(folder).status, jobs.read(folder).message) == ("cancelled", "")


def test_a_process_that_cannot_begin_says_why(tmp_path, capsys):
    def work():
        raise DataError("the store is in use by process 7")

    assert jobs.process_of(work) == 2
    assert capsys.readouterr().err == "error: the store is in use by process 7\n"
    assert jobs.process_of(lambda: None) == 0


def test_a_fresh_start_forgets_a_former_cancel(tmp_path):
    jobs.start(tmp_path, {}, ["timeit", "-n", "1", "import time; time.sleep(600)"])
    jobs.cancel(tmp_path)
    jobs.end([tmp_path])
    jobs.start(tmp_path, {}, ["timeit", "-n", "1", "import time; time.sleep(600)"])
    assert jobs.read(tmp_path).status == "running"
    jobs.end([tmp_path])
    assert jobs.read(tmp_path).status == "stopped"
