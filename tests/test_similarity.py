import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routellm_core.embedders import cosines
from routellm_core.embedders.cosines import largest_cosine
from routellm_core.errors import DataError
from routellm_core.training.decontamination import (
    Similarity,
    benchmark_similarity,
    contaminated,
    read_similarities,
    same_text,
)


def at_cosine(cosine):
    """A unit vector of the plane with that cosine to (1, 0)."""
    return [cosine, np.sqrt(1 - cosine**2)]


def test_similarity_is_the_mean_over_the_benchmark_of_the_nearest():
    benchmark = np.array([[1.0, 0.0], [0.0, 1.0]])
    training = np.array([at_cosine(0.6), [-1.0, 0.0]])
    assert benchmark_similarity(benchmark, training) == pytest.approx((0.6 + 0.8) / 2)
    # The other way round it is another number: the nearest to (-1, 0) has cosine 0.
    assert benchmark_similarity(training, benchmark) == pytest.approx((0.8 + 0.0) / 2)


def test_a_benchmark_is_fully_similar_to_what_holds_it(rng):
    benchmark = rng.normal(size=(20, 8))
    assert benchmark_similarity(
        benchmark, np.concatenate([rng.normal(size=(9, 8)), benchmark])
    ) == (pytest.approx(1))


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0)])
def test_similarity_to_nothing_is_undefined(sizes):
    assert np.isnan(benchmark_similarity(*(np.ones((n, 4)) for n in sizes)))


def test_a_planted_leak_is_found_and_nothing_else(rng, monkeypatch):
    monkeypatch.setattr(cosines, "_BLOCK", 7)
    benchmark, training = rng.normal(size=(40, 64)), rng.normal(size=(60, 64))
    training[[3, 41]] = benchmark[[39, 0]] + 0.05 * rng.normal(size=(2, 64))
    assert np.flatnonzero(contaminated(benchmark, training)).tolist() == [3, 41]


def test_the_limit_is_a_cosine_and_the_mask_is_of_training_queries():
    benchmark = np.array([[1.0, 0.0]])
    training = np.array([at_cosine(0.96), at_cosine(0.94), [0.0, 1.0]])
    assert contaminated(benchmark, training).tolist() == [True, False, False]
    assert contaminated(benchmark, training, limit=0.93).tolist() == [True, True, False]


def test_rows_that_are_not_of_length_one_change_nothing():
    benchmark = np.array([[3.0, 0.0]])
    training = np.array([np.multiply(0.99, at_cosine(0.955)), np.multiply(1.05, at_cosine(0.92))])
    assert contaminated(benchmark, training).tolist() == [True, False]


def test_no_benchmark_leaks_nothing():
    assert contaminated(np.empty((0, 2)), np.ones((3, 2))).tolist() == [False] * 3
    assert contaminated(np.ones((3, 2)), np.empty((0, 2))).shape == (0,)


def test_a_nan_cannot_hide_a_leak():
    with pytest.raises(DataError, match="NaN"):
        contaminated(np.array([[1.0, 0.0]]), np.array([[np.nan, 0.0]]))
    with pytest.raises(ValueError, match="length 2 against 3"):
        contaminated(np.ones((1, 3)), np.ones((1, 2)))


def test_a_row_of_zeros_is_near_to_nothing():
    assert largest_cosine(np.zeros((1, 2)), np.ones((1, 2))).tolist() == [0.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_batches_give_what_a_loop_gives(n, n_others, batch, seed):
    rng = np.random.default_rng(seed)
    rows, others = rng.normal(size=(n, 5)), rng.normal(size=(n_others, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines, "_BLOCK", batch)
        found = largest_cosine(rows, others)
    slow = [max(r @ o / np.linalg.norm(r) / np.linalg.norm(o) for o in others) for r in rows]
    np.testing.assert_allclose(found, slow, atol=1e-5)


def test_a_text_in_another_look_is_the_same_text():
    benchmark = ["How tall is\tthe mast?", "Where is the ﬁg?"]
    training = ["how  tall is the MAST? ", "How tall is the mast", "where is the fig?"]
    assert same_text(benchmark, training).tolist() == [True, False, True]
    assert same_text(benchmark, []).shape == (0,)


def test_shipped_similarities_are_read_and_may_be_absent(tmp_path):
    assert read_similarities(tmp_path) == []
    row = Similarity("golden", "mmlu", 0.5, 10, 20, "e")
    (tmp_path / "similarity.json").write_text(json.dumps([row._asdict() | {"more": 1}]))
    assert read_similarities(tmp_path) == [row]


@pytest.mark.parametrize("text", ["{", "3", "[3]", '[{"recipe": "golden"}]'])
def test_a_damaged_file_of_similarities_is_said(tmp_path, text):
    (tmp_path / "similarity.json").write_text(text)
    with pytest.raises(DataError, match="restore it"):
        read_similarities(tmp_path)
