"""The CSV export of promptfoo: variables first, then of each provider its answers and grades."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from routellm_core.errors import DataError
from routellm_core.importing import Imported, values
from routellm_core.importing.answers import state_of
from routellm_core.importing.asked import as_asked
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.column_words import QUERY
from routellm_core.importing.fields import rows_of
from routellm_core.importing.formats.promptfoo_grades import (
    PASS,
    SCORE,
    UNGRADED,
    named_measure,
)
from routellm_core.importing.formats.promptfoo_models import Provider, distinct_names
from routellm_core.importing.measures import Measure
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.tables import read_columns, read_sample
from routellm_core.importing.said import spoken

GRADED = ("Status", "Score", "Named Scores", "Grader Reason")
"""Columns after that of each provider's answers."""
ERROR = "ERROR"
"""Status of a call that failed."""
UNASSERTED = (
    "Answers without a grade, for an assertion ended in an error, as one on the cost does where "
    "promptfoo knows no price of the model"
)
LONGEST_HEADER = 1 << 16
OBJECT = "[object Object]"
"""What is left of a variable that is no text."""
OF_ASSERTION = re.compile(r"\bassertions?\b", re.IGNORECASE)
"""What stands in the error of an assertion, beside errors of calls."""
_NO_GRADE = re.compile(
    r"(cost|latency) \S+ is greater than threshold|(output )?not selected\b", re.IGNORECASE
)


class _Block(NamedTuple):
    """The columns of one provider."""

    model: str
    answer: str
    status: str
    score: str
    named: str | None
    reason: str | None


def is_csv(start: str) -> bool:
    """True if a text begins with the header of this export."""
    try:
        header = next(csv.reader(io.StringIO(start[:LONGEST_HEADER], newline="")), [])
    except csv.Error:
        return False
    return any(tuple(header[i : i + 3]) == GRADED[:3] for i in range(1, len(header) - 2))


def read(path: Path) -> Imported:
    """The one benchmark of an evaluation.

    Raises:
        DataError: damaged, a cell is off, or only the JSON export tells what it holds.
    """
    columns = read_sample(path).column_names
    blocks, filled = _layout(columns, path.name)
    names = [c for b in blocks for c in b[1:] if c is not None]
    table = read_columns(path, list(dict.fromkeys([*filled, *names])))
    data, where = table.data, table.where
    cells = {name: data[name].to_pylist() for name in data.column_names}
    for name in filled:
        hidden = np.array([OBJECT in (cell or "") for cell in cells[name]], dtype=bool)
        what = f"{OBJECT!r} in place of a value"
        where.refuse(hidden, what, "export JSON, which holds it", f"column {name!r}")
    of_tests = list(zip(*(cells[name] for name in filled), strict=True))
    first: dict[tuple[Any, ...], int] = {}
    found = []
    n_of = {"ungraded": 0, "unasserted": 0, "compared": 0}
    for block in blocks:
        scores = values.numbers(data[block.score], where, block.score, "quality")
        for at, (test, number) in enumerate(zip(of_tests, where.row.tolist(), strict=True)):
            status, reason = str(cells[block.status][at]).strip(), _cell(cells, block.reason, at)
            said = _cell(cells, block.answer, at)
            is_unasserted = status == ERROR and OF_ASSERTION.search(said.partition("\n")[0])
            row: dict[Any, Any] = {
                "query_id": str(first.setdefault(test, number)),
                "query": _query(dict(zip(filled, test, strict=True))),
                "model": block.model,
                "failed": status == ERROR and not is_unasserted,
                "state": None if is_unasserted else state_of(said),
            }
            n_of["unasserted"] += bool(is_unasserted)
            if status != ERROR and reason == UNGRADED:
                n_of["ungraded"] += 1
            elif status != ERROR:
                n_of["compared"] += _NO_GRADE.match(reason) is not None
                row[SCORE] = scores[at]
                row[PASS] = {"PASS": 1.0, "FAIL": 0.0}.get(status, math.nan)
                row |= _named(_cell(cells, block.named, at))
            found.append((number, row))
    notes = [*table.notes, *_notes(found, n_of, path.name)]
    rows, where_ = rows_of(named(path), sorted(found, key=lambda f: f[0]), "row")
    return assembled(rows, where_, Card(path.stem, f"promptfoo, {named(path)}"), notes)


def _notes(
    found: list[tuple[int, dict[Any, Any]]], n_of: Mapping[str, int], file: str
) -> list[str]:
    """Notes on what grades nothing; scores that mix in a comparison or a price are taken away."""
    notes = []
    if n_of["ungraded"]:
        notes.append(
            counted(n_of["ungraded"], "answer is of a test", "answers are of tests")
            + " without an assertion: no grade, whatever score promptfoo gives."
        )
    if n_of["unasserted"]:
        notes.append(f"{UNASSERTED}: {n_of['unasserted']:,}.")
    if n_of["compared"]:
        what = counted(n_of["compared"], "answer")
        what += " failed for its cost, its seconds or a comparison"
        named = {m for _, row in found for m in row if isinstance(m, Measure)} - {SCORE, PASS}
        if not named:
            raise DataError(
                f"{file}: {what}, which grades no answer, and CSV does not say how good they are "
                "without it; export JSON"
            )
        for _, row in found:
            row.pop(SCORE, None)
            row.pop(PASS, None)
        notes.append(f"{what}, so only the named scores were taken; JSON says more.")
    return notes


def _layout(columns: list[str], file: str) -> tuple[list[_Block], list[str]]:
    """The columns of each provider, and those of the variables."""
    answers = [
        i
        for i in range(len(columns) - 2)
        if columns[i + 1].startswith("Status") and columns[i + 2].startswith("Score")
    ]
    if not answers:
        raise DataError(f"{file}: has no column of answers before 'Status'; export it again")
    filled = columns[: answers[0]]
    if not filled:
        raise DataError(f"{file}: has no column of a variable; export it as JSON")
    providers = []
    for place, i in enumerate(answers):
        match = re.match(r"\[(.+?)\] ?(.*)", columns[i], re.DOTALL)
        label, prompt = (match[1], match[2]) if match else (columns[i], "")
        providers.append(Provider(label, "", prompt, str(place)))
    blocks = []
    for name, begin, end in zip(
        distinct_names(providers), answers, [*answers[1:], len(columns)], strict=True
    ):
        own = columns[begin + 1 : end]
        status, score, named, reason = (
            next((c for c in own if c.startswith(title)), None) for title in GRADED
        )
        assert status is not None and score is not None
        blocks.append(_Block(name, columns[begin], status, score, named, reason))
    return blocks, filled


def _cell(cells: Mapping[str, list[Any]], column: str | None, at: int) -> str:
    return "" if column is None else str(cells[column][at] or "")


def _query(filled: Mapping[str, Any]) -> str | None:
    texts = {k.lower(): v for k, v in filled.items() if isinstance(v, str) and v.strip()}
    named = as_asked(texts) or next((texts[name] for name in QUERY if name in texts), None)
    return spoken(named or next(iter(texts.values()), None))


def _named(cell: str) -> dict[Measure, float]:
    """The named scores of a cell, an object of numbers."""
    try:
        found = json.loads(cell) if cell else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        named_measure(str(name)): float(value)
        for name, value in found.items()
        if isinstance(value, bool | int | float) and math.isfinite(value)
    }
