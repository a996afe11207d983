"""One threshold, slice by slice: where the quality and the calls come from."""

import numpy as np
import pandas as pd
from scipy.special import bdtr, stdtrit

from routellm_core.metrics.curve import calls_strong, pgr_of
from routellm_core.types import Floats, PairOutcomes

_FEWEST = 6
"""Fewest queries of a slice: below, no sign test at 95% can show a gap."""
BROKEN_ALARM = 0.001
"""Chance at most that any slice of a sound benchmark looks broken."""


def slice_table(outcomes: PairOutcomes, strong_win_rate: Floats, threshold: float) -> pd.DataFrame:
    """Quality, PGR and strong calls of each slice at one threshold.

    PGR is NaN where the 95% interval of the slice's gap (Student's t) contains 0 or the slice has
    fewer than six queries: dividing by a gap that may not be there says nothing.

    Returns:
        One row a slice, largest first: slice, n_queries, quality_weak, quality_strong, quality,
        pgr, strong_call_share, gap, gap_low, gap_high, n_better, n_worse (queries on which the
        strong model is better and worse, one of each cluster).
    """
    n_slices = len(outcomes.slices)
    strong_called = calls_strong(strong_win_rate, threshold)
    n = np.bincount(outcomes.slice_code, minlength=n_slices).astype(np.float64)

    def mean(values: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.bincount(outcomes.slice_code, values, minlength=n_slices) / n

    weak, strong = mean(outcomes.quality_weak), mean(outcomes.quality_strong)
    routed = mean(np.where(strong_called, outcomes.quality_strong, outcomes.quality_weak))
    difference = outcomes.quality_strong - outcomes.quality_weak
    gap = mean(difference)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (mean(difference**2) - gap**2) * n / (n - 1)
        quantile = stdtrit(np.maximum(n - 1, 1), 0.975)
        half = np.where(n > 1, quantile * np.sqrt(np.maximum(variance, 0.0) / n), np.inf)
    first = np.unique(outcomes.cluster_code, return_index=True)[1]
    codes, signs = outcomes.slice_code[first], np.sign(difference[first])
    certain = (n >= _FEWEST) & ((gap - half > 0) | (gap + half < 0))
    table = pd.DataFrame(
        {
            "slice": outcomes.slices,
            "n_queries": n.astype(np.int64),
            "quality_weak": weak,
            "quality_strong": strong,
            "quality": routed,
            "pgr": np.where(certain, pgr_of(routed, weak, strong), np.nan),
            "strong_call_share": mean(strong_called.astype(np.float64)),
            "gap": gap,
            "gap_low": gap - half,
            "gap_high": gap + half,
            "n_better": np.bincount(codes[signs > 0], minlength=n_slices),
            "n_worse": np.bincount(codes[signs < 0], minlength=n_slices),
        }
    )
    table = table[table["n_queries"] > 0]
    return table.sort_values(["n_queries", "slice"], ascending=[False, True], ignore_index=True)


def sign_p_values(table: pd.DataFrame) -> Floats:
    """One-sided p-values of the exact sign test: is the strong model worse in a slice?

    The chance of so few queries where it is better, of those without a tie, if it is better as
    often as worse. It bounds that chance where each query has one of its own, too (Hoeffding 1956,
    theorem 4).

    Args:
        table: of `slice_table`.

    Returns:
        (n_slices,), 1 where all tie.
    """
    better, worse = (table[name].to_numpy(np.int64) for name in ("n_better", "n_worse"))
    return np.where(worse > 0, bdtr(better, better + worse, 0.5), 1.0)


def broken_p_values(table: pd.DataFrame) -> Floats:
    """The p-values of `looks_broken`: those of the sign test, times the number of slices."""
    return np.minimum(sign_p_values(table) * len(table), 1.0)


def looks_broken(table: pd.DataFrame) -> pd.Series:
    """True for slices whose outcomes look like a failure of the evaluation, not of a model.

    The strong model is worse than the weak one by 10% of the scale's observed range, does worse
    than on every other slice, and an exact sign test with Bonferroni's rule leaves a chance of
    0.1% that any slice is so by luck. All three together are what a broken answer extraction
    leaves (MMLU's published high_school_mathematics: 3% right, where guessing gives 25%). In a
    slice of ten queries nothing can show it.
    """
    if len(table) < 3:
        return pd.Series(False, index=table.index)
    observed = table[["quality_weak", "quality_strong"]]
    span = float(observed.max().max() - observed.min().min())
    far_below = (table["gap"] < -0.1 * span) & (broken_p_values(table) < BROKEN_ALARM)
    return far_below & (table["quality_strong"] == table["quality_strong"].min())
