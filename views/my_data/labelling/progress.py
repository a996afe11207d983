"""Asking that is at work, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from routellm_core import jobs
from routellm_core.labelling.into_store import SUFFIX, gathered_from_endpoints
from routellm_core.labelling.job import LabellingJobPlan
from routellm_core.labelling.outcomes import Labelled
from routellm_core.wording.numbers import usd_text
from views.cache import benchmarks, own_data, workspace
from views.components import html_table, job_progress
from views.components.html_table import figure
from views.my_data.labelling import budget, saving
from views.state.attempt import attempt, button
from views.text.escape import plain

Start = Callable[[LabellingJobPlan, float, Path | None], None]


def asking_jobs(benchmark_id: str) -> list[jobs.Job]:
    """Jobs that ask about a set, the newest first."""
    found = [
        jobs.read(path.parent)
        for path in workspace.current().labellings(benchmark_id).glob("*/run.json")
    ]
    return sorted(found, key=lambda job: (job.started_at, job.folder.name), reverse=True)


def draw(version: int, row: Any, found: list[jobs.Job], start: Start) -> None:
    """The jobs at work, each second, and those that have ended, with their summaries.

    Args:
        version: of the store.
        row: of the set.
        found: its jobs.
        start: begins a job under a cap, instead of another.
    """
    job_progress.watch([job.folder for job in found if job.status == "running"], _draw_running)
    for job in found:
        if job.status != "running":
            with st.container(border=True):
                _draw_ended(version, row, job, start)


def _title(plan: LabellingJobPlan) -> str:
    asked = plan.asked
    return f"{asked.weak.name} and {asked.strong.name}, judged by {asked.judge.name}"


def _draw_running(job: jobs.Job) -> None:
    plan = LabellingJobPlan.of(job.plan)
    line = f"{_spent(job.facts)}; {_cap(plan)}"
    job_progress.job_card(job, _title(plan), first="beginning", line=line)


def _spent(facts: Any) -> str:
    n = facts.get("n_requests")
    if n is None:
        return "nothing sent yet"
    spent_usd = facts.get("usd")
    money = "price unknown" if spent_usd is None else usd_text(spent_usd)
    if facts.get("usd_at_worst"):
        money += f", {usd_text(facts['usd_at_worst'])} of it at worst"
    return f"{n:,} requests so far, {money}"


def _cap(plan: LabellingJobPlan) -> str:
    if plan.asked.cap_usd is not None:
        return f"cap {usd_text(plan.asked.cap_usd)}"
    return f"cap {plan.asked.cap_calls:,} calls"


def _draw_ended(version: int, row: Any, job: jobs.Job, start: Start) -> None:
    plan = LabellingJobPlan.of(job.plan)
    is_cap_reached = bool(job.facts.get("is_cap_reached"))
    status = "the cap is reached" if is_cap_reached else job_progress.STATUS[job.status]
    job_progress.heading(_title(plan), status, False)
    if job.message:
        st.error(plain(job.message), icon=":material/error:")
    written_ns = budget.written_ns(row.benchmark_id)
    labelled = None
    if written_ns is None:
        st.caption("Nothing was sent.")
    else:
        record = str(budget.record_dir(row.benchmark_id))
        labelled = own_data.labelled(version, plan, record, written_ns)
        _draw_summary(labelled)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if labelled is not None and len(labelled.queries):
            st.button(
                "Keep as a set",
                key=f"_outcomes_keep_{job.folder.name}",
                type="primary",
                on_click=_keep,
                args=(version, plan, labelled),
            )
        if labelled is None or len(labelled.failed):
            _draw_going_on(job, plan, is_cap_reached, start)
        help = "The replies stay with the set, so that nothing is asked twice."
        job_progress.put_away_button(job, help)


def _draw_going_on(
    job: jobs.Job, plan: LabellingJobPlan, is_cap_reached: bool, start: Start
) -> None:
    """The same again, under the same cap or another."""
    more = 2 if is_cap_reached else 1
    n_before, usd_before = budget.spent(plan.benchmark_id)
    cap_usd, n_calls = plan.asked.cap_usd, plan.asked.cap_calls
    cap = budget.draw(
        plan,
        more * (usd_before if cap_usd is None else cap_usd),
        more * (n_before + 1 if n_calls is None else n_calls),
        key=f"_outcomes_cap_{job.folder.name}",
    )
    button(
        "Go on",
        start,
        *(plan, cap, job.folder),
        key=f"_outcomes_go_on_{job.folder.name}",
        help="What was said before is not asked again.",
    )


def _draw_summary(labelled: Labelled) -> None:
    rows = []
    if labelled.battles is not None:
        n_texts = len(labelled.battles)
        won = labelled.battles["winner"].value_counts()
        for words, name in (
            (f"{labelled.plan.strong.name} ■ preferred", "model_b"),
            (f"{labelled.plan.weak.name} ● preferred", "model_a"),
            ("ties", "tie"),
        ):
            rows.append([words, f"{won.get(name, 0):,} of {n_texts:,} texts"])
    rows.append(["requests, of all work about this set", f"{labelled.n_requests:,}"])
    rows.append(["spent, of all work about this set", usd_text(labelled.usd)])
    html_table.draw("What came of it", ["what", figure("figure")], rows)
    st.markdown("\n".join(f"- {plain(note)}" for note in labelled.notes))


def _keep(version: int, plan: LabellingJobPlan, labelled: Labelled) -> None:
    with attempt():
        card = benchmarks.benchmark(version, plan.benchmark_id)
        found = gathered_from_endpoints(labelled, plan.benchmark_id + SUFFIX, card)
        saving.keep(found, card)
