"""Trainings at work: how far they are, and the loss as it falls."""

from pathlib import Path

import streamlit as st

from routellm_core import jobs
from routellm_core.training import job as training_job
from routellm_core.training.job import TrainingRun
from views.components import job_progress
from views.state.attempt import attempt
from views.train import loss


def draw(active: list[TrainingRun]) -> None:
    """Watches the runs until one of them ends; then the page is drawn anew."""
    job_progress.watch([run.folder for run in active], _draw_run)


def _draw_run(folder: Path) -> None:
    run = training_job.read_run(folder)
    stage, share, figures = job_progress.said(run.progress, "Starting: reading texts and battles")
    draw_heading(run, "at work", stage, figures)
    st.progress(share)
    draw_loss(run)
    st.button("Cancel", key=f"cancel_{run.run_id}", on_click=_cancel, args=(run,))


def draw_heading(run: TrainingRun, status: str, *lines: str) -> None:
    """The run's name and status, and lines that keep their height whatever they say."""
    job_progress.heading(run.run_id, status, run.status == "running", *lines)


def draw_loss(run: TrainingRun) -> None:
    """The loss curve; routers that do not learn step by step have none."""
    empty = (
        "sw_ranking has no loss to follow: it keeps the battles and weighs them when it is asked."
        if run.plan.router_name == "sw_ranking"
        else "The loss is drawn here once the training has begun."
    )
    loss.draw_loss(run.progress, empty)


def _cancel(run: TrainingRun) -> None:
    with attempt():
        jobs.cancel(run.folder)
