"""Losses that a guarantee may limit: how each is tested and read."""

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.risk_bounds import (
    betting_need,
    betting_p_value,
    binomial_bound,
    binomial_interval,
    binomial_need,
    binomial_p_value,
    fixed_sequence,
)
from routellm_core.types import Floats, Interval, Ints

Kind: TypeAlias = Literal["keep", "lose", "miss"]
FEWEST_KEPT = 30
"""On the weak model, below which nothing is said about them."""
_N_BOUNDS = 100


class GuaranteeTarget(NamedTuple):
    """A promise about the queries to come, on average."""

    kind: Kind
    """`keep` quality: mean of (routed - limit * strong) >= 0.
    `lose` quality against always strong: mean of (strong - routed) <= limit.
    `miss`: of the queries kept on the weak model, those that it fails and the strong one does not,
    a failure being a quality below the middle of the scale, as for golden labels."""
    limit: float
    """A share in (0, 1] for `keep`, in (0, 1) for `miss`; for `lose` in the benchmark's scale."""


class ScoredOutcomes(NamedTuple):
    """Queries with scores and both outcomes, (n,) each."""

    strong_win_rate: Floats
    quality_weak: Floats
    quality_strong: Floats

    def kept(self, threshold: Floats | float) -> NDArray[np.bool_]:
        """True for those kept on the weak model; the shape of the threshold and (n,) broadcast."""
        return np.asarray(self.strong_win_rate < np.asarray(threshold, dtype=np.float64))

    def at(self, positions: Ints) -> "ScoredOutcomes":
        """Some of them, in that order."""
        return ScoredOutcomes(*(values[positions] for values in self))


def p_values(
    target: GuaranteeTarget,
    rows: ScoredOutcomes,
    kept: NDArray[np.bool_],
    scale: Interval,
    delta: float,
) -> Floats:
    """P-values of the hypotheses that the guarantee is broken, from queries in random order.

    Args:
        target: what is to hold.
        rows: the queries, n of them.
        kept: (k, n) which of them k thresholds keep on the weak model.
        scale: of the quality.
        delta: at which the tests are sharpest.

    Returns:
        (k,)
    """
    if target.kind == "miss":
        n_kept, n_missed = kept.sum(axis=1), (kept & _is_missed(rows, scale)).sum(axis=1)
        p_value = binomial_p_value(n_missed, n_kept, target.limit)
        return np.where(n_kept >= FEWEST_KEPT, p_value, 1.0)
    return betting_p_value(_margin(*target, rows, kept), _worst(*target, scale), delta)


def bound_of(
    target: GuaranteeTarget,
    rows: ScoredOutcomes,
    kept: NDArray[np.bool_],
    scale: Interval,
    delta: float,
) -> float:
    """The strictest limit that passes too: a 1 - δ confidence bound of what the guarantee limits.

    For means by tests of ever stricter limits, in a hundred steps up to what was observed.

    Args:
        target: that passed.
        rows: the queries, n of them, in random order.
        kept: (n,) which of them are kept on the weak model.
        scale: of the quality.
        delta: of the bound.
    """
    kind, limit = target
    if kind == "miss":
        n_missed = int((kept & _is_missed(rows, scale)).sum())
        return binomial_bound(n_missed, int(kept.sum()), delta)
    observed = achieved_of(target, rows, kept, scale)[0]
    strictest = max(limit, observed) if kind == "keep" else min(limit, observed)
    limits = np.linspace(limit, strictest, _N_BOUNDS)

    def p_value(some: Floats) -> Floats:
        margin = _margin(kind, some[:, None], rows, kept)
        return betting_p_value(margin, _worst(kind, some, scale), delta)

    n_passed, _ = fixed_sequence(p_value, limits, delta)
    return float(limits[max(n_passed, 1) - 1])


def need_of(
    target: GuaranteeTarget,
    rows: ScoredOutcomes,
    kept: NDArray[np.bool_],
    scale: Interval,
    delta: float,
) -> float:
    """Number of queries like these that would likely pass; NaN where no number would do."""
    if target.kind != "miss":
        return betting_need(_margin(*target, rows, kept), float(_worst(*target, scale)), delta)
    n_kept = int(kept.sum())
    if not n_kept:
        return math.nan
    share_missed = float((kept & _is_missed(rows, scale)).sum()) / n_kept
    need = binomial_need(share_missed, target.limit, delta)
    return math.nan if math.isnan(need) else math.ceil(max(need, FEWEST_KEPT) * len(kept) / n_kept)


def achieved_of(
    target: GuaranteeTarget, rows: ScoredOutcomes, kept: NDArray[np.bool_], scale: Interval
) -> tuple[float, Interval]:
    """The quantity that the guarantee limits, as observed, with a 95% interval.

    Returns:
        The share of quality kept (the interval is that of the ratio's linear part), the quality
        lost, or the share missed. NaN where no query is kept, or no quality is there to keep.
    """
    low, high = scale
    strong, nothing = rows.quality_strong, (math.nan, Interval(math.nan, math.nan))
    if target.kind == "miss":
        n_kept, n_missed = int(kept.sum()), int((kept & _is_missed(rows, scale)).sum())
        return (n_missed / n_kept, binomial_interval(n_missed, n_kept)) if n_kept else nothing
    routed = np.where(kept, rows.quality_weak, strong)
    if target.kind == "lose":
        lost = strong - routed
        return float(lost.mean()), _mean_interval(lost, Interval(low - high, high - low))
    mean = float(strong.mean())
    if mean == 0.0:
        return nothing
    share = float(routed.mean()) / mean
    limits = Interval(low - share * high, high - share * low)
    below, above = _mean_interval(routed - share * strong, limits)
    return share, Interval(share + below / mean, share + above / mean)


def _mean_interval(values: Floats, limits: Interval) -> Interval:
    """95% interval of a mean; where all values are equal it is that of the share of other ones.

    Equal values have no variance, which says nothing of rare ones that were not drawn: these are
    at most as many as `binomial_interval` allows of a share that was observed as 0, and none is
    beyond the limits.
    """
    value, highest = float(values.min()), float(values.max())
    if value < highest:
        return mean_interval(values)
    share = binomial_interval(0, len(values)).high
    return Interval(
        value - share * (value - limits.low),
        value + share * (limits.high - value),
    )


def _margin(
    kind: Kind, limit: Floats | float, rows: ScoredOutcomes, kept: NDArray[np.bool_]
) -> Floats:
    """By how much each query keeps the guarantee, which is a mean of at least 0."""
    routed = np.where(kept, rows.quality_weak, rows.quality_strong).astype(np.float64)
    if kind == "keep":
        return np.asarray(routed - limit * rows.quality_strong)
    return np.asarray(limit - (rows.quality_strong - routed))


def _worst(kind: Kind, limit: Floats | float, scale: Interval) -> Floats | float:
    """The least margin: the weak answer is as bad as can be and the strong one as good."""
    return scale.low - limit * scale.high if kind == "keep" else limit - (scale.high - scale.low)


def _is_missed(rows: ScoredOutcomes, scale: Interval) -> NDArray[np.bool_]:
    middle = (scale.low + scale.high) / 2
    return np.asarray((rows.quality_weak < middle) & (rows.quality_strong >= middle))


def check_target(target: GuaranteeTarget, scale: Interval, delta: float) -> None:
    """Refuse what is no guarantee.

    Raises:
        DataError: δ or the limit is out of its range.
    """
    if not 0.0 < delta < 1.0:
        raise DataError(
            f"a confidence of {1 - delta:g} is not between 0 and 1; 0.95 allows a broken guarantee "
            "one time in twenty"
        )
    (kind, limit), (low, high) = target, scale
    if kind == "keep" and low < 0.0:
        raise DataError(
            f"there is no share of a quality that may be below 0 (here {low:g}); limit the loss "
            "instead"
        )
    if kind == "keep" and not low / high < limit <= 1.0:
        raise DataError(
            f"keeping {limit:g} of a quality from {low:g} to {high:g} is no guarantee; give a "
            f"share above {low / high:g}, at most 1, for example 0.95"
        )
    if kind == "lose" and not 0.0 <= limit < high - low:
        raise DataError(
            f"losing at most {limit:g} of a quality from {low:g} to {high:g} is no guarantee; give "
            f"a number from 0, below {high - low:g}"
        )
    if kind == "miss" and not 0.0 < limit < 1.0:
        raise DataError(
            f"missing at most a share of {limit:g} is no guarantee; give one between 0 and 1, for "
            "example 0.1"
        )


def check_rows(rows: ScoredOutcomes, scale: Interval) -> None:
    """Refuse queries on which no guarantee can rest.

    Raises:
        DataError: shapes differ, a value is NaN or infinite, or a quality is out of its scale.
    """
    n = len(rows.strong_win_rate)
    for name, values in rows._asdict().items():
        if values.shape != (n,):
            raise DataError(f"{name} has shape {values.shape} for {n:,} queries; one value each")
        n_bad = int((~np.isfinite(values)).sum())
        if n_bad:
            raise DataError(f"{name} holds {n_bad:,} values that are NaN or infinite; drop them")
    for values in (rows.quality_weak, rows.quality_strong):
        if n and not (scale.low <= values.min() and values.max() <= scale.high):
            raise DataError(
                f"qualities run from {values.min():g} to {values.max():g}, outside the scale from "
                f"{scale.low:g} to {scale.high:g}, on which a guarantee rests; correct either"
            )
