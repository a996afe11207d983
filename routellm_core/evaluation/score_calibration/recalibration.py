"""A monotone curve over a router's scores that makes them mean what they say.

Isotonic regression (a staircase, with ramps where it saw no score) or Platt's logistic curve over
the log-odds, fitted by scikit-learn to some queries and judged on others. Neither puts a query
before one with a higher score. A Platt curve keeps the order as it is; isotonic regression merges
the scores of a step, so that its queries can no longer be told apart and there are far fewer
thresholds. A threshold goes through the same curve: `mapped_threshold`.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import expit, logit

from routellm_core.errors import DataError
from routellm_core.evaluation.score_calibration.calibration_error import BinSums
from routellm_core.evaluation.score_calibration.reliability import N_BINS, equal_count_bins
from routellm_core.metrics.curve import calls_strong
from routellm_core.statistics.bootstrap import N_RESAMPLES, resample_weights
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Floats, Interval, Ints

Method: TypeAlias = Literal["isotonic", "platt"]
_EDGE = 1e-6
"""Scores nearer to 0 and 1 count as this near, so that their log-odds are finite."""


@dataclass(frozen=True)
class Recalibration:
    """A rising curve from a score to a calibrated one: straight lines between its points.

    Isotonic curves lie on the scores, Platt's on their log-odds; both are flat beyond their ends.
    """

    method: Method
    at: Floats
    """(n_points,) rising: scores, or for Platt two log-odds."""
    value: Floats
    """(n_points,) never falling: calibrated scores, or for Platt their log-odds."""

    def __call__(self, strong_win_rate: Floats) -> Floats:
        """(n_queries,) float64 in [0, 1]."""
        score = np.asarray(strong_win_rate, dtype=np.float64)
        if self.method == "isotonic":
            return np.asarray(np.interp(score, self.at, self.value))
        log_odds = logit(np.clip(score, _EDGE, 1 - _EDGE))
        return np.asarray(expit(np.interp(log_odds, self.at, self.value)))


class MappedThreshold(NamedTuple):
    """A threshold on the calibrated scores, and what it does to the decisions."""

    threshold: float
    n_moved: int
    """Queries that the weak model answered and now the strong one does, for their score is merged
    with that of others above the threshold; 0 where the order is kept."""
    n_queries: int


class Judged(NamedTuple):
    """Scores before and after a curve, on queries that it was not fitted to."""

    method: Method
    n_fitted: int
    n_judged: int
    brier_before: float
    brier_after: float
    brier_change: Interval
    """95% of after minus before, Student's t over clusters of the paired differences."""
    ece_before: float
    ece_after: float
    ece_change: Interval
    """95% of after minus before, both on the same resamples of clusters, reflected."""
    n_levels_before: int
    """Distinct scores: so many thresholds there are."""
    n_levels_after: int


def fit(method: Method, strong_win_rate: Floats, target: Floats) -> Recalibration:
    """The curve that fits the targets best.

    Args:
        method: `isotonic` needs a thousand queries or so, `platt` a hundred.
        strong_win_rate: (n_queries,) in [0, 1].
        target: (n_queries,) from `reliability.targets`; a tie counts as half a win and half a loss.

    Raises:
        DataError: a Platt curve has no slope to fit: all targets or all scores are equal, or higher
            scores win less often, so that the curve would turn the order round.
    """
    score = np.asarray(strong_win_rate, dtype=np.float64)
    return _isotonic(score, target) if method == "isotonic" else _platt(score, target)


def mapped_threshold(
    curve: Recalibration, strong_win_rate: Floats, threshold: float
) -> MappedThreshold:
    """The threshold on the calibrated scores that calls the strong model as `threshold` did.

    It is the calibrated value of the lowest score that was called. Every query that was called
    still is; those merged with that score by a flat step are called too, for equal scores are
    never split.

    Args:
        curve: fitted.
        strong_win_rate: (n_queries,) the scores before.
        threshold: on these.

    Returns:
        A threshold of +inf, "never", where no query was called.
    """
    called = calls_strong(strong_win_rate, threshold)
    after = curve(strong_win_rate)
    mapped = float(after[called].min()) if called.any() else float("inf")
    moved = calls_strong(after, mapped) & ~called
    return MappedThreshold(mapped, int(moved.sum()), len(after))


def judge(
    method: Method,
    strong_win_rate: Floats,
    target: Floats,
    *,
    cluster_code: Ints | None = None,
    fitted_share: float = 0.5,
    n_bins: int = N_BINS,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Judged:
    """Fit a curve to some of the clusters and say what it does to the others.

    Args:
        method: of the curve.
        strong_win_rate: (n_queries,) in [0, 1].
        target: (n_queries,) from `reliability.targets`.
        cluster_code: (n_queries,) queries of a code stay together; None: all are different.
        fitted_share: of the clusters that the curve is fitted to.
        n_bins: of the calibration error, at most.
        n_resamples: of the bootstrap.
        seed: of the split and of the bootstrap.

    Raises:
        DataError: as for `fit`.
    """
    from sklearn.model_selection import GroupShuffleSplit

    clusters = np.arange(len(target)) if cluster_code is None else cluster_code
    split = GroupShuffleSplit(n_splits=1, train_size=fitted_share, random_state=seed)
    fitted, judged = next(split.split(target, groups=clusters))
    curve = fit(method, strong_win_rate[fitted], target[fitted])
    target, clusters = target[judged], clusters[judged]
    scores = strong_win_rate[judged].astype(np.float64), curve(strong_win_rate[judged])
    before, after = ((score - target) ** 2 for score in scores)
    sums = [BinSums(score - target, equal_count_bins(score, n_bins)) for score in scores]
    weights = resample_weights(len(target), clusters, n_resamples=n_resamples, seed=seed)
    changes = np.concatenate(
        [sums[1].resampled(weight) - sums[0].resampled(weight) for weight in weights]
    )
    low, high = np.quantile(changes, [0.025, 0.975])
    change = sums[1].ece - sums[0].ece
    return Judged(
        method=method,
        n_fitted=len(fitted),
        n_judged=len(judged),
        brier_before=float(before.mean()),
        brier_after=float(after.mean()),
        brier_change=mean_interval(after - before, clusters),
        ece_before=sums[0].ece,
        ece_after=sums[1].ece,
        ece_change=Interval(2 * change - float(high), 2 * change - float(low)),
        n_levels_before=len(np.unique(scores[0])),
        n_levels_after=len(np.unique(scores[1])),
    )


def _isotonic(score: Floats, target: Floats) -> Recalibration:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(score, target)
    return Recalibration("isotonic", fitted.X_thresholds_, fitted.y_thresholds_)


def _platt(score: Floats, target: Floats) -> Recalibration:
    from sklearn.linear_model import LogisticRegression

    log_odds = logit(np.clip(score, _EDGE, 1 - _EDGE))
    if np.ptp(target) == 0 or np.ptp(log_odds) == 0:
        raise DataError(
            f"all {len(score):,} {'targets' if np.ptp(target) == 0 else 'scores'} are equal: there "
            "is no curve to fit; take more queries or another router"
        )
    won = np.repeat([1, 0], len(score))
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1_000).fit(
        np.tile(log_odds, 2)[:, None], won, sample_weight=np.concatenate([target, 1.0 - target])
    )
    if not fitted.coef_[0, 0] > 0:
        raise DataError(
            "higher scores do not win more often on these queries: a Platt curve would turn the "
            "order round; take the isotonic one or another router"
        )
    ends = logit(np.array([_EDGE, 1 - _EDGE]))
    return Recalibration("platt", ends, fitted.intercept_[0] + fitted.coef_[0, 0] * ends)
