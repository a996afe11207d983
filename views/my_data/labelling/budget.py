"""The budget of a set: all that is asked about it counts, whatever the plan."""

import math
from dataclasses import replace
from pathlib import Path

import streamlit as st

from routellm_core.labelling import journal
from routellm_core.labelling.job import LabellingJobPlan
from routellm_core.wording.numbers import usd_text
from views.cache import own_data, workspace

_HELP = "No request is sent that might go over it. It counts all that was asked about this set."


def record_dir(benchmark_id: str) -> Path:
    """Folder of the replies about a set, for all of its jobs: so nothing is asked twice."""
    return workspace.current().replies(benchmark_id)


def written_ns(benchmark_id: str) -> int | None:
    """When a reply came last; None where nothing was sent."""
    path = record_dir(benchmark_id) / journal.FILE_NAME
    return path.stat().st_mtime_ns if path.exists() else None


def spent(benchmark_id: str) -> tuple[int, float]:
    """Requests so far, and USD: NaN where a price was unknown."""
    return own_data.spent(str(record_dir(benchmark_id)), written_ns(benchmark_id))


def are_usd(plan: LabellingJobPlan) -> bool:
    """True where dollars can be capped: all prices are known, also of what was asked before."""
    priced = all(end.has_price for end in plan.asked.endpoints)
    return priced and not math.isnan(spent(plan.benchmark_id)[1])


def draw(plan: LabellingJobPlan, usual_usd: float, n_calls: int, key: str | None = None) -> float:
    """The input, in dollars where they can be capped, else in calls.

    Args:
        plan: to be capped.
        usual_usd: the usual cap in dollars.
        n_calls: the usual cap in calls.
        key: of the input; without one it follows what is usual.
    """
    n_before, usd_before = spent(plan.benchmark_id)
    if are_usd(plan):
        said = f" {usd_text(usd_before)} is spent already." if n_before else ""
        cap = st.number_input(
            "Cap, USD", 0.0, None, usual_usd, format="%.2f", key=key, width=180, help=_HELP + said
        )
        return float(cap)
    said = f" {n_before:,} are sent already." if n_before else ""
    return float(
        st.number_input("Cap, calls", 1, None, n_calls, key=key, width=180, help=_HELP + said)
    )


def text(plan: LabellingJobPlan, cap: float) -> str:
    """A cap as it is shown."""
    return usd_text(cap) if are_usd(plan) else f"{cap:,.0f} calls"


def capped(plan: LabellingJobPlan, cap: float) -> LabellingJobPlan:
    """The plan under what `draw` gave, and no other cap."""
    if are_usd(plan):
        asked = replace(plan.asked, cap_usd=cap, cap_calls=None)
    else:
        asked = replace(plan.asked, cap_usd=None, cap_calls=int(cap))
    return replace(plan, asked=asked)
