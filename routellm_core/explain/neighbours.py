"""Labelled queries that say nearly the same: what became of those?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.types import Floats


class LabelledQueries(NamedTuple):
    """Queries that routers learned from, embedded."""

    text_hash: NDArray[np.str_]
    """(n_queries,) names of the queries' texts."""
    embeddings: Floats
    """(n_queries, dimension) of length one."""


class Neighbour(NamedTuple):
    text_hash: str
    cosine: float


def labelled_queries(router: SimilarityWeightedRouter) -> LabelledQueries:
    """The queries that a similarity-weighted router remembers.

    Raises:
        DataError: its checkpoint does not say which queries they are.
    """
    if router.text_hashes is None:
        raise DataError("this checkpoint does not name its queries: train sw_ranking again")
    return LabelledQueries(np.asarray(router.text_hashes), router.embeddings)


def nearest(
    known: LabelledQueries,
    embedding: Floats,
    n: int,
    allowed: NDArray[np.bool_] | None = None,
) -> list[Neighbour]:
    """The n most similar of the known queries, the nearest first.

    Args:
        known: where to look.
        embedding: (dimension,) of the asked query.
        n: how many at the most.
        allowed: (n_queries,) which of the known may be named; by default all.
    """
    cosine = known.embeddings @ embedding
    places = np.arange(len(cosine)) if allowed is None else np.flatnonzero(allowed)
    best = places[np.argsort(-cosine[places], kind="stable")[:n]]
    return [Neighbour(str(known.text_hash[i]), float(cosine[i])) for i in best]
