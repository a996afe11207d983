"""The card of a job: stage, rate and time left, looked at each second; what to do once it ended."""

import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from routellm_core import jobs
from routellm_core.wording.numbers import duration, fixed, gpu_memory
from views.state.attempt import attempt
from views.text.escape import plain

_SECONDS = 1.0


STATUS = {
    "running": "running",
    "done": "done",
    "cancelled": "cancelled",
    "failed": "failed",
    "stopped": "stopped: its process is gone",
}
_REASONS = {
    "cancelled": "it was cancelled",
    "stopped": "its process is gone; the machine may have run out of memory",
}
"""Of a job that ended without a message."""


def watch(folders: Sequence[Path], draw: Callable[[jobs.Job], None]) -> None:
    """A look at the jobs each second until one of them ends; then the page is drawn anew."""
    if folders:
        st.fragment(_look, run_every=_SECONDS)(list(folders), draw)


def _look(folders: list[Path], draw: Callable[[jobs.Job], None]) -> None:
    found = [jobs.read(folder) for folder in folders if (folder / "run.json").exists()]
    if len(found) < len(folders) or any(job.status != "running" for job in found):
        st.rerun()
    for job in found:
        draw(job)


def job_card(
    job: jobs.Job,
    title: str,
    *,
    first: str,
    line: str = "",
    body: Callable[[], None] | None = None,
    in_bytes: bool = False,
    is_own: bool = True,
    cancelled: str = "",
    ended: str = "is not finished",
    is_error: bool = False,
    on_resume: Callable[[], None] | None = None,
) -> None:
    """A job at work or ended early: how far it is or why it ended, and what to do about it.

    Args:
        job: as its folder tells it.
        title: its name, read as text.
        first: the stage before anything was told.
        line: said in place of a line of its own for the stage.
        body: draws what stands between the bar and the buttons.
        in_bytes: whether the work counts bytes while it reads.
        is_own: whether whoever looks may cancel it.
        cancelled: said when it was cancelled.
        ended: what is said of it once it ended early; the reason follows.
        is_error: whether that is an error.
        on_resume: called to go on with it, within an `attempt`.
    """
    if job.status == "running":
        _draw_running(job, title, first, line, in_bytes)
        if body is not None:
            body()
        if is_own:
            st.button("Cancel", key=_key("cancel", job), on_click=_cancel, args=(job, cancelled))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        reason = job.message or _REASONS[job.status]
        say, icon = (st.error, "error") if is_error else (st.warning, "info")
        say(plain(f"{title} {ended}: {reason}"), icon=f":material/{icon}:")
        if on_resume is not None:
            st.button("Go on", key=_key("go_on", job), on_click=_resume, args=(on_resume,))
        put_away_button(job)


def heading(title: str, status: str, is_running: bool, *lines: str) -> None:
    """A job's name and status, and lines that keep their height whatever they say."""
    under = "".join(f"<p>{escape(line)}</p>" for line in lines)
    kind = "at-work" if is_running else "ended"
    st.html(
        f'<div class="run {kind}"><h3>{escape(title)} '
        f"<span>{escape(status)}</span></h3>{under}</div>"
    )


def put_away_button(job: jobs.Job, help: str | None = None) -> None:
    """A button that deletes a job that ended."""
    st.button("Put away", key=_key("away", job), on_click=_put_away, args=(job,), help=help)


def _draw_running(job: jobs.Job, title: str, first: str, line: str, in_bytes: bool) -> None:
    stage, share, figures = said(job.progress, first, in_bytes)
    lines = (f"{stage}: {figures}", line) if line else (stage, figures)
    heading(title, STATUS[job.status], True, *lines)
    st.progress(share)


def _key(what: str, job: jobs.Job) -> str:
    """A name of a button that no other job on the page has."""
    return "_".join((what, *job.folder.parts[-2:]))


def _cancel(job: jobs.Job, cancelled: str) -> None:
    with attempt(cancelled):
        jobs.cancel(job.folder)


def _resume(on_resume: Callable[[], None]) -> None:
    with attempt():
        on_resume()


def _put_away(job: jobs.Job) -> None:
    with attempt():
        jobs.delete(job.folder)


def said(progress: pd.DataFrame, first: str, in_bytes: bool = False) -> tuple[str, float, str]:
    """The stage, the share of it that is done in [0, 1], and how fast it goes.

    Args:
        progress: of a job.
        first: the stage before anything was told.
        in_bytes: the work counts bytes.
    """
    if progress.empty:
        return first, 0.0, "–"
    last = progress.iloc[-1]
    share = float(last["done"] / last["total"]) if last["total"] else 0.0
    amount = _megabytes if in_bytes and "reading" in str(last["stage"]) else _count
    figures = f"{amount(last['done'])} of {amount(last['total'])}"
    rate = jobs.rate(progress)
    if math.isfinite(rate):
        figures += f" · {_megabytes(rate) if amount is _megabytes else fixed(rate, 1)} a second"
    left = jobs.seconds_left(progress)
    if math.isfinite(left):
        figures += f" · {duration(left)} left in this stage"
    if not math.isnan(last["gpu_gib"]):
        figures += f" · {gpu_memory(last['gpu_gib'])}"
    return str(last["stage"]), min(max(share, 0.0), 1.0), figures


def _count(n: float) -> str:
    return f"{int(n):,}"


def _megabytes(n: float) -> str:
    return f"{fixed(n, 1, 1e-6)} MB"
