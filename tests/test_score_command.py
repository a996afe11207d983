"""The verb score: a row each, in order, whatever the queries hold; stopped and gone on with."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routellm_core import __main__ as command_line
from routellm_core.commands import score as scoring_command
from routellm_core.embedders import devices
from routellm_core.embedders.silence import SWITCHES
from routellm_core.errors import DataError
from routellm_core.importing.job import pasted
from routellm_core.routers.random import RandomRouter
from routellm_core.scoring import outputs, ray_cluster, ray_engine
from routellm_core.scoring.ray_worker import Scorer, farewell
from routellm_core.store import Store
from routellm_core.types import RouterEntry
from tests.conftest import PAIR, ROOT
from tests.test_scoring import OWN, routers  # noqa: F401  a fixture

HOSTILE = ["", "   ", "Why?", "prove " * 5_000, "Why?", "=1+1", "日本語 \x00", "say ropes 1"]


@pytest.fixture
def run(tmp_path, routers, word_vectors, monkeypatch, capsys):  # noqa: F811
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        for name, router in routers.items():
            router.save(tmp_path / "data" / name)
            kind = type(router).router_name
            entry = RouterEntry(name, kind, "golden", trained_on="sums", checkpoint=name)
            store.add_router(entry)
    monkeypatch.setattr(scoring_command, "DATA_DIR", tmp_path / "data")
    monkeypatch.delenv(devices.VARIABLE, raising=False)

    def run(*arguments):
        status = command_line.main(["score", "--store", str(path), *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def workers_here(monkeypatch):
    """Ray's part done by this process, a partition after the other."""
    monkeypatch.setattr(ray_cluster, "imported", lambda: None)

    def spread(rows, work, cluster):
        yield from map(Scorer(work), rows)

    monkeypatch.setattr(ray_engine, "_spread", spread)


BY_RAY = ("--engine", "ray")
ENGINES = [(), BY_RAY]


def test_rows_stand_in_the_order_of_the_file(run, routers, tmp_path):  # noqa: F811
    file, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pd.DataFrame({"id": [f"q{i}" for i in range(len(HOSTILE))], "query": HOSTILE}).to_parquet(file)
    status, said, _ = run(
        "--router", "mf-x", "random-x", "--input", file, "--output", out, "--alpha", 0.5, "--json"
    )
    assert status == 0
    frame = pd.read_parquet(out)
    assert frame["row"].tolist() == list(range(1, len(HOSTILE) + 1))
    assert frame["query_id"].tolist() == [f"q{i}" for i in range(len(HOSTILE))]
    read = [query.strip() and query for query in HOSTILE]  # a blank cell is an empty one
    for name, router in routers.items():
        np.testing.assert_allclose(frame[name], router.strong_win_rate(read), atol=1e-6)
        assert frame[f"{name} calls_strong"].tolist() == (frame[name] >= 0.5).tolist()
    document = json.loads(said)
    assert (document["n_queries"], document["device"]) == (len(HOSTILE), devices.device().name)
    assert [path.name for path in tmp_path.glob("out*")] == ["out.parquet"]


def test_a_query_a_line_comes_from_stdin(run, tmp_path, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO("Why?\n\n\xff no UTF-8\n".encode("latin-1")))
    monkeypatch.setattr(sys, "stdin", stdin)
    out = tmp_path / "out.csv"
    assert run("--router", "mf-x", "--output", out)[0] == 0
    assert len(pd.read_csv(out)) == 3


def test_a_line_ends_where_a_file_is_cut_into_lines(run, tmp_path, monkeypatch):
    lines = ["one\x0bx", "two\x0c\x1c\x1d\x1ey", "three\x85\u2028\u2029z", "", "four", "five"]
    text = "\n".join(lines[:4]) + "\r\nfour\rfive\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    out = tmp_path / "out.parquet"
    assert run("--router", "random-x", "--output", out)[0] == 0
    rates = RandomRouter(PAIR).strong_win_rate(lines)
    np.testing.assert_array_equal(pd.read_parquet(out)["random-x"], rates)


def test_a_stopped_scoring_goes_on(run, tmp_path, monkeypatch):
    monkeypatch.setattr("routellm_core.scoring.engine.CHUNK", 10)
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    pd.DataFrame({"query": OWN}).to_csv(file, index=False)
    write = scoring_command._write

    def fail(frame, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring_command, "_write", fail)
    status, _, said = run("--router", "mf-x", "--input", file, "--output", out)
    assert status == 130
    assert "the same command goes on from there\nstopped\n" in said
    kept = list((tmp_path / "out.csv.unfinished").glob("*.parquet"))
    assert len(kept) == -(-len(set(OWN)) // 10)
    monkeypatch.setattr(scoring_command, "_write", write)
    monkeypatch.setattr("routellm_core.scoring.engine.Reading", None)  # nothing is scored again
    assert run("--router", "mf-x", "--input", file, "--output", out)[0] == 0
    assert len(pd.read_csv(out)) == len(OWN)
    assert not (tmp_path / "out.csv.unfinished").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--router", "mf-x", "--output", "x.txt"), "end it in .parquet or .csv"),
        (("--router", "oracle", "--output", "x.csv"), "no router 'oracle'"),
        (("--router", "mf-x", "--output", "x.csv", "--alpha", "1.5"), "between 0 and 1"),
        (("--router", "mf-x", "--output", "x.csv", "--column", "colour"), "'colour' is missing"),
        (("--router", "mf-x", "--output", "/nowhere/x.csv"), "there is no folder"),
    ],
)
def test_what_cannot_be_is_a_sentence(run, tmp_path, arguments, message):
    file = tmp_path / "in.csv"
    pd.DataFrame({"query": ["Why?"]}).to_csv(file, index=False)
    status, _, error = run("--input", file, *arguments)
    assert status == 2
    assert message in error
    assert "Traceback" not in error


def state(folder):
    """Every file below a folder, with what it holds."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def apart(tmp_path):
    """A folder with queries in a table and in partitions."""
    folder = tmp_path / "apart"
    (folder / "queries").mkdir(parents=True)
    frame = pd.DataFrame({"query": ["Why?", "say ropes"]})
    frame.to_csv(folder / "q.csv", index=False)
    for path in ("q.parquet", "queries/0.parquet", "queries/1.parquet"):
        frame.to_parquet(folder / path)
    (folder / "q-link.csv").symlink_to(folder / "q.csv")
    return folder


@pytest.mark.parametrize(
    ("engine", "source", "output"),
    [
        ((), "q.csv", "q.csv"),
        ((), "q.csv", "q-link.csv"),
        ((), "q.parquet", "queries/../q.parquet"),
        (BY_RAY, "q.parquet", "q.parquet"),
        (BY_RAY, "q.csv", ""),
        (BY_RAY, "queries", ""),
        (BY_RAY, "queries", "queries"),
        (BY_RAY, "queries", "queries/scores"),
        (BY_RAY, "queries", "queries/scores.csv"),
        (BY_RAY, "queries/*.parquet", "queries"),
        (BY_RAY, "queries/*.parquet", "queries/scores.parquet"),
        (BY_RAY, "queries/*.parquet", "queries/0.parquet"),
        (BY_RAY, "**/[01].parquet", "."),
        (BY_RAY, "queries/**/*.parquet", "queries/scores.csv"),
    ],
)
def test_scores_and_queries_are_kept_apart(run, apart, workers_here, engine, source, output):
    before = state(apart)
    status, _, error = run(
        "--router", "random-x", *engine, "--input", apart / source, "--output", apart / output
    )
    assert status == 2
    assert "name an output in another folder" in error
    assert state(apart) == before


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("queries", "scores"),
        ("queries", "scores.csv"),
        ("queries/*.parquet", "queries/scores"),
        ("queries/[01].parquet", "queries/s.parquet"),
        ("*.parquet", "scores"),
        ("q.csv", "scores"),
        ("q.csv", "scores.csv"),
    ],
)
def test_a_finished_run_can_be_repeated(run, apart, workers_here, source, output):
    before = state(apart)
    arguments = ("--router", "random-x", *BY_RAY, "--input", apart / source)
    said = [run(*arguments, "--output", apart / output, "--json") for _ in range(2)]
    assert [status for status, _, _ in said] == [0, 0]
    first, second = (json.loads(document) for _, document, _ in said)
    kept = 0 if "." in output else first["n_partitions"]
    assert (first["n_partitions_kept"], second["n_partitions_kept"]) == (0, kept)
    assert first["mean_strong_win_rate"] == second["mean_strong_win_rate"]
    after = state(apart)
    assert {name: after[name] for name in before} == before
    added = set(after) - set(before)
    if "." in output:
        assert added == {output}
    else:
        assert len(added) == first["n_partitions"]
        assert all(name.startswith(f"{output}/part-") for name in added)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("queries", "end it in .parquet or .csv"),
        ("dir.csv", "is a folder; name a file"),
        ("taken.csv", "taken.csv.unfinished is a file where a folder has to be"),
        pytest.param(
            "/proc/scores.csv",
            "cannot be written",
            marks=pytest.mark.skipif(not Path("/proc").is_dir(), reason="no such folder here"),
        ),
    ],
)
def test_what_cannot_be_written_is_known_before_anything_is_scored(
    run, apart, workers_here, monkeypatch, engine, output, message
):
    (apart / "dir.csv").mkdir()
    (apart / "taken.csv.unfinished").touch()
    if engine and output == "queries":
        output, message = "q.link", "end it in .parquet or .csv"
    before = state(apart)
    monkeypatch.setattr(scoring_command, "score", None)
    monkeypatch.setattr(ray_engine, "_spread", None)
    status, _, error = run(
        "--router", "random-x", *engine, "--input", apart / "q.csv", "--output", apart / output
    )
    assert status == 2
    assert message in error
    assert state(apart) == before


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_full_disk_leaves_no_half_output_and_keeps_the_scores(
    run, apart, workers_here, monkeypatch, engine, ending
):
    before = state(apart)

    def fill_up(data, path):
        path.write_text("row,random-x\n1,0.")
        raise OSError(28, "No space left on device")

    arguments = ("--router", "random-x", *engine, "--input", apart / "q.csv")
    with monkeypatch.context() as patch:
        patch.setattr(scoring_command, "_write", fill_up)
        patch.setattr(scoring_command, "collect", fill_up)
        status, _, error = run(*arguments, "--output", apart / f"scores{ending}")
    assert status == 2
    assert "No space left on device); the scores are kept, try again" in error
    left = {name for name in set(state(apart)) - set(before) if "/queries-" not in name}
    assert len(left) == 1
    assert left.pop().startswith(f"scores{ending}.unfinished/")
    monkeypatch.setattr("routellm_core.scoring.engine.Reading", None)  # nothing is scored again
    assert run(*arguments, "--output", apart / f"scores{ending}")[0] == 0
    assert set(state(apart)) - set(before) == {f"scores{ending}"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("output", ["scores.csv", "scores"])
def test_two_runs_do_not_write_one_output(run, apart, workers_here, engine, output):
    if not engine and output == "scores":
        output = "scores.parquet"
    before = state(apart)
    arguments = ("--router", "random-x", *engine, "--input", apart / "q.csv")
    place = outputs.place_of(apart / output, in_partitions=True)
    with outputs.alone(place):
        status, _, error = run(*arguments, "--output", apart / output)
        assert status == 2
        assert f"another run is writing {apart / output}" in error
        assert run(*arguments, "--output", apart / "other.csv")[0] == 0
    assert set(state(apart)) - set(before) == {"other.csv"}
    assert run(*arguments, "--output", apart / output)[0] == 0


def test_a_place_is_free_again_when_its_run_is_killed(tmp_path):
    place = outputs.place_of(tmp_path / "scores.csv", in_partitions=False)
    code = f"""if True:
        from pathlib import Path
        from routellm_core.scoring import outputs
        place = outputs.place_of(Path({str(place.output)!r}), in_partitions=False)
        with outputs.alone(place):
            print("there", flush=True)
            input()
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) as child:
        assert child.stdout.readline() == "there\n"
        with pytest.raises(DataError, match="another run is writing"), outputs.alone(place):
            pass
        child.kill()
    with outputs.alone(place):
        assert [path.name for path in tmp_path.iterdir()] == [".scores.csv.unfinished.lock"]
    assert not list(tmp_path.iterdir())


def test_who_waits_at_a_lock_that_was_removed_locks_the_new_one(tmp_path):
    """Of many runs that come and go, two are never inside together."""
    place = outputs.place_of(tmp_path / "scores.csv", in_partitions=False)
    inside, most, n_refused = 0, 0, 0
    counting = threading.Lock()

    def come_and_go():
        nonlocal inside, most, n_refused
        for _ in range(300):
            try:
                with outputs.alone(place):
                    with counting:
                        inside += 1
                        most = max(most, inside)
                    with counting:
                        inside -= 1
            except DataError:
                n_refused += 1

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert n_refused < 4 * 300


@pytest.mark.parametrize("engine", ENGINES)
def test_a_retrained_router_scores_anew(run, apart, workers_here, monkeypatch, tmp_path, engine):
    arguments = ("--router", "random-x", *engine, "--input", apart / "q.csv")
    out = apart / "scores.csv"

    def stop(data, path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scoring_command, "_write", stop)
        patch.setattr(scoring_command, "collect", stop)
        assert run(*arguments, "--output", out)[0] == 130
    retrained = RandomRouter(PAIR, seed=5)
    retrained.save(tmp_path / "data" / "random-x")
    status, _, error = run(*arguments, "--output", out)
    if engine:
        assert status == 2
        assert "holds scores of other queries, partitions, routers" in error
    else:
        rates = retrained.strong_win_rate(["Why?", "say ropes"])
        np.testing.assert_allclose(pd.read_csv(out)["random-x"], rates)


def test_a_worker_that_ended_over_a_lost_gpu_is_not_said_to_need_memory(
    run, apart, workers_here, monkeypatch
):
    def end(rows, work, cluster):
        farewell(Path(rows[0]["output"])).write_text("RuntimeError: CUDA error: device lost")
        yield from ()

    monkeypatch.setattr(ray_engine, "_spread", end)
    arguments = ("--router", "random-x", *BY_RAY, "--input", apart / "queries")
    status, _, error = run(*arguments, "--output", apart / "scores")
    assert status == 2
    assert "0.parquet: RuntimeError: CUDA error: device lost; the GPU was lost over it" in error
    assert "1.parquet: a worker died over it" in error
    assert not list((apart / "scores").iterdir())


@pytest.mark.slow
def test_models_are_loaded_in_silence():
    code = """if True:
        from routellm_core.embedders.silence import silence_libraries
        silence_libraries()
        from routellm_core.embedders.sentence import SentenceEmbedder
        from routellm_core.embedders.bert_tokens import TokenStates
        SentenceEmbedder().embed(["Why?"])
        TokenStates().encoder
    """
    environment = {k: v for k, v in os.environ.items() if k not in SWITCHES}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_pasted_lines_are_bare_queries():
    found = pasted("Why?\n\n  say ropes \nWhy?\n")
    assert len(found.queries) == 3
    assert found.outcomes.empty
    assert sorted(found.texts["text"]) == ["Why?", "say ropes"]
