"""Batches hold what fits; what does not fit is halved; nothing is lost or done twice."""

import gc
import itertools
import math
import threading
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.embedders.batches import Budget, batches_of
from routellm_core.embedders.devices import PRECISION_VARIABLE, VARIABLE, device
from routellm_core.errors import DataError

LENGTHS = st.lists(st.integers(1, 50), max_size=60)


@given(LENGTHS, st.integers(1, 400))
def test_each_query_stands_in_one_batch_that_fits(lengths, budget):
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batches = batches_of(order, lengths, budget)
    assert [i for batch in batches for i in batch] == order
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


@given(LENGTHS, st.integers(1, 400), st.integers(50, 200))
def test_what_does_not_fit_is_halved_and_remembered(lengths, budget, memory):
    done, refused = [], []

    def work(batch):
        n_tokens = len(batch) * max(lengths[i] for i in batch)
        if n_tokens > memory:
            refused.append(n_tokens)
            raise torch.OutOfMemoryError("CUDA out of memory")
        done.extend(batch)

    kept = Budget(budget)
    kept.run(lengths, work)
    assert sorted(done) == list(range(len(lengths)))
    before = len(refused)
    done.clear()
    kept.run(lengths, work)
    assert sorted(done) == list(range(len(lengths)))
    assert len(refused) <= before
    assert all(a >= b for a, b in itertools.pairwise(refused))


def test_one_query_that_does_not_fit_is_a_sentence():
    def work(batch):
        torch.empty(10**15)  # more than any machine has

    with pytest.raises(DataError, match="a query of 7 tokens does not fit"):
        Budget(100).run([7, 7], work)


@pytest.mark.parametrize(
    "words",
    [
        "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory: you tried to",
        "MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB)",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_memory_that_ends_elsewhere_is_known_by_its_words(words):
    done = []

    def work(batch):
        if len(batch) > 1:
            raise RuntimeError(words)
        done.extend(batch)

    Budget(100).run([7, 7, 7], work)
    assert sorted(done) == [0, 1, 2]


def test_other_errors_stay_what_they_are():
    def work(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Budget(100).run([7], work)


def test_the_device_is_the_one_asked_for_or_the_best(monkeypatch):
    monkeypatch.setenv(VARIABLE, "cpu")
    assert device().name == "cpu"
    assert "asked for" in device().reason
    monkeypatch.delenv(VARIABLE)
    best = device()
    assert best.name == ("cuda" if torch.cuda.is_available() else best.name)
    assert best.dtype in (torch.float32, torch.bfloat16)
    monkeypatch.setenv(VARIABLE, "abacus")
    with pytest.raises(DataError, match="'abacus' is none of auto, cuda, mps, cpu"):
        device()


def test_the_precision_is_the_one_asked_for(monkeypatch):
    monkeypatch.setenv(VARIABLE, "cpu")
    assert device().precision == "float32"  # the same scores on any processor
    monkeypatch.setenv(PRECISION_VARIABLE, "bfloat16")
    assert device().dtype == torch.bfloat16
    monkeypatch.setenv(PRECISION_VARIABLE, "float7")
    with pytest.raises(DataError, match="'float7'; it is one of auto, float32, bfloat16"):
        device()


@given(st.lists(st.text(max_size=40), max_size=40), st.integers(1, 60))
def test_what_is_read_in_pieces_is_every_query_with_its_own_tokens(queries, n_tokens):
    read = {}

    def work(positions, rows, places):
        for i, place in zip(positions, places, strict=True):
            assert i not in read
            read[i] = rows[place]

    def lengths_of(rows):
        return [len(row) + 1 for row in rows]

    budget = Budget(n_tokens)
    budget.read(queries, lambda texts: [text.split() for text in texts], lengths_of, work)
    assert read == {i: query.split() for i, query in enumerate(queries)}
    assert budget.waited_s >= 0


def test_what_tokenizing_raises_is_not_lost():
    def fail(texts):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Budget(100).read(["a"], fail, len, lambda *_: None)


def test_what_is_cancelled_leaves_no_thread_and_gives_its_memory_back():
    class Tokens(list):
        """A list that can be watched."""

    seen = []

    def tokenized(texts):
        tokens = Tokens(texts)
        seen.append(weakref.ref(tokens))
        return tokens

    def cancelled(*_):
        raise KeyboardInterrupt

    there_before = set(threading.enumerate())
    try:
        Budget(3).read(["four"] * 40, tokenized, lambda rows: [3] * len(rows), cancelled)
    except KeyboardInterrupt:
        pass
    gc.collect()
    assert set(threading.enumerate()) <= there_before
    assert len(seen) == 2  # the piece at work, and the one after it
    assert [tokens() for tokens in seen] == [None, None]


def test_tokenizing_runs_ahead_of_the_device():
    """The next piece is ready, or being read, before the first one is done."""
    asked = threading.Semaphore(0)

    def tokenized(texts):
        asked.release()
        return texts

    def work(positions, rows, places):
        if len(done) < 2:
            assert asked.acquire(timeout=10)
        done.append(positions)

    done = []
    assert asked.acquire(blocking=False) is False
    queries = ["four"] * 40
    Budget(3).read(queries, tokenized, lambda rows: [3] * len(rows), work)
    assert len(done) == len(queries)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv(VARIABLE, "cuda")
    with pytest.raises(DataError, match="torch finds none here"):
        device()
    monkeypatch.setenv(VARIABLE, "cpu")
    assert math.isnan(device().memory_used())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_memory_on_a_gpu_is_counted():
    assert device().memory_used() >= 0
