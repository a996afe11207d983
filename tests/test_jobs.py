"""Ending jobs that are at work; the rest is tested with trainings and imports."""

import os
import subprocess
import sys

import pytest

from routellm_core import jobs

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
        jobs.write_json(folder / "run.json", jobs._begun({}, process.pid))
        return folder

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("before", ["import time; ", STUBBORN])
def test_jobs_at_any_depth_are_ended_or_killed(job, tmp_path, monkeypatch, before):
    monkeypatch.setattr(jobs, "_SECONDS_TO_END", 0.2)
    folders = [job("one", before + WAITS), job("deep/two", before + WAITS)]
    assert [jobs.read(folder).status for folder in folders] == ["running"] * 2
    assert [j.folder.name for j in jobs.jobs_below(tmp_path)] == ["two", "one"]
    jobs.end_below(tmp_path)
    assert [jobs.read(folder).status for folder in folders] == ["stopped"] * 2


def test_this_process_does_not_end_itself(tmp_path):
    (tmp_path / "own").mkdir()
    jobs.write_json(tmp_path / "own" / "run.json", jobs._begun({}, os.getpid()))
    jobs.end_below(tmp_path)
    jobs.end_below(tmp_path / "absent")
    assert jobs.read(tmp_path / "own").status == "running"


def test_a_job_that_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "run.json").write_text("{")
    assert jobs.jobs_below(tmp_path) == []
