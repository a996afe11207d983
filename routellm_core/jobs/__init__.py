"""Long work in a process of its own: its folder, its progress, its end."""

from routellm_core.jobs.job import (
    Cancelled,
    Job,
    JobContext,
    at_work,
    cancel,
    delete,
    end,
    jobs_in,
    rate,
    read,
    seconds_left,
    start,
)
from routellm_core.jobs.plans import JobPlan

__all__ = [
    "Cancelled",
    "Job",
    "JobContext",
    "JobPlan",
    "at_work",
    "cancel",
    "delete",
    "end",
    "jobs_in",
    "rate",
    "read",
    "seconds_left",
    "start",
]
