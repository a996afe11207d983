"""Queries scored by several routers: in order, shared, resumed by chunk, kept."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from routellm_core import jobs
from routellm_core.embedders.devices import device
from routellm_core.errors import DataError, NotTrainedError, TextsError
from routellm_core.jobs.fifo_lock import turn
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.routers.random import RandomRouter
from routellm_core.scoring import engine
from routellm_core.scoring.engine import score
from routellm_core.scoring.job import ScoringPlan, keep, work_on
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import Battles, Benchmark, RouterEntry
from tests.conftest import PAIR
from tests.invented import WordVectors, golden_texts, is_hard

OWN = [
    f"{'prove' if i % 3 else 'say'} kettles guess{i % 40} " + "now " * (i % 7) for i in range(90)
]
PLAN = ScoringPlan("own", ("mf-x", "random-x"), *PAIR)


@pytest.fixture
def routers():
    texts = golden_texts("sums")
    win_b = [1.0 if is_hard(i) else 0.5 for i in range(len(texts))]
    n = len(texts)
    battles = Battles(
        tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), 1 - np.array(win_b)
    )
    mf = MatrixFactorizationRouter.fit(
        PAIR, WordVectors().embed(texts), battles, seed=0, embedder=WordVectors()
    )
    return {"mf-x": mf, "random-x": RandomRouter(PAIR, seed=0)}


@pytest.fixture
def store(tmp_path, routers, word_vectors):
    with Store.create(tmp_path / "store.duckdb") as store:
        card = Benchmark("own", "Own", "", "", "user", 0.0, 1.0, "share right", "me", "mine")
        ids = [f"q{i:03}" for i in range(len(OWN))]
        hashes = [text_hash(text) for text in OWN]
        queries = pd.DataFrame({"query_id": ids, "slice": "all", "text_hash": hashes})
        store.add_benchmark(card, queries, None)
        texts = pd.DataFrame({"text_hash": hashes, "text": OWN}).drop_duplicates()
        store.add_texts(texts)
        for name, router in routers.items():
            router.save(tmp_path / "data" / name)
            kind = type(router).router_name
            entry = RouterEntry(name, kind, "golden", trained_on="sums", checkpoint=name)
            store.add_router(entry)
        store.add_router(RouterEntry("bare-x", "mf", "chat", trained_on="nothing"))
        yield store


@pytest.fixture
def work(store, tmp_path):
    def work(plan=PLAN, on_progress=lambda progress: None):
        folder = tmp_path / "job"
        work_on(folder, plan, store, tmp_path / "data", tmp_path / "cache", on_progress)
        return folder

    return work


def test_scores_come_in_the_order_of_the_queries(routers, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 7)
    rates = score(routers, OWN)
    for name, router in routers.items():
        np.testing.assert_allclose(rates[name], router.strong_win_rate(OWN), atol=1e-6)
        assert rates[name].dtype == np.float32
    assert score(routers, [])["mf-x"].shape == (0,)


def test_each_text_is_read_once_for_all_routers_that_read_alike(routers, monkeypatch):
    read = []
    embed = WordVectors.embed
    monkeypatch.setattr(
        WordVectors, "embed", lambda self, texts: read.extend(texts) or embed(self, texts)
    )
    both = {"one": routers["mf-x"], "two": routers["mf-x"]}
    score(both, [*OWN, *OWN])
    assert sorted(read) == sorted(set(OWN))


def test_a_stopped_scoring_goes_on_with_the_chunks_that_are_missing(routers, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)

    def stop(progress):
        if progress.done >= 30:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        score(routers, OWN, chunks_dir=tmp_path, on_progress=stop)
    assert len(list(tmp_path.glob("*.parquet"))) == 3
    read = []
    embed = WordVectors.embed
    monkeypatch.setattr(
        WordVectors, "embed", lambda self, texts: read.extend(texts) or embed(self, texts)
    )
    rates = score(routers, OWN, chunks_dir=tmp_path)
    assert len(read) == len(set(OWN)) - 30
    np.testing.assert_allclose(rates["mf-x"], routers["mf-x"].strong_win_rate(OWN), atol=1e-6)


def test_a_device_that_is_lost_half_way_costs_one_chunk(routers, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)
    embed, n_read = WordVectors.embed, []

    def lost(self, texts):
        n_read.append(len(texts))
        if len(n_read) == 4:
            raise RuntimeError("CUDA error: the device is gone")
        return embed(self, texts)

    monkeypatch.setattr(WordVectors, "embed", lost)
    with pytest.raises(RuntimeError, match="the device is gone"):
        score(routers, OWN, chunks_dir=tmp_path)
    assert sum(n_read[:3]) == 30
    rates = score(routers, OWN, chunks_dir=tmp_path)
    assert sum(n_read[4:]) == len(set(OWN)) - 30
    np.testing.assert_allclose(rates["mf-x"], routers["mf-x"].strong_win_rate(OWN), atol=1e-6)


def test_two_scorings_of_the_same_texts_at_once_take_turns(routers, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)
    at_work, most = [], []
    embed = WordVectors.embed

    def alone(self, texts):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.01)
        at_work.pop()
        return embed(self, texts)

    monkeypatch.setattr(WordVectors, "embed", alone)
    folders = {"chunks_dir": tmp_path / "chunks", "cache_dir": tmp_path / "cache"}
    with ThreadPoolExecutor(2) as both:
        asked = [
            both.submit(score, routers, OWN, **folders, queue=tmp_path / "queue") for _ in "ab"
        ]
        found = [rates.result()["mf-x"] for rates in asked]
    assert max(most) == 1
    assert len(most) == -(-len(set(OWN)) // 10)  # neither does what the other has done
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0], routers["mf-x"].strong_win_rate(OWN), atol=1e-6)


def test_a_full_disk_while_writing_is_a_sentence(routers, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(DataError, match="make room and start it again"):
        score(routers, OWN, chunks_dir=tmp_path)


def test_a_disk_that_fills_half_way_through_a_chunk_leaves_no_piece_of_it(
    routers, tmp_path, monkeypatch
):
    def half(frame, path, **_):
        path.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", half)
    with pytest.raises(DataError, match="No space left"):
        score(routers, OWN, chunks_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


class Says:
    """A router that gives every query the same win rate, and counts how many it was asked for."""

    def __init__(self, rate):
        self.rate, self.n_asked = rate, 0

    def strong_win_rate(self, queries):
        self.n_asked += len(queries)
        return np.full(len(queries), self.rate, dtype=np.float32)


def stopped_after(n):
    def stop(progress):
        if progress.done >= n:
            raise KeyboardInterrupt

    return stop


def test_kept_chunks_of_another_checkpoint_or_precision_are_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)
    old = {"chunks_dir": tmp_path, "checkpoints": {"own": "a1"}}
    with pytest.raises(KeyboardInterrupt):
        score({"own": Says(0.1)}, OWN, **old, on_progress=stopped_after(30))
    same = score({"own": Says(0.9)}, OWN, **old)["own"]
    assert set(same) == {np.float32(0.1), np.float32(0.9)}  # what stopped goes on
    new = score({"own": Says(0.9)}, OWN, chunks_dir=tmp_path, checkpoints={"own": "b2"})["own"]
    assert set(new) == {np.float32(0.9)}
    monkeypatch.setenv("ROUTELLM_PRECISION", "bfloat16")
    short = score({"own": Says(0.5)}, OWN, **old)["own"]
    assert set(short) == {np.float32(0.5)}


def test_a_damaged_chunk_is_scored_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)
    score({"own": Says(0.1)}, OWN, chunks_dir=tmp_path)
    first, second, *_ = sorted(tmp_path.glob("*.parquet"))
    first.write_bytes(first.read_bytes()[:40])
    second.write_bytes(b"")
    again = Says(0.1)
    assert set(score({"own": again}, OWN, chunks_dir=tmp_path)["own"]) == {np.float32(0.1)}
    assert 10 <= again.n_asked <= 20
    last = Says(0.1)
    score({"own": last}, OWN, chunks_dir=tmp_path)
    assert last.n_asked == 0


def test_what_is_kept_counts_from_the_start_and_waits_for_no_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 10)
    total = len(set(OWN))
    with pytest.raises(KeyboardInterrupt):
        score({"own": Says(0.1)}, OWN, chunks_dir=tmp_path / "c", on_progress=stopped_after(30))
    told = []
    keeping = {"chunks_dir": tmp_path / "c", "queue": tmp_path / "q"}
    score({"own": Says(0.1)}, OWN, **keeping, on_progress=told.append)
    assert [p.done for p in told] == [*range(30, total, 10), total]
    assert {p.total for p in told} == {total}
    with turn(tmp_path / "q"):  # somebody else's, who does not end
        whole = score({"own": Says(0.9)}, OWN, **keeping)["own"]
    assert set(whole) == {np.float32(0.1)}


def test_few_queries_make_small_chunks_and_many_no_more_than_they_need():
    assert [engine._size(n) for n in (1, 900, 2_000, 10_000, 10**6)] == [32, 32, 50, 250, 256]


def test_the_first_chunks_are_as_long_as_the_last(monkeypatch):
    """So that the time left is that of the others."""
    texts = {f"{i:04}": "x" * i for i in range(2_000)}
    chunks = engine._cut(texts, 50)
    assert sorted(key for chunk in chunks for key in chunk) == sorted(texts)
    lengths = [len(texts[chunk[0]]) for chunk in chunks]
    assert abs(np.mean(lengths[:10]) - np.mean(lengths)) < 400  # by length: 725 off
    for chunk in chunks:
        sizes = [len(texts[key]) for key in chunk]
        assert max(sizes) - min(sizes) < 50


def test_kept_scores_are_those_of_the_routers(work, store, routers):
    folder = work()
    assert jobs.read(folder).facts == {
        **{"device": device().name, "precision": device().precision},
        **{"n_scored": len(OWN), "n_queries": len(OWN)},
    }
    keep(folder, store)
    for name, router in routers.items():
        rows = store.scored_queries("own", PAIR, name, "untouched")
        np.testing.assert_allclose(rows["strong_win_rate"], router.strong_win_rate(OWN), atol=1e-5)
    keep(folder, store)  # again: replaced, not doubled
    assert store.scorings("own")["n_scored"].tolist() == [len(OWN)] * 2


def test_only_a_finished_scoring_is_kept(work, store, tmp_path):
    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(on_progress=stop)
    with pytest.raises(DataError, match="is cancelled; only a finished one can be kept"):
        keep(tmp_path / "job", store)
    assert store.scorings("own").empty


def test_a_stopped_scoring_does_not_go_on_with_chunks_of_a_router_that_was_retrained(
    work, tmp_path, routers, monkeypatch
):
    monkeypatch.setattr(engine, "CHUNK", 10)
    plan = ScoringPlan("own", ("mf-x",), *PAIR)
    with pytest.raises(KeyboardInterrupt):
        work(plan, stopped_after(30))
    texts = golden_texts("sums")
    n = len(texts)
    always = Battles(tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), np.zeros(n))
    anew = MatrixFactorizationRouter.fit(
        PAIR, WordVectors().embed(texts), always, seed=1, embedder=WordVectors()
    )
    anew.save(tmp_path / "data" / "mf-x")
    found = pd.read_parquet(work(plan) / "scores.parquet")["mf-x"]
    np.testing.assert_allclose(found, anew.strong_win_rate(OWN), atol=1e-6)
    assert np.abs(found - routers["mf-x"].strong_win_rate(OWN)).min() > 1e-3


def test_what_cannot_be_scored_is_said(work, store, tmp_path):
    with pytest.raises(NotTrainedError, match="weights of bare-x are not on this machine"):
        work(ScoringPlan("own", ("bare-x",), *PAIR))
    assert "bare-x" in jobs.read(tmp_path / "job").message
    store._write("DELETE FROM query_text")
    jobs.delete(tmp_path / "job")
    with pytest.raises(TextsError, match="no text of own is on this machine"):
        work()


def test_a_plan_comes_back_from_json(work):
    assert ScoringPlan.of(json.loads((work() / "run.json").read_text())["plan"]) == PLAN
    with pytest.raises(DataError, match="no plan of a scoring"):
        ScoringPlan.of({"benchmark_id": "own"})
