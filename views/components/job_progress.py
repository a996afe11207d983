"""Jobs at work: stage, rate and time left, looked at each second while there is one."""

import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from routellm_core import jobs
from routellm_core.wording.numbers import duration, fixed, gpu_memory

_SECONDS = 1.0


def watch(folders: Sequence[Path], draw: Callable[[Path], None]) -> None:
    """Draw the jobs each second until one of them ends; then the page is drawn anew."""
    if folders:
        st.fragment(_look, run_every=_SECONDS)(list(folders), draw)


def _look(folders: list[Path], draw: Callable[[Path], None]) -> None:
    there = [folder for folder in folders if (folder / "run.json").exists()]
    if len(there) < len(folders) or any(jobs.read(f).status != "running" for f in there):
        st.rerun()
    for folder in there:
        draw(folder)


def heading(title: str, status: str, is_running: bool, *lines: str) -> None:
    """A job's name and status, and lines that keep their height whatever they say."""
    under = "".join(f"<p>{escape(line)}</p>" for line in lines)
    kind = "at-work" if is_running else "ended"
    st.html(
        f'{_STYLE}<div class="run {kind}"><h3>{escape(title)} '
        f"<span>{escape(status)}</span></h3>{under}</div>"
    )


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


_STYLE = """<style>
.run h3 { margin: 0; padding: 0; font-size: 19px; font-weight: 650; overflow-wrap: anywhere; }
.run h3 span { font-size: 14px; font-weight: 400; opacity: 0.72; }
.run p { margin: 0; height: 22px; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; font-size: 14px; font-variant-numeric: tabular-nums; }
</style>"""
