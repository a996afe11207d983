"""The Train page from top to bottom: data, router, scoring, start; then all runs."""

import streamlit as st

from routellm_core import jobs
from routellm_core.training import job as training_job
from views.cache import workspace
from views.selection.frame import boundary
from views.state.attempt import attempt, button, say
from views.train import choice, data, history, similarity, uploads


def draw() -> None:
    """The page below its title."""
    say()
    version = workspace.version()
    st.subheader("What it learns from")
    st.caption(
        "Golden labels: a benchmark with known answers says which model won each of its queries. "
        "Battles: people or a judge preferred one of two answers. Everything stays on this machine."
    )
    golden, battles = choice.parts(version)
    uploads.draw(version)
    pair = choice.pair(version, golden, battles)
    is_known = False
    with boundary():
        is_known = data.draw(version, golden, battles, pair)
    st.subheader("Which router, and what it is scored on")
    plan, problem = None, ""
    with boundary():
        plan, problem = choice.choose(version, golden, battles, pair)
    if not is_known:
        plan, problem = None, problem or "The data are not complete yet: see above."
    _draw_start(plan, problem)
    history.draw(version)
    similarity.draw(version)


def _draw_start(plan: training_job.TrainingPlan | None, problem: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        button(
            "Start training",
            _start,
            plan,
            disabled=plan is None or bool(problem),
            type="primary",
        )
        st.caption(
            problem
            or "It runs in a process of its own: closing this page or the browser does not stop it."
        )


def _start(plan: training_job.TrainingPlan) -> None:
    with attempt():
        folder = workspace.current().runs
        for run in training_job.read_runs(folder):
            if run.status == "running" and run.plan == plan:
                return  # a second click
        jobs.start(folder / training_job.new_run_id(plan, folder), plan, workspace.store_path())
