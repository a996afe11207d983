"""Embeddings of two sets of queries, made comparable, and their cosines a block at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from routellm_core.errors import DataError
from routellm_core.types import Floats

_BLOCK = 2048
"""Rows and columns of a block of cosines: 16 MB in float32 for sets of any size."""


def unit_rows(embeddings: Floats, whose: str) -> NDArray[np.float32]:
    """Rows of length one in float32; a row of zeros stays one.

    Args:
        embeddings: (n_queries, dimension).
        whose: names the queries in an error.

    Raises:
        DataError: not one row a query, or NaN or infinite.
    """
    rows: NDArray[np.float32] = np.asarray(embeddings, dtype=np.float32)
    if rows.ndim != 2:
        raise DataError(f"embeddings of {whose} have shape {rows.shape}; one row a query is needed")
    if not np.isfinite(rows).all():
        raise DataError(f"an embedding of {whose} is NaN or infinite; embed the queries again")
    return np.asarray(normalize(rows)) if rows.size else rows


def comparable(
    own_embeddings: Floats, benchmark_embeddings: Floats
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sets as unit rows.

    Raises:
        DataError: as for `unit_rows`, or the two come from different embedders.
    """
    own = unit_rows(own_embeddings, "the own queries")
    benchmark = unit_rows(benchmark_embeddings, "the benchmark queries")
    if own.shape[1] != benchmark.shape[1] and len(own) and len(benchmark):
        raise DataError(
            f"embeddings of the own queries have {own.shape[1]} columns, those of the benchmark "
            f"{benchmark.shape[1]}; embed both with the same embedder"
        )
    return own, benchmark


def check_one_a_query(rows: Floats, values: Any, what: str) -> None:
    """Raise when `values` is not aligned with `rows`.

    Raises:
        DataError: another number of values than of rows.
    """
    if len(values) != len(rows):
        raise DataError(f"{len(values):,} {what} for {len(rows):,} embeddings; give one a query")


def cosine_blocks(
    rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """All cosines of unit rows, in blocks of bounded size: of one set of rows after the other.

    Yields:
        Which rows, which columns, and their (n_rows_of_block, n_columns_of_block) cosines.
    """
    for start in range(0, len(rows), _BLOCK):
        some = slice(start, min(start + _BLOCK, len(rows)))
        for other in range(0, len(columns), _BLOCK):
            others = slice(other, min(other + _BLOCK, len(columns)))
            yield some, others, rows[some] @ columns[others].T


class LargestCosine:
    """The largest cosine seen so far of each of a set's queries, and with which other query."""

    def __init__(self, n_queries: int) -> None:
        self._cosine = np.full(n_queries, -np.inf, dtype=np.float32)
        self._index = np.full(n_queries, -1, dtype=np.int64)

    def see(self, some: slice, others: slice, cosine: NDArray[np.float32]) -> None:
        """Take in the (n_some, n_others) cosines of a block; -inf is no other query."""
        best = cosine.argmax(axis=1)
        value = np.take_along_axis(cosine, best[:, None], axis=1)[:, 0]
        larger = value > self._cosine[some]
        self._index[some][larger] = others.start + best[larger]
        self._cosine[some][larger] = value[larger]

    @property
    def index(self) -> NDArray[np.int64]:
        """(n_queries,) position of the nearest other query, the first of equals; -1 for none."""
        return self._index

    @property
    def cosine(self) -> NDArray[np.float32]:
        """(n_queries,) cosine to it, in [-1, 1]; NaN for none."""
        return np.where(self._index < 0, np.float32(np.nan), np.clip(self._cosine, -1.0, 1.0))


LEAK_LIMIT = 0.95
"""Cosine above which a training query counts as a copy (arXiv 2406.18665, appendix B)."""


def largest_cosine(embeddings: Floats, others: Floats) -> Floats:
    """Cosine of each embedding to the nearest of the others, a batch at a time.

    Args:
        embeddings: (n_queries, dimension).
        others: (n_others, dimension).

    Returns:
        (n_queries,) in [-1, 1]; -inf when there are no others. A row of zeros is near to nothing.

    Raises:
        DataError: an embedding is NaN or infinite.
    """
    rows, columns = unit_rows(embeddings, "the queries"), unit_rows(others, "the other queries")
    if rows.shape[1] != columns.shape[1]:
        raise ValueError(f"embeddings of length {rows.shape[1]} against {columns.shape[1]}")
    largest = LargestCosine(len(rows))
    for some, these, cosine in cosine_blocks(rows, columns):
        largest.see(some, these, cosine)
    return np.where(largest.index < 0, np.float32(-np.inf), largest.cosine)
