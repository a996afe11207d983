"""From battles to honest scores: folds by text, scores by routers that never saw the query."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from routellm_core.labels import Battles, battles_of
from routellm_core.normalise import cluster_key
from routellm_core.routers.base import EmbeddingRouter
from routellm_core.types import Floats, Ints, PairOutcomes

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


def groups_of_slices(parts: Sequence[PairOutcomes], n_groups: int = N_FOLDS) -> Ints:
    """Group of each query so that a slice is never split: what a router scores, it never saw.

    The slices of the first benchmark are dealt into groups of like size, largest slice first; each
    further benchmark is a group of its own.

    Returns:
        (n_queries of all parts,) in 0 .. n_groups + len(parts) - 2, parts one after another.
    """
    first = parts[0]
    n_in_slice = np.bincount(first.slice_code, minlength=len(first.slices))
    n_in_group = np.zeros(n_groups, dtype=np.int64)
    group_of_slice = np.empty(len(first.slices), dtype=np.int64)
    for code in np.argsort(-n_in_slice, kind="stable"):
        group_of_slice[code] = n_in_group.argmin()
        n_in_group[group_of_slice[code]] += n_in_slice[code]
    others = [np.full(part.n_queries, n_groups + i) for i, part in enumerate(parts[1:])]
    return np.concatenate([group_of_slice[first.slice_code], *others])


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
