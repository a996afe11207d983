"""A training as a folder: what another process can read of it, and what is kept of it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routellm_core import jobs
from routellm_core.errors import DataError, UnknownNameError
from routellm_core.jobs.job import Cancelled, seconds_left
from routellm_core.jobs.progress import Progress, silent
from routellm_core.routers import load_router
from routellm_core.store import Store
from routellm_core.training import job as training_job
from routellm_core.training.job import TrainingPlan, config_of, keep, read_run, read_runs, work_on
from tests.conftest import PAIR, ROOT
from tests.invented import add_golden, verdicts

PLAN = TrainingPlan("mf", *PAIR, golden=("sums",), score_on=("quiz",), options={"n_epochs": 2})


@pytest.fixture
def store_path(tmp_path):
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        add_golden(store, "sums")
        add_golden(store, "quiz", [f"guess {i} of the box{i}" for i in range(20)])
        store.add_battles(verdicts(60, ("small", "middling", "large")))
    return path


@pytest.fixture
def work(store_path, tmp_path, word_vectors):
    """Works on a plan in this process."""

    def work(plan=PLAN, name="one", on_progress=silent):
        with Store(store_path, read_only=True) as store:
            return work_on(tmp_path / "runs" / name, plan, store, tmp_path / "cache", on_progress)

    return work


def stop_at(stage, error):
    def on_progress(progress):
        if progress.stage.startswith(stage):
            raise error

    return on_progress


# In this process


def test_a_finished_run_tells_what_went_in_and_what_came_of_it(work, tmp_path):
    told = []
    run = work(on_progress=told.append)
    assert (run.status, run.message, run.run_id, run.plan) == ("done", "", "one", PLAN)
    assert run.facts["recipe"] == "sums"
    assert (run.facts["n_queries"], run.facts["n_battles"], run.facts["n_dropped"]) == (60, 60, 0)
    assert [row["model"] for row in run.facts["models"]] == ["large", "small"]
    assert list(run.progress.columns) == ["time", *Progress._fields]
    assert set(run.progress["stage"]) <= {p.stage for p in told}
    assert run.progress["stage"].iloc[-1] == told[-1].stage
    scores = pd.read_parquet(run.folder / "scores.parquet")
    assert scores.groupby(["benchmark_id", "view"]).size().to_dict() == {
        ("sums", "in_domain"): 60,
        ("quiz", "untouched"): 20,
    }
    router = load_router(run.folder / "checkpoint")
    rates = router.strong_win_rate([f"guess {i} of the box{i}" for i in range(20)])
    of_quiz = scores[scores["benchmark_id"] == "quiz"]["strong_win_rate"]
    np.testing.assert_allclose(rates, of_quiz, atol=1e-6)
    assert not (run.folder / "unfinished").exists()
    assert read_run(run.folder).facts == run.facts


def test_the_store_is_given_back_while_the_router_is_trained(store_path, work):
    versions = []

    def write(progress):
        if progress.stage.startswith("in domain") and not versions:
            with Store(store_path) as store:
                store.add_battles(verdicts(30, source="meanwhile"))
                versions.append(store.version)

    assert work(on_progress=write).status == "done"
    assert len(versions) == 1


def test_verdicts_alone_can_be_trained_on_without_anything_to_score(work, store_path):
    run = work(TrainingPlan("mf", *PAIR, battles=("chat",), options={"n_epochs": 1}))
    assert run.status == "done"
    assert pd.read_parquet(run.folder / "scores.parquet").empty
    with Store(store_path) as store:
        keep(run, store, "mine")
        assert store.own_routers()["router_id"].tolist() == ["mine"]


def test_a_defect_leaves_a_failed_run_that_says_what_went_wrong(work, tmp_path):
    with pytest.raises(ZeroDivisionError):
        work(on_progress=stop_at("in domain", ZeroDivisionError("by zero")))
    run = read_run(tmp_path / "runs" / "one")
    assert (run.status, run.message) == ("failed", "ZeroDivisionError: by zero")


def test_a_plan_that_cannot_be_trained_fails_with_the_sentence_that_was_raised(work, tmp_path):
    with pytest.raises(UnknownNameError) as raised:
        work(TrainingPlan("mf", *PAIR, battles=("forum",)))
    run = read_run(tmp_path / "runs" / "one")
    assert (run.status, run.message) == ("failed", str(raised.value))
    assert "no battles of source 'forum'" in run.message


def test_a_run_that_was_stopped_goes_on_with_the_folds_that_are_missing(work, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        work(on_progress=stop_at("in domain, fold 4", KeyboardInterrupt))
    assert read_run(tmp_path / "runs" / "one").status == "cancelled"
    stages = []
    run = work(on_progress=lambda p: stages.append(p.stage))
    assert run.status == "done"
    assert not any(stage.startswith("in domain, fold 3") for stage in stages)
    assert any(stage.startswith("in domain, fold 4") for stage in stages)
    other = work(name="other")
    pd.testing.assert_frame_equal(
        pd.read_parquet(run.folder / "scores.parquet"),
        pd.read_parquet(other.folder / "scores.parquet"),
    )


def test_a_folder_is_of_one_plan(work, store_path, tmp_path):
    work()
    former = (tmp_path / "runs" / "one" / "run.json").read_bytes()
    other = TrainingPlan("mf", *PAIR, golden=("sums",))
    with pytest.raises(DataError, match="holds a run of another plan: name another folder"):
        work(other)
    with pytest.raises(DataError, match="holds a run of another plan"):
        jobs.start(tmp_path / "runs" / "one", other, store_path)
    assert (tmp_path / "runs" / "one" / "run.json").read_bytes() == former


def test_a_plan_is_the_same_after_it_was_written(work):
    plan = TrainingPlan(
        "stacked", *PAIR, golden=("sums",), options={"members": ("sw_ranking", "mf")}
    )
    assert work(plan).status == "done"
    assert work(plan).status == "done"


def test_a_process_that_is_gone_leaves_a_stopped_run_with_its_last_words(work, tmp_path):
    run = work()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path = run.folder / "run.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"status": "running", "pid": gone.pid})
    )
    (run.folder / "log.txt").write_text(
        'reading: 1 of 2\n  File "x.py"\nMemoryError: no room\nerror: the disk is full\nbye\n'
    )
    run = read_run(run.folder)
    assert (run.status, run.message) == ("stopped", "the disk is full")


def test_runs_are_listed_the_latest_first_and_a_stray_folder_is_none(work, tmp_path):
    for name, day in (("one", 3), ("two", 5), ("three", 4)):
        run = work(TrainingPlan("mf", *PAIR, golden=("sums",), options={"n_epochs": 1}), name)
        path = run.folder / "run.json"
        moment = {"started_at": f"2026-01-0{day}T00:00:00+00:00"}
        path.write_text(json.dumps(json.loads(path.read_text()) | moment))
    (tmp_path / "runs" / "stray").mkdir()
    assert [run.run_id for run in read_runs(tmp_path / "runs")] == ["two", "three", "one"]
    assert training_job.new_run_id(PLAN, tmp_path / "runs") == "mf-sums-mine"
    (tmp_path / "runs" / "mf-sums-mine").mkdir()
    assert training_job.new_run_id(PLAN, tmp_path / "runs") == "mf-sums-mine-2"


def test_progress_that_is_being_written_is_read_up_to_there(work):
    run = work()
    path = run.folder / "progress.jsonl"
    path.write_text(path.read_text() + '{"time": 12')
    pd.testing.assert_frame_equal(read_run(run.folder).progress, run.progress)


@pytest.mark.parametrize("content", ["", "[]", '{"router_name": "mf"}', '{"colour": "red"}'])
def test_what_is_no_plan_is_refused(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(DataError):
        training_job.TrainingPlan.read(path)


# Keeping


def test_a_kept_run_is_a_router_of_the_users_with_all_its_scores(work, store_path):
    run = work()
    with Store(store_path) as store:
        keep(run, store, "mine")
        listed = store.routers("sums", PAIR)
        assert listed[["router_id", "router_name", "recipe", "view"]].values.tolist() == [
            ["mine", "mf", "sums", "in_domain"]
        ]
        entry = store.router("mine")
        assert (entry.origin, entry.trained_on, entry.embedder) == ("user", "sums", "words")
        assert load_router(Path(entry.checkpoint)).model_pair == PAIR
        scores = pd.read_parquet(run.folder / "scores.parquet").set_index("query_id")
        outcomes = store.pair_outcomes("sums", PAIR)
        rows = scores.loc[outcomes.query_id]
        got = store.strong_win_rates("sums", PAIR, "mine", "in_domain")
        np.testing.assert_array_equal(got, rows["strong_win_rate"])
        np.testing.assert_array_equal(store.folds("sums", PAIR, "mine", "in_domain"), rows["fold"])
        assert len(store.strong_win_rates("quiz", PAIR, "mine", "untouched")) == 20


def test_a_taken_name_keeps_nothing(work, store_path):
    run = work()
    with Store(store_path) as store:
        keep(run, store, "mine")
        version = store.version
        with pytest.raises(DataError, match="there is a router 'mine' already"):
            keep(run, store, "mine")
        assert store.version == version


def test_only_a_finished_run_can_be_kept(work, store_path, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        work(on_progress=stop_at("in domain", KeyboardInterrupt))
    with (
        Store(store_path) as store,
        pytest.raises(DataError, match="is cancelled; only a finished"),
    ):
        keep(read_run(tmp_path / "runs" / "one"), store, "mine")


def test_a_deleted_run_leaves_what_the_store_keeps(work, store_path):
    run = work()
    with Store(store_path) as store:
        keep(run, store, "mine")
        jobs.delete(run.folder)
        assert not run.folder.exists()
        assert len(store.strong_win_rates("sums", PAIR, "mine", "in_domain")) == 60


# Options


@pytest.mark.parametrize(
    ("router_name", "options", "message"),
    [
        ("mf", {"n_layers": 3}, r"mf has no option n_layers; there are: n_factors, n_epochs"),
        ("mf", {"n_epochs": 0}, r"mf: n_epochs is 0; it must be at least 1"),
        ("mf", {"n_epochs": "many"}, r"mf: "),
        ("bert", {"held_out_share": 0.9}, r"bert: held_out_share is 0\.9; use one between"),
        ("sw_ranking", {"n_epochs": 2}, r"sw_ranking has no option n_epochs; there are: none"),
    ],
)
def test_options_that_cannot_be_are_a_sentence(router_name, options, message):
    with pytest.raises(DataError, match=message):
        config_of(TrainingPlan(router_name, *PAIR, options=options))


def test_options_become_the_routers_own():
    assert config_of(TrainingPlan("mf", *PAIR, options={"n_factors": 7})).n_factors == 7
    assert config_of(TrainingPlan("sw_ranking", *PAIR)) is None


# How long


def lines(*rows):
    return pd.DataFrame(
        [(t, stage, done, total, None, None, np.nan) for t, stage, done, total in rows],
        columns=["time", *Progress._fields],
    )


def test_the_time_left_goes_on_at_the_pace_of_the_stage():
    rows = [(0, "reading", 0, 10), (100, "fold 1", 0, 50), (104, "fold 1", 8, 50)]
    assert seconds_left(lines(*rows)) == pytest.approx(21)
    # What was done before the first line of a stage tells nothing of its pace.
    resumed = [(0, "reading", 40, 100), (6, "reading", 70, 100)]
    assert seconds_left(lines(*resumed)) == pytest.approx(6)


@pytest.mark.parametrize(
    "rows",
    [[], [(5, "a", 3, 9)], [(5, "a", 3, 9), (8, "a", 3, 9)], [(5, "a", 3, 9), (8, "b", 4, 9)]],
)
def test_without_a_pace_the_time_left_is_unknown(rows):
    assert np.isnan(seconds_left(lines(*rows)))


# In a process of its own

CHILD = """
import sys
from pathlib import Path
from routellm_core.embedders import sentence
from routellm_core.jobs import __main__ as entry
from routellm_core.training import job
from tests.invented import WordVectors
job.cache_dir = lambda: Path(sys.argv[1])
sentence.SentenceEmbedder = WordVectors
sys.exit(entry.main(sys.argv[2:]))
"""


@pytest.fixture
def started(store_path, tmp_path, monkeypatch):
    """Starts a plan as `runs.start` does, but for a cache of its own and word vectors."""
    popen = subprocess.Popen
    children = []

    def without_model(command, **options):
        python, *module, kind = command[:4]
        assert (module, kind) == (["-m", "routellm_core.jobs"], "training")
        assert Path(options["cwd"]) == ROOT
        given = [python, "-c", CHILD, str(tmp_path / "cache"), *command[3:]]
        children.append(popen(given, **options))
        return children[-1]

    def start(plan, name="one"):
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", without_model)
            jobs.start(tmp_path / "runs" / name, plan, store_path)
        return read_run(tmp_path / "runs" / name)

    yield start
    for child in children:
        child.kill()
        child.wait()


def wait_for(folder, is_there, seconds=120):
    deadline = time.monotonic() + seconds
    while not is_there(run := read_run(folder)):
        log = (folder / "log.txt").read_text()
        assert time.monotonic() < deadline, (run.status, log)
        time.sleep(0.05)
    return run


ENDLESS = TrainingPlan("mf", *PAIR, golden=("sums",), options={"n_epochs": 10_000_000})


def is_training(run):
    return run.progress["stage"].str.startswith("in domain").any()


def test_a_started_run_works_by_itself_and_its_folder_tells_when_it_is_done(started, store_path):
    run = started(PLAN)
    assert run.status == "running"
    run = wait_for(run.folder, lambda run: run.status != "running")
    assert (run.status, run.message) == ("done", "")
    assert run.facts["n_queries"] == 60
    assert (run.folder / "checkpoint" / "config.json").exists()
    with Store(store_path) as store:
        assert store.own_routers().empty  # whoever started it decides whether to keep it


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_running_run_is_cancelled_from_outside(started, store_path):
    run = wait_for(started(ENDLESS).folder, is_training)
    with pytest.raises(DataError, match="another process works on"):
        started(ENDLESS)
    with pytest.raises(DataError, match="is being worked on: cancel it first"):
        jobs.delete(run.folder)
    jobs.cancel(run.folder)
    run = wait_for(run.folder, lambda run: run.status != "running")
    assert (run.status, run.message) == ("cancelled", "")
    assert "Traceback" not in (run.folder / "log.txt").read_text()
    assert not (run.folder / "checkpoint").exists()
    jobs.cancel(run.folder)  # a second time does nothing


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cancel_is_not_lost_in_code_whose_exceptions_are(work, tmp_path):
    class Careless:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)  # what is raised in here reaches nobody
            time.sleep(0.01)

    asked = []

    def on_progress(progress):
        if progress.stage.startswith("in domain") and not asked:
            asked.append(True)
            Careless()

    with pytest.raises(Cancelled):
        work(on_progress=on_progress)
    assert read_run(tmp_path / "runs" / "one").status == "cancelled"


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_cancel_stays_one_where_other_code_makes_another_error_of_it(work, tmp_path):
    def on_progress(progress):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        except Cancelled as stop:
            raise TypeError("no such method") from stop

    with pytest.raises(Cancelled):
        work(on_progress=on_progress)
    run = read_run(tmp_path / "runs" / "one")
    assert (run.status, run.message) == ("cancelled", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_is_stopped(started):
    run = wait_for(started(ENDLESS).folder, is_training)
    os.kill(json.loads((run.folder / "run.json").read_text())["pid"], signal.SIGKILL)
    assert wait_for(run.folder, lambda run: run.status != "running").status == "stopped"


def test_a_started_run_that_cannot_be_trained_says_why(started):
    run = started(TrainingPlan("mf", *PAIR, golden=("nothing",)))
    run = wait_for(run.folder, lambda run: run.status != "running")
    assert run.status == "failed"
    assert "no benchmark 'nothing'" in run.message
