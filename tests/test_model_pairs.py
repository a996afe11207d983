"""Models beside each other: who is dominated, which pair is meant where none is named."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from routellm_core import __main__ as command_line
from routellm_core.store import Store
from routellm_core.store.selection import default_pair
from routellm_core.types import Benchmark, ModelPair, RouterEntry

N = 10
RIGHT = {"best": 9, "second": 8, "cheap": 5, "worse": 4}
"""Of ten queries; the first ones, but `cheap` has the last one for itself."""
USD = {"best": 0.1, "second": 0.09, "cheap": 0.01, "worse": 0.02}


def add(store, usd=USD):
    ids = [f"q{i}" for i in range(N)]
    queries = pd.DataFrame({"query_id": ids, "slice": "all"})
    right = {name: [float(i < n) for i in range(N)] for name, n in RIGHT.items()}
    right["cheap"][4], right["cheap"][9] = 0.0, 1.0
    outcomes = pd.concat(
        pd.DataFrame(
            {
                "query_id": ids,
                "model": name,
                "quality": right[name],
                "cost_usd": usd.get(name, np.nan),
                "latency_s": 2.0 if name == "best" else np.nan,
            }
        )
        for name in RIGHT
    )
    card = Benchmark("own", "Own", "", "", "user", 0.0, 1.0, "share right", "me", "mine")
    store.add_benchmark(card, queries, outcomes)


@pytest.fixture
def run(tmp_path, capsys):
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        add(store)

    def run(*arguments):
        status = command_line.main(["models", "--store", str(path), *arguments])
        return status, *capsys.readouterr()

    return run


def test_models_come_with_quality_dollars_seconds_and_the_one_that_dominates(run):
    status, said, _ = run("--benchmark", "own", "--json")
    assert status == 0
    document = json.loads(said)
    models = {of["model"]: of for of in document["models"]}
    assert list(models) == ["best", "second", "cheap", "worse"]
    best = models["best"]
    assert (best["quality"], best["n_queries"], best["usd"]) == (0.9, N, pytest.approx(0.1))
    low, high = best["quality_interval"]
    assert high - 0.9 == pytest.approx(2.262157 * math.sqrt(0.09 / 9), abs=1e-5)  # t, 9 degrees
    assert 0.9 - low == pytest.approx(high - 0.9)
    assert best["usd_source"] == "dollars as measured on all 10 queries"
    assert (best["seconds"], best["n_timed"]) == (2.0, N)
    assert (models["cheap"]["seconds"], models["cheap"]["n_timed"]) == (None, 0)
    assert {name: of["dominated_by"] for name, of in models.items()} == {
        "best": None,
        "second": None,
        "cheap": None,
        "worse": "cheap",
    }


def test_the_pair_with_the_most_room_is_the_first_and_the_default(run):
    document = json.loads(run("--benchmark", "own", "--json")[1])
    first, *others = document["pairs"]
    assert (first["strong"], first["weak"]) == ("best", "cheap")
    assert first["gap"] == pytest.approx(0.4)
    assert first["price_ratio"] == pytest.approx(10)
    assert first["oracle_gain"] == pytest.approx(0.1)
    assert first["room"] == pytest.approx(0.4 * 0.9)
    assert [(p["strong"], p["weak"]) for p in others] == [("second", "cheap"), ("best", "second")]
    assert document["default_pair"] == {"weak": "cheap", "strong": "best"}


def test_words_name_the_pair_and_the_next_command(run):
    status, said, _ = run("--benchmark", "own")
    assert status == 0
    assert "without --strong and --weak: best over cheap" in said
    assert "$100.00 [$100.00, $100.00] per 1,000" in said
    assert "score --benchmark own --router mf" in said.splitlines()[-1]


def test_what_nobody_priced_dominates_nobody_and_comes_last(fresh_store):
    add(fresh_store, {"second": 0.09, "cheap": 0.01})
    assert default_pair(fresh_store, "own") == ModelPair(weak="cheap", strong="second")


def test_without_any_dollars_the_largest_gap_counts(fresh_store):
    add(fresh_store, {})
    assert default_pair(fresh_store, "own") == ModelPair(weak="worse", strong="best")


def test_the_pair_that_a_router_learned_from_the_set_is_meant_first(fresh_store):
    add(fresh_store)
    fresh_store.add_router(RouterEntry("mine", "mf", "own", "own"))
    scores = pd.DataFrame({"query_id": [f"q{i}" for i in range(N)], "strong_win_rate": 0.5})
    pair = ModelPair(weak="second", strong="best")
    fresh_store.add_strong_win_rates("own", pair, "mine", "untouched", scores)
    assert default_pair(fresh_store, "own") == ModelPair(weak="cheap", strong="best")
    fresh_store.add_strong_win_rates("own", pair, "mine", "in_domain", scores.assign(fold=0))
    assert default_pair(fresh_store, "own") == pair
