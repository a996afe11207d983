"""Own and benchmark queries as points of a plane, by principal components.

A picture, not a test: two components of sentence embeddings hold a small part of their variance,
and the map says how much. Sets that overlap here may still be told apart.
"""

from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA

from routellm_core.embedders.cosines import comparable
from routellm_core.errors import DataError
from routellm_core.types import Floats, Ints

MOST_POINTS = 2_000
"""Queries of a side that are drawn."""
_FEWEST = 3


class QueryMap(NamedTuple):
    """Points of both sides in one plane."""

    own_index: Ints
    """(n_own_points,) rising positions of the own queries that are drawn."""
    own_points: Floats
    """(n_own_points, 2) their places."""
    benchmark_index: Ints
    """(n_benchmark_points,) rising positions of the benchmark queries that are drawn."""
    benchmark_points: Floats
    """(n_benchmark_points, 2) their places."""
    variance_share: tuple[float, float]
    """Share of the variance of all points along each axis; what is missing to 1 is not seen."""


def query_map(
    own_embeddings: Floats,
    benchmark_embeddings: Floats,
    *,
    most_points: int = MOST_POINTS,
    seed: int = 0,
) -> QueryMap:
    """Lay both sets into the plane of their first two principal components.

    The components are those of the queries that are drawn, each side weighing what it has of them.

    Args:
        own_embeddings: (n_own, dimension).
        benchmark_embeddings: (n_benchmark, dimension), of the same embedder.
        most_points: of a side; of more a sample is drawn.
        seed: of that sample.

    Returns:
        Places are NaN-free; the shares of variance are NaN when all embeddings are equal.

    Raises:
        DataError: fewer than three queries in all, or a value is NaN or infinite.
    """
    own, benchmark = comparable(own_embeddings, benchmark_embeddings)
    if len(own) + len(benchmark) < _FEWEST or not len(own) or not len(benchmark):
        raise DataError(
            f"a map needs queries of both sides, three in all: there are {len(own)} own and "
            f"{len(benchmark)} of the benchmark"
        )
    rng = np.random.default_rng(seed)
    own_index = _sample(len(own), most_points, rng)
    benchmark_index = _sample(len(benchmark), most_points, rng)
    pca = PCA(n_components=2, svd_solver="covariance_eigh")
    with np.errstate(invalid="ignore"):
        points = pca.fit_transform(np.concatenate([own[own_index], benchmark[benchmark_index]]))
    along_x, along_y = pca.explained_variance_ratio_
    return QueryMap(
        own_index=own_index,
        own_points=points[: len(own_index)],
        benchmark_index=benchmark_index,
        benchmark_points=points[len(own_index) :],
        variance_share=(float(along_x), float(along_y)),
    )


def _sample(n: int, most: int, rng: np.random.Generator) -> Ints:
    drawn = rng.choice(n, min(n, most), replace=False, shuffle=False)
    return np.sort(drawn).astype(np.int64)
