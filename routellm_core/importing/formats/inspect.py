"""Logs of UK AISI's Inspect: JSON, or the zip archive .eval. One model's run of one task."""

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.readers import zip_limits
from routellm_core.importing.readers.json_stream import document, parsed
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.said import spoken

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Correct, partially, incorrect, no answer."""
ATTACHMENT = "attachment://"
SLICE = ("subject", "category", "topic", "domain", "type", "level")

Sample = tuple[str, Mapping[str, Any]]
"""Name in messages, and content."""


def recognises(path: Path) -> bool:
    """True for a log in either form."""
    start = sniff(path)
    if start.kind == "zip":
        names = set(zip_limits.names(path))
        has_header = bool(names & {"header.json", "_journal/start.json"})
        return has_header and any(n.startswith(("samples/", "summaries")) for n in names)
    return start.keys >= {"status", "eval"} and '"task"' in start.text


def read(path: Path) -> list[Imported]:
    """The one benchmark; the mean over epochs where a sample was run several times.

    Raises:
        DataError: damaged, a trap, without samples, or a score cannot be read.
    """
    if sniff(path).kind == "zip":
        zip_limits.check(path)
        try:
            with zipfile.ZipFile(path) as archive:
                header = _header(archive, path.name)
                return _imported(path, header, _zipped(archive, path.name))
        except zip_limits.DAMAGE as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path.name}: is no whole zip archive ({error})") from None
    log = document(path)
    samples = log.get("samples")
    if not isinstance(samples, list):
        raise DataError(
            f"{path.name}: holds no samples, only totals; write the log with samples "
            "(inspect log dump)"
        )
    return _imported(
        path, log, ((f"{path.name}, sample {i:,}", s) for i, s in enumerate(samples, start=1))
    )


def _header(archive: zipfile.ZipFile, file: str) -> dict[str, Any]:
    """Facts of the run; of one that never ended, those at its start."""
    name = "header.json" if "header.json" in archive.namelist() else "_journal/start.json"
    return parsed(zip_limits.content(archive, name, file), f"{file}, {name}")


def _zipped(archive: zipfile.ZipFile, file: str) -> Iterator[Sample]:
    for name in archive.namelist():
        if name.startswith("samples/") and name.endswith(".json"):
            yield (
                f"{file}, {name[:80]}",
                parsed(zip_limits.content(archive, name, file), f"{file}, {name}"),
            )


def _imported(path: Path, header: dict[str, Any], samples: Iterator[Sample]) -> list[Imported]:
    model = text(at(header, "eval", "model"), path.name, "eval.model")
    task = text(at(header, "eval", "task"), path.name, "eval.task")
    notes: list[str] = []
    if header.get("status", "success") != "success":
        notes.append(f"{path.name} is of a run that ended as {str(header.get('status'))[:20]!r}.")
    by_id: dict[str, list[dict[str, Any]]] = {}
    scorers: dict[str, int] = {}
    for where, sample in samples:
        if not isinstance(sample, Mapping):
            raise DataError(f"{where}: is no object; export the log again")
        row = _row(sample, where, model, scorers)
        by_id.setdefault(row["query_id"], []).append(row)
    if not by_id:
        raise DataError(f"{path.name}: holds no samples; write the log with samples")
    if len(scorers) > 1:
        first = next(iter(scorers))
        notes.append(f"{path.name} has several scores ({', '.join(scorers)}): {first!r} was taken.")
    epochs = max(map(len, by_id.values()))
    if epochs > 1:
        notes.append(f"Samples were run up to {epochs} times: the mean is taken.")
    rows, where_ = rows_of(
        path.name, ((i, _mean(runs)) for i, runs in enumerate(by_id.values(), start=1)), "sample"
    )
    name = task.rpartition("/")[2]
    return [assembled(rows, where_, Card(name, f"Inspect, {path.name}"), notes)]


def _row(
    sample: Mapping[str, Any], where: str, model: str, scorers: dict[str, int]
) -> dict[str, Any]:
    usage = sample.get("model_usage")
    of_model = at(usage, model)
    if of_model is None and isinstance(usage, Mapping) and len(usage) == 1:
        of_model = next(iter(usage.values()))
    if of_model is None:
        of_model = at(sample, "output", "usage")
    metadata = sample.get("metadata")
    named = next((at(metadata, key) for key in SLICE if isinstance(at(metadata, key), str)), "")
    return {
        "query_id": text(sample.get("id"), where, "id"),
        "query": _query(sample, where),
        "slice": named.strip() or "all",
        "model": model,
        "quality": _quality(sample.get("scores"), where, scorers),
        "prompt_tokens": number(at(of_model, "input_tokens"), where, "input_tokens"),
        "answer_tokens": number(at(of_model, "output_tokens"), where, "output_tokens"),
        "latency_s": number(sample.get("total_time"), where, "total_time"),
    }


def _query(sample: Mapping[str, Any], where: str) -> str:
    """The question, with its choices one a line."""
    asked = spoken(sample.get("input"))
    if asked is not None and asked.startswith(ATTACHMENT):
        asked = at(sample.get("attachments"), asked.removeprefix(ATTACHMENT))
    asked = text(asked, where, "input")
    choices = sample.get("choices")
    if isinstance(choices, list) and all(isinstance(c, str) for c in choices):
        asked = "\n".join(
            [asked, *(f"{chr(65 + i)}. {choice}" for i, choice in enumerate(choices[:26]))]
        )
    return asked


def _quality(scores: Any, where: str, scorers: dict[str, int]) -> float:
    """The first scorer's value, the same scorer for every sample."""
    if not isinstance(scores, Mapping) or not scores:
        return math.nan
    for name in scores:
        scorers[str(name)] = scorers.get(str(name), 0) + 1
    chosen = next(iter(scorers))
    value = at(scores.get(chosen), "value") if isinstance(scores.get(chosen), Mapping) else None
    if isinstance(value, str) and value.strip().upper() in LETTERS:
        return LETTERS[value.strip().upper()]
    if isinstance(value, Mapping | list):
        raise DataError(
            f"{where}, score {chosen!r}: holds several values; export one of them as a table"
        )
    return number(value, where, f"scores.{chosen}.value")


def _mean(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Runs of one sample as one; a number that one run lacks is the mean of the others."""
    row = dict(runs[0])
    for name in ("quality", "prompt_tokens", "answer_tokens", "latency_s"):
        known = [run[name] for run in runs if not math.isnan(run[name])]
        row[name] = float(np.mean(known)) if known else math.nan
    return row
