"""Sample logs of EleutherAI's lm-evaluation-harness, written with --log_samples.

A `samples_*.jsonl` holds what one model did on one task, a line a document and filter. The model's
name stands in the results file beside it. A folder may hold several runs, each in its own folder.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.readers.json_stream import document, objects, unit
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.run_joining import paired, stacked

SAMPLE = frozenset({"doc_id", "doc", "target"})
ANSWERED = frozenset({"resps", "filtered_resps"})
MOST_FILES = 5_000
QUESTION = ("question", "query", "problem", "prompt", "input", "instruction", "text", "goal", "ctx")
SLICE = ("subject", "category", "subfield", "type", "topic", "domain")
METRICS = ("exact_match", "acc", "acc_norm", "pass@1", "em", "correct", "score", "f1", "rougeL")
"""Tried in this order when the file names no metric."""


class Totals(NamedTuple):
    """A results file: what it says of a run, beside the totals."""

    path: Path
    model: str
    tasks: tuple[str, ...]
    groups: dict[str, str]
    """Task to the outermost group that it counts towards."""


def recognises(path: Path) -> bool:
    """True for a file of samples, of totals, or a folder with samples in it."""
    if path.is_dir():
        return next(_sample_files(path), None) is not None
    return _is_samples(path) or is_totals(path)


def read(path: Path) -> list[Imported]:
    """One benchmark a task or group of tasks; runs of several models in a folder are joined.

    Raises:
        DataError: totals without samples, or a line is damaged or off.
    """
    if path.is_dir():
        files = list(_sample_files(path))
        if not files:
            raise DataError(f"{path}: holds no samples; run lm_eval with --log_samples")
        runs: dict[tuple[str, str, str], list[Imported]] = {}
        for file in files:
            run, model = _run(file)
            # Tasks of one group lie in one folder.
            key = run.benchmark.benchmark_id, model, str(file.parent)
            runs.setdefault(key, []).append(run)
        return paired([stacked(parts) for parts in runs.values()])
    if is_totals(path) and not _is_samples(path):
        raise DataError(
            f"{path.name}: holds totals only; give the samples_*.jsonl beside it (lm_eval writes "
            "them with --log_samples)"
        )
    return [_run(path)[0]]


def _run(path: Path) -> tuple[Imported, str]:
    """Content of one file of samples, and the model."""
    totals, task = _totals_of(path)
    model = totals.model if totals else path.stem
    notes = [] if totals else [f"{path.name} names no model and has no results file beside it."]
    of_lines, filters = unit(path), list(dict.fromkeys(_filter(line) for _, line in objects(path)))
    if not filters:
        raise DataError(f"{path.name}: is empty; export it again")
    chosen = "none" if "none" in filters else filters[0]
    if len(filters) > 1:
        shown = ", ".join(map(repr, filters))
        notes.append(f"{path.name} was graded by several filters ({shown}): {chosen!r} was taken.")
    metric, further = _metric(path, next(objects(path))[1])
    if further:
        notes.append(f"Quality is {metric!r}; {path.name} also holds {', '.join(further)}.")
    rows, where = rows_of(
        path.name,
        (
            (at_line, _row(line, f"{path.name}, {of_lines} {at_line:,}", metric, model))
            for at_line, line in objects(path)
            if _filter(line) == chosen
        ),
        of_lines,
    )
    group = totals.groups.get(task, task) if totals else task
    if group != task:
        rows["slice"] = task
        rows["query_id"] = task + "-" + rows["query_id"]
    card = Card(group, f"lm-eval samples, {path.name}")
    return assembled(rows, where, card, notes), model


def _filter(line: dict[str, Any]) -> str:
    return str(line.get("filter", "none"))


def _row(line: dict[str, Any], where: str, metric: str, model: str) -> dict[str, Any]:
    if metric not in line:
        raise DataError(f"{where}, field {metric!r}: is missing; run the task again")
    doc = line.get("doc")
    slice_name = next((at(doc, key) for key in SLICE if isinstance(at(doc, key), str)), "")
    return {
        "query_id": text(line.get("doc_id"), where, "doc_id"),
        "query": text(_query(line), where, "doc"),
        "slice": slice_name.strip() or "all",
        "model": model,
        "quality": number(line[metric], where, metric),
    }


def _query(line: dict[str, Any]) -> Any:
    """The question as the document has it, with its choices; else the prompt that was sent."""
    doc = line.get("doc")
    asked = doc if isinstance(doc, str) else None
    if isinstance(doc, Mapping):
        asked = next((doc[k] for k in QUESTION if isinstance(doc.get(k), str)), None)
        choices = doc.get("choices")
        choices = at(choices, "text") or choices
        if asked and isinstance(choices, list) and all(isinstance(c, str) for c in choices):
            lettered = (f"{chr(65 + i)}. {c}" for i, c in enumerate(choices[:26]))
            asked = "\n".join([asked.strip(), *lettered])
    return asked or _prompt(line.get("arguments"))


def _prompt(arguments: Any) -> Any:
    """The first argument of the first request: named in files, a list of lists in older ones."""
    if isinstance(arguments, Mapping):
        return at(next(iter(arguments.values()), None), "arg_0")
    while isinstance(arguments, list) and arguments:
        arguments = arguments[0]
    return arguments


def _metric(path: Path, line: dict[str, Any]) -> tuple[str, list[str]]:
    """The metric to take, and the others."""
    named = line.get("metrics")
    there = [m for m in named if isinstance(m, str)] if isinstance(named, list) else []
    there = there or [m for m in METRICS if isinstance(line.get(m), int | float)]
    usable = [m for m in there if isinstance(line.get(m), int | float)]
    if not usable:
        raise DataError(
            f"{path.name}: no metric is a number for each sample (there are: "
            f"{', '.join(there) or 'none'}); take a task that grades every answer"
        )
    return usable[0], usable[1:]


# Files beside each other


def _is_samples(path: Path) -> bool:
    keys = sniff(path).keys
    return keys >= SAMPLE and bool(keys & ANSWERED)


def is_totals(path: Path) -> bool:
    """True if a file holds the totals of a run, which name the model of the samples beside it."""
    return sniff(path).keys >= {"results", "configs", "versions"}


def _sample_files(folder: Path) -> Iterator[Path]:
    for count, path in enumerate(sorted(folder.rglob("*.json*"))):
        if count >= MOST_FILES:
            return
        if _is_samples(path):
            yield path


def _totals_of(path: Path) -> tuple[Totals | None, str]:
    """The results file of a samples file, and the task; the file's name where there is none."""
    beside = [p for p in sorted(path.parent.glob("*.json")) if p != path and is_totals(p)]
    fitting: list[tuple[int, bool, Totals, str]] = []
    for totals in (_totals(p) for p in beside[:MOST_FILES]):
        named = [task for task in totals.tasks if task in path.stem]
        if named:
            task = max(named, key=len)
            # Both names of a run end in the moment of its end.
            same = totals.path.stem.removeprefix("results") in path.stem
            fitting.append((len(task), same, totals, task))
    if not fitting:
        stem = path.stem.removeprefix("samples_")
        return None, stem
    longest, same, totals, task = max(fitting, key=lambda f: f[:2])
    if sum(f[:2] == (longest, same) for f in fitting) > 1:
        raise DataError(
            f"{path.name}: several results files beside it hold task {task!r}; put each run into a "
            "folder of its own"
        )
    return totals, task


def _totals(path: Path) -> Totals:
    found = document(path)
    configs, results = at(found, "configs"), at(found, "results")
    tasks = [*configs] if isinstance(configs, Mapping) else []
    tasks += [*results] if isinstance(results, Mapping) else []
    return Totals(path, _model(found, path), tuple(dict.fromkeys(tasks)), _groups(found))


def _model(found: dict[str, Any], path: Path) -> str:
    arguments = at(found, "config", "model_args")
    if isinstance(arguments, str):
        arguments = dict(a.partition("=")[::2] for a in arguments.split(","))
    named = (
        found.get("model_name"),
        at(arguments, "pretrained"),
        at(arguments, "model"),
        at(found, "config", "model"),
    )
    return next((n for n in named if isinstance(n, str) and n), path.parent.name or path.stem)


def _groups(found: dict[str, Any]) -> dict[str, str]:
    members = at(found, "group_subtasks")
    parents: dict[str, str] = {}
    for group, tasks in members.items() if isinstance(members, Mapping) else ():
        if isinstance(tasks, list):
            parents.update({t: group for t in tasks if isinstance(t, str) and t != group})
    outermost = {}
    for task in parents:
        group, steps = task, 0
        while group in parents and steps < len(parents):
            group, steps = parents[group], steps + 1
        outermost[task] = group
    return outermost
