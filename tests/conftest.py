import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routellm_core.store import Store
from routellm_core.store.build import ensure_store
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Benchmark, ModelPair
from tests.invented import WordVectors
from tests.small_store import build_small_store

ROOT = Path(__file__).resolve().parent.parent
PAIR = ModelPair(weak="small", strong="large")

# Invented sentences; the third repeats the first in another look.
TEXTS = (
    "How many cups fit on the tray?",
    "Name a bird that sleeps by day.",
    "how many  CUPS fit on the tray?",
    "Which of the two roads is longer?",
)


def pytest_collection_modifyitems(items):
    """Browser tests come last: their browser keeps the thread from running any other loop.

    Files of many tests come first, so that two workers end at about the same time.
    """
    n_tests = Counter(item.path for item in items)
    items.sort(key=lambda item: ("browser" in item.keywords, -n_tests[item.path], item.path))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def fresh_store():
    """An empty store in memory."""
    with Store() as store:
        yield store


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all workers of this run of the suite have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def built_store(tmp_path_factory, shared_folder):
    """Path of a store built from the shipped data; for reading only.

    The workers build it once between them. Each reads a copy, for some tests hold the file.
    """
    shared = shared_folder / "shipped" / "explorer.duckdb"
    ensure_store(ROOT / "data", shared)
    return Path(shutil.copy(shared, tmp_path_factory.mktemp("store") / "explorer.duckdb"))


@pytest.fixture(scope="session")
def small_store(tmp_path_factory):
    """Path of a store of 420 of the shipped queries and three routers; for reading only."""
    path = tmp_path_factory.mktemp("small") / "explorer.duckdb"
    build_small_store(path)
    return path


@pytest.fixture
def sample_benchmark():
    """A card, its queries and the outcomes of two models, as `Store.add_benchmark` takes them."""
    card = Benchmark(
        benchmark_id="sample",
        title="Sample",
        description="Invented queries.",
        weak_spots="",
        origin="user",
        quality_low=0.0,
        quality_high=1.0,
        quality_unit="share right",
        source="made up",
        licence="none",
    )
    query_id = [f"q{i}" for i in range(len(TEXTS))]
    queries = pd.DataFrame(
        {
            "query_id": query_id,
            "slice": ["kitchen", "birds", "kitchen", "roads"],
            "cluster_id": [group_key(text) for text in TEXTS],
            "contaminated": [False, False, False, True],
            "prompt_tokens": [8.0, 7.0, np.nan, 7.0],
            "text_hash": [text_hash(text) for text in TEXTS],
        }
    )
    outcomes = pd.DataFrame(
        {
            "query_id": query_id * 2,
            "model": ["small"] * 4 + ["large"] * 4,
            "quality": [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.5, 1.0],
            "answer_tokens": [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, np.nan, 12.0],
        }
    )
    return card, queries, outcomes


@pytest.fixture
def sample_texts():
    return pd.DataFrame({"text_hash": [text_hash(text) for text in TEXTS], "text": list(TEXTS)})


@pytest.fixture
def sample_store(fresh_store, sample_benchmark, sample_texts):
    """A store in memory that holds the sample and its texts."""
    fresh_store.add_benchmark(*sample_benchmark)
    fresh_store.add_texts(sample_texts)
    return fresh_store


@pytest.fixture
def word_vectors(monkeypatch):
    """Routers and the search for leaks see bags of words; no model is loaded."""
    monkeypatch.setattr("routellm_core.embedders.sentence.SentenceEmbedder", WordVectors)
