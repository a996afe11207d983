"""From battles to honest scores: folds by text, scores by routers that never saw the query."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from routellm_core.labels import Battles, battles_of
from routellm_core.normalise import cluster_key
from routellm_core.routers.base import EmbeddingRouter
from routellm_core.types import Floats, Ints

N_FOLDS = 5

Fit: TypeAlias = Callable[[Floats, Battles], EmbeddingRouter]
"""(embeddings, battles) -> a fitted router."""


def folds_by_text(queries: Sequence[str], n_folds: int = N_FOLDS) -> Ints:
    """Fold of each query, from a hash of its normalised text.

    Equal texts share a fold, so no router is judged on a query it was trained on; no seed is
    needed and a query keeps its fold when others come or go.

    Returns:
        (n_queries,) in 0 .. n_folds - 1.
    """
    return np.array([int(cluster_key(query)[:15], 16) % n_folds for query in queries])


def out_of_fold(
    fit: Fit, embeddings: Floats, battles: Battles, fold: Ints
) -> Iterator[tuple[int, Floats]]:
    """Score every fold by a router fitted on the others.

    Args:
        fit: makes a router from the embeddings and battles it may see.
        embeddings: (n_queries, dimension).
        battles: their `query_code` points to rows of `embeddings`.
        fold: (n_queries,) from `folds_by_text`.

    Yields:
        The fold and the win rates of its queries, (n_in_fold,) float32 in their order.
    """
    for k in np.unique(fold):
        seen = fold != k
        router = fit(embeddings[seen], battles_of(battles, seen))
        yield int(k), router.strong_win_rate_of(embeddings[~seen])
