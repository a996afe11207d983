"""Sample logs of EleutherAI's lm-evaluation-harness, written with --log_samples.

A `samples_*.jsonl` holds what one model did on one task, a line a document and filter. The model's
name stands in the results file beside it. A folder may hold several runs. Read against 0.4.13.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.asked import as_asked
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.formats.graded_records import grade
from routellm_core.importing.measures import LIKELIHOODS, Measure
from routellm_core.importing.prompt_texts import without_examples, without_template
from routellm_core.importing.readers.json_stream import document, objects, unit
from routellm_core.importing.readers.naming import named, told_apart
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.run_joining import noted, paired, readable, stacked
from routellm_core.importing.said import spoken

SAMPLE = frozenset({"doc_id", "doc", "target"})
ANSWERED = frozenset({"resps", "filtered_resps"})
MOST_FILES = 5_000
NAMED = 5
SLICE = ("subject", "category", "subfield", "type", "topic", "domain")
METRICS = ("exact_match", "acc", "acc_norm", "pass@1", "em", "correct", "score", "f1", "rougeL")
"""Tried in this order when the file names no metric."""
BYPASS = "bypass"
"""The metric of a run that only predicts."""
ARGUMENTS = (
    *("revision", "subfolder", "peft", "lora_local_path", "delta", "gguf_file", "base_url"),
    *("quantization", "load_in_4bit", "load_in_8bit", "reasoning_effort", "enable_thinking"),
)
"""Arguments that make another model of one of the same name."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?")
_MADE_UP = re.compile(r"[a-z0-9]{6,10}")


class Totals(NamedTuple):
    """A results file: what it says of a run, beside the totals."""

    path: Path
    model: str
    tasks: tuple[str, ...]
    groups: dict[str, str]
    """Task to the outermost group that it counts towards."""
    moment: str
    rises: dict[str, dict[str, bool]]
    """Task to metric to whether more is better."""
    shots: dict[str, int]
    """Task to the number of examples before the question."""
    arguments: tuple[tuple[str, str], ...]
    """Those of `ARGUMENTS`, in order."""


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
        with told_apart(files):
            runs, left = readable(files, _run)
            return _joined(runs, left)
    if is_totals(path) and not _is_samples(path):
        raise DataError(
            f"{named(path)}: holds totals only; give the samples_*.jsonl beside it (lm_eval writes "
            "them with --log_samples)"
        )
    return [_run(path).part]


class _Run(NamedTuple):
    part: Imported
    model: str
    folder: Path
    task: str


def _joined(runs: list[_Run], left: list[str]) -> list[Imported]:
    """Tasks of one group and run below each other, then the runs of several models joined."""
    graded = [run for run in runs if run.part.attempts is not None]
    together: dict[tuple[str, str, Path, str], list[_Run]] = {}
    for run in graded or runs:
        # Tasks of one group lie in one folder, and end in one moment.
        key = (run.part.benchmark.benchmark_id, run.model, run.folder, run.part.created)
        together.setdefault(key, []).append(run)
    parts = paired([stacked([run.part for run in of_run]) for of_run in together.values()])
    ungraded = sorted({run.task for run in runs if run.part.attempts is None}) if graded else []
    for why, names in (("nothing in it can be a quality", ungraded), ("it cannot be read", left)):
        if names:
            shown = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
            parts[0] = noted(parts[0], f"Left out, for {why}: {shown}.")
    return parts


def _run(path: Path) -> _Run:
    """Content of one file of samples."""
    totals, task = _totals_of(path)
    folder, is_among_namesakes, _ = named(path).partition("/")
    model = totals.model if totals else folder if is_among_namesakes else path.stem
    notes = [] if totals else [f"{named(path)} names no model and has no results file beside it."]
    rises = totals.rises.get(task, {}) if totals else {}
    shots = totals.shots.get(task, 0) if totals else 0
    of_lines, rows = unit(path), _Rows(model, rises, shots)
    for at_line, line in objects(path):
        rows.add(at_line, line, f"{named(path)}, {of_lines} {at_line:,}")
    if not rows.found:
        raise DataError(f"{named(path)}: is empty; export it again")
    if rows.n_with_shots:
        notes.append(
            f"Queries of {named(path)} that still hold the examples of the prompt: "
            f"{rows.n_with_shots:,}."
        )
    table, where = rows_of(named(path), rows.found, of_lines)
    group = totals.groups.get(task, task) if totals else task
    if group != task:
        table["slice"] = task
        table["query_id"] = task + "-" + table["query_id"]
    moment = _moment(path) or (totals.moment if totals else "")
    card = Card(
        group,
        f"lm-eval samples, {named(path)}",
        created=moment,
        arguments=totals.arguments if totals else (),
    )
    return _Run(assembled(table, where, card, notes), model, path.parent, task)


class _Rows:
    """Lines of one document through several filters, put together as one row."""

    def __init__(self, model: str, rises: Mapping[str, bool], shots: int) -> None:
        self.model, self.rises, self.shots = model, rises, shots
        self.found: list[tuple[int, dict[Any, Any]]] = []
        self.n_with_shots = 0
        self._row_of: dict[tuple[str, str, str, int], dict[Any, Any]] = {}
        self._n_seen: dict[tuple[str, str, str], int] = {}

    def add(self, number: int, line: dict[str, Any], where: str) -> None:
        """Take a line into the row of its document."""
        variant = str(line.get("filter", "none"))
        name = text(line.get("doc_id"), where, "doc_id")
        content = line.get("doc_hash")
        content = content if isinstance(content, str) and content else ""
        seen = self._n_seen.get((name, content, variant), 0)
        self._n_seen[name, content, variant] = seen + 1
        key = (name, content, "", seen)
        if key not in self._row_of:
            self._row_of[key] = self._row(line, where, name, content)
            self.found.append((number, self._row_of[key]))
        row = self._row_of[key]
        for metric, value in _graded(line).items():
            likelihood = metric in LIKELIHOODS and value <= 0
            rises = True if likelihood else self.rises.get(metric)
            measure = Measure(metric, "" if variant == "none" else variant, rises)
            row.setdefault(measure, value)

    def _row(self, line: dict[str, Any], where: str, name: str, content: str) -> dict[Any, Any]:
        doc = line.get("doc")
        slice_name = next((at(doc, key) for key in SLICE if isinstance(at(doc, key), str)), "")
        asked = as_asked(doc, str(line.get("target") or ""))
        if asked is None:
            prompt = spoken(_prompt(line.get("arguments")))
            asked = without_template(prompt) if prompt is not None else None
            if asked is not None and self.shots and asked == prompt:
                asked = without_examples(asked, self.shots)
            self.n_with_shots += bool(self.shots) and asked == prompt
        row: dict[Any, Any] = {
            "query_id": name,
            "query": asked,
            "slice": slice_name.strip() or "all",
            "model": self.model,
        }
        if content:
            row["content"] = content
        row["state"] = _state(line.get("resps"))
        return row


def _graded(line: dict[str, Any]) -> dict[str, float]:
    """The metrics of a line that are numbers."""
    named = line.get("metrics")
    there = [m for m in named if isinstance(m, str)] if isinstance(named, list) else []
    if BYPASS in there:  # run with --predict_only: what stands there grades nothing
        return {}
    found = {}
    for metric in there or METRICS:
        value = line.get(metric)
        if isinstance(value, str):  # as a flag that was written as a word
            value = grade(value)
        if isinstance(value, bool | int | float) and value == value:
            found[metric] = number(value, "", metric)
    return found


def _state(answers: Any) -> str | None:
    """State of what a model wrote; what it only weighed is no answer."""
    while isinstance(answers, list) and answers and isinstance(answers[0], list):
        answers = answers[0]
    return state_of(answers)


def _prompt(arguments: Any) -> Any:
    """The first argument of the first request: named in files, a list of lists in older ones."""
    if isinstance(arguments, Mapping):
        arguments = at(next(iter(arguments.values()), None), "arg_0")
    while isinstance(arguments, list) and arguments and not isinstance(arguments[0], Mapping):
        arguments = arguments[0]
    return arguments


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


def _moment(path: Path) -> str:
    found = _MOMENT.search(path.stem)
    return found[0] if found else ""


def _totals_of(path: Path) -> tuple[Totals | None, str]:
    """The results file of a samples file, and the task; the file's name where there is none."""
    beside = [p for p in sorted(path.parent.glob("*.json")) if p != path and is_totals(p)]
    fitting: list[tuple[int, bool, Totals, str]] = []
    for totals in (_totals(p) for p in beside[:MOST_FILES]):
        tasks = [task for task in totals.tasks if task in path.stem]
        if tasks:
            task = max(tasks, key=len)
            # Both names of a run end in the moment of its end.
            same = bool(_moment(path)) and _moment(totals.path) == _moment(path)
            same = same or totals.path.stem.removeprefix("results") in path.stem
            fitting.append((len(task), same, totals, task))
    if not fitting:
        stem = _MOMENT.sub("", path.stem.removeprefix("samples_")).strip("_-")
        return None, stem or path.stem
    longest, same, totals, task = max(fitting, key=lambda f: f[:2])
    if len({f[2].model for f in fitting if f[:2] == (longest, same)}) > 1:
        raise DataError(
            f"{named(path)}: several results files beside it hold task {task!r}; put each run into "
            "a folder of its own"
        )
    return totals, task


def _totals(path: Path) -> Totals:
    found = document(path)
    configs, results = at(found, "configs"), at(found, "results")
    tasks = [*configs] if isinstance(configs, Mapping) else []
    tasks += [*results] if isinstance(results, Mapping) else []
    date = found.get("date")
    moment = _moment(path)
    if not moment and isinstance(date, int | float) and 0 < date < 1e11:
        moment = datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%dT%H-%M-%S")
    return Totals(
        path,
        _model(found, path),
        tuple(dict.fromkeys(tasks)),
        _groups(found),
        moment,
        {task: _rises(found, task) for task in tasks},
        {task: n for task in tasks if isinstance(n := at(found, "n-shot", task), int) and n > 0},
        tuple(
            (key, str(value))
            for key, value in _arguments(found).items()
            if key in ARGUMENTS and value not in (None, "")
        ),
    )


def _rises(found: dict[str, Any], task: str) -> dict[str, bool]:
    """Whether more is better, a metric of a task."""
    listed = at(found, "configs", task, "metric_list")
    rises = {
        one["metric"]: one["higher_is_better"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(at(one, "metric"), str) and isinstance(at(one, "higher_is_better"), bool)
    }
    said = at(found, "higher_is_better", task)
    for metric, is_better in said.items() if isinstance(said, Mapping) else ():
        if isinstance(metric, str) and isinstance(is_better, bool):
            rises[metric] = is_better
    return rises


def _model(found: dict[str, Any], path: Path) -> str:
    """The model's name; lm-eval makes one up where it does not know the argument that holds it."""
    arguments = _arguments(found)
    shown = ",".join(f"{key}={value}" if value != "" else key for key, value in arguments.items())
    name = found.get("model_name")
    if isinstance(name, str) and _MADE_UP.fullmatch(name) and shown and name not in shown:
        name = None
    named = (
        name,
        *(at(arguments, key) for key in ("pretrained", "model", "model_name", "name", "path")),
        shown,
        at(found, "config", "model"),
    )
    return next((n for n in named if isinstance(n, str) and n), path.parent.name or path.stem)


def _arguments(found: dict[str, Any]) -> dict[str, Any]:
    """The model's arguments, which are a text in older files."""
    arguments = at(found, "config", "model_args")
    if isinstance(arguments, str):
        return dict(a.partition("=")[::2] for a in arguments.split(",") if a)
    return {str(k): v for k, v in arguments.items()} if isinstance(arguments, Mapping) else {}


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
