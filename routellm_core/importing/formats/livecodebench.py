"""Evaluations of LiveCodeBench: a list of problems with what one model wrote for each.

The files of all models are called alike; the folder names the model.
"""

import math
from pathlib import Path
from typing import Any

from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.formats.graded_records import (
    Row,
    benchmark,
    grade,
    model_of,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.sniffing import sniff

PASS = "pass@1"


def recognises(path: Path) -> bool:
    """True for problems with a share of answers that passed."""
    keys = sniff(path).keys
    return "question_id" in keys and bool(keys & {PASS, "graded_list"})


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file, of one model.

    Raises:
        DataError: damaged, or no problem has an id or text.
    """
    notes: list[str] = []
    model = model_of(path, notes)
    found = [(number, {"model": model} | _row(item)) for number, item in objects(path)]
    name = "livecodebench"
    return [benchmark(path, found, unit(path), "LiveCodeBench", name=name, notes=notes)]


def _row(item: dict[str, Any]) -> Row:
    graded = item.get("graded_list")
    passed = [grade(one) for one in graded] if isinstance(graded, list) else []
    known = [one for one in passed if not math.isnan(one)]
    quality = grade(item.get(PASS))
    if math.isnan(quality) and known:
        quality = sum(known) / len(known)
    return {
        "query_id": item.get("question_id"),
        "query": item.get("question_content") or item.get("question_title"),
        "slice": item.get("difficulty") or item.get("platform") or None,
        Measure(PASS): quality,
        "state": state_of(item.get("output_list")),
    }
