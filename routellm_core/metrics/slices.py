"""One threshold, slice by slice: where the quality and the calls come from."""

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from routellm_core.metrics.curve import calls_strong, pgr_of
from routellm_core.types import Floats, PairOutcomes

_FEWEST = 6
"""Fewest queries of a slice: below, no sign test at 95% can show a gap."""


def slice_table(outcomes: PairOutcomes, strong_win_rate: Floats, threshold: float) -> pd.DataFrame:
    """Quality, PGR and strong calls of each slice at one threshold.

    PGR is NaN where the 95% interval of the slice's gap (Student's t) contains 0 or the slice has
    fewer than six queries: dividing by a gap that may not be there says nothing.

    Returns:
        One row a slice, largest first: slice, n_queries, quality_weak, quality_strong, quality,
        pgr, strong_call_share, gap, gap_low, gap_high.
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
        }
    )
    table = table[table["n_queries"] > 0]
    return table.sort_values(["n_queries", "slice"], ascending=[False, True], ignore_index=True)


def looks_broken(table: pd.DataFrame) -> pd.Series:
    """True for slices whose outcomes look like a failure of the evaluation, not of a model.

    The strong model is certainly worse than the weak one by 10% of the scale's observed range, and
    also does worse than on every other slice: both together are what a broken answer extraction
    leaves (MMLU's published high_school_mathematics: 3% right, where guessing gives 25%).
    """
    if len(table) < 3:
        return pd.Series(False, index=table.index)
    observed = table[["quality_weak", "quality_strong"]]
    span = float(observed.max().max() - observed.min().min())
    reversed_gap = (table["gap_high"] < 0) & (table["gap"] < -0.1 * span)
    return reversed_gap & (table["quality_strong"] == table["quality_strong"].min())
