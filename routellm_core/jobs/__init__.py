"""Long work in a process of its own: its folder, its progress, its end."""

from routellm_core.jobs.job import (
    Cancelled,
    Desk,
    Job,
    at_work,
    cancel,
    delete,
    end,
    jobs_in,
    process_of,
    rate,
    read,
    seconds_left,
    start,
)

__all__ = [
    "Cancelled",
    "Desk",
    "Job",
    "at_work",
    "cancel",
    "delete",
    "end",
    "jobs_in",
    "process_of",
    "rate",
    "read",
    "seconds_left",
    "start",
]
