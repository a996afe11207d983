"""Figures of a policy for the person who pays: its money, what else one could do, its slices."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from routellm_core.evaluation.best_of_all import AllModels, BestOfAll, best_not_dearer
from routellm_core.evaluation.overhead.routed_seconds import RoutedSeconds
from routellm_core.metrics.curve import calls_strong, index_at_share, point_index, rank_queries
from routellm_core.metrics.slices import looks_broken, slice_table
from routellm_core.policy.bill import Bill
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.policy.document import Policy
from routellm_core.statistics.bootstrap import CurveIntervals, curve_intervals
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.routed_point import point_figures, saving_over_mix, share_estimate
from routellm_core.types import Estimate, Floats, Interval, Ints
from routellm_core.wording.names import distinct_names
from routellm_core.wording.numbers import is_known

_UNKNOWN = Interval(math.nan, math.nan)


class Option(NamedTuple):
    """A point of the router's curve: the policy, another threshold, or one model alone."""

    name: str
    strong_call_share: float
    quality: Estimate
    """In the benchmark's scale."""
    gain: Estimate
    """Quality above that of the policy, on the same queries."""
    usd_per_query: Estimate
    saving: Estimate
    """Share of the money of always calling the strong model."""


class SliceFigures(NamedTuple):
    """The policy on the queries of one kind."""

    name: str
    n_queries: int
    strong_call_share: float
    quality: Estimate
    quality_weak: float
    quality_strong: float
    looks_broken: bool


class ReportFigures(NamedTuple):
    """All that the page says in numbers."""

    names: tuple[str, str]
    """Short ones of the weak and the strong model."""
    queries_per_month: float
    options: list[Option]
    """The policy first, then cheaper, better, always strong, always weak, as far as they differ."""
    mix_usd_per_query: float
    """Of a random mix of both models with the quality of the policy; NaN where none has it."""
    saving_over_mix: Estimate
    intervals: CurveIntervals
    slices: list[SliceFigures]
    """Largest first."""
    bill: Bill | None = None
    """None: only the money of answers is told."""
    seconds: RoutedSeconds | None = None
    """None: nobody measured any."""
    best_of_all: BestOfAll | None = None
    """None: there are no more than the two models."""

    @property
    def policy(self) -> Option:
        return self.options[0]


def figures_of(
    choice: SelectedThreshold,
    policy: Policy,
    queries_per_month: float,
    bill: Bill | None = None,
    seconds: RoutedSeconds | None = None,
    models: AllModels | None = None,
) -> ReportFigures:
    """Figures of a policy; those that its evidence has too are the same.

    Args:
        choice: that the policy was made of.
        policy: gives seed and number of resamples.
        queries_per_month: for which money is given.
        bill: of the choice; None: it is left out.
        seconds: of the choice; None: they are left out.
        models: all of the benchmark; None: there are no more than the pair's.
    """
    outcomes, ranking = choice.outcomes, rank_queries(choice.strong_win_rate)
    found = curve_intervals(
        ranking,
        outcomes.quality_weak,
        outcomes.quality_strong,
        cluster_code=outcomes.cluster_code,
        n_resamples=policy.evidence.n_resamples,
        seed=policy.evidence.seed,
    )
    option = partial(_option, choice, found)
    weak_name, strong_name = distinct_names(outcomes.model_pair).values()
    called = calls_strong(choice.strong_win_rate, choice.point.threshold)
    mix_usd, over_mix = saving_over_mix(called, outcomes, choice.costs)
    return ReportFigures(
        names=(weak_name, strong_name),
        queries_per_month=queries_per_month,
        options=[option(i, name) for i, name in _points(choice, weak_name, strong_name).items()],
        mix_usd_per_query=mix_usd,
        saving_over_mix=over_mix,
        intervals=found,
        slices=_slices(choice),
        bill=bill,
        seconds=seconds,
        best_of_all=models and _best(choice, models),
    )


def _best(choice: SelectedThreshold, models: AllModels) -> BestOfAll:
    called = calls_strong(choice.strong_win_rate, choice.point.threshold)
    return best_not_dearer(
        models,
        _routed(choice, choice.point.threshold),
        np.where(called, choice.costs.strong, choice.costs.weak),
        choice.outcomes.cluster_code,
        choice.benchmark,
    )


def _points(choice: SelectedThreshold, weak_name: str, strong_name: str) -> dict[int, str]:
    """Positions on the curve and their names: none twice, the policy first."""
    curve = choice.curve
    share, last = choice.point.strong_call_share, len(curve.threshold) - 1
    single = {last: f"No router: always {strong_name} ■", 0: f"No router: always {weak_name} ●"}
    others = {
        index_at_share(curve, share / 2): "Half of the strong calls",
        index_at_share(curve, (1 + share) / 2): "Half of the weak calls",
    }
    own = _own_index(choice)
    named = {own: "This policy"} | {i: n for i, n in others.items() if i not in (own, *single)}
    return named | {i: name for i, name in single.items() if i != own}


def _own_index(choice: SelectedThreshold) -> int:
    return max(point_index(choice.curve, choice.point.threshold), 0)


def _option(choice: SelectedThreshold, found: CurveIntervals, i: int, name: str) -> Option:
    threshold, own = float(choice.curve.threshold[i]), choice.point.threshold
    called = calls_strong(choice.strong_win_rate, threshold)
    figures = point_figures(called, choice.outcomes, choice.costs, found)
    gain = _routed(choice, threshold) - _routed(choice, own)
    return Option(
        name=name,
        strong_call_share=figures.strong_call_share.value,
        quality=figures.quality,
        gain=Estimate(float(gain.mean()), mean_interval(gain, choice.outcomes.cluster_code)),
        usd_per_query=figures.usd_per_query,
        saving=figures.saving,
    )


def _routed(choice: SelectedThreshold, threshold: float) -> Floats:
    """(n_queries,) quality of the model that is called."""
    called = calls_strong(choice.strong_win_rate, threshold)
    return np.where(called, choice.outcomes.quality_strong, choice.outcomes.quality_weak)


def _slices(choice: SelectedThreshold) -> list[SliceFigures]:
    outcomes = choice.outcomes
    table = slice_table(outcomes, choice.strong_win_rate, choice.point.threshold)
    routed, code_of = _routed(choice, choice.point.threshold), outcomes.slices.index
    scale = choice.benchmark.quality_low, choice.benchmark.quality_high
    found = []
    for row, broken in zip(table.itertuples(), looks_broken(table), strict=True):
        own = outcomes.slice_code == code_of(row.slice)
        interval = _quality_interval(routed[own], outcomes.cluster_code[own])
        found.append(
            SliceFigures(
                name=row.slice,
                n_queries=int(row.n_queries),
                strong_call_share=row.strong_call_share,
                quality=Estimate(row.quality, Interval(*np.clip(interval, *scale).tolist())),
                quality_weak=row.quality_weak,
                quality_strong=row.quality_strong,
                looks_broken=bool(broken),
            )
        )
    return found


def _quality_interval(values: Floats, cluster_code: Ints) -> Interval:
    """Exact where each text is right or wrong once, else Student's t; NaN where nothing varies."""
    n = len(values)
    if np.isin(values, (0.0, 1.0)).all() and len(np.unique(cluster_code)) == n:
        return share_estimate(values.astype(np.bool_), cluster_code).interval
    low, high = mean_interval(values, cluster_code)
    return Interval(low, high) if is_known(low) and low < high else _UNKNOWN
