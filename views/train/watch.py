"""Trainings at work: stage, rate, time left and loss, looked at each second while there is one."""

import math
from html import escape
from pathlib import Path

import streamlit as st

from routellm_core import jobs, runs
from routellm_core.runs import Run
from views.loss_curve import loss_curve
from views.train.attempt import attempt

_SECONDS = 1.0


def draw(active: list[Run]) -> None:
    """Watches the runs until one of them ends; then the page is drawn anew."""
    if active:
        st.fragment(_watch, run_every=_SECONDS)([run.folder for run in active])


def _watch(folders: list[Path]) -> None:
    found = [runs.read_run(folder) for folder in folders if (folder / "run.json").exists()]
    if len(found) < len(folders) or any(run.status != "running" for run in found):
        st.rerun()
    for run in found:
        _draw_run(run)


def _draw_run(run: Run) -> None:
    stage, share, figures = said(run)
    draw_heading(run, "at work", stage, figures)
    st.progress(share)
    draw_loss(run)
    st.button("Cancel", key=f"cancel_{run.run_id}", on_click=_cancel, args=(run,))


def draw_heading(run: Run, status: str, *lines: str) -> None:
    """The run's name and status, and lines that keep their height whatever they say."""
    under = "".join(f"<p>{escape(line)}</p>" for line in lines)
    kind = "at-work" if run.status == "running" else "ended"
    st.html(
        f'{_STYLE}<div class="run {kind}"><h3>{escape(run.run_id)} '
        f"<span>{escape(status)}</span></h3>{under}</div>"
    )


def said(run: Run) -> tuple[str, float, str]:
    """The stage, the share of it that is done, and how fast it goes."""
    if run.progress.empty:
        return "Starting: reading texts and battles", 0.0, "–"
    last = run.progress.iloc[-1]
    share = float(last["done"] / last["total"]) if last["total"] else 0.0
    figures = f"{int(last['done']):,} of {int(last['total']):,}"
    rows = run.progress[run.progress["stage"] == last["stage"]]
    seconds = rows["time"].iloc[-1] - rows["time"].iloc[0]
    n_done = rows["done"].iloc[-1] - rows["done"].iloc[0]
    if seconds > 0 and n_done > 0:
        figures += f" · {n_done / seconds:,.1f} a second"
    left = jobs.seconds_left(run.progress)
    if math.isfinite(left):
        figures += f" · {_duration(left)} left in this stage"
    return str(last["stage"]), min(max(share, 0.0), 1.0), figures


def draw_loss(run: Run) -> None:
    """The loss curve; routers that do not learn step by step have none."""
    empty = (
        "sw_ranking has no loss to follow: it keeps the battles and weighs them when it is asked."
        if run.plan.router_name == "sw_ranking"
        else "The loss is drawn here once the training has begun."
    )
    loss_curve(run.progress, empty, key=f"loss_{run.run_id}")


def _cancel(run: Run) -> None:
    with attempt():
        jobs.cancel(run.folder)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"


_STYLE = """<style>
.run h3 { margin: 0; padding: 0; font-size: 19px; font-weight: 650; overflow-wrap: anywhere; }
.run h3 span { font-size: 14px; font-weight: 400; opacity: 0.72; }
.run p { margin: 0; height: 22px; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; font-size: 14px; font-variant-numeric: tabular-nums; }
</style>"""
