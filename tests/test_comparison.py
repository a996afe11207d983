"""A set beside a benchmark as a job: what is written is what was told."""

import json
from dataclasses import fields

import numpy as np
import pytest

from routellm_core import jobs
from routellm_core.errors import DataError, TextsError
from routellm_core.evaluation.traffic.comparison import (
    ComparisonPlan,
    compared,
    read_comparison,
    work_on,
)
from routellm_core.store import Store
from tests.invented import WordVectors, add_golden, golden_texts

OWN = [*golden_texts("sums")[:10], *[f"rinse lamp {i} again soon" for i in range(50)], "SAY  ropes"]


@pytest.fixture
def store(tmp_path, word_vectors):
    with Store.create(tmp_path / "store.duckdb") as store:
        add_golden(store, "sums")
        add_golden(store, "own", OWN)
        yield store


PLAN = ComparisonPlan("own", "sums")


def work(store, tmp_path, plan=PLAN, **kwargs):
    dirs = (tmp_path / "own", tmp_path / "shared")
    work_on(tmp_path / "job", plan, store, tmp_path / "data", dirs, **kwargs)
    return tmp_path / "job"


def same(one, other):
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif hasattr(one, "_fields"):
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other or (one != one and other != other)


def test_what_is_read_again_is_what_was_compared(store, tmp_path):
    found = read_comparison(work(store, tmp_path))
    own, theirs = store.query_texts("own"), store.query_texts("sums")
    vectors = [WordVectors().embed(list(texts.values())) for texts in (own, theirs)]
    same(found, compared(own, theirs, *vectors))
    assert found.own.n_exact == found.theirs.n_exact == 10
    assert found.two_sample.verdict in ("different", "far_apart")
    assert found.own_query_id.tolist() == list(own)


def test_queries_that_are_left_out_take_no_part(store, tmp_path):
    store.set_contaminated("own", ["own-000", "own-001"])
    found = read_comparison(work(store, tmp_path))
    assert len(found.own_query_id) == len(OWN) - 2
    assert found.own.n_exact == 8
    store.set_contaminated("own", [])
    assert store.contaminated_ids("own") == set()
    with pytest.raises(DataError, match="has no query 'stranger'"):
        store.set_contaminated("own", ["stranger"])


def test_what_cannot_be_compared_is_said(store, tmp_path):
    store._write("DELETE FROM query_text")
    with pytest.raises(TextsError, match="texts of own are not on this machine"):
        work(store, tmp_path)
    assert jobs.read(tmp_path / "job").status == "failed"
    with pytest.raises(DataError, match="is failed"):
        read_comparison(tmp_path / "job")
    with pytest.raises(DataError, match="no plan of a comparison"):
        ComparisonPlan.of({"own_id": "x"})
    with pytest.raises(DataError, match="no query to compare"):
        compared({}, {"a": "b"}, np.empty((0, 4)), np.ones((1, 4)))


def test_a_plan_comes_back_from_json(store, tmp_path):
    document = json.loads((work(store, tmp_path) / "run.json").read_text())
    assert ComparisonPlan.of(document["plan"]) == ComparisonPlan("own", "sums")
