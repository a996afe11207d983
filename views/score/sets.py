"""Scoring a set by routers: chosen, watched, kept."""

from functools import partial
from threading import Lock
from typing import Any

import pandas as pd
import streamlit as st

from routellm_core import jobs
from routellm_core.errors import DataError, RoutingError
from routellm_core.scoring import job as scoring_job
from routellm_core.scoring.engine import CHUNK
from routellm_core.scoring.job import ScoringPlan
from routellm_core.types import ModelPair
from views.cache import benchmarks, own_data, workspace
from views.components import job_progress
from views.selection.scorings import labels_of
from views.state.attempt import attempt, button
from views.text.escape import plain

_taking = Lock()
"""Tabs look at the same scorings: each is begun and kept once."""
_USUAL = ("mf-golden",)
_READS = {
    "random": "no model",
    "sw_ranking": "embeddings",
    "mf": "embeddings",
    "bert": "a small BERT",
    "causal_llm": "a language model: slow without a GPU",
    "stacked": "all of these: slow without a GPU",
}


def draw(version: int, row: Any, pair: ModelPair | None) -> None:
    """Take up what is finished, show what is at work, offer more.

    Args:
        version: of the store.
        row: of the set.
        pair: under which scores are kept; None: each router's own.
    """
    _take_finished(row.benchmark_id)
    found = jobs_of(row.benchmark_id)
    job_progress.watch([job.folder for job in found if job.status == "running"], _draw_job)
    for job in found:
        if job.status in ("failed", "stopped", "cancelled"):
            _draw_job(job)
    texts, total = benchmarks.n_texts(version, row.benchmark_id)
    if not texts:
        st.info("A router reads texts, and this set has none.", icon=":material/description:")
        return
    done = set(own_data.scorings(version, row.benchmark_id)["router_id"])
    routers = own_data.scoring_routers(version)
    # One that learned from the set scores it honestly out of fold only, as its training did.
    taught = routers["trained_on"].map(lambda names: row.benchmark_id in names.split(", "))
    routers = routers[~routers["router_id"].isin(done) & ~taught]
    if routers.empty:
        return
    is_first = not done and not found
    with st.expander("Score it with routers" if not done else "More routers", expanded=is_first):
        labels = {
            r.router_id: f"{r.router_id} · reads with {_READS.get(r.router_name, r.router_name)}"
            for r in routers.itertuples()
        }
        chosen = st.multiselect(
            "Routers",
            list(labels),
            [name for name in _USUAL if name in labels],
            format_func=labels.__getitem__,
            key=f"_routers_{row.benchmark_id}",
        )
        said = f"{texts:,} of {total:,} queries have a text. " if texts < total else ""
        st.caption(
            said
            + "Embeddings take about 20 seconds for a thousand queries on two processor cores, "
            "a language model some minutes."
        )
        button(
            "Score",
            _start,
            *(version, row.benchmark_id, tuple(chosen), pair),
            disabled=not chosen,
            type="primary",
        )


def _start(
    version: int, benchmark_id: str, routers: tuple[str, ...], pair: ModelPair | None
) -> None:
    """One job for each pair, since a router without outcomes to go by keeps its own."""
    with attempt(), _taking:  # two tabs that ask for the same get it once
        folder = workspace.current().scorings(benchmark_id)
        for plan in scoring_job.plans_of(workspace.store(), benchmark_id, routers, pair):
            at_work = [job.plan for job in jobs_of(benchmark_id) if job.status == "running"]
            if plan not in map(ScoringPlan.of, at_work):
                jobs.start(scoring_job.folder_for(plan, folder), plan, workspace.store_path())


def jobs_of(benchmark_id: str) -> list[jobs.Job]:
    folder = workspace.current().scorings(benchmark_id)
    return jobs.jobs_in(folder)


def scorings_at_work() -> int:
    """Scoring jobs of all sets, from all sessions."""
    folders = workspace.current().sets.glob("*/scoring")
    return sum(job.status == "running" for folder in folders for job in jobs.jobs_in(folder))


def _draw_job(job: jobs.Job) -> None:
    job_progress.job_card(
        job,
        f"Scoring by {', '.join(job.plan['router_ids'])}",
        first="Loading the routers",
        body=partial(_draw_device, job),
        on_resume=partial(_resume, job),
    )


def _draw_device(job: jobs.Job) -> None:
    """The device of a scoring, and how many others take turns with it."""
    if "device" in job.facts:
        st.caption(plain(f"On {job.facts['device']}, {job.facts['precision']}."))
    n_at_work = scorings_at_work()
    if n_at_work > 1:
        st.caption(
            f"{n_at_work} scorings take turns, up to {CHUNK} queries each: none waits for another "
            "to end."
        )


def _take_finished(benchmark_id: str) -> None:
    """Put finished scores into the store."""
    n_kept = 0
    with _taking:
        for job in jobs_of(benchmark_id):
            if job.status != "done":
                continue
            try:
                store = workspace.store()
                with store.open_for_writing():
                    scoring_job.keep(job.folder, store)
                jobs.delete(job.folder)
                n_kept += 1
            except RoutingError as error:
                st.error(plain(f"The scores are there, but not kept yet: {error}"))
    if n_kept:
        st.rerun()


def _resume(job: jobs.Job) -> None:
    jobs.start(job.folder, ScoringPlan.of(job.plan), workspace.store_path())


def chosen(version: int, row: Any) -> pd.Series | None:
    """The scoring that is looked at; None while there is none."""
    table = own_data.scorings(version, row.benchmark_id)
    if table.empty:
        return None
    labels = {
        place: f"{label} · {n_scored:,} scored"
        for place, (label, n_scored) in enumerate(
            zip(labels_of(table), table["n_scored"], strict=True)
        )
    }
    place = st.selectbox(
        "Router", list(labels), format_func=labels.__getitem__, key=f"_scoring_{row.benchmark_id}"
    )
    if place is None:
        raise DataError("choose a router")
    return table.iloc[place]
