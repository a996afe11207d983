"""Records of graded answers, as evaluation tools write them: the steps that these formats share.

A record has an input, perhaps an answer and an error, grades by name, tokens and seconds.
"""

import ast
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from routellm_core.importing import Imported
from routellm_core.importing.asked import as_asked
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.column_words import LESS_IS_BETTER, MORE_IS_BETTER
from routellm_core.importing.fields import at, rows_of
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import around_rows, objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_columns, read_sample
from routellm_core.importing.said import spoken
from routellm_core.importing.unread import LOOKED_AT, note_on_unread
from routellm_core.importing.values import RIGHT, WRONG

Row = dict[Any, Any]

MODEL_NAMES = (
    *("model", "model_name", "model_id", "llm", "llm_name", "llm_model", "chat_model"),
    *("model_under_test", "answer_model", "generation_model", "generator_model"),
)
LONGEST_LITERAL = 1 << 20
"""Characters of a text that is read as a structure of Python."""
FOLDERS_UP = 3
SLICE = ("category", "topic", "subject", "domain", "slice", "task", "dataset", "type")
NO_GRADE = frozenset(
    {
        *("length", "len", "n_words", "word_count", "latency", "duration", "cost", "tokens"),
        *("expected_response", "expected", "ground_truth", "execution_duration", "token_count"),
        *("total_cost", "flesch_kincaid_grade_level", "ari_grade_level", "answer_length"),
        *("seconds", "time", "ms", "characters", "chars", "words", "price", "usd", "cost_usd"),
    }
)
"""Names under which scorers keep what is no judgement of an answer."""
_PART = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)\s*(?:%|/\s*(\d{1,6}))", re.ASCII)
_NO_GRADE_ENDS = (
    *("_time", "_ms", "_tokens", "_length", "_duration", "_count", "_latency", "_cost"),
    *("_seconds", "_usd", "_words", "_chars", "_price"),
)
JUDGED = {
    **dict.fromkeys(("factual", "non-toxic", "non_toxic", "relevant", "safe", "faithful"), 1.0),
    **dict.fromkeys(("hallucinated", "toxic", "unrelated", "irrelevant", "unsafe"), 0.0),
}
"""Labels that say themselves whether an answer is good, whatever the grade is called."""
GENERAL = frozenset(
    {
        *("eval", "evals", "evaluation", "experiment", "report", "result", "results", "output"),
        *("outputs", "run", "test", "tests", "latest", "full", "all", "sample", "samples", "data"),
        *("details", "log", "logs", "scores", "export", "predictions", "scenario", "table", "json"),
        *("codegeneration", "codeexecution", "selfrepair", "testoutputprediction", "reviews"),
        *(
            "row",
            "rows",
            "trace",
            "traces",
            "items",
            "metrics",
            "graded",
            "file",
            "deepeval",
            "",
            "n",
        ),
    }
)
"""Words of a file's name that name no model."""
REFERENCE = frozenset(
    {
        *("reference", "answer", "expected", "expected_output", "target", "gold", "ideal"),
        *("ground_truth", "label", "solution", "reference_answer", "correct_answer", "output"),
    }
)
"""Fields beside a question that say what is right."""


def benchmark(
    path: Path,
    found: Iterable[tuple[int, Row]],
    of: str,
    tool: str,
    *,
    name: str = "",
    notes: Iterable[str] = (),
    created: str = "",
) -> Imported:
    """One benchmark of numbered rows.

    Args:
        path: the file.
        found: number and row, as `assembling.assembled` takes them.
        of: what a number counts, for messages.
        tool: that wrote the file, for people.
        name: of the benchmark; empty: the file's.
        notes: of the reader.
        created: moment of the run.

    Raises:
        DataError: no row, or one is off.
    """
    numbered = [(n, _with_texts(row)) for n, row in found]
    rows, where = rows_of(named(path), numbered, of)
    if "query_id" in rows and (rows["query_id"].isna() | rows["query_id"].eq("")).any():
        rows = rows.drop(columns="query_id")
    if "slice" in rows and rows["slice"].isna().all():
        rows = rows.drop(columns="slice")
    card = Card(name or path.stem, f"{tool}, {named(path)}", created=created)
    return assembled(rows, where, card, [*notes, *_on_unread(path, numbered)])


def _on_unread(path: Path, rows: list[tuple[int, Row]]) -> list[str]:
    if sniff(path).kind not in ("list", "objects"):
        return []
    return note_on_unread(islice(objects(path), LOOKED_AT), rows)


def _with_texts(row: Row) -> Row:
    """The row with texts, or nothing, where texts belong."""
    texts = {}
    for name in ("query", "query_id", "slice", "model"):
        value = row.get(name, "")
        if not isinstance(value, str) or not value.strip():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            texts[name] = str(value) if is_number else None
    return row | {name: value for name, value in texts.items() if name in row}


def items(path: Path, left_out: Collection[str] = ()) -> tuple[list[tuple[int, Row]], str]:
    """Numbered objects of JSON, or rows of any table, and the name of one in messages.

    Args:
        path: the file.
        left_out: columns of a table that are not read.

    Raises:
        DataError: it is neither, or damaged.
    """
    if sniff(path).kind in ("list", "objects"):
        return list(objects(path)), unit(path)
    names = [name for name in read_sample(path).column_names if name not in left_out]
    return list(enumerate(read_columns(path, names).data.to_pylist(), start=1)), "row"


def model_of(path: Path, notes: list[str]) -> str:
    """Name of a model beside the rows of a file; else after the file, or its folder."""
    if (model := model_beside_rows(path)) is not None:
        return model
    folder, is_among_namesakes, _ = named(path).partition("/")
    names = [path.stem, *(parent.name for parent in path.absolute().parents[:FOLDERS_UP])]
    for part in [folder] if is_among_namesakes else names:
        words = [word for word in re.split(r"[_\s]+", part) if not _is_general(word)]
        if words:
            name = "_".join(words) if part != path.stem else _without_ends(part)
            notes.append(
                f"{named(path)} does not name the model: it is called {name!r} after the "
                f"{'file' if part == path.stem else 'folder'}."
            )
            return name
    return path.stem


def model_beside_rows(path: Path) -> str | None:
    """The model that an object names beside the list of rows that it wraps."""
    beside = around_rows(path)
    facts = ("metadata", "config", "run", "info", "settings", "hyperparameters", "summary")
    return model_in(beside, *(beside.get(name) for name in facts), beside.get("model"))


def _is_general(word: str) -> bool:
    return all(piece in GENERAL for piece in re.split(r"[^a-z]+", word.lower()))


def _without_ends(stem: str) -> str:
    """A name without general words at its ends."""
    words = stem.split("_")
    while len(words) > 1 and _is_general(words[0]):
        words = words[1:]
    while len(words) > 1 and _is_general(words[-1]):
        words = words[:-1]
    return "_".join(words)


def asked_of(value: Any) -> str | None:
    """The question asked: a text, a person's last message, or the question in an object; else None.

    >>> asked_of({"question": "Who waits?", "reference": "a heron"})
    'Who waits?'
    >>> asked_of("{'messages': [{'role': 'user', 'content': 'Who waits?'}]}")
    'Who waits?'
    """
    value = structure(value)
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, list):
        return spoken(value)
    if not isinstance(value, Mapping):
        return str(value) if isinstance(value, int | float) else None
    if isinstance(value.get("messages"), list) or "role" in value:
        return spoken(value)
    if (asked := as_asked(value)) is not None:
        return asked
    others = [inner for key, inner in value.items() if str(key).lower() not in REFERENCE]
    texts = [inner for inner in others if isinstance(inner, str) and inner.strip()]
    if not texts:
        texts = [
            text for inner in others if isinstance(inner, Mapping) and (text := asked_of(inner))
        ]
    return texts[0] if len(texts) == 1 else None


def structure(value: Any) -> Any:
    """Value of a text that is JSON or Python's notation of an object or list; else itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        if len(value) > LONGEST_LITERAL:
            return value
        try:
            found = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return value
    return found if isinstance(found, Mapping | list) else value


def grade(value: Any) -> float:
    """A grade as a number, NaN where there is none; a word for right or wrong is 1 or 0.

    >>> [grade(v) for v in (True, "0.5", "wrong", {"value": 2}, "80%", "3/4", None)]
    [1.0, 0.5, 0.0, 2.0, 0.8, 0.75, nan]
    """
    if isinstance(value, Mapping):
        key = next((k for k in ("value", "score") if k in value), None)
        return math.nan if key is None else grade(value[key])
    if isinstance(value, str):
        word = value.strip().lower()
        if word in RIGHT or word in WRONG:
            return float(word in RIGHT)
        value = part_of(word) if _PART.fullmatch(word) else word
    try:
        found = float(value) if isinstance(value, bool | int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def of_label(name: str, label: Any) -> dict[Measure, float]:
    """The grade that a label gives; empty where it is no word for good or bad.

    >>> list(of_label("hallucination", "factual").values()), of_label("tone", "dry")
    ([1.0], {})
    """
    word = label.strip().lower() if isinstance(label, str) else ""
    if word in JUDGED:
        return {Measure(name, rises=True): JUDGED[word]}
    found = grade(word)
    return {} if math.isnan(found) else {Measure(name): found}


def part_of(text: str) -> float:
    """A share written as `80 %` or `4/5`; NaN of another text.

    >>> part_of("80 %"), part_of("4/5")
    (0.8, 0.8)
    """
    found = _PART.fullmatch(text.strip())
    whole = float(found[2] or 100) if found else 0.0
    return float(found[1]) / whole if found and whole else math.nan


def is_grade(name: str) -> bool:
    """False for the name of a length, a time or a cost, which is no judgement."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain not in NO_GRADE and not plain.endswith(_NO_GRADE_ENDS)


def grades_of(values: Any, main: str = "") -> dict[Measure, float]:
    """The grades of an object of them by name."""
    if not isinstance(values, Mapping):
        return {}
    return {
        Measure(str(name), is_main=name == main): number
        for name, value in values.items()
        if is_grade(str(name)) and not math.isnan(number := grade(value))
    }


def slice_of(*records: Any) -> str | None:
    """The first field of records that names a group of queries."""
    for record in map(structure, records):
        for key in SLICE:
            value = at(record, key)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return None


def model_in(*records: Any) -> str | None:
    """The model that records name, the first one."""
    for record in map(structure, records):
        named = {re.sub(r"[^a-z0-9]+", "_", str(k).lower()): v for k, v in _items(record)}
        for key in MODEL_NAMES:
            if (name := name_of_model(named.get(key))) is not None:
                return name
    return None


def _items(record: Any) -> Iterable[tuple[Any, Any]]:
    return record.items() if isinstance(record, Mapping) else ()


def rises_in(record: Any) -> bool | None:
    """True if a record's flag says that more is better, False if less; else None.

    >>> rises_in({"lower_is_better": True}), rises_in({"higher_is_better": "yes"}), rises_in({})
    (False, True, None)
    """
    for names, meant in ((MORE_IS_BETTER, True), (LESS_IS_BETTER, False)):
        told = [grade(value) for name in names if (value := at(record, name)) is not None]
        if told and not math.isnan(told[0]):
            return meant == bool(told[0])
    return None


def name_of_model(value: Any) -> str | None:
    """The name that stands in a field of models: a text, or in an object of one."""
    if isinstance(value, Mapping):
        value = next((value[k] for k in ("name", "id", "model", "model_name") if k in value), None)
    return value.strip() if isinstance(value, str) and value.strip() else None


def is_empty(answer: Any) -> bool:
    """True for an answer that says nothing; none at all is not known to be empty."""
    if isinstance(answer, list):
        return bool(answer) and all(map(is_empty, answer))
    return isinstance(answer, str) and not answer.strip()


def tokens_of(usage: Any) -> tuple[float, float]:
    """Tokens of the prompt and of the answer, thoughts included; NaN where they are not known.

    A total above its parts has the cached prompt and the thoughts in it that the parts leave out.

    >>> tokens_of({"input_tokens": 10, "output_tokens": 5, "total_tokens": 40})
    (10.0, 30.0)
    """
    usage = structure(usage)
    prompt = _first(usage, ("input_tokens", "prompt_tokens", "promptTokens", "prompt"))
    answer = _first(usage, ("output_tokens", "completion_tokens", "completionTokens", "completion"))
    total = _first(usage, ("total_tokens", "totalTokens", "total"))
    if prompt == answer == 0 or (math.isnan(prompt) and math.isnan(answer)):
        return math.nan, math.nan
    thoughts = _first(usage, ("reasoning_tokens", "thinking_tokens", "reasoningTokens"))
    if math.isnan(total) and thoughts > answer:
        answer += thoughts
    left = total - prompt - answer
    cached = sum(
        n
        for key in ("input_tokens_cache_write", "input_tokens_cache_read")
        if not math.isnan(n := _first(usage, (key,)))
    )
    if left > 0 and cached <= left:
        prompt, left = prompt + cached, left - cached
    # Of an answer no token is what stands there when nobody counted.
    return prompt, answer + left if left > 0 else answer or math.nan


def amount(value: Any, factor: float = 1.0) -> float:
    """A number from 0 on, times a factor; NaN where there is none."""
    found = grade(value) if not isinstance(value, bool | Mapping) else math.nan
    return found * factor if found >= 0 else math.nan


def _first(values: Any, names: tuple[str, ...]) -> float:
    return next((n for name in names if not math.isnan(n := amount(at(values, name)))), math.nan)
