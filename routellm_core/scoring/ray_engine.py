"""Scoring beyond one machine: partitions of queries, given by Ray to workers on any of them.

A partition is a Parquet file of queries. Its scores become a file of their own,

    <folder>/part-00003-9f86d081884c7d65.parquet    rows as `tables.scored_table` makes them

written aside and renamed, and named after its place and what it holds: what is there is whole and
is never scored again, so that a killed run goes on where it was, and a partition that is scored
twice, because a worker died over it, is there once. Names in order are rows in order.

Ray decides who scores what, and starts a worker that died anew. Texts do not pass through it: a
worker reads its partition and writes its scores itself, so both folders must be the same on every
machine, as this project and its checkpoints must.
"""

import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.schemas import ROWS_NAMED
from routellm_core.scoring.partitions import Partition, digest
from routellm_core.scoring.ray_cluster import HERE, Cluster, running
from routellm_core.scoring.ray_worker import Scorer, Work, farewell, scored_on

RETRIES = 3
"""How often a partition is given anew when the worker that scored it died."""


class PartitionsScored(NamedTuple):
    """The result of scoring partitions."""

    parts: list[Path]
    """Their scores, in the order of the partitions."""
    n_kept: int
    """Were there before."""
    devices: tuple[str, ...]
    """On which models ran, this time or before, with their precision."""


def score_partitions(
    partitions: Sequence[Partition],
    work: Work,
    folder: Path,
    *,
    cluster: Cluster = HERE,
    on_progress: OnProgress = silent,
) -> PartitionsScored:
    """Score the partitions that have no scores in a folder yet.

    A partition that cannot be read, or over which workers die time and again, holds up none of the
    others.

    Args:
        partitions: as `partitions_of` finds them.
        work: what is done to each.
        folder: of the scores, made when absent.
        cluster: who works.
        on_progress: told how many queries are scored; what it raises ends the work.

    Raises:
        MissingPackageError: Ray is not installed.
        DataError: a partition has no scores in the end, the folder holds scores of something
            else, no cluster answers, or no worker starts.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    outputs = [folder / _name(number, part, work) for number, part in enumerate(partitions)]
    strangers = sorted(set(folder.glob("part-*.parquet")) - set(outputs))
    if strangers:
        raise DataError(
            f"{folder} holds scores of other queries, partitions, routers or thresholds, as "
            f"{strangers[0].name}; name another folder or delete it"
        )
    is_whole = [output.exists() for output in outputs]
    rows = [
        {"source": str(part.path), "first_row": part.first_row, "output": str(output)}
        for part, output, whole in zip(partitions, outputs, is_whole, strict=True)
        if not whole
    ]
    total = sum(part.n_rows for part in partitions)
    done = sum(part.n_rows for part, whole in zip(partitions, is_whole, strict=True) if whole)
    told: dict[str, dict[str, Any]] = {}
    on_progress(Progress("scoring", done, total))
    if rows:
        with closing(_spread(rows, work, cluster)) as results:
            for row in results:
                told[row["output"]] = row
                done += row["n_rows"]
                on_progress(Progress("scoring", done, total))
    try:
        _refuse_missing(partitions, outputs, told, folder)
    finally:
        for left in folder.glob(".part-*"):  # by workers that ended
            left.unlink(missing_ok=True)
    return PartitionsScored(outputs, sum(is_whole), tuple(sorted(set(map(scored_on, outputs)))))


def _name(number: int, partition: Partition, work: Work) -> str:
    """The place of a partition, and a digest of what its scores hold."""
    source = (partition.content, partition.first_row)
    held = (source, tuple(work.columns), sorted(work.checkpoints.items()), work.alpha)
    return f"part-{number:05}-{digest(repr(held))}.parquet"


def _refuse_missing(
    partitions: Sequence[Partition],
    outputs: Sequence[Path],
    told: Mapping[str, Mapping[str, Any]],
    folder: Path,
) -> None:
    reasons = []
    for partition, output in zip(partitions, outputs, strict=True):
        if output.exists():
            continue
        row = told.get(str(output))
        if row is not None:
            reason = row["problem"] or "scored where this folder is another one; share it"
        elif (words := farewell(output)).exists():
            reason = f"{words.read_text()}; the GPU was lost over it {1 + RETRIES} times"
        else:
            reason = f"a worker died over it {1 + RETRIES} times: more memory, or fewer rows in it"
        reasons.append(f"{partition.path}: {reason}")
    if reasons:
        shown = "; ".join(reasons[:ROWS_NAMED]) + ("; …" if len(reasons) > ROWS_NAMED else "")
        raise DataError(
            f"{len(reasons)} of {len(partitions)} partitions have no scores, the others are kept "
            f"in {folder}: {shown}. Start it again once that is put right"
        )


def _spread(
    rows: list[dict[str, Any]], work: Work, cluster: Cluster
) -> Generator[dict[str, Any], None, None]:
    """Reports of the workers on each partition, as they come."""
    with running(cluster) as ray:
        resources = ray.cluster_resources()
        n_gpus = 0 if work.device == "cpu" else int(resources.get("GPU", 0))
        n_workers = cluster.n_workers or n_gpus or int(resources["CPU"])
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1
        # A block a partition, and none of them a task that reads: workers may hold all processors.
        blocks = ray.data.from_items(rows, override_num_blocks=len(rows))
        with warnings.catch_warnings():
            # This release warns of the two limits, and has no other way to set them.
            warnings.simplefilter("ignore")
            scored = blocks.map(
                Scorer,
                fn_constructor_args=(work,),
                # One partition at a time, so that a death is charged to the one being scored.
                compute=ray.data.ActorPoolStrategy(
                    size=min(n_workers, len(rows)), max_tasks_in_flight_per_actor=1
                ),
                max_restarts=-1,
                max_task_retries=RETRIES,
                **({"num_gpus": 1} if n_gpus else {"num_cpus": 1}),
            )
        try:
            yield from scored.iter_rows()
        except ray.exceptions.RayError as error:
            reason = str(error).rstrip().rpartition("\n")[2]
            raise DataError(
                f"Ray's workers cannot start or go on ({reason}); every machine must have this "
                "project and its packages. What is scored is kept, start it again"
            ) from error
