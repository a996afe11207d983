"""Files read in a process of their own, laid ready, and added to the store."""

import os
import signal
import time
from dataclasses import asdict

import pandas as pd
import pytest

from routellm_core import files, jobs
from routellm_core.errors import DataError, UnknownNameError
from routellm_core.importing import job as import_job
from routellm_core.importing.columns import ColumnMapping
from routellm_core.importing.job import ImportPlan, laid, work_on
from routellm_core.importing.scales import Scale
from routellm_core.importing.wide_tables import WideModel
from routellm_core.store import Store
from tests.invented import verdicts

WIDE = pd.DataFrame(
    {
        "prompt": ["Why do kites fly?", "Sum 2, 3", "Name a tide."],
        "wren": [1, 0, 1],
        "heron": [1, 1, 0],
    }
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "runs.csv"
    WIDE.to_csv(path, index=False)
    return path


def wait(folder, seconds=60):
    end = time.monotonic() + seconds
    while (job := jobs.read(folder)).status == "running" and time.monotonic() < end:
        time.sleep(0.05)
    return job


def test_what_was_laid_ready_is_what_was_read(file, tmp_path):
    plan = ImportPlan((str(file),))
    work_on(tmp_path / "one", plan)
    (part,), battles = laid(tmp_path / "one")
    (expected,) = import_job.read(plan).parts
    assert battles is None
    assert (part.benchmark, part.notes) == (expected.benchmark, expected.notes)
    for name in ("queries", "outcomes", "texts"):
        got, want = getattr(part, name), getattr(expected, name)
        pd.testing.assert_frame_equal(got.astype(object), want.astype(object), check_dtype=False)
    facts = jobs.read(tmp_path / "one").facts
    assert facts["parts"][0]["models"] == [
        {"model": "heron", "n_outcomes": 3, "quality": pytest.approx(2 / 3)},
        {"model": "wren", "n_outcomes": 3, "quality": pytest.approx(2 / 3)},
    ]


def test_a_taken_name_gets_a_number_or_is_refused(file):
    found = import_job.read(ImportPlan((str(file),)))
    with Store() as store:
        assert import_job.add(store, found) == ["runs"]
        assert import_job.add(store, found, renamed=True, owner="ada") == ["runs-2"]
        assert store.benchmark("runs-2").owner == "ada"
        with pytest.raises(DataError, match="there is a benchmark 'runs' already"):
            import_job.add(store, found)
        assert store.query_texts("runs-2") == store.query_texts("runs")


def test_a_mapping_and_a_plan_come_back_from_json(file):
    mapping = ColumnMapping(
        query="prompt", wide=(WideModel("heron", "heron"),), scale=Scale(0, 1, "share right")
    )
    plan = ImportPlan((str(file),), "table", mapping)
    assert ImportPlan.of(asdict(plan)) == plan
    with pytest.raises(DataError, match="no plan of an import"):
        ImportPlan.of({"paths": ["x"], "colour": "red"})


def test_only_mapped_models_are_read(file, tmp_path):
    mapping = ColumnMapping(query="prompt", wide=(WideModel("heron", "heron"),))
    work_on(tmp_path / "one", ImportPlan((str(file),), "table", mapping))
    assert set(laid(tmp_path / "one").parts[0].outcomes["model"]) == {"heron"}


def test_battles_are_added_beside_benchmarks(file, tmp_path):
    battles = tmp_path / "battles.csv"
    verdicts(20).to_csv(battles, index=False)
    work_on(tmp_path / "one", ImportPlan((str(file), str(battles))))
    job = jobs.read(tmp_path / "one")
    assert (job.facts["n_battles"], len(job.facts["parts"])) == (20, 1)
    with Store() as store:
        import_job.add(store, laid(tmp_path / "one"))
        assert store.battle_sources()["n_battles"].tolist() == [20]


def test_nothing_is_added_when_one_of_the_parts_is_off(file, tmp_path):
    other = tmp_path / "more.csv"
    WIDE.assign(prompt=["a kite", "a sum", "a moon"]).to_csv(other, index=False)
    found = import_job.read(ImportPlan((str(file), str(other))))
    assert len(found.parts) == 2
    found.parts[1].outcomes.loc[0, "quality"] = 7.0
    with Store() as store:
        with pytest.raises(DataError):
            import_job.add(store, found)
        assert store.benchmarks().empty


def test_an_unknown_format_is_refused(file):
    with pytest.raises(UnknownNameError, match="no import format 'pickle'"):
        import_job.read(ImportPlan((str(file),), "pickle"))


def test_a_process_of_its_own_reads_and_says_what_is_wrong(file, tmp_path):
    jobs.start(tmp_path / "good", ImportPlan((str(file),)), tmp_path / "none.duckdb")
    broken = tmp_path / "broken.csv"
    broken.write_text("prompt,wren,heron\nWhy?,1\n")
    jobs.start(tmp_path / "bad", ImportPlan((str(broken),)), tmp_path / "none.duckdb")
    assert wait(tmp_path / "good").status == "done"
    assert len(laid(tmp_path / "good").parts) == 1
    job = wait(tmp_path / "bad")
    assert job.status == "failed"
    assert "another number of values than the header in 1 row (1)" in job.message
    with pytest.raises(DataError, match="is failed; only a finished one"):
        laid(tmp_path / "bad")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_cancelled_and_a_killed_reading_lay_nothing_ready(tmp_path):
    pipe = tmp_path / "slow.csv"
    n = 400_000
    frame = pd.DataFrame({"prompt": [f"Why do {i} kites fly?" for i in range(n)], "wren": 1})
    frame.assign(heron=0).to_csv(pipe, index=False)
    jobs.start(tmp_path / "cancelled", ImportPlan((str(pipe),)), tmp_path / "none.duckdb")
    jobs.start(tmp_path / "killed", ImportPlan((str(pipe),)), tmp_path / "none.duckdb")
    for name, stop in (("cancelled", signal.SIGTERM), ("killed", signal.SIGKILL)):
        progress = tmp_path / name / "progress.jsonl"
        while not progress.exists() and jobs.read(tmp_path / name).status == "running":
            time.sleep(0.01)
        os.kill(files.read_json(tmp_path / name / "run.json")["pid"], stop)
    assert wait(tmp_path / "cancelled").status == "cancelled"
    assert wait(tmp_path / "killed").status == "stopped"
    for name in ("cancelled", "killed"):
        with pytest.raises(DataError, match="only a finished one"):
            laid(tmp_path / name)
        jobs.delete(tmp_path / name)


def test_more_than_the_machine_has_is_a_sentence(file, tmp_path, monkeypatch):
    def greedy(plan):
        raise MemoryError

    monkeypatch.setattr(import_job, "read", greedy)
    with pytest.raises(DataError, match="needs more memory than this machine gives"):
        work_on(tmp_path / "one", ImportPlan((str(file),)))
    assert "more memory" in jobs.read(tmp_path / "one").message


def test_a_full_disk_is_a_sentence(file, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(DataError, match=r"cannot be laid ready .*No space left"):
        work_on(tmp_path / "one", ImportPlan((str(file),)))
