"""Vectors are kept by text: no text is read twice, and none gets the vector of another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from routellm_core.embedders import vector_cache
from routellm_core.embedders.sentence import JoinedEmbedder
from routellm_core.embedders.vector_cache import read_features
from routellm_core.errors import DataError
from tests.invented import WordVectors


class Counting(WordVectors):
    """Remembers what it was asked to read."""

    def __init__(self, name="words"):
        super().__init__(name)
        self.asked = []

    def embed(self, queries):
        self.asked += queries
        return super().embed(queries)


def test_a_text_is_read_once_and_comes_back_as_it_was_read(tmp_path):
    queries = ["a kettle", "two ropes", "the tide"]
    first = read_features(queries, Counting(), tmp_path)
    again = Counting()
    np.testing.assert_array_equal(read_features(queries, again, tmp_path), first)
    np.testing.assert_array_equal(first, WordVectors().embed(queries))
    assert again.asked == []


def test_another_set_of_queries_reads_only_what_is_new_and_keeps_its_order(tmp_path):
    read_features(["a kettle", "two ropes"], Counting(), tmp_path)
    embedder = Counting()
    queries = ["the tide is high today", "two ropes", "a moth", "a kettle"]
    got = read_features(queries, embedder, tmp_path)
    assert sorted(embedder.asked) == ["a moth", "the tide is high today"]
    np.testing.assert_array_equal(got, WordVectors().embed(queries))


def test_a_text_in_another_spelling_is_another_text(tmp_path):
    read_features(["a kettle"], Counting(), tmp_path)
    embedder = Counting()
    read_features(["a  kettle", "A kettle", "a kettle"], embedder, tmp_path)
    assert sorted(embedder.asked) == ["A kettle", "a  kettle"]


def test_equal_texts_are_read_once_and_each_gets_the_vector(tmp_path):
    embedder = Counting()
    got = read_features(["a kettle", "a rope", "a kettle"], embedder, tmp_path)
    assert sorted(embedder.asked) == ["a kettle", "a rope"]
    np.testing.assert_array_equal(got, WordVectors().embed(["a kettle", "a rope", "a kettle"]))


def test_embedders_share_no_vectors(tmp_path):
    read_features(["a kettle"], Counting(), tmp_path)
    other = Counting("org/other")
    read_features(["a kettle"], other, tmp_path)
    assert other.asked == ["a kettle"]


def test_an_interrupted_reading_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_cache, "_CHUNK", 2)
    queries = [f"{'very ' * i}long" for i in range(7)]
    told = []

    def stop(progress):
        told.append((progress.done, progress.total))
        if progress.done >= 4:
            raise KeyboardInterrupt

    first, second = Counting(), Counting()
    with pytest.raises(KeyboardInterrupt):
        read_features(queries, first, tmp_path, stop)
    got = read_features(queries, second, tmp_path, lambda p: told.append((p.done, p.total)))
    assert len(first.asked) == 4
    assert sorted(first.asked + second.asked) == sorted(queries)
    np.testing.assert_array_equal(got, WordVectors().embed(queries))
    assert told == [(0, 7), (2, 7), (4, 7), (4, 7), (6, 7)]


class Failing(Counting):
    def embed(self, queries):
        super().embed(queries)
        raise OSError("the disk is full")


def test_a_chunk_that_was_not_written_whole_is_read_again(tmp_path):
    with pytest.raises(OSError):
        read_features(["a kettle"], Failing(), tmp_path)
    embedder = Counting()
    got = read_features(["a kettle"], embedder, tmp_path)
    assert embedder.asked == ["a kettle"]
    np.testing.assert_array_equal(got, WordVectors().embed(["a kettle"]))


def test_joined_vectors_stand_side_by_side_and_are_kept_apart(tmp_path):
    read_features(["a kettle", "a rope"], Counting("one"), tmp_path)
    one, other = Counting("one"), Counting("other")
    got = read_features(["a rope", "a kettle"], JoinedEmbedder([one, other]), tmp_path)
    assert (one.asked, sorted(other.asked)) == ([], ["a kettle", "a rope"])
    of_one = WordVectors().embed(["a rope", "a kettle"])
    np.testing.assert_array_equal(got, np.concatenate([of_one, of_one], axis=1))


def test_no_query_is_no_vector(tmp_path):
    embedder = Counting()
    assert len(read_features([], embedder, tmp_path)) == 0
    assert embedder.asked == []


def test_two_readers_of_the_same_texts_do_not_disturb_each_other(tmp_path):
    queries = ["a kettle", "two ropes", "the tide"]
    both_at_it = threading.Barrier(2)

    class Slow(WordVectors):
        def embed(self, texts):
            both_at_it.wait(10)
            return super().embed(texts)

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(read_features, queries, Slow(), tmp_path) for _ in range(2)]
    for vectors in asked:
        np.testing.assert_array_equal(vectors.result(), WordVectors().embed(queries))
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_damaged_file_is_read_anew(tmp_path, in_memory):
    queries = ["a kettle", "two ropes"]
    read_features(queries, Counting(), tmp_path)
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(path.read_bytes()[:50])
    if not in_memory:  # as another process finds it
        vector_cache._index_of.cache_clear()
    embedder = Counting()
    got = read_features([*queries, "a moth"], embedder, tmp_path)
    np.testing.assert_array_equal(got, WordVectors().embed([*queries, "a moth"]))
    assert set(embedder.asked) == {*queries, "a moth"}


def test_a_full_disk_is_said_and_leaves_no_piece(tmp_path, monkeypatch):
    def full(file, **_):
        file.write_bytes(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError, match=r"No space left.*make room and start it again"):
        read_features(["a kettle"], Counting(), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
