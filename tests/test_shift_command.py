"""The verb shift: the comparison of the My data page, in words and as JSON."""

import json

import numpy as np
import pandas as pd
import pytest

from routellm_core import __main__ as command_line
from routellm_core.evaluation.traffic import comparison
from routellm_core.store import Store
from routellm_core.store.workspace import Workspace
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark

OWN = [f"say kettles guess{i % 9} now{i}" for i in range(40)]
OTHER = [f"prove sums of {i} roads{i}" for i in range(40)] + [OWN[0]]


@pytest.fixture
def path(tmp_path, word_vectors):
    path = tmp_path / "store.duckdb"
    with Store.create(path) as store:
        for name, texts in (("own", OWN), ("other", OTHER)):
            ids = [f"{name}{i}" for i in range(len(texts))]
            hashes = [text_hash(text) for text in texts]
            card = Benchmark(name, name, "", "", "user", 0.0, 1.0, "share right", "me", "mine")
            queries = pd.DataFrame({"query_id": ids, "slice": "all", "text_hash": hashes})
            outcomes = pd.DataFrame(
                {
                    "query_id": ids * 2,
                    "model": np.repeat(["small", "large"], len(ids)),
                    "quality": [0.0, 1.0] * len(ids),
                }
            )
            store.add_benchmark(card, queries, outcomes if name == "own" else None)
            store.add_texts(
                pd.DataFrame({"text_hash": hashes, "text": texts}).drop_duplicates("text_hash")
            )
    return path


@pytest.fixture
def run(path, capsys):
    def run(*arguments):
        status = command_line.main(["shift", "--store", str(path), *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_sets_of_other_words_are_far_apart_and_the_one_copy_is_found(run, path):
    status, said, _ = run("--benchmark", "own", "--against", "other", "--json")
    assert status == 0
    document = json.loads(said)
    assert document["words"] == "Your queries are far apart from those of other."
    assert document["told_apart"]["auc"] > 0.9
    assert document["copies"]["own"]["word_for_word"] == 1
    assert document["own_profile"]["n_queries"] == len(OWN)
    assert len(document["strangest"]) == 5
    assert "recommend --benchmark own" in document["next"]
    folder = Workspace(path).comparison("own", "other")
    found = comparison.read_comparison(folder)  # where the page looks for it
    assert found.two_sample.auc == document["told_apart"]["auc"]
    vectors_of_other = [p for p in (path.parent / "sets" / "other").rglob("*") if p.is_file()]
    assert vectors_of_other  # they go when that set goes


def test_a_finished_comparison_is_read_and_not_made_again(run, monkeypatch):
    first = run("--benchmark", "own", "--against", "other")
    monkeypatch.setattr(comparison, "work_on", None)
    again = run("--benchmark", "own", "--against", "other")
    assert (again[0], again[1]) == (0, first[1])
    assert first[1].splitlines()[-1].startswith("next: ")


def test_a_comparison_of_other_queries_is_made_anew(run, path):
    run("--benchmark", "own", "--against", "other")
    with Store(path) as store:
        store.set_contaminated("own", ["own0"])
    _, said, _ = run("--benchmark", "own", "--against", "other", "--json")
    assert json.loads(said)["copies"]["own"] == {"word_for_word": 0, "nearly": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--benchmark", "own", "--against", "own"), "name another set"),
        (("--benchmark", "own"), "no benchmark 'mmlu'"),
    ],
)
def test_what_cannot_be_compared_says_why(run, arguments, message):
    status, _, said = run(*arguments)
    assert status == 2
    assert message in said
