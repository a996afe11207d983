"""Trainings at work: how far they are, and the loss as it falls."""

from functools import partial

from routellm_core import jobs
from routellm_core.training import job as training_job
from routellm_core.training.job import TrainingRun
from views.components import job_progress
from views.train import loss


def draw(active: list[TrainingRun]) -> None:
    """Watches the runs until one of them ends; then the page is drawn again."""
    job_progress.watch([run.folder for run in active], _draw_run)


def _draw_run(job: jobs.Job) -> None:
    run = training_job.read_run(job.folder)
    job_progress.job_card(
        job,
        run.run_id,
        first="Starting: reading texts and battles",
        body=partial(draw_loss, run),
    )


def draw_loss(run: TrainingRun) -> None:
    """The loss curve; routers that do not learn step by step have none."""
    empty = (
        "sw_ranking has no loss to follow: it keeps the battles and weighs them when it is asked."
        if run.plan.router_name == "sw_ranking"
        else "The loss is drawn here once the training has begun."
    )
    loss.draw_loss(run.progress, empty)
