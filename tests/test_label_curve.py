"""A learning curve: what 200, 500 and all labels of a set of one's own gave, out of fold."""

import json

import numpy as np
import pytest

from routellm_core import __main__ as command_line
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.store import Store
from routellm_core.training import label_curve as module
from routellm_core.training.label_curve import label_curve, steps_below, verdict
from routellm_core.types import ModelPair, PairOutcomes
from tests.invented import add_golden

N = 300


@pytest.fixture
def outcomes():
    weak = (np.arange(N) % 2).astype(float)
    return PairOutcomes(
        "own",
        ModelPair("small", "large"),
        np.array([f"q{i}" for i in range(N)], dtype=object),
        np.zeros(N, dtype=np.int64),
        ("all",),
        np.arange(N),
        weak,
        np.ones(N),
        *[np.full(N, np.nan)] * 3,
    )


@pytest.mark.parametrize(
    ("n_queries", "steps"), [(250, []), (251, [200]), (625, [200]), (626, [200, 500])]
)
def test_a_step_is_fewer_labels_than_a_router_sees_out_of_fold(n_queries, steps):
    assert steps_below(n_queries) == steps


def test_labels_that_turn_chance_into_a_perfect_order_were_worth_it(outcomes, rng):
    chance, perfect = rng.random(N), 1.0 - outcomes.quality_weak
    first, all_ = label_curve(outcomes, lambda n: chance, perfect)
    assert (first["n_labels"], first["is_all"], verdict(first)) == (200, False, "first")
    assert (all_["n_labels"], all_["is_all"], verdict(all_)) == (240, True, "worth it")
    assert all_["apgr"] == pytest.approx(0.75)  # the gap is recovered at half of the calls
    assert all_["gain"] == pytest.approx(0.75 - first["apgr"])
    low, high = all_["gain_interval"]
    assert 0 < low < all_["gain"] < high


def test_labels_that_change_nothing_were_not_clearly_worth_it(outcomes, rng):
    chance = rng.random(N)
    _, all_ = label_curve(outcomes, lambda n: chance, chance)
    assert (all_["gain"], verdict(all_)) == (0.0, "not clearly")
    _, worse = label_curve(outcomes, lambda n: 1.0 - outcomes.quality_weak, chance)
    assert verdict(worse) == "worse"


@pytest.fixture
def run(tmp_path, word_vectors, capsys):
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        add_golden(store, "own")

    def run(*arguments):
        status = command_line.main([arguments[0], "--store", str(path), *arguments[1:]])
        return status, *capsys.readouterr()

    return run


def test_one_command_trains_on_a_set_and_says_what_its_labels_gave(run, monkeypatch):
    monkeypatch.setattr(module, "STEPS", (20,))
    seen, fit = [], MatrixFactorizationRouter.fit

    def watched(pair, features, *arguments, **options):
        seen.append(len(features))
        return fit(pair, features, *arguments, **options)

    monkeypatch.setattr(MatrixFactorizationRouter, "fit", watched)
    command = ("train", "mf", "--golden", "own", "--score-on", "own", "--json")
    status, said, _ = run(*command)
    assert status == 0
    document = json.loads(said)
    assert [step["n_labels"] for step in document["label_curve"]] == [20, 48]
    assert seen.count(20) == 5  # a router for each fold
    assert sorted(seen)[-1] == 60  # the one that is kept learned from everything
    assert "recommend --benchmark own" in document["next"]
    status, said, _ = run("recommend", "--benchmark", "own", "--share", "0.5", "--json")
    row = json.loads(said)["routers"][0]
    assert row["router_id"] == document["router_id"]


def test_a_training_that_scores_other_sets_draws_no_curve(run):
    document = json.loads(run("train", "mf", "--golden", "own", "--json")[1])
    assert "label_curve" not in document


def test_a_set_that_nobody_scored_names_the_verb_that_scores_it(run):
    wanted = "score the set with: score --benchmark own --router mf"
    status, said, _ = run("evaluate", "--benchmark", "own")
    assert (status, said.splitlines()[-1]) == (
        0,
        f"no router has scored all of own; {wanted}",
    )
    for verb in (("recommend",), ("calibrate", "--router", "mf")):
        status, _, said = run(*verb, "--benchmark", "own", "--share", "0.5")
        assert status == 2
        assert said.strip().endswith(wanted)
