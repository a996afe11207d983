"""Reviews of EvalScope: a line a sample, in `reviews/<model>/<dataset>_<subset>.jsonl`.

Read against 1.14.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.fields import at
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    asked_of,
    benchmark,
    grades_of,
    model_in,
    model_of,
    slice_of,
    tokens_of,
)
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.said import spoken

USABLE = ("success", "fallback", None)
"""States of a score that may count; others say that the judge gave none."""
_NAN = (float("nan"),) * 3
_MOMENT = re.compile(r"\d{8}_\d{6}")


def recognises(path: Path) -> bool:
    """True for lines with the score of a sample."""
    return sniff(path).keys >= {"index", "sample_score"}


def is_totals(path: Path) -> bool:
    """True for the report of a run, which tells data sets from their parts."""
    return sniff(path).keys >= {"dataset_name", "model_name", "metrics"}


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file, of one model on one part of a data set.

    Raises:
        DataError: damaged, or no line has a question.
    """
    notes: list[str] = []
    found = [(number, _row(line)) for number, line in objects(path)]
    unnamed = [row for _, row in found if row["model"] is None]
    if unnamed:
        folder = path.parent.name if path.parent.parent.name == "reviews" else ""
        named = {row["model"] for _, row in found} - {None}
        name = folder or (named.pop() if len(named) == 1 else model_of(path, notes))
        for row in unnamed:
            row["model"] = name
    moment = next((m[0] for part in path.parts if (m := _MOMENT.fullmatch(part))), "")
    name, subset = _data_set(path)
    if subset:
        for _, row in found:
            row |= {"slice": subset, "query_id": f"{subset}-{row['query_id']}"}
    return [
        benchmark(
            path,
            found,
            unit(path),
            "EvalScope reviews",
            name=name,
            notes=notes,
            created=moment,
        )
    ]


def _data_set(path: Path) -> tuple[str, str]:
    """Data set and part of it in a file's name, where the report of the run tells them apart."""
    reports = path.parent.parent.parent / "reports" / path.parent.name
    fitting = [r.stem for r in reports.glob("*.json") if path.stem.startswith(f"{r.stem}_")]
    name = max(fitting, key=len, default="")
    return name, path.stem.removeprefix(f"{name}_") if name else ""


def _row(line: dict[str, Any]) -> Row:
    sample = line.get("sample_score")
    score = at(sample, "score")
    messages = line.get("messages")
    messages = messages if isinstance(messages, list) else []
    answers = [m for m in messages if at(m, "role") == "assistant"]
    last = answers[-1] if answers else None
    spent = at(last, "perf_metrics") or at(last, "usage") or {}
    prompt, answer, seconds = _spent(answers)
    stopped = stopped_in(last, spent, line, line.get("model_output"))
    group = at(sample, "group_id")
    row: Row = {
        "query_id": line.get("index") if group is None else group,
        "query": asked_of(line.get("input")) or _question(messages),
        "slice": slice_of(at(sample, "sample_metadata")),
        "model": model_in(last, at(sample, "sample_metadata")),
        "prompt_tokens": prompt,
        "answer_tokens": answer,
        # A latency of 0 is what stands there when none was taken.
        "latency_s": seconds or float("nan"),
        "state": state_of(
            (spoken({"content": at(last, "content")}) or "") if last else None, stopped
        ),
    }
    if at(sample, "generation_index") is not None:
        row["repeat"] = at(sample, "generation_index")
    if at(score, "status") in USABLE:
        values = at(score, "value")
        values = values if isinstance(values, Mapping) else {"score": values}
        row |= grades_of(values, at(score, "main_score_name") or "")
    return row


def _spent(answers: list[Any]) -> tuple[float, float, float]:
    """Tokens of prompt and answer, and seconds, of all calls of a sample together."""
    uses = [at(one, "perf_metrics") or at(one, "usage") or {} for one in answers]
    each = [(*tokens_of(use), amount(at(use, "latency"))) for use in uses]
    prompt, answer, seconds = (sum(values) for values in zip(*each, strict=True)) if each else _NAN
    return prompt, answer, seconds


def _question(messages: list[Any]) -> str | None:
    """What the person said last before the answer."""
    return spoken([m for m in messages if at(m, "role") in ("user", "human")])
