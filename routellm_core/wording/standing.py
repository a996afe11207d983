"""Standing of a pair of models in words: which one to call always, or that the two are swapped."""

import math
from typing import Protocol

from routellm_core.wording.numbers import (
    both_ends,
    plus,
    points_text,
    quality_with_unit,
    usd_text,
)


class _Estimate(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def interval(self) -> tuple[float, float]: ...


class _Single(Protocol):
    @property
    def model(self) -> str: ...
    @property
    def quality(self) -> _Estimate: ...
    @property
    def usd_per_query(self) -> _Estimate: ...


class Standing(Protocol):
    """A pair's standing, as `statistics.pair_standing.PairStanding` holds it."""

    @property
    def kind(self) -> str: ...
    @property
    def gap(self) -> _Estimate: ...
    @property
    def extra_usd(self) -> _Estimate: ...
    @property
    def best(self) -> _Single: ...
    @property
    def n_queries(self) -> int: ...


class SaidBest(Protocol):
    """The best of all models, as `evaluation.best_of_all.BestOfAll` holds it."""

    @property
    def model(self) -> str | None: ...
    @property
    def quality(self) -> _Estimate: ...
    @property
    def usd_per_query(self) -> _Estimate: ...
    @property
    def usd_from(self) -> str: ...
    @property
    def routed_usd_from(self) -> str: ...
    @property
    def gain(self) -> _Estimate: ...
    @property
    def n_queries(self) -> int: ...
    @property
    def n_models(self) -> int: ...
    @property
    def n_unknown(self) -> int: ...
    @property
    def n_incomplete(self) -> int: ...
    @property
    def is_money_known(self) -> bool: ...


def announcement(found: Standing, weak: str, strong: str, unit: str) -> str | None:
    """The announcement of a pair that routing cannot help as it is; None for a usual one.

    Args:
        found: standing of the pair.
        weak: name of the weak model.
        strong: name of the strong model.
        unit: of the quality, as the benchmark has it.
    """
    gap = f"{_points(found.gap, unit)}, n = {found.n_queries:,}"
    low, high = found.extra_usd.interval
    extra = f"{_usd(abs(found.extra_usd.value))} per 1,000 queries"
    match found.kind:
        case "strong_dominates":
            money = f"costs {extra} less" if high < 0 else f"is not shown to be dearer than {weak}"
            return f"Call {strong} always: it is better ({gap}) and {money}. There is no trade-off."
        case "weak_dominates":
            money = f"costs {extra} more" if low > 0 else f"is not shown to be cheaper than {weak}"
            return (
                f"Call {weak} always: {strong}, named as the strong model, is worse ({gap}) and "
                f"{money}."
            )
        case "reversed":
            return (
                f"{strong}, named as the strong model, is worse than {weak} ({gap}). Swap the two "
                "models."
            )
        case "not_shown_better":
            return (
                f"{strong} is not shown to be better than {weak} ({gap}): routing between them may "
                "gain nothing."
            )
    return None


def swap_options(weak: str, strong: str) -> str:
    """The options of a command that swap the models."""
    return f"to swap them: --strong {weak} --weak {strong}"


def best_single(found: Standing, unit: str) -> str:
    """The best single model with its quality and money, without a full stop."""
    best = found.best
    return f"best single model: {best.model}, {_figures(best.quality, best.usd_per_query, unit)}"


def best_of_all(found: SaidBest, unit: str, model: str | None = None) -> str:
    """The best model of all that is not dearer than the routed answers, without a full stop.

    Args:
        found: it, with the number of models that were looked at.
        unit: of the quality.
        model: its name as it is shown; None: as it is.
    """
    left_out = [
        f"{n:,} {what}"
        for n, what in (
            (found.n_unknown, "of unknown cost"),
            (found.n_incomplete, "that answered too few of the queries"),
        )
        if n
    ]
    rest = f"; left out: {' and '.join(left_out)}" if left_out else ""
    of_all = f"of all {found.n_models + found.n_incomplete:,} models"
    if not found.is_money_known:
        return f"best {of_all} for the money of the routed answers: –, since that is not known"
    if found.model is None:
        return f"{of_all}: none of known cost is as cheap as the routed answers{rest}"
    figures = _figures(found.quality, found.usd_per_query, unit)
    by = f"by {found.usd_from}"
    if found.usd_from != found.routed_usd_from:
        by += f" (the routed answers: by {found.routed_usd_from})"
    return (
        f"best {of_all} that costs no more than the routed answers: {model or found.model}, "
        f"{figures}, {by}, n = {found.n_queries:,}; {against_best(found.gain, unit)}{rest}"
    )


def _figures(quality: _Estimate, usd: _Estimate, unit: str) -> str:
    ends = both_ends(quality.interval, points_text, quality_unit=unit)
    money = "money not known"
    if math.isfinite(usd.value):
        money = f"{_usd(usd.value)} per 1,000 queries (95% {both_ends(usd.interval, _usd)})"
    return f"quality {quality_with_unit(quality.value, unit)} (95% {ends}), {money}"


def against_best(gain: _Estimate, unit: str) -> str:
    """The routed answers against the best single model, without a full stop."""
    low, high = gain.interval
    points = _points(gain, unit)
    if low > 0:
        return f"the routed answers are better than it ({points})"
    if high < 0:
        return f"the routed answers are worse than it ({points})"
    if gain.value == low == high:
        return "the routed answers are as good as its own"
    return f"the routed answers are not shown to be better or worse than it ({points})"


def _points(found: _Estimate, unit: str) -> str:
    def write(value: float) -> str:
        return plus(points_text(value, unit))

    return f"{write(found.value)} points, 95% {both_ends(found.interval, write)}"


def _usd(usd_per_query: float) -> str:
    return usd_text(1_000 * usd_per_query)
