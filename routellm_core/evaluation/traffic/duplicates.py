"""Queries that stand in two sets, or twice in one: word for word, or nearly so."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.embedders.cosines import (
    LEAK_LIMIT,
    LargestCosine,
    check_one_a_query,
    comparable,
    cosine_blocks,
    unit_rows,
)
from routellm_core.text_keys import group_key
from routellm_core.types import Floats, Ints


class Copies(NamedTuple):
    """For each query of a set, what it copies of another set, (n_queries,) each."""

    exact_of: Ints
    """Position of the first other query with the same `group_key`; -1 where there is none."""
    near_of: Ints
    """Position of the nearest other query whose cosine exceeds the limit; -1 where none does."""
    cosine: Floats
    """To the nearest other query, in [-1, 1]; NaN where there is no other query."""

    @property
    def is_copy(self) -> NDArray[np.bool_]:
        """(n_queries,) true where the query is an exact or a near copy."""
        return np.asarray((self.exact_of >= 0) | (self.near_of >= 0))

    @property
    def n_exact(self) -> int:
        """Queries that stand word for word in the other set."""
        return int((self.exact_of >= 0).sum())

    @property
    def n_near(self) -> int:
        """Queries that are near copies and no exact ones."""
        return int(((self.near_of >= 0) & (self.exact_of < 0)).sum())


class Shared(NamedTuple):
    """Copies between two sets, seen from either."""

    own: Copies
    """Own queries that stand in theirs."""
    theirs: Copies
    """Their queries that stand among the own."""


def shared_queries(
    own_queries: Sequence[str],
    own_embeddings: Floats,
    their_queries: Sequence[str],
    their_embeddings: Floats,
    *,
    limit: float = LEAK_LIMIT,
) -> Shared:
    """Find what two sets share, for example own queries and those of a benchmark.

    One pass over all cosines serves both sides, a block at a time: memory grows with the number of
    queries and not with the number of pairs.

    Args:
        own_queries: (n_own,) texts.
        own_embeddings: (n_own, dimension).
        their_queries: (n_theirs,) texts of a benchmark, or those that a router learned from.
        their_embeddings: (n_theirs, dimension), of the same embedder.
        limit: cosine above which a query is a near copy.

    Raises:
        DataError: texts and embeddings are not aligned, a value is NaN, or the embedders differ.
    """
    own, theirs = comparable(own_embeddings, their_embeddings)
    check_one_a_query(own, own_queries, "own queries")
    check_one_a_query(theirs, their_queries, "other queries")
    of_own, of_theirs = LargestCosine(len(own)), LargestCosine(len(theirs))
    for some, others, cosine in cosine_blocks(own, theirs):
        of_own.see(some, others, cosine)
        of_theirs.see(others, some, cosine.T)
    own_keys, their_keys = _keys(own_queries), _keys(their_queries)
    return Shared(
        own=_copies(_first_places(own_keys, their_keys), of_own, limit),
        theirs=_copies(_first_places(their_keys, own_keys), of_theirs, limit),
    )


def repeated_queries(
    queries: Sequence[str], embeddings: Floats, *, limit: float = LEAK_LIMIT
) -> Copies:
    """Find the queries of one set that repeat an earlier one: the first of each is no copy.

    Args:
        queries: (n_queries,) texts.
        embeddings: (n_queries, dimension).
        limit: cosine above which a query is a near copy.

    Raises:
        DataError: texts and embeddings are not aligned, or a value is NaN or infinite.
    """
    rows = unit_rows(embeddings, "the queries")
    check_one_a_query(rows, queries, "queries")
    largest = LargestCosine(len(rows))
    for some, others, cosine in cosine_blocks(rows, rows):
        if others.start < some.stop:
            places, earlier = np.ogrid[some, others]
            largest.see(some, others, np.where(earlier < places, cosine, -np.inf))
    keys = _keys(queries)
    first = _first_places(keys, keys)
    return _copies(np.where(first < np.arange(len(keys)), first, -1), largest, limit)


def _keys(queries: Sequence[str]) -> list[str]:
    return [group_key(query) for query in queries]


def _first_places(keys: Sequence[str], other_keys: Sequence[str]) -> Ints:
    """(n_queries,) first position of each key among the others; -1 where it is not there."""
    first: dict[str, int] = {}
    for place, key in enumerate(other_keys):
        first.setdefault(key, place)
    return np.array([first.get(key, -1) for key in keys], dtype=np.int64)


def _copies(exact_of: Ints, largest: LargestCosine, limit: float) -> Copies:
    near = largest.cosine > np.float32(limit)
    return Copies(exact_of, np.where(near, largest.index, -1), largest.cosine)
