"""Asking endpoints as a job: in a process of its own, watched, cancelled and taken up again.

Where the replies are kept is no part of the job. So jobs of other plans about the same queries,
one with a higher cap for example, find what was said before and ask only for the rest.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from routellm_core import jobs
from routellm_core.files import with_nulls
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.labelling import run
from routellm_core.labelling.journal import Record
from routellm_core.labelling.plan import LabellingPlan
from routellm_core.store import Store
from routellm_core.store.workspace import Workspace

_SECONDS_BETWEEN_ACCOUNTS = 1.0
_SHARE_OF_ACCOUNTS = 0.05
"""Of the work's time, at the most, goes into reading what it has spent."""


@dataclass(frozen=True)
class LabellingJobPlan(jobs.JobPlan):
    """The stored queries to label, and how to label them."""

    kind = "labelling"
    benchmark_id: str
    query_ids: tuple[str, ...]
    """In the order in which they are asked about, which a cap cuts off."""
    asked: LabellingPlan


def work_on(
    folder: Path,
    plan: LabellingJobPlan,
    store: Store,
    record_dir: Path,
    on_progress: OnProgress = silent,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Ask as planned, in this process.

    The job's facts tell `n_requests`, `usd` and `usd_at_worst` of the record so far (None where a
    price is unknown), and in the end `is_cap_reached`.

    Args:
        folder: of the job.
        plan: what to do.
        store: holds the texts; given back to others once these are read.
        record_dir: keeps what is said, for other jobs about the same queries too.
        on_progress: told how far it is.
        environ: holds the keys.

    Raises:
        DataError: as `work.work_on`.
        EndpointError: an endpoint refuses the key or the model, or fails again and again.
        Cancelled: the process was asked to end (SIGTERM).
    """
    with jobs.at_work(folder, plan, on_progress) as context:
        queries = asked_queries(store.queries(plan.benchmark_id), plan)
        store.release()
        account = _Account(context, record_dir)
        try:
            found = run.work_on(record_dir, plan.asked, queries, account, environ)
        finally:
            account.report()
        context.report(is_cap_reached=found.is_cap_reached)


def asked_queries(queries: pd.DataFrame, plan: LabellingJobPlan) -> pd.DataFrame:
    """The rows of `Store.queries` that a plan asks about, in its order.

    What was left out of the set's figures since, or has lost its text, is not asked about.
    """
    planned = pd.DataFrame({"query_id": list(plan.query_ids)}, dtype=object)
    return planned.merge(queries[queries["text"].notna()], on="query_id")


class _Account:
    """Passes on how far the work is, and now and then tells what it has spent."""

    def __init__(self, context: jobs.JobContext, record_dir: Path) -> None:
        self._context, self._record_dir = context, record_dir
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        self._context.on_progress(progress)
        if time.monotonic() >= self._next:
            self.report()

    def report(self) -> None:
        """Report what was spent so far; a long record is slow to read, and is read less often."""
        begun = time.monotonic()
        record = Record(self._record_dir)
        spent = {"usd": record.usd, "usd_at_worst": record.usd_at_worst}
        self._context.report(n_requests=record.n_requests, **with_nulls(spent))
        ended = time.monotonic()
        rest = (ended - begun) / _SHARE_OF_ACCOUNTS
        self._next = ended + max(_SECONDS_BETWEEN_ACCOUNTS, rest)


def main(folder: Path, store_path: Path) -> None:
    """Do the labelling of a folder, whose plan.json says what."""
    plan = LabellingJobPlan.read(folder / "plan.json")
    with Store(store_path, read_only=True) as store:
        work_on(folder, plan, store, Workspace(store_path).replies(plan.benchmark_id))
