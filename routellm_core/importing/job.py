"""Files of the user's own on their way into the store: read, laid beside it, then added.

Beside what every job has, the folder of an import holds

    <import>/battles.parquet   the battles that were read
    <import>/<n>/              a benchmark each: card.json, and a Parquet file a table

Reading happens in a process of its own, with bounded memory: what a hostile or a huge file does,
it does to that process alone. Nothing enters the store before it is asked for, then all at once.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from routellm_core import files, jobs
from routellm_core.errors import DataError, UnknownNameError
from routellm_core.importing import IMPORTERS, Imported, is_no_benchmark
from routellm_core.importing import read as read_benchmarks
from routellm_core.importing import recognise as recognise_benchmark
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.battles import read_battles, together
from routellm_core.importing.columns import ColumnMapping, holds_battles, seen
from routellm_core.importing.currencies import at_rates
from routellm_core.importing.formats import (
    batches,
    every_eval_ever,
    lighteval,
    llm_comparator,
    lm_eval,
    table,
)
from routellm_core.importing.grading import graded, measures_of, on_scale
from routellm_core.importing.measures import Measure, Wanted, columns_of
from routellm_core.importing.readers.counted_reads import watched_by
from routellm_core.importing.readers.naming import told_apart
from routellm_core.importing.readers.tables import read_sample
from routellm_core.importing.run_joining import paired
from routellm_core.importing.scales import scale_between
from routellm_core.importing.units import SecondsUnit, bare_times_in
from routellm_core.importing.values import Where
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.store import Store
from routellm_core.text_keys import lines_of
from routellm_core.types import Benchmark

OF_BATTLES = ("battles", "llm_comparator")
FORMATS = (*IMPORTERS, *OF_BATTLES)
NO_ROLES = {"wide", "also", "scale", "around", "one_model"}
"""Fields of `ColumnMapping` that are no single column."""
TABLES = ("queries", "outcomes", "texts", "usage")
MEMORY_SHARE = 0.75
"""Of the machine's memory that reading may take."""


@dataclass(frozen=True)
class ImportPlan(jobs.JobPlan):
    """The files to read, and how to read them."""

    kind = "import"
    paths: tuple[str, ...]
    format_name: str | None = None
    """One of `FORMATS`; None: told from the content of each file."""
    mapping: ColumnMapping | None = None
    """Of a table's columns; None: guessed."""
    drop_unjudged: bool = False
    """Leave out battles without a verdict; otherwise they are refused."""
    metric: str | None = None
    """Name of the measure to take as the quality; None: the usual order decides."""
    variant: str | None = None
    """Filter or scorer through which the measure was reached."""
    scale: tuple[float, float] | None = None
    """Worst and best quality; None: guessed from the qualities."""
    roles: tuple[tuple[str, str | None], ...] = ()
    """Roles of `ColumnMapping` and the columns that have them, in place of the guess; a column of
    None takes the role away."""
    rates: tuple[tuple[str, float], ...] = ()
    """Currencies of costs, and the USD for one unit of each."""
    seconds_unit: SecondsUnit | None = None
    """Unit of times that name none; None: seconds, and left out where their median is too long."""
    dropped: tuple[str, ...] = ()
    """Columns of tables that are not looked at."""


class ReadFiles(NamedTuple):
    """The content of files: benchmarks and bare queries, battles, or both."""

    parts: list[Imported]
    battles: pd.DataFrame | None
    """In the agreed form of `routellm_core.importing.battles`."""


def recognise(path: Path) -> str:
    """The format that a file seems to have, one of `FORMATS`.

    Raises:
        DataError: none; the text says what was seen in it and what is missing.
    """
    if not is_no_benchmark(path):
        return recognise_benchmark(path)
    if llm_comparator.recognises(path):
        return "llm_comparator"
    try:
        sample = read_sample(path)
    except DataError as error:
        raise DataError(f"no format recognises it: {error}") from error
    columns = sample.column_names
    if holds_battles(columns):
        return "battles"
    raise DataError(f"{path.name}: no format recognises it. {seen(columns, sample)}")


def read(plan: ImportPlan) -> ReadFiles:
    """All that the files of a plan hold; runs of one task are joined.

    Raises:
        DataError: a file is not of the format, damaged, or off the agreed form.
        UnknownNameError: there is no such format.
    """
    if plan.format_name is not None and plan.format_name not in FORMATS:
        raise UnknownNameError(
            f"no import format {plan.format_name!r}; there are: {', '.join(FORMATS)}"
        )
    paths = _without_totals([Path(path) for path in plan.paths])
    scale = None if plan.scale is None else scale_between(*plan.scale)
    parts: list[Imported] = []
    battles = []
    with (
        told_apart(paths),
        on_scale(scale),
        at_rates(dict(plan.rates)),
        bare_times_in(plan.seconds_unit),
    ):
        if plan.format_name in (None, "batches") and plan.mapping is None:
            parts, paths = batches.read_together(paths)
        for path in paths:
            mapping = _mapping(path, plan)
            name = plan.format_name or (recognise(path) if mapping is None else "table")
            if name in OF_BATTLES:
                battles.append(read_battles(path, drop_unjudged=plan.drop_unjudged))
            elif mapping is not None:
                parts += table.read(path, mapping)
            else:
                parts += read_benchmarks(path, name)
        parts = _by_wanted(paired(parts), Wanted(plan.metric, plan.variant, scale))
    return ReadFiles(parts, together(battles) if battles else None)


def _mapping(path: Path, plan: ImportPlan) -> ColumnMapping | None:
    """The columns of a table as the plan has them; None to leave them to the format."""
    if plan.mapping is not None or not (plan.roles or plan.dropped):
        return plan.mapping
    guess = table.guessed(path, plan.dropped)[0]
    known = {field.name for field in fields(ColumnMapping)} - NO_ROLES
    for role, _ in plan.roles:
        if role not in known:
            raise UnknownNameError(
                f"no role {role!r} of a column; there are: {', '.join(sorted(known))}"
            )
    given: dict[str, Any] = dict(plan.roles)
    if given.get("quality") or given.get("model"):
        given |= {"wide": ()}
    if given.get("quality"):
        given |= {"also": ()}
    return replace(guess, **given)


def _by_wanted(parts: list[Imported], wanted: Wanted) -> list[Imported]:
    """The parts by the measure that is wanted; those without it by the usual one."""
    if not wanted:
        return parts
    fitting = [
        part.attempts is not None and any(map(wanted.fits, columns_of(part.attempts)))
        for part in parts
    ]
    if not any(fitting):
        there = [m for p in parts if p.attempts is not None for m in columns_of(p.attempts)]
        raise DataError(
            f"no measure {' '.join(filter(None, (wanted.metric, wanted.variant)))!r}; there are: "
            f"{', '.join(dict.fromkeys(map(str, there))) or 'none'}"
        )
    return [
        graded(part, wanted) if fits else part for part, fits in zip(parts, fitting, strict=True)
    ]


def _without_totals(paths: list[Path]) -> list[Path]:
    """The files without totals, which are read with the samples beside them."""
    of_totals = (lm_eval, lighteval, every_eval_ever)
    totals = [path for path in paths if any(tool.is_totals(path) for tool in of_totals)]
    others = [path for path in paths if path not in totals]
    return others or paths


def pasted(text: str) -> Imported:
    """Bare queries, one a line; blank lines are left out.

    Raises:
        DataError: no line holds anything.
    """
    lines = [(number, line.strip()) for number, line in enumerate(lines_of(text), start=1)]
    kept = [(number, line) for number, line in lines if line]
    if not kept:
        raise DataError("the pasted text holds no query; give one a line")
    where = Where("pasted", np.array([number for number, _ in kept], dtype=np.int64), "line")
    rows = pd.DataFrame({"query": [line for _, line in kept]})
    return assembled(rows, where, Card("pasted", "pasted into the dashboard"), [])


def add(
    store: Store,
    found: ReadFiles,
    *,
    owner: str | None = None,
    prefix: str = "",
    renamed: bool = False,
) -> list[str]:
    """Add what was read to a store, all or nothing.

    Args:
        store: open for writing.
        found: by `read`.
        owner: the browser session that alone sees the benchmarks; battles are everybody's.
        prefix: before the benchmarks' ids.
        renamed: give a benchmark whose id is taken a number, in its title too; otherwise it is
            refused.

    Returns:
        The benchmarks' ids.

    Raises:
        DataError: an id is taken, or a table does not have the agreed form.
    """
    ids = []
    with store.atomic():
        if found.battles is not None:
            store.add_battles(found.battles)
        for part in found.parts:
            benchmark_id = prefix + part.benchmark.benchmark_id
            title = part.benchmark.title
            if renamed and store.has_benchmark(benchmark_id):
                number = _free_number(store, benchmark_id)
                benchmark_id, title = f"{benchmark_id}-{number}", f"{title} {number}"
            card = replace(
                part.benchmark,
                benchmark_id=benchmark_id,
                title=title,
                origin="user",
                owner=owner,
            )
            outcomes = None if part.outcomes.empty else part.outcomes
            usage = None
            if part.usage is not None:
                usage = part.usage.assign(model=part.usage["model"].replace("", "not named"))
            store.add_benchmark(card, part.queries, outcomes, usage)
            if len(part.texts):
                store.add_texts(part.texts)
            ids.append(benchmark_id)
    return ids


def _free_number(store: Store, taken: str) -> int:
    return next(n for n in itertools.count(2) if not store.has_benchmark(f"{taken}-{n}"))


# As a job


def work_on(folder: Path, plan: ImportPlan, on_progress: OnProgress = silent) -> None:
    """Read as planned, in this process, and lay what was read into the job's folder.

    Raises:
        DataError: as `read`, or the files need more memory than there is.
        Cancelled: the process was asked to end (SIGTERM).
    """
    with jobs.at_work(folder, plan, on_progress) as context, _out_of_memory_said():
        with watched_by(context.on_progress):
            found = read(plan)
        if found.battles is not None:
            found.battles.to_parquet(folder / "battles.parquet", index=False)
        for number, part in enumerate(found.parts):
            context.on_progress(Progress("laying it ready", number, len(found.parts)))
            _lay(folder / str(number), part)
        context.report(**_summary(found))


def laid(folder: Path, measure: str | None = None) -> ReadFiles:
    """The result of a finished import, ready to be added.

    Args:
        folder: of the job.
        measure: the measure to take as the quality, where a part has it; None: the one taken.

    Raises:
        DataError: it is not finished, or no part has the measure.
    """
    job = jobs.read(folder)
    if job.status != "done":
        raise DataError(f"import {folder.name} is {job.status}; only a finished one can be added")
    path = folder / "battles.parquet"
    battles = pd.read_parquet(path) if path.exists() else None
    n_parts = len(job.facts["parts"])
    parts = [_taken(folder / str(number)) for number in range(n_parts)]
    return ReadFiles(_by_wanted(parts, Wanted(measure)), battles)


def _summary(found: ReadFiles) -> dict[str, Any]:
    """Facts that a person wants to know before the import is added."""
    battles = found.battles
    return {
        "n_battles": 0 if battles is None else len(battles),
        "battle_sources": [] if battles is None else sorted(battles["source"].unique()),
        "parts": [
            {
                "benchmark_id": part.benchmark.benchmark_id,
                "title": part.benchmark.title,
                "quality_unit": part.benchmark.quality_unit,
                "quality_low": part.benchmark.quality_low,
                "quality_high": part.benchmark.quality_high,
                "n_queries": len(part.queries),
                "n_texts": int(part.queries["text_hash"].notna().sum())
                if "text_hash" in part.queries
                else 0,
                "n_slices": int(part.queries["slice"].nunique()),
                "n_usage": 0 if part.usage is None else len(part.usage),
                "models": _models(part.outcomes),
                "measure": part.measure,
                "measures": _measures(part),
                "notes": list(part.notes),
            }
            for part in found.parts
        ],
    }


def _measures(part: Imported) -> list[dict[str, Any]]:
    """The measures that there were, each with the mean of every model."""
    return [
        {"measure": str(measure), "means": means} for measure, means in measures_of(part).items()
    ]


def _models(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    if outcomes.empty:
        return []
    by_model = outcomes.groupby("model", observed=True)["quality"].agg(["size", "mean"])
    return [
        {"model": str(model), "n_outcomes": int(row["size"]), "quality": float(row["mean"])}
        for model, row in by_model.sort_values("mean", ascending=False).iterrows()
    ]


def _lay(folder: Path, part: Imported) -> None:
    folder.mkdir(exist_ok=True)
    facts: dict[str, Any] = {"card": asdict(part.benchmark), "notes": part.notes}
    facts |= {"read_notes": part.read_notes, "measure": part.measure, "created": part.created}
    if part.attempts is not None:
        measures = columns_of(part.attempts)
        facts["measures"] = [asdict(measure) for measure in measures]
        names: list[Any] = [
            str(measures.index(c)) if c in measures else c for c in part.attempts.columns
        ]
        part.attempts.set_axis(names, axis=1).to_parquet(folder / "attempts.parquet", index=False)
    files.write_json(folder / "card.json", facts)
    for name in TABLES:
        frame = getattr(part, name)
        if frame is not None:
            frame.to_parquet(folder / f"{name}.parquet", index=False)


def _taken(folder: Path) -> Imported:
    facts = files.read_json(folder / "card.json")
    frames: dict[str, Any] = {
        name: pd.read_parquet(path) if (path := folder / f"{name}.parquet").exists() else None
        for name in (*TABLES, "attempts")
    }
    if frames["attempts"] is not None:
        measures = TypeAdapter(list[Measure]).validate_python(facts["measures"])
        frames["attempts"] = frames["attempts"].rename(
            columns={str(number): measure for number, measure in enumerate(measures)}
        )
    return Imported(
        Benchmark(**facts["card"]),
        notes=tuple(facts["notes"]),
        read_notes=tuple(facts["read_notes"]),
        measure=facts["measure"],
        created=facts["created"],
        **frames,
    )


@contextmanager
def _out_of_memory_said() -> Iterator[None]:
    try:
        yield
    except (MemoryError, OSError) as error:
        # pyarrow's own is a MemoryError; without room on the disk it is an OSError.
        if isinstance(error, MemoryError):
            raise DataError(
                "reading it needs more memory than this machine gives; import it in parts"
            ) from error
        raise DataError(f"what was read cannot be laid ready ({error})") from error


def _bound_memory() -> None:
    """Let this process have most of the machine's memory and no more; where it can be told."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        most = int(MEMORY_SHARE * n_bytes)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(folder: Path, store_path: Path) -> None:
    """Do the import of a folder, whose plan.json says what; the store is not touched."""
    _bound_memory()
    work_on(folder, ImportPlan.read(folder / "plan.json"))
