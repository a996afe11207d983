"""Asking endpoints as a job: in a process of its own, watched, cancelled and taken up again.

Where the replies are kept is no part of the job. So jobs of other plans about the same queries,
one with a higher cap for example, find what was said before and ask only for the rest.
"""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from routellm_core import files, jobs
from routellm_core.errors import DataError
from routellm_core.files import with_nulls
from routellm_core.jobs.progress import Progress, Watch, silent
from routellm_core.labelling import run
from routellm_core.labelling.journal import Record
from routellm_core.labelling.plan import LabellingPlan, plan_of
from routellm_core.store import Store

_SECONDS_BETWEEN_ACCOUNTS = 1.0
_SHARE_OF_ACCOUNTS = 0.05
"""Of the work's time, at the most, goes into reading what it has spent."""


@dataclass(frozen=True)
class AskingPlan:
    """Which stored queries are asked about, and how."""

    benchmark_id: str
    query_ids: tuple[str, ...]
    """In the order in which they are asked about, which a cap cuts off."""
    asked: LabellingPlan


def start(folder: Path, plan: AskingPlan, store_path: Path, record_dir: Path) -> None:
    """Begin or go on with asking in a process of its own; arguments as for `work_on`."""
    paths = (folder, store_path, record_dir)
    jobs.start(folder, asdict(plan), ["routellm_core.labelling.job", *map(str, paths)])


def work_on(
    folder: Path,
    plan: AskingPlan,
    store: Store,
    record_dir: Path,
    watch: Watch = silent,
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
        watch: told how far it is.
        environ: holds the keys.

    Raises:
        DataError: as `work.work_on`.
        EndpointError: an endpoint refuses the key or the model, or fails again and again.
        Cancelled: the process was asked to end (SIGTERM).
    """
    with jobs.at_work(folder, asdict(plan), watch) as desk:
        queries = asked_queries(store.queries(plan.benchmark_id), plan)
        store.release()
        account = _Account(desk, record_dir)
        try:
            found = run.work_on(record_dir, plan.asked, queries, account, environ)
        finally:
            account.tell()
        desk.tell(is_cap_reached=found.is_cap_reached)


def asked_queries(queries: pd.DataFrame, plan: AskingPlan) -> pd.DataFrame:
    """The rows of `Store.queries` that a plan asks about, in its order.

    What was left out of the set's figures since, or has lost its text, is not asked about.
    """
    planned = pd.DataFrame({"query_id": list(plan.query_ids)}, dtype=object)
    return planned.merge(queries[queries["text"].notna()], on="query_id")


def asking_plan_of(document: Mapping[str, Any]) -> AskingPlan:
    """A plan as JSON holds it.

    Raises:
        DataError: it is no plan of asking.
    """
    try:
        return AskingPlan(
            document["benchmark_id"], tuple(document["query_ids"]), plan_of(document["asked"])
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"this is no plan of asking ({error})") from error


class _Account:
    """Passes on how far the work is, and now and then tells what it has spent."""

    def __init__(self, desk: jobs.Desk, record_dir: Path) -> None:
        self._desk, self._record_dir = desk, record_dir
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        self._desk.watch(progress)
        if time.monotonic() >= self._next:
            self.tell()

    def tell(self) -> None:
        """What the record says now; a long record takes a while to read, and is read less often."""
        begun = time.monotonic()
        record = Record(self._record_dir)
        spent = {"usd": record.usd, "usd_at_worst": record.usd_at_worst}
        self._desk.tell(n_requests=record.n_requests, **with_nulls(spent))
        ended = time.monotonic()
        rest = (ended - begun) / _SHARE_OF_ACCOUNTS
        self._next = ended + max(_SECONDS_BETWEEN_ACCOUNTS, rest)


def _main(folder: Path, store_path: Path, record_dir: Path) -> int:
    def work() -> None:
        plan = asking_plan_of(files.read_json(folder / "plan.json"))
        with Store(store_path, read_only=True) as store:
            work_on(folder, plan, store, record_dir)

    return jobs.process_of(work)


if __name__ == "__main__":
    sys.exit(_main(*map(Path, sys.argv[1:4])))
