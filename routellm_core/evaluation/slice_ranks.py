"""Scores in terms of slices: a router's order inside them, and what knowing the slice is worth."""

import numpy as np
import pandas as pd

from routellm_core.types import N_FOLDS, Floats, Ints, PairOutcomes

SLICE_TABLE = "slice_table"
"""Name of the row that `slice_prior` has among routers."""
NO_ROUTERS = ("random", SLICE_TABLE)
"""Rows that stand among routers as a measure of them; nobody is advised to take one."""


def within_slice(strong_win_rate: Floats, slice_code: Ints, fold: Ints | None = None) -> Floats:
    """Scores that keep the router's order inside each slice and forget which slice is which.

    Each score becomes its mid-rank among its slice's, scaled to [0, 1]: equal scores stay equal
    and every threshold sends about the same share of every slice to the strong model. The APGR of
    these scores is what a router has from ranking inside slices, without recognising the slice.

    Scores that several fits made are ranked inside slice and fold. A fit that was shown fewer good
    queries of a slice scores it lower, and these are the queries that it is asked for: ranked with
    those of the other fits they come out the wrong way round. A table of the slices' mean gains,
    which knows nothing else, then falls far below the 0.5 that it is due.

    Args:
        strong_win_rate: (n_queries,) finite.
        slice_code: (n_queries,) equal for the queries of one slice.
        fold: (n_queries,) equal for the queries that one fit scored; None: one fit scored all.

    Returns:
        (n_queries,) in [0, 1]; 0.5 for a query that is ranked with no other.

    >>> within_slice(np.array([0.9, 0.8, 0.8, 0.1, 0.7]), np.array([0, 1, 1, 1, 2])).tolist()
    [0.5, 0.75, 0.75, 0.0, 0.5]
    >>> within_slice(np.array([0.4, 0.3, 0.9, 0.8]), np.zeros(4), np.array([0, 0, 1, 1])).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    keys = [np.asarray(slice_code)] if fold is None else [np.asarray(slice_code), np.asarray(fold)]
    ranked_together = pd.Series(strong_win_rate).groupby(keys)
    n_others = ranked_together.transform("size").to_numpy() - 1
    mid_rank = ranked_together.rank().to_numpy() - 1.0
    return np.where(n_others > 0, mid_rank / np.maximum(n_others, 1), 0.5)


def slice_prior(outcomes: PairOutcomes, *, n_folds: int = N_FOLDS, seed: int = 0) -> Floats:
    """Scores of a router that knows the slice of a query, and of slices what others showed.

    Each query scores the mean gain of its slice over the queries of the other folds, which hold
    none of its text; where they have none of the slice, their mean over all. Inside its fold each
    score then becomes its rank: to leave good queries out lowers the mean of the others, which
    would rank the folds the wrong way round. A little of that stays between the slices of a fold,
    so the APGR of these scores is rather too low than too high.

    Args:
        outcomes: of the pair.
        n_folds: at least 2.
        seed: of the folds.

    Returns:
        (n_queries,) in [0, 1]; with one slice all 0.5.
    """
    fold = prior_folds(outcomes, n_folds=n_folds, seed=seed)
    gain = outcomes.quality_strong - outcomes.quality_weak
    n_slices = len(outcomes.slices)
    score = np.empty(outcomes.n_queries)
    for held_out in range(n_folds):
        known, own = fold != held_out, fold == held_out
        n = np.bincount(outcomes.slice_code[known], minlength=n_slices)
        total = np.bincount(outcomes.slice_code[known], gain[known], minlength=n_slices)
        mean = np.where(n > 0, total / np.maximum(n, 1), total.sum() / n.sum())
        score[own] = mean[outcomes.slice_code[own]]
    return within_slice(score, fold)


def prior_folds(outcomes: PairOutcomes, *, n_folds: int = N_FOLDS, seed: int = 0) -> Ints:
    """(n_queries,) folds of `slice_prior`, equal for the queries of a cluster."""
    clusters, fold_of = np.unique(outcomes.cluster_code, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(np.arange(len(clusters)) % n_folds)
    return np.asarray(drawn[fold_of], dtype=np.int64)
