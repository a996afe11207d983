"""Details of lighteval: Parquet with a row a sample and columns that are structures.

They lie in `details/<model>/<moment>/details_<task>_<moment>.parquet`; the results file, which
names the model too, in `results/<model>/`. Read against 0.13; older ones have other columns.
"""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.fields import at
from routellm_core.importing.formats.graded_records import (
    Row,
    benchmark,
    grades_of,
    model_of,
)
from routellm_core.importing.prompt_texts import without_examples, without_template
from routellm_core.importing.readers.json_stream import document
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.table import reason
from routellm_core.importing.readers.tables import LARGEST_UNPACKED

COLUMNS = ("doc", "metric", "model_response")
OLDER = ("example", "metrics", "predictions")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?")
_BATCH = 1_000


def recognises(path: Path) -> bool:
    """True for Parquet with lighteval's columns."""
    if sniff(path).kind != "parquet":
        return False
    try:
        names = set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, UnicodeError):
        return False
    return names >= set(COLUMNS) or names >= set(OLDER)


def is_totals(path: Path) -> bool:
    """True for the results file of a run, which names the model of the details."""
    return sniff(path).keys >= {"config_general", "results", "summary_general"}


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file, of one model on one task.

    Raises:
        DataError: damaged, or it unpacks to too much.
    """
    notes: list[str] = []
    moment = _MOMENT.search(path.stem) or _MOMENT.search(path.parent.name)
    model = _model(path) or model_of(path, notes)
    found = []
    for number, item in enumerate(_items(path), start=1):
        row = _row(item) if "doc" in item else _older_row(item)
        found.append((number, {"model": model} | row))
    task = at(found[0][1], "task") if found else None
    for _, row in found:
        row.pop("task", None)
    task = task or _MOMENT.sub("", path.stem.removeprefix("details_")).strip("_")
    name, _, subset = re.sub(r"\|\d+$", "", task).partition(":")
    for number, row in found if subset else ():
        row |= {"slice": subset, "query_id": f"{subset}-{row.get('query_id') or number}"}
    return [
        benchmark(
            path,
            found,
            "row",
            "lighteval details",
            name=name,
            notes=notes,
            created=moment[0] if moment else "",
        )
    ]


def _items(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    n_bytes = 0
    try:
        with pq.ParquetFile(path) as file:
            names = [n for n in (*COLUMNS, *OLDER) if n in file.schema_arrow.names]
            for batch in file.iter_batches(_BATCH, columns=names):
                n_bytes += batch.nbytes
                if n_bytes > LARGEST_UNPACKED:
                    raise DataError(
                        f"{named(path)}: unpacks to more than {LARGEST_UNPACKED:,} bytes; import "
                        "it in parts"
                    )
                found += batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise DataError(
            f"{named(path)}: is a damaged Parquet file ({reason(error)}); write it again"
        ) from None
    return found


def _row(item: dict[str, Any]) -> Row:
    doc, answered = item.get("doc"), item.get("model_response")
    query = at(doc, "original_query") or at(doc, "query")
    shots = at(doc, "num_effective_few_shots")
    if isinstance(query, str):
        query = without_template(query)
        if isinstance(shots, int) and shots > 0 and not at(doc, "original_query"):
            query = without_examples(query, shots)
    texts = at(answered, "text")
    was_written = bool(texts) and not at(answered, "logprobs")
    lengths = [len(ids) for ids in at(answered, "output_tokens") or [] if ids]
    name = at(doc, "id")
    return {
        "query_id": str(name) if name not in (None, "") else None,
        "query": query if isinstance(query, str) else None,
        "task": at(doc, "task_name"),
        "prompt_tokens": float(len(at(answered, "input_tokens") or [])) or float("nan"),
        # Of options that a model only weighs there is no answer.
        "answer_tokens": sum(lengths) / len(lengths) if lengths and was_written else float("nan"),
        "state": state_of(texts) if was_written else None,
        **grades_of(item.get("metric")),
    }


def _older_row(item: dict[str, Any]) -> Row:
    query = item.get("example")
    answers = item.get("predictions")
    return {
        "query": query if isinstance(query, str) else None,
        "state": state_of(answers) if answers else None,
        **grades_of(item.get("metrics")),
    }


def _model(path: Path) -> str:
    """The model, from the folders above the file or the results file of the run."""
    parts = list(path.resolve().parent.parts)
    if parts and _MOMENT.fullmatch(parts[-1]):
        parts.pop()
    if "details" in parts:
        at_details = len(parts) - 1 - parts[::-1].index("details")
        if named := "/".join(parts[at_details + 1 :]):
            return named
    for beside in sorted(path.parent.glob("results_*.json")):
        moment = _MOMENT.search(path.stem)
        if moment is None or moment[0] in beside.stem:
            found = document(beside)
            named = at(found, "config_general", "model_name") or at(
                found, "config_general", "model_config", "model_name"
            )
            if isinstance(named, str) and named:
                return named
    general = {"", "details", "results", "outputs"}
    moments = [p for p in path.resolve().parents[:2] if _MOMENT.fullmatch(p.name)]
    folder = moments[0].parent.name if moments else path.parent.name
    is_named = bool(moments) and folder not in general
    return folder if is_named else ""
