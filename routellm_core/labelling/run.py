"""Outcomes for bare queries: two models answer them and a judge decides.

Texts leave this machine: each query goes to the endpoints of both models, and with both answers to
that of the judge, and nowhere else.

Whole queries are asked about one after another, several at a time, so that a cap or a cancel
leaves few half done. What was said lies in the folder's `calls.jsonl`; the same plan on the same
folder goes on from there, with a higher cap too, and asks nothing twice.
"""

import asyncio
import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.labelling.client import EndpointError, connected, read_keys
from routellm_core.labelling.journal import Record
from routellm_core.labelling.outcomes import Labelled, checked_queries, found
from routellm_core.labelling.plan import LabellingPlan
from routellm_core.labelling.protocol import N_CALLS, UnlabelledError, steps
from routellm_core.labelling.retries import RetryingClient

STAGE = "asking"
_HEARTBEAT_S = 0.5


def work_on(
    folder: Path,
    plan: LabellingPlan,
    queries: pd.DataFrame,
    on_progress: OnProgress = silent,
    environ: Mapping[str, str] = os.environ,
) -> Labelled:
    """Ask as planned, in this process, until every query is labelled or a cap is reached.

    Args:
        folder: made when absent; keeps what was said, never a key.
        plan: whom to ask, and what it may cost.
        queries: `query_id`, `text`; if known `slice`, `cluster_id`, `prompt_tokens`.
        on_progress: called after every call that ended, and twice a second; what it raises ends
            the work at once, and requests under way are abandoned.
        environ: holds the keys.

    Raises:
        DataError: no query, a query without a text, no cap or one that cannot be kept, a key that
            is not set, or another process works on the folder.
        EndpointError: an endpoint refuses the key or the model, or fails again and again.
    """
    checked = checked_queries(queries)
    plan.check_caps()
    keys = read_keys(plan, environ)
    with Record(folder) as record:
        if plan.cap_usd is not None and math.isnan(record.usd):
            raise DataError(
                "cap_usd cannot be kept: earlier requests about these queries had no price; name "
                "cap_calls alone, or another folder"
            )
        texts = list(dict.fromkeys(checked["text"]))
        is_cap_reached = asyncio.run(_ask_all(plan, texts, record, keys, on_progress))
        return found(plan, checked, record, is_cap_reached=is_cap_reached)


def read_labelled(folder: Path, plan: LabellingPlan, queries: pd.DataFrame) -> Labelled:
    """The outcomes that a folder holds so far; no endpoint is asked.

    Raises:
        DataError: no query, a query without a text, or a damaged record.
    """
    return found(plan, checked_queries(queries), Record(folder), is_cap_reached=False)


class _Count:
    """A count of the calls done for all queries together, told to the watcher."""

    def __init__(self, n_queries: int, on_progress: OnProgress) -> None:
        self._total, self._done, self._watch = N_CALLS * n_queries, 0, on_progress

    def tell(self) -> None:
        self._watch(Progress(STAGE, self._done, self._total))

    def add(self, n_calls: int) -> None:
        self._done += n_calls


async def _ask_all(
    plan: LabellingPlan,
    texts: Sequence[str],
    record: Record,
    keys: Mapping[str, str],
    on_progress: OnProgress,
) -> bool:
    """Ask about all texts; says whether a cap ended it."""
    waiting, count = deque(texts), _Count(len(texts), on_progress)
    async with connected(plan, keys) as connections:
        asker = RetryingClient(plan, record, connections)

        async def work() -> None:
            while waiting and not asker.is_over:
                await _ask_about(plan, waiting.popleft(), record, asker, count)

        count.tell()
        await _all_of([asyncio.create_task(work()) for _ in range(plan.concurrency)], count)
    if asker.stop_reason:
        raise EndpointError(
            f"{asker.stop_reason}. What was finished is kept; put it right and start again."
        )
    return asker.is_cap_reached


async def _all_of(tasks: Sequence[asyncio.Task[None]], count: _Count) -> None:
    """Wait for the tasks; when one of them or on_progress raises, none of them goes on."""
    left = set(tasks)
    try:
        while left:
            ended, left = await asyncio.wait(
                left, timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                task.result()
            if not ended:
                count.tell()
    finally:
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _ask_about(
    plan: LabellingPlan, text: str, record: Record, asker: RetryingClient, count: _Count
) -> None:
    """Ask what is not in the record yet about one query."""
    asking, n_done, n_asked = steps(plan, text), 0, 0
    try:
        call = next(asking)
        while True:
            reply = record.reply(call)
            is_new = reply is None
            if reply is None:
                n_asked += 1
                reply = await asker.ask(call)
            if reply is None:
                break
            if call.nth == 0:
                n_done += 1
                count.add(1)
            if is_new:
                count.tell()
            call = asking.send(reply)
    except StopIteration:
        asker.note_query("")
    except UnlabelledError as error:
        if n_asked:
            asker.note_query(str(error))
    if not asker.is_over:
        count.add(N_CALLS - n_done)
    if n_asked:
        count.tell()
