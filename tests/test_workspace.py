"""The folders beside a store, and the end of private data, without a screen."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from routellm_core.errors import StoreError
from routellm_core.store import Store
from routellm_core.store.workspace import Workspace
from routellm_core.text_keys import text_hash
from routellm_core.types import RouterEntry
from tests.conftest import ROOT
from tests.long_work import start_asleep, write_job

SECRET = "Which of the seven lighthouses keeps the ferryman's violin?"


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "explorer.duckdb")


@pytest.fixture
def add(sample_benchmark):
    """`add(store, name, owner)` adds a set whose one text is the secret."""

    def add(store, name="mine", owner="ada"):
        card, queries, outcomes = sample_benchmark
        queries = queries.assign(text_hash=None)
        queries.loc[queries.index[0], "text_hash"] = text_hash(SECRET)
        store.add_benchmark(
            replace(card, benchmark_id=name, origin="user", owner=owner), queries, outcomes
        )
        store.add_texts(pd.DataFrame({"text_hash": [text_hash(SECRET)], "text": [SECRET]}))

    return add


@pytest.fixture
def store(workspace, add):
    """A store with a private set, as a dashboard has it open: for reading."""
    with Store.create(workspace.store_path) as store:
        add(store)
    with Store(workspace.store_path, read_only=True) as store:
        yield store


def job(folder, plan=None, left="scores.parquet"):
    """A job that is done and left the secret."""
    write_job(folder, plan, "done")
    (folder / left).write_text(SECRET)
    return folder


def training(workspace, name, **plan):
    folder = job(workspace.runs / name, {"router_name": "mf", **plan})
    (folder / "checkpoint").mkdir()
    return folder


def leave_traces(workspace):
    """The secret in every place where work about a set, or a session, leaves something."""
    job(workspace.scorings("mine") / "1")
    job(workspace.comparison("mine", "sample"))
    job(workspace.labellings("mine") / "1")
    job(workspace.imports("ada") / "1")
    job(workspace.comparison("hers", "mine"))
    training(workspace, "learned", golden=["mine"])
    training(workspace, "scored", golden=["sums"], score_on=["mine"])
    for path in (
        workspace.replies("mine") / "calls.jsonl",
        workspace.set_dir("mine") / "vectors" / "0.npz",
        workspace.uploads("ada") / "x" / "mine.csv",
    ):
        path.parent.mkdir(parents=True)
        path.write_text(SECRET)


def secrets(workspace):
    """Files beside the store, and itself, in which the secret stands."""
    paths = [path for path in workspace.store_path.parent.rglob("*") if path.is_file()]
    folder = workspace.store_path.parent
    return {str(path.relative_to(folder)) for path in paths if SECRET.encode() in path.read_bytes()}


def test_places_are_where_former_versions_put_them(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    found = Workspace(tmp_path / "link" / "my.duckdb")
    places = {
        "my.duckdb": found.store_path,
        "runs": found.runs,
        "scoring.queue": found.scoring_queue,
        "sets/a/scoring": found.scorings("a"),
        "sets/a/against/b": found.comparison("a", "b"),
        "sets/a/labelling": found.labellings("a"),
        "sets/a/labelling/record": found.replies("a"),
        "private/ada/uploads": found.uploads("ada"),
        "private/ada/imports": found.imports("ada"),
    }
    for name, place in places.items():
        assert place == (tmp_path / "data" / name).resolve()


def test_a_deletion_leaves_no_byte_of_a_set_and_lets_the_others_be(store, workspace):
    leave_traces(workspace)
    others = [training(workspace, "other", golden=["sums"]), job(workspace.scorings("hers") / "1")]
    assert "explorer.duckdb" in secrets(workspace)
    workspace.delete_sets(store, ["mine"])
    assert secrets(workspace) == {
        *("private/ada/imports/1/scores.parquet", "private/ada/uploads/x/mine.csv"),
        *("runs/other/scores.parquet", "sets/hers/scoring/1/scores.parquet"),
    }
    assert all(folder.exists() for folder in others)
    assert not workspace.set_dir("mine").exists()
    assert not store.has_benchmark("mine")
    assert not is_unclean(workspace)


def test_a_session_that_ends_leaves_no_byte(store, workspace):
    leave_traces(workspace)
    workspace.end_session(store, "eve")  # who has nothing
    assert store.has_benchmark("mine")
    workspace.end_session(store, "ada")
    assert secrets(workspace) == set()
    assert not workspace.session_dir("ada").exists()
    assert not store.has_benchmark("mine")


def test_sessions_of_a_killed_process_are_swept(store, workspace):
    leave_traces(workspace)
    job(workspace.scorings("gone") / "1")  # of a set that is no longer there
    workspace.sweep(store)
    assert secrets(workspace) == set()
    assert not workspace.private.exists()
    assert list(workspace.sets.iterdir()) == []
    assert not store.has_benchmark("mine")


def test_what_is_saved_is_not_swept(workspace, add):
    with Store.create(workspace.store_path) as store:
        add(store, "saved", owner=None)
    kept = [job(workspace.scorings("saved") / "1"), training(workspace, "one", golden=["saved"])]
    with Store(workspace.store_path, read_only=True) as store:
        before = workspace.store_path.stat().st_mtime_ns
        workspace.sweep(store)
        assert workspace.store_path.stat().st_mtime_ns == before
        assert store.has_benchmark("saved")
    assert all(folder.exists() for folder in kept)


def test_a_kept_router_stays_with_its_training(store, workspace):
    kept = training(workspace, "kept", golden=["mine"])
    dropped = training(workspace, "dropped", golden=["mine"])
    with store.open_for_writing():
        checkpoint = str((kept / "checkpoint").resolve())
        entry = RouterEntry("r", "mf", "golden", trained_on="mine", checkpoint=checkpoint)
        store.add_router(entry)
    workspace.delete_sets(store, ["mine"])
    assert kept.exists()
    assert not dropped.exists()
    assert store.own_routers()["router_id"].tolist() == ["r"]


def test_jobs_at_work_on_a_set_are_ended_first(store, workspace, monkeypatch):
    folders = [workspace.scorings("mine") / "1", workspace.imports("ada") / "1"]
    processes = [start_asleep(monkeypatch, folder) for folder in folders]
    workspace.end_session(store, "ada")
    assert all(process.poll() is not None for process in processes)
    assert not any(folder.exists() for folder in folders)


def test_nothing_is_deleted_while_another_process_reads_the_store(store, workspace):
    leave_traces(workspace)
    before = secrets(workspace)
    store.release()
    code = (
        "import sys; from pathlib import Path; from routellm_core.store import Store\n"
        "s = Store(Path(sys.argv[1]), read_only=True); print('open', flush=True)\n"
        "sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.store_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout.readline() == "open\n"
        workspace.sweep(store)
        assert secrets(workspace) == before
        with pytest.raises(StoreError, match="is in use by process"):
            workspace.delete_sets(store, ["mine"])
        reader.communicate("\n")
    assert store.has_benchmark("mine")
    workspace.sweep(store)
    assert secrets(workspace) == set()


def test_a_deletion_that_was_killed_half_way_is_finished_by_the_next_start(
    store, workspace, monkeypatch
):
    def killed(self):
        raise KeyboardInterrupt

    leave_traces(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            workspace.delete_sets(store, ["mine"])
    assert is_unclean(workspace)
    workspace.sweep(store)
    assert secrets(workspace) == set()
    assert not is_unclean(workspace)


def is_unclean(workspace):
    return workspace.store_path.with_suffix(".unclean").exists()


@pytest.mark.parametrize("plan", [{"golden": 3}, {"golden": "mine"}, {"score_on": None}, {}])
def test_a_training_of_another_form_is_let_alone(store, workspace, plan):
    folder = job(workspace.runs / "odd", plan)
    workspace.delete_sets(store, ["mine"])
    assert folder.exists()
