"""Logs of UK AISI's Inspect: JSON, or the zip archive .eval. One model's run of one task.

A folder may hold the logs of several models, and of runs that were tried again.
"""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, rows_of, text
from routellm_core.importing.formats.inspect_sample import InspectRun, Sample, read_sample
from routellm_core.importing.notes import counted
from routellm_core.importing.readers import zip_limits
from routellm_core.importing.readers.json_stream import document, parsed
from routellm_core.importing.readers.naming import named, told_apart
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.run_joining import noted, paired

MOST_FILES = 5_000
NAMED = 5
NO_ARGUMENTS = frozenset(
    {
        *("max_retries", "timeout", "attempt_timeout", "max_connections", "batch", "cache", "seed"),
        *("device", "batch_size", "api_key", "tokenizer", "adaptive_connections"),
    }
)
"""Arguments of a run that are none of its model."""
NO_MODEL = ("none/", "mockllm/")
"""Providers of a run whose answers come from the model of a role."""
HELPERS = frozenset(
    {
        *("grader", "judge", "critic", "scorer", "monitor", "evaluator", "grading", "verifier"),
        *(
            "user",
            "simulator",
            "embedder",
            "summarizer",
            "classifier",
            "auditor",
            "red",
            "attacker",
        ),
    }
)
"""Words in the names of roles that answer no query."""


class _Log(NamedTuple):
    header: Mapping[str, Any]
    samples: Iterator[tuple[str, Any]]
    """Each with its name in messages."""


def recognises(path: Path) -> bool:
    """True for a log in either form, or a folder with one in it."""
    if path.is_dir():
        return next(_logs_in(path), None) is not None
    start = sniff(path)
    if start.kind == "zip":
        names = set(zip_limits.names(path))
        has_header = bool(names & {"header.json", "_journal/start.json"})
        return has_header and any(n.startswith(("samples/", "summaries")) for n in names)
    return start.keys >= {"status", "eval"} and '"task"' in start.text


def read(path: Path) -> list[Imported]:
    """The benchmark of a log, or those of a folder, runs of one task joined.

    Raises:
        DataError: damaged, a trap, without samples, or a count of tokens or seconds is none.
    """
    if path.is_dir():
        return _of_folder(path)
    if sniff(path).kind != "zip":
        log = document(path)
        samples = log.get("samples")
        if not isinstance(samples, list) or not samples:
            raise _NoSamplesError(f"{named(path)}: {_why_none(log)}")
        each = ((f"{named(path)}, sample {i:,}", s) for i, s in enumerate(samples, start=1))
        return [_imported(path, _Log(log, each))]
    zip_limits.check(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return [_imported(path, _zipped(archive, named(path)))]
    except zip_limits.DAMAGE as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{named(path)}: is no whole zip archive ({error})") from None


def _logs_in(folder: Path) -> Iterator[Path]:
    files = (p for p in sorted(folder.rglob("*")) if p.suffix in (".eval", ".json"))
    for count, path in enumerate(files):
        if count >= MOST_FILES:
            return
        if path.is_file() and recognises(path):
            yield path


def _of_folder(folder: Path) -> list[Imported]:
    with told_apart(files := list(_logs_in(folder))):
        return _together(folder, files)


def _together(folder: Path, files: list[Path]) -> list[Imported]:
    """The benchmarks of all logs, each run once, without those that ended before any sample."""
    parts: list[Imported] = []
    ended: list[str] = []
    again: list[str] = []
    damaged: list[str] = []
    first: DataError | None = None
    runs: set[tuple[str, ...]] = set()
    for path in files:
        try:
            (part,) = read(path)
        except _NoSamplesError:
            ended.append(named(path))
            continue
        except DataError as error:
            first = first or error
            damaged.append(named(path))
            continue
        run = (part.created, part.benchmark.benchmark_id, *sorted(set(part.outcomes["model"])))
        run += tuple(part.queries["text_hash"])
        if part.created and run in runs:
            again.append(named(path))
            continue
        runs.add(run)
        parts.append(part)
    if not parts and first is not None:
        raise first
    if not parts:
        raise DataError(f"{folder.name}: no log in it holds samples; write the logs with samples")
    parts = paired(parts)
    notes = [
        *_left_out(folder.name, "logs without a sample", ended),
        *_left_out(folder.name, f"logs that cannot be read ({first})", damaged),
        *_left_out(folder.name, "logs of a run that stands in another log", again),
    ]
    parts[0] = noted(parts[0], *notes)
    return parts


class _NoSamplesError(DataError):
    """A log of a run that ended before it had any, or that was written without them."""


def _why_none(header: Mapping[str, Any]) -> str:
    """Why a log may have no samples, and what to do."""
    status = header.get("status")
    if status in ("started", "cancelled", "error"):
        how = "was stopped, or is running still," if status == "started" else f"ended as {status!r}"
        return (
            f"the run {how} before a sample was written to this log; finish it with `inspect "
            "eval-retry` and give the log of that (the form .eval keeps each sample at once)"
        )
    return "holds no samples, only totals; write the log with samples (inspect log dump)"


def _zipped(archive: zipfile.ZipFile, file: str) -> _Log:
    """The log in a zip; of a run that never ended, the header is the one of its start."""
    names = list(dict.fromkeys(archive.namelist()))
    name = "header.json" if "header.json" in names else "_journal/start.json"
    header = parsed(zip_limits.content(archive, name, file), f"{file}, {name}")
    samples = (n for n in names if n.startswith("samples/") and n.endswith(".json"))
    named = (
        (f"{file}, {n[:80]}", parsed(zip_limits.content(archive, n, file), f"{file}, {n}"))
        for n in samples
    )
    return _Log(header, named)


def _imported(path: Path, log: _Log) -> Imported:
    task = text(at(log.header, "eval", "task"), named(path), "eval.task")
    run = _run(log.header, named(path))
    found: list[Sample] = []
    withdrawn: list[str] = []
    for where, sample in log.samples:
        if not isinstance(sample, Mapping):
            raise DataError(f"{where}: is no object; export the log again")
        if run.model.startswith(NO_MODEL):
            run = _answering(run, at(sample, "output", "model"))
        one = read_sample(sample, run, where)
        if sample.get("invalidation"):
            withdrawn.append(one.row["query_id"])
        else:
            found.append(one)
    asked = _first_texts(found)
    unasked = [s.row["query_id"] for s in found if asked.get(s.row["query_id"]) is None]
    kept = [s for s in found if asked.get(s.row["query_id"]) is not None]
    if not kept:
        raise _NoSamplesError(f"{named(path)}: {_why_none(log.header)}")
    rows = [s.row | {"query": asked[s.row["query_id"]]} for s in kept]
    notes = _notes(named(path), log.header, run, kept)
    notes += _left_out(named(path), "samples that were invalidated", withdrawn)
    notes += _left_out(named(path), "samples without a text of a user", unasked)
    if all(row["failed"] for row in rows):
        notes.append(f"{named(path)}: every sample ended in an error, so there is no answer.")
        rows = [{name: row[name] for name in ("query_id", "query", "slice")} for row in rows]
        rows = list({row["query_id"]: row for row in rows}.values())
    table, where_ = rows_of(named(path), enumerate(rows, start=1), "sample")
    lettered = {measure for sample in kept for measure in sample.lettered}
    table = table.rename(columns={m: replace(m, rises=True) for m in lettered})
    card = Card(
        task.rpartition("/")[2],
        f"Inspect, {named(path)}",
        created=_moment(at(log.header, "eval", "created")),
        arguments=_arguments(log.header),
    )
    return assembled(table, where_, card, notes)


def _first_texts(samples: list[Sample]) -> dict[str, str]:
    """The query of each id: an epoch may ask it with its choices in another order."""
    asked: dict[str, str] = {}
    for sample in samples:
        if sample.row["query"] is not None:
            asked.setdefault(sample.row["query_id"], sample.row["query"])
    return asked


def _notes(
    file: str, header: Mapping[str, Any], run: InspectRun, samples: list[Sample]
) -> list[str]:
    notes = []
    if (status := header.get("status", "success")) != "success":
        notes.append(f"{file} is of a run that ended as {str(status)[:20]!r}.")
    reducers = at(header, "eval", "config", "epochs_reducer")
    others = [r for r in reducers if r != "mean"] if isinstance(reducers, list) else []
    if others:
        notes.append(
            f"{file} reduces its epochs by {', '.join(map(str, others[:NAMED]))}; here the mean of "
            "them is taken."
        )
    if run.role:
        named = at(header, "eval", "model")
        notes.append(f"{file}: the model is that of role {run.role!r}, the run's being {named!r}.")
    elif run.model != (named := at(header, "eval", "model")):
        notes.append(f"{file}: the model is that of its outputs, the run's being {named!r}.")
    timed = sum(s.is_timed_whole for s in samples)
    if timed:
        notes.append(
            f"{file}: the seconds of {counted(timed, 'sample')} are of all of it, with "
            "set-up and grading, for those of the model are not logged."
        )
    odd = [(s.row["query_id"], *one) for s in samples for one in s.odd.items()]
    if odd:
        query_id, measure, value = odd[0]
        notes.append(
            f"{file}: {counted(len(odd), 'value is no number', 'values are no numbers')} and left "
            f"out, for example {value!r} of {measure} in sample {query_id!r}."
        )
    return notes


def _left_out(file: str, what: str, ids: list[str]) -> list[str]:
    """A note that names what was left out; none where it is nothing."""
    ids = list(dict.fromkeys(ids))
    shown = ", ".join(repr(i[:40]) for i in ids[:NAMED]) + (", …" if len(ids) > NAMED else "")
    return [f"{file}: {what}, left out: {len(ids):,} ({shown})."] if ids else []


def _run(header: Mapping[str, Any], file: str) -> InspectRun:
    """The model that answers: the run's, or where that is none, the one of a role."""
    model = text(at(header, "eval", "model"), file, "eval.model")
    roles = _roles(at(header, "eval", "model_roles"))
    headline = at(header, "eval", "headline_metric")
    headline = headline if isinstance(headline, Mapping) else {}
    answering = [r for r in roles if not HELPERS & set(r.lower().replace("-", "_").split("_"))]
    stats = header.get("stats")
    if counted := at(stats, "role_usage"):
        used = [role for role in answering if role in counted]
        answering = used or ([] if at(stats, "model_usage", model) else answering)
    if not model.startswith(NO_MODEL) or not answering:
        return InspectRun(model, "", roles, headline)
    role = answering[0]
    helpers = {name: of_role for name, of_role in roles.items() if name != role}
    return InspectRun(roles[role], role, helpers, headline)


def _answering(run: InspectRun, model: Any) -> InspectRun:
    """The run with the model that its outputs name, where it named none itself."""
    if not isinstance(model, str) or not model or model.startswith(NO_MODEL):
        return run
    return run._replace(model=model)


def _arguments(header: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Arguments of the run that make another model of one of the same name."""
    facts = at(header, "eval")
    given = at(facts, "model_args"), at(facts, "model_generate_config")
    found = {
        str(name): str(value)
        for one in given
        for name, value in (one.items() if isinstance(one, Mapping) else ())
        if isinstance(value, str | int | float) and name not in NO_ARGUMENTS
    }
    if url := at(facts, "model_base_url"):
        found["base_url"] = str(url)
    return tuple(found.items())


def _roles(roles: Any) -> dict[str, str]:
    """Each role with its model, the first where it has several."""
    found = {}
    for name, config in roles.items() if isinstance(roles, Mapping) else ():
        config = config[0] if isinstance(config, list) and config else config
        model = config if isinstance(config, str) else at(config, "model")
        if isinstance(model, str) and model:
            found[str(name)] = model
    return found


def _moment(created: Any) -> str:
    """A moment in UTC, so that later ones sort behind; empty where it is none."""
    try:
        moment = datetime.fromisoformat(created) if isinstance(created, str) else None
    except ValueError:
        return ""
    if moment is None:
        return ""
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
