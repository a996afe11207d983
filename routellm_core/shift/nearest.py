"""The benchmark query that is nearest to each own query, and how near it is.

The mean of these cosines is S(own, benchmark) of `routellm_core.similarity`.
"""

from typing import NamedTuple

from routellm_core.shift.rows import LargestCosine, comparable, cosine_blocks
from routellm_core.types import Floats, Ints


class Nearest(NamedTuple):
    """The nearest benchmark query of each own query, (n_own,) each."""

    position: Ints
    """Of the benchmark query; -1 when there is none."""
    cosine: Floats
    """In [-1, 1]; NaN when there is none."""

    @property
    def mean_cosine(self) -> float:
        """S(own, benchmark), in [-1, 1]; NaN when either side has no query."""
        return float(self.cosine.mean()) if len(self.cosine) else float("nan")


def nearest_queries(own_embeddings: Floats, benchmark_embeddings: Floats) -> Nearest:
    """Find the nearest benchmark query of each own query.

    Memory is bounded: cosines are computed a block at a time. Of equally near ones the first.

    Args:
        own_embeddings: (n_own, dimension).
        benchmark_embeddings: (n_benchmark, dimension), of the same embedder.

    Raises:
        DataError: a value is NaN or infinite, or the embedders differ.
    """
    own, benchmark = comparable(own_embeddings, benchmark_embeddings)
    largest = LargestCosine(len(own))
    for some, others, cosine in cosine_blocks(own, benchmark):
        largest.see(some, others, cosine)
    return Nearest(largest.index, largest.cosine)
