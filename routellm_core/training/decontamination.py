"""Similarity of training queries and a benchmark: near is useful, too near is a leak."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.embedders.cosines import (
    LEAK_LIMIT,
    largest_cosine,
)
from routellm_core.errors import DataError
from routellm_core.text_keys import group_key
from routellm_core.types import Floats


class Similarity(NamedTuple):
    """S(B, D) of one recipe's training queries and one benchmark."""

    recipe: str
    benchmark_id: str
    similarity: float
    n_training: int
    n_benchmark: int
    embedder: str


def read_similarities(data_dir: Path) -> list[Similarity]:
    """Content of `similarity.json` of a folder; empty when there is no such file.

    Raises:
        DataError: it does not have the agreed form.
    """
    path = data_dir / "similarity.json"
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Similarity(**{name: row[name] for name in Similarity._fields}) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged ({type(error).__name__}: {error}); restore it from the repository"
        ) from error


def benchmark_similarity(benchmark_embeddings: Floats, training_embeddings: Floats) -> float:
    """S(B, D): mean over benchmark queries of the largest cosine to any training query.

    The benchmark-dataset similarity of arXiv 2406.18665, table 5.

    Args:
        benchmark_embeddings: (n_benchmark, dimension).
        training_embeddings: (n_training, dimension).

    Returns:
        In [-1, 1]; NaN when either side has no query.
    """
    largest = largest_cosine(benchmark_embeddings, training_embeddings)
    return float(largest.mean()) if len(largest) and len(training_embeddings) else float("nan")


def contaminated(
    benchmark_embeddings: Floats, training_embeddings: Floats, limit: float = LEAK_LIMIT
) -> NDArray[np.bool_]:
    """Mask of the training queries that are too near to a benchmark query and must be dropped.

    Args:
        benchmark_embeddings: (n_benchmark, dimension).
        training_embeddings: (n_training, dimension).
        limit: cosine above which a query is too near.

    Returns:
        (n_training,) true for the queries to drop. Add `same_text`, which no embedder can miss.
    """
    return np.asarray(largest_cosine(training_embeddings, benchmark_embeddings) > limit)


def same_text(
    benchmark_queries: Sequence[str], training_queries: Sequence[str]
) -> NDArray[np.bool_]:
    """Mask of training queries that are a benchmark query in another case, spacing or Unicode form.

    Returns:
        (n_training,) true for the queries to drop.
    """
    keys = {group_key(query) for query in benchmark_queries}
    return np.array([group_key(query) in keys for query in training_queries], dtype=bool)
