"""Each model is loaded once and asked once, and leaves when others are used more."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from routellm_core.embedders.sentence import JoinedEmbedder
from routellm_core.embedders.text_features import TextStatistics
from routellm_core.routers.sharing import Reading, WarmModels, reads_with, shared
from tests.invented import WordVectors

QUERIES = ["a kettle", "two ropes", "the tide"]


class Counting(WordVectors):
    """Counts how often it is asked."""

    n_asked = 0

    def embed(self, queries):
        self.n_asked += 1
        return super().embed(queries)


class Half:
    """A member that sees its embedder's first number."""

    def __init__(self, embedder):
        self.embedder = embedder

    def strong_win_rate_of(self, features):
        return features[:, 0] / 2


class Members:
    """An embedder made of members."""

    def __init__(self, **members):
        self.members = members


def test_parts_and_members_share_one_reading():
    words = Counting()
    reading = Reading(QUERIES)
    joined = reading.by(JoinedEmbedder([words, TextStatistics()]))
    expected = np.concatenate([words.embed(QUERIES), TextStatistics().embed(QUERIES)], axis=1)
    np.testing.assert_array_equal(joined, expected)
    rates = reading.by(Members(one=Half(words), two=Half(JoinedEmbedder([words]))))
    np.testing.assert_array_equal(rates, np.stack([joined[:, 0] / 2] * 2, axis=1))
    assert words.n_asked == 2  # the second time was this test's own


def test_what_was_read_before_is_taken_from_the_cache(tmp_path):
    first, second = Counting(), Counting()
    np.testing.assert_array_equal(
        Reading(QUERIES, tmp_path).by(first), Reading(QUERIES, tmp_path).by(second)
    )
    assert (first.n_asked, second.n_asked) == (1, 0)


def test_the_models_used_last_stay_warm():
    known = WarmModels(most=2)
    a, b, c = (WordVectors(name) for name in "abc")
    assert shared(a, known) is a
    assert shared(WordVectors("a"), known) is a
    shared(b, known)
    shared(WordVectors("a"), known)  # used again, so b is the oldest
    shared(c, known)
    assert list(known) == [reads_with(a), reads_with(c)]
    assert shared(WordVectors("b"), known) is not b


def test_warm_models_stand_threads():
    known = WarmModels(most=2)
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(known.setdefault, (n % 5,), n) for n in range(4_000)]
    assert all(found.exception() is None for found in done)
    assert len(known) == 2
