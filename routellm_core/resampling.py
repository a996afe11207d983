"""How often each query counts in resamples: the bootstrap for figures that read single queries.

`uncertainty` draws in its own, faster way for curves.
"""

from collections.abc import Iterator

import numpy as np

from routellm_core.types import Floats, Ints
from routellm_core.uncertainty import N_RESAMPLES

_CHUNK = 25
"""Resamples at once: a few megabytes for ten thousand queries."""


def poisson_weights(
    n_queries: int,
    cluster_code: Ints | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Iterator[Floats]:
    """Resamples, some at a time, in which each cluster counts Poisson(1) times.

    Args:
        n_queries: how many there are.
        cluster_code: (n_queries,) queries of a code are drawn together; None: each alone.
        n_resamples: in all.
        seed: of the drawing.

    Yields:
        (n, n_queries) float64 whole numbers; the n add up to `n_resamples`.
    """
    rng = np.random.default_rng(seed)
    clusters = np.arange(n_queries)
    if cluster_code is not None:
        clusters = np.unique(cluster_code, return_inverse=True)[1]
    for start in range(0, n_resamples, _CHUNK):
        n = min(_CHUNK, n_resamples - start)
        yield rng.poisson(1.0, (n, clusters.max() + 1)).astype(np.float64)[:, clusters]
