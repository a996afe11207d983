"""Share of the gap from the best single model to the oracle that a router recovers."""

from typing import NamedTuple

import numpy as np

from routellm_core.evaluation.slice_ranks import prior_folds
from routellm_core.metrics.curve import calls_strong, routing_curve
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Floats, Interval, PairOutcomes


class OracleGap(NamedTuple):
    """Shares of one router; see `oracle_gap`."""

    recovered: float
    """The threshold is chosen out of fold."""
    interval: Interval
    """95%, of `recovered`."""
    recovered_at_best: float
    """The threshold is the best one of these very queries, which is too good."""


def oracle_gap(strong_win_rate: Floats, outcomes: PairOutcomes, *, seed: int = 0) -> OracleGap:
    """Share of the gap from the best single model to the oracle, at the best strong-call share.

        recovered = (Q(router) - Q(best single model)) / (Q(oracle) - Q(best single model))

    Q is the mean quality. The oracle takes the better answer of each query, the best single model
    is the better of always weak and always strong (both as in RouterBench, arXiv 2403.12031). A
    router is read at the threshold with the highest quality, and of equal ones at that with the
    fewest strong calls. Chosen on the queries that it is read on, it is never below 0, since either
    model alone is one of the thresholds. So each fifth of the queries, equal texts together, is
    read at the threshold that is best on the other four.

    The interval is that of a ratio of two means (Cochran 1977, section 2.11). It takes the chosen
    thresholds and which model is the better one as they are.

    Args:
        strong_win_rate: (n_queries,) finite.
        outcomes: of the pair, in the same order.
        seed: of the folds.

    Returns:
        Fractions: 0 as good as the best single model, below 0 worse, 1 the oracle. NaN where the
        oracle is no better than the best single model, or all queries have one text.
    """
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    best_single = weak if weak.mean() > strong.mean() else strong
    to_oracle = np.maximum(weak, strong) - best_single
    fold = prior_folds(outcomes, seed=seed)
    if not to_oracle.mean() > 0 or len(np.unique(fold)) < 2:
        return OracleGap(np.nan, Interval(np.nan, np.nan), np.nan)
    called = np.empty(len(fold), dtype=bool)
    for held_out in np.unique(fold):
        known, own = fold != held_out, fold == held_out
        threshold = _best_threshold(strong_win_rate[known], weak[known], strong[known])
        called[own] = calls_strong(strong_win_rate[own], threshold)
    gain = np.where(called, strong, weak) - best_single
    recovered = float(gain.mean() / to_oracle.mean())
    ends = mean_interval((gain - recovered * to_oracle) / to_oracle.mean(), outcomes.cluster_code)
    at_best = calls_strong(strong_win_rate, _best_threshold(strong_win_rate, weak, strong))
    most = np.where(at_best, strong, weak).mean() - best_single.mean()
    return OracleGap(
        recovered,
        Interval(recovered + ends.low, recovered + ends.high),
        float(most / to_oracle.mean()),
    )


def _best_threshold(strong_win_rate: Floats, weak: Floats, strong: Floats) -> float:
    curve = routing_curve(strong_win_rate, weak, strong)
    return float(curve.threshold[np.argmax(curve.quality)])
