"""The verb score on an imported set: kept in the store, gone on with, the same for every pair."""

import json

import numpy as np
import pandas as pd
import pytest

from routellm_core import __main__ as command_line
from routellm_core.commands import score_set
from routellm_core.embedders import devices
from routellm_core.scoring import job as scoring_job
from routellm_core.store import Store
from routellm_core.store.workspace import Workspace
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.test_scoring import OWN, routers  # noqa: F401  a fixture

MODELS = ("small", "middle", "large")


@pytest.fixture
def path(tmp_path, routers, word_vectors, monkeypatch):  # noqa: F811
    """A store with a set of three models' outcomes, a bare one, and two routers."""
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        hashes = [text_hash(text) for text in OWN]
        ids = [f"q{i:03}" for i in range(len(OWN))]
        queries = pd.DataFrame({"query_id": ids, "slice": "all", "text_hash": hashes})
        outcomes = pd.DataFrame(
            {
                "query_id": ids * len(MODELS),
                "model": np.repeat(MODELS, len(ids)),
                "quality": [float(i % k == 0) for k in (3, 2, 1) for i in range(len(ids))],
            }
        )
        for name, known in (("own", outcomes), ("bare", None)):
            card = Benchmark(name, name, "", "", "user", 0.0, 1.0, "share right", "me", "mine")
            store.add_benchmark(card, queries, known)
        store.add_texts(
            pd.DataFrame({"text_hash": hashes, "text": OWN}).drop_duplicates("text_hash")
        )
        for name, router in routers.items():
            router.save(tmp_path / "data" / name)
            config = (tmp_path / "data" / name / "config.json").read_text()
            kind = type(router).router_name
            store.add_router(
                RouterEntry(name, kind, "golden", "sums", config=config, checkpoint=name)
            )
        store.add_router(RouterEntry("own-x", "mf", "own", "own", checkpoint="mf-x"))
    monkeypatch.setattr(score_set, "DATA_DIR", tmp_path / "data")
    monkeypatch.delenv(devices.VARIABLE, raising=False)
    return path


@pytest.fixture
def run(path, capsys):
    def run(*arguments):
        status = command_line.main(["score", "--store", str(path), *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_scores_of_a_set_count_for_every_pair_of_its_models(run, path, routers):  # noqa: F811
    status, said, _ = run("--benchmark", "own", "--router", "mf-x", "random-x", "--json")
    assert status == 0
    document = json.loads(said)
    assert (document["n_scored"], document["routers"]) == (len(OWN), ["mf-x", "random-x"])
    assert document["next"].split()[3:6] == ["recommend", "--benchmark", "own"]
    with Store(path, read_only=True) as store:
        for pair in (ModelPair("small", "middle"), ModelPair("middle", "large")):
            for name, router in routers.items():
                found = store.strong_win_rates("own", pair, name, "untouched")
                np.testing.assert_allclose(found, router.strong_win_rate(OWN), atol=1e-6)
            table = store.routers("own", pair)
            assert table["n_scored"].tolist() == [len(OWN)] * 2
    assert document["mean_strong_win_rate"]["mf-x"] == pytest.approx(
        float(routers["mf-x"].strong_win_rate(OWN).mean()), abs=1e-6
    )


def test_what_is_scored_before_is_not_scored_again(run, monkeypatch):
    assert run("--benchmark", "own", "--router", "mf-x")[0] == 0
    monkeypatch.setattr(scoring_job, "score", None)
    status, said, _ = run("--benchmark", "own", "--router", "mf-x", "--json")
    assert (status, json.loads(said)["scored_before"]) == (0, ["mf-x"])


def test_a_stopped_scoring_of_a_set_goes_on(run, path, monkeypatch):
    monkeypatch.setattr("routellm_core.scoring.engine.CHUNK", 10)
    score = scoring_job.score

    def stopped_at_the_end(*arguments, **options):
        score(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring_job, "score", stopped_at_the_end)
    status, _, said = run("--benchmark", "own", "--router", "mf-x")
    assert status == 130
    assert "the same command goes on from there" in said
    chunks = list(Workspace(path).scorings("own").glob("1/chunks/*.parquet"))
    assert len(chunks) == -(-len(set(OWN)) // 10)
    monkeypatch.setattr(scoring_job, "score", score)
    monkeypatch.setattr("routellm_core.scoring.engine.Reading", None)  # nothing is read again
    assert run("--benchmark", "own", "--router", "mf-x")[0] == 0
    assert not list(Workspace(path).scorings("own").glob("*/run.json"))


def test_bare_queries_are_scored_and_the_next_step_gets_outcomes(run, path):
    status, said, _ = run("--benchmark", "bare", "--router", "mf-x")
    assert status == 0
    assert "label --benchmark bare --sheet labels.csv" in said.splitlines()[-1]
    with Store(path, read_only=True) as store:
        assert store.scorings("bare")[["weak_model", "n_scored"]].values.tolist() == [
            ["small", len(OWN)]
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--benchmark", "own", "--router", "own-x"), "own-x learned from own"),
        (("--benchmark", "own", "--router", "no"), "no router 'no'"),
        (("--benchmark", "own", "--output", "x.csv"), "--output is about files"),
        (("--benchmark", "own", "--engine", "ray"), "--engine is about files"),
        (("--benchmark", "nowhere", "--router", "mf-x"), "no benchmark 'nowhere'"),
        (("--router", "mf-x"), "name an --output FILE, or the --benchmark"),
    ],
)
def test_what_cannot_be_scored_into_the_store_says_why(run, arguments, message):
    status, _, said = run(*arguments)
    assert status == 2
    assert message in said
