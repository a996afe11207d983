"""Scoring by a real Ray with two workers: one killed, all of it killed, one file unreadable."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

from routellm_core.commands import score as scoring_command
from routellm_core.errors import DataError
from routellm_core.routers import load_router
from routellm_core.scoring import ray_worker
from routellm_core.scoring.engine import score
from routellm_core.scoring.partitions import partitions_of
from routellm_core.scoring.ray_cluster import Cluster
from routellm_core.scoring.ray_engine import RETRIES, PartitionsScored, score_partitions
from routellm_core.scoring.ray_worker import Work
from routellm_core.scoring.tables import QueryColumns
from routellm_core.store.partitions import collect
from tests.conftest import ROOT
from tests.invented import WordVectors
from tests.test_gateways import free_port
from tests.test_score_command import HOSTILE, run  # noqa: F401  a fixture
from tests.test_scoring import routers  # noqa: F401  a fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None, reason="ray is not there: pip install -r requirements-ray.txt"
    ),
]
COLUMNS = QueryColumns("query", "id")
IDS = {"mf-x": "0123", "random-x": "4567"}
TWO = Cluster(n_workers=2)
N_PARTITIONS, N_ROWS = 8, 40
TEXTS = [
    HOSTILE[i] if i < len(HOSTILE) else f"{'prove' if i % 3 else 'say'} kettles {i % 50} " * (i % 9)
    for i in range(N_PARTITIONS * N_ROWS)
]
READ = [text.strip() and text for text in TEXTS]
DEADLY = "this kills who reads it"


LOST = "this loses the device once"
RAISING = "this cannot be read"


class LoudWords(WordVectors):
    """Bags of words by a slow reader that leaves the number of its process, and who began it."""

    def __init__(self, name, folder):
        super().__init__(name)
        self.folder = folder

    def embed(self, queries):
        (self.folder / str(os.getpid())).write_text(str(os.getppid()))
        time.sleep(0.4)
        if DEADLY in queries:
            os.kill(os.getpid(), signal.SIGKILL)
        if RAISING in queries:
            raise RuntimeError("no such kernel\nof any kind")
        if LOST in queries and not (self.folder / "lost").exists():
            (self.folder / "lost").touch()
            self.is_lost = True
        if getattr(self, "is_lost", False):
            ray_worker.is_lost = lambda device: True
            raise RuntimeError("CUDA error: device lost")
        return super().embed(queries)


def load(checkpoints, readers):
    """Routers for a worker; what it reads with is invented too."""
    mf = load_router(checkpoints / "mf-x", LoudWords("words", readers))
    return {"mf-x": mf, "random-x": load_router(checkpoints / "random-x")}


def load_with_words(folders):
    """In place of what the command line gives to its workers."""
    return {name: load_router(folder, WordVectors()) for name, folder in folders.items()}


@pytest.fixture
def prepared(tmp_path, routers):  # noqa: F811
    """Partitions, what is done to them, and the folder in which workers leave their numbers."""
    for name, router in routers.items():
        router.save(tmp_path / "data" / name)
    (tmp_path / "in").mkdir()
    (tmp_path / "readers").mkdir()
    for number in range(N_PARTITIONS):
        texts = TEXTS[number * N_ROWS : (number + 1) * N_ROWS]
        ids = [f"q{number}-{i}" for i in range(N_ROWS)]
        frame = pd.DataFrame({"id": ids, "query": texts})
        frame.to_parquet(tmp_path / "in" / f"{number}.parquet", compression=None)
    work = Work(COLUMNS, IDS, partial(load, tmp_path / "data", tmp_path / "readers"), alpha=0.5)
    return partitions_of(tmp_path / "in"), work, tmp_path / "readers"


@pytest.fixture
def short_tmp():
    """Where a child keeps what it may leave behind; Ray's sockets allow of no long path."""
    with TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as folder:
        yield {"TMPDIR": folder}


def scoring_in(top, cluster):
    """A process that scores the prepared partitions."""
    code = f"""if True:
        from functools import partial
        from pathlib import Path
        from routellm_core.embedders.silence import silence_libraries
        from tests.test_scoring_ray import *
        silence_libraries()
        top = Path({str(top)!r})
        work = Work(COLUMNS, IDS, partial(load, top / "data", top / "readers"), alpha=0.5)
        score_partitions(partitions_of(top / "in"), work, top / "out", cluster={cluster!r})
    """
    return [sys.executable, "-c", code]


def written(parts):
    return {part: part.stat().st_mtime_ns for part in parts}


def test_a_killed_worker_changes_no_number_and_no_order(prepared, routers, tmp_path):  # noqa: F811
    partitions, work, readers = prepared
    out, killed, told = tmp_path / "out", [], []

    def kill_one(progress):
        told.append(progress.done)
        if progress.done and not killed:
            killed.append(int(max(readers.iterdir(), key=lambda path: path.stat().st_mtime).name))
            os.kill(killed[0], signal.SIGKILL)

    scored = score_partitions(partitions, work, out, cluster=TWO, on_progress=kill_one)
    pids = {int(path.name) for path in readers.iterdir()}
    assert killed[0] in pids
    assert len(pids) == 3  # two, and the one that took the place of the dead
    assert (told[0], told[-1], sorted(told)) == (0, len(TEXTS), told)
    assert sorted(out.iterdir()) == scored.parts
    assert (scored.n_kept, len(scored.devices)) == (0, 1)

    here = score(routers, READ)
    collect(scored.parts, tmp_path / "all.parquet")
    frame = pd.read_parquet(tmp_path / "all.parquet")
    assert frame["row"].tolist() == list(range(1, len(TEXTS) + 1))
    assert frame["query_id"].tolist() == [
        f"q{number}-{i}" for number in range(N_PARTITIONS) for i in range(N_ROWS)
    ]
    for name in IDS:
        assert frame[name].dtype == np.float32
        np.testing.assert_allclose(frame[name], here[name], rtol=0, atol=1e-6)
        assert frame[f"{name} calls_strong"].tolist() == (frame[name] >= 0.5).tolist()


def test_a_killed_run_goes_on_with_the_partitions_that_are_not_whole(prepared, tmp_path, short_tmp):
    partitions, work, readers = prepared
    out = tmp_path / "out"
    child = subprocess.Popen(scoring_in(tmp_path, TWO), cwd=ROOT, env=os.environ | short_tmp)
    deadline = time.monotonic() + 120
    while len(list(out.glob("*.parquet"))) < 2:
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    for pid in {int(path.name) for path in readers.iterdir()}:
        while os.path.exists(f"/proc/{pid}"):  # noqa: PTH110  they end with it
            assert time.monotonic() < deadline
            time.sleep(0.05)
    kept = written(out.glob("*.parquet"))
    assert 2 <= len(kept) < N_PARTITIONS
    scored = score_partitions(partitions, work, out, cluster=TWO)
    assert scored.n_kept == len(kept)
    assert written(kept) == kept
    assert sorted(out.iterdir()) == scored.parts
    assert sum(len(pd.read_parquet(part)) for part in scored.parts) == len(TEXTS)
    again = score_partitions(partitions, work, out)
    assert again == PartitionsScored(scored.parts, N_PARTITIONS, scored.devices)


def test_what_cannot_be_scored_is_named_and_holds_up_nothing_else(prepared, tmp_path):
    _, work, _ = prepared
    torn, raising, deadly = (tmp_path / "in" / f"{number}.parquet" for number in (3, 4, 5))
    out = tmp_path / "o"
    whole, texts = torn.read_bytes(), pd.read_parquet(deadly)
    read = raising.read_bytes()
    torn.write_bytes(whole[:4] + b"\xff" * 400 + whole[404:])  # its end can still be read
    texts.assign(query=DEADLY).to_parquet(deadly)
    texts.assign(query=RAISING).to_parquet(raising)
    partitions = partitions_of(tmp_path / "in")
    with pytest.raises(DataError) as caught:
        score_partitions(partitions, work, out, cluster=TWO)
    said = str(caught.value)
    assert "3 of 8 partitions have no scores, the others are kept" in said
    assert f"{torn}: 3.parquet: is a damaged Parquet file" in said
    assert f"{raising}: RuntimeError: no such kernel (test_scoring_ray.py, line" in said
    assert f"{deadly}: a worker died over it {1 + RETRIES} times" in said
    kept = written(out.glob("*.parquet"))
    assert len(kept) == N_PARTITIONS - 3
    torn.write_bytes(whole)
    raising.write_bytes(read)
    texts.to_parquet(deadly)
    scored = score_partitions(partitions_of(tmp_path / "in"), work, out, cluster=TWO)
    assert scored.n_kept == len(kept)
    assert written(kept) == kept


def test_a_worker_whose_device_is_lost_is_replaced_and_its_partition_scored(prepared, tmp_path):
    _, work, readers = prepared
    losing = tmp_path / "in" / "2.parquet"
    pd.read_parquet(losing).assign(query=LOST).to_parquet(losing)
    scored = score_partitions(partitions_of(tmp_path / "in"), work, tmp_path / "out", cluster=TWO)
    assert (readers / "lost").exists()
    assert sorted((tmp_path / "out").iterdir()) == scored.parts
    assert len(scored.parts) == N_PARTITIONS
    assert len(list(readers.glob("[0-9]*"))) == 3


class Unreadable:
    """What loads routers in this process, and cannot be read by another one."""

    def __call__(self):
        return {}

    def __reduce__(self):
        return read_by, (os.getpid(),)


def read_by(pid):
    if os.getpid() != pid:
        raise ModuleNotFoundError("No module named 'ours'")
    return Unreadable()


def test_workers_that_cannot_start_are_a_sentence(prepared, tmp_path):
    partitions, work, _ = prepared
    with pytest.raises(DataError, match=r"cannot start .*No module named 'ours'.*every machine"):
        score_partitions(
            partitions, replace(work, load=Unreadable()), tmp_path / "out", cluster=TWO
        )


@pytest.fixture
def two_nodes(short_tmp):
    """A cluster of two nodes with a processor each: its address, and the environment to join it."""
    address = f"127.0.0.1:{free_port()}"
    environment = os.environ | short_tmp | {"RAY_AUTH_MODE": "token", "RAY_TMPDIR": "/tmp"}
    environment["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    common = [Path(sys.executable).with_name("ray"), "start", "--block", "--num-cpus=1"]
    common += ["--node-ip-address=127.0.0.1", "--disable-usage-stats"]
    common += ["--object-store-memory=100000000"]
    head = ["--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false"]
    head += [f"--temp-dir={short_tmp['TMPDIR']}/head"]
    nodes = []
    try:
        for options in (head, [f"--address={address}"]):
            nodes.append(
                subprocess.Popen(
                    [*common, *options], env=environment, stdout=subprocess.PIPE, text=True
                )
            )
            assert any("runtime started" in line for line in nodes[-1].stdout)
        yield address, environment
    finally:
        for node in reversed(nodes):
            node.terminate()
            node.wait(60)


def test_a_cluster_that_runs_already_scores_on_all_its_nodes(prepared, tmp_path, two_nodes):
    address, environment = two_nodes
    call = scoring_in(tmp_path, Cluster(address))
    done = subprocess.run(
        call, cwd=ROOT, env=environment, timeout=120, check=True, capture_output=True, text=True
    )
    assert not done.stdout
    assert not [line for line in done.stderr.splitlines() if " E " in line or "Error" in line]
    frames = [pd.read_parquet(part) for part in sorted((tmp_path / "out").iterdir())]
    assert pd.concat(frames)["row"].tolist() == list(range(1, len(TEXTS) + 1))
    assert len({path.read_text() for path in prepared[2].iterdir()}) == 2


def test_where_nobody_listens_is_said_at_once(prepared, tmp_path):
    partitions, work, _ = prepared
    address = f"127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(DataError, match=f"no Ray cluster for us at {address}"):
        score_partitions(partitions, work, tmp_path / "out", cluster=Cluster(address))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("output", ["out.csv", "out"])
def test_the_command_line_gives_the_same_by_either_engine(run, tmp_path, monkeypatch, output):  # noqa: F811
    monkeypatch.setattr(scoring_command, "load_routers", load_with_words)
    file = tmp_path / "in.csv"
    pd.DataFrame({"query": TEXTS}).to_csv(file, index=False)
    common = ("--router", "mf-x", "random-x", "--input", file, "--alpha", 0.5, "--json")
    status, said, _ = run(*common, "--output", tmp_path / "here.csv")
    assert status == 0
    by_ray = ("--engine", "ray", "--workers", 2, "--partitions", 3)
    status, said_by_ray, _ = run(*common, *by_ray, "--output", tmp_path / output)
    assert status == 0
    document, by_ray = json.loads(said), json.loads(said_by_ray)
    assert (by_ray["n_queries"], by_ray["n_partitions"]) == (len(TEXTS), 3)
    for figure in ("mean_strong_win_rate", "strong_call_share"):
        assert by_ray[figure] == pytest.approx(document[figure], abs=1e-6)
    here, there = pd.read_csv(tmp_path / "here.csv"), tmp_path / output
    if there.is_dir():
        parts = sorted(there.iterdir())
        assert [part.suffix for part in parts] == [".parquet"] * 3
        frame = pd.concat(map(pd.read_parquet, parts), ignore_index=True)
    else:
        frame = pd.read_csv(there)
        assert not (tmp_path / f"{output}.unfinished").exists()
    pd.testing.assert_frame_equal(frame, here, check_dtype=False, rtol=0, atol=1e-6)
