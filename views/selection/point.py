"""The chosen point of the chosen router, read exactly from the link's target."""

from typing import Literal, NamedTuple, TypeAlias, cast

import streamlit as st

from routellm_core.errors import UnreachableError
from routellm_core.metrics import thresholds
from routellm_core.metrics.curve import operating_point, point_index
from routellm_core.metrics.thresholds import Mode, Target, ThresholdChoice
from routellm_core.policy.guarantee.certify import Certificate
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.types import Benchmark, OperatingPoint
from views.cache import benchmarks
from views.cache.benchmarks import Money, Ranked
from views.selection import guarantee
from views.selection.frame import Selection
from views.state import link
from views.text.format import quality_text

NamedMode: TypeAlias = Mode | Literal["promise"]

USUAL_SHARE = 0.3
_USUAL_QUERIES_PER_MONTH = 100_000.0
_MODES = ["alpha", "share", "budget", "quality", "pgr", "promise"]


class Readings(NamedTuple):
    """Everything that is known about the chosen router and point."""

    ranked: Ranked
    money: Money
    intervals: CurveIntervals
    calibration: ThresholdChoice
    """Of a guarantee: its threshold as a given α, to the last digit."""
    certificate: Certificate | None
    problem: str | None
    """Why the target cannot be met; the point is then another one."""
    point: OperatingPoint
    cost: float
    """USD a query at the point."""

    @property
    def mode(self) -> NamedMode:
        """The way in which the point was chosen; what was given where that cannot be met."""
        if self.certificate is not None:
            return "promise"
        return self.calibration.mode if self.problem is None else mode()


def read(selection: Selection) -> Readings:
    """Answer the target that the link holds, exactly."""
    ranked = benchmarks.ranked(selection.key)
    money = benchmarks.money(selection.key, selection.price_weak, selection.price_strong)
    certificate, problem = None, None
    try:
        if mode() == "promise":
            certificate = guarantee.certified(
                selection.key, selection.benchmark, *guarantee.asked_for(selection.benchmark)
            )
        chosen = thresholds.for_target(ranked.curve, money.curve, _target(certificate))
    except UnreachableError as error:
        problem = _in_shown_unit(error, selection.benchmark)
        chosen = thresholds.for_share(ranked.curve, USUAL_SHARE)
    point = operating_point(ranked.curve, chosen.threshold)
    st.session_state["strong_call_share"] = point.strong_call_share
    return Readings(
        ranked=ranked,
        money=money,
        intervals=benchmarks.intervals(selection.key),
        calibration=chosen,
        certificate=certificate,
        problem=problem,
        point=point,
        cost=float(money.curve[point_index(ranked.curve, chosen.threshold)]),
    )


def _in_shown_unit(error: UnreachableError, benchmark: Benchmark) -> str:
    """The problem with a given quality in the unit in which it was typed."""
    wanted = link.number("wanted", None)
    if mode() != "quality" or error.best is None or wanted is None:
        return str(error)
    return (
        f"no threshold of this router reaches a quality of {quality_text(benchmark, wanted)}; the "
        f"best is {quality_text(benchmark, error.best)}"
    )


def mode() -> NamedMode:
    """The way in which α was chosen; an unknown one in a link counts as a share."""
    return cast(NamedMode, link.text("mode", "share", _MODES))


def queries_per_month() -> float:
    """Queries a month that a budget is for, at most a million millions."""
    wanted = link.number("queries_per_month", None)
    return _USUAL_QUERIES_PER_MONTH if wanted is None else min(wanted, 1e12)


def _target(certificate: Certificate | None) -> Target:
    """The target in the link, by default the usual share; of a guarantee its α."""
    if certificate is not None:
        return Target("alpha", certificate.threshold)
    wanted = link.number("wanted", None)
    if wanted is None:
        return Target("share", USUAL_SHARE)
    return Target(cast(Mode, mode()), wanted, queries_per_month())
