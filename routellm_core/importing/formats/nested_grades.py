"""Records whose grades lie a level deeper than a table's: by model, in a list, or by metric.

Forms that are read: `{question, scores: {model: grade}}`, where a grade may be an object with cost
and tokens beside it, or these lie in objects of their own; `{question, results: [{model, score,
…}]}`; `{question, models: [...], scores: [...]}`; `{question, "<model>": {score, …}}`; and
`{question, model, evaluation: {metric: grade}}` or a list of `{name, value}`, of the file's model
where no record names one.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from routellm_core.importing import Imported, units
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.asked import as_asked, is_of_question
from routellm_core.importing.column_words import (
    ANSWER,
    ANSWER_TOKENS,
    CACHED,
    COST,
    ERROR,
    FAILED,
    MILLISECONDS,
    MODEL,
    PROMPT_TOKENS,
    QUALITY,
    QUERY,
    QUERY_ID,
    SECONDS,
    SLICE,
    STATUS,
    plain_name,
)
from routellm_core.importing.formats.graded_records import (
    Row,
    amount,
    asked_of,
    benchmark,
    grade,
    is_grade,
    model_of,
    part_of,
    rises_in,
    tokens_of,
)
from routellm_core.importing.measures import Measure
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.json_stream import around_rows, objects, unit
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.wide_tables import is_like_model

NESTED = (
    *("scores", "grades", "results", "models", "outcomes", "performance", "performances"),
    *("quality", "qualities", "accuracy", "correct", "evaluations", "evaluation", "eval"),
    *("evaluation_result", "grading", "grade", "judgement", "judgment", "judgements", "verdicts"),
    *("metrics", "score", "answers", "responses", "outputs", "completions", "generations"),
    *("ratings", "labels", "result", "model_results", "model_scores", "model_outputs"),
)
"""Keys under which grades may lie, the likeliest first."""
OF_ONE_ANSWER = tuple(name for name in ANSWER if name != "answer")
"""Fields of the one answer that grades beside it are of; `answer` may be the right one."""
NAMES, GRADES_OF = ("name", "metric", "measure", "key", "scorer"), ("value", "score", "result")
"""Fields of a grade in a list of them."""
SIBLINGS = {
    "cost_usd": (*COST, "costs", "prices"),
    "latency_s": (*SECONDS, "latencies", "times"),
    "answer_tokens": (*ANSWER_TOKENS, "tokens"),
}
"""Objects beside the grades that hold the amounts of each model."""
USAGE = ("usage", "token_usage", "tokens", "token_counts")


def recognises(path: Path) -> bool:
    """True for a record with a question and grades below it, and none beside it."""
    first = sniff(path).first
    if not first or (_named(first, QUERY) is None and _named(first, QUERY_ID) is None):
        return False
    beside = {key: value for key, value in first.items() if plain_name(str(key)) in QUALITY}
    is_table = any(isinstance(value, bool | int | float) for value in beside.values())
    return not is_table and _form(first) is not None


def read(path: Path) -> list[Imported]:
    """The one benchmark of a file.

    Raises:
        DataError: damaged, or no record says what was asked.
    """
    notes: list[str] = []
    found: list[tuple[int, Row]] = []
    n_without = 0
    for number, item in objects(path):
        rows = list(_rows(item, number))
        n_without += not rows
        found += [(number, row) for row in rows]
    if any(row["model"] is None for _, row in found):
        name = model_of(path, notes)
        for _, row in found:
            row["model"] = row["model"] or name
    _in_seconds([row for _, row in found], notes)
    beside = around_rows(path)
    found = [
        (number, _with_direction(row, row.pop("rises", None), beside)) for number, row in found
    ]
    if n_without:
        those = counted(n_without, "record without any grade was", "records without any grade were")
        notes.append(f"{those} left out.")
    return [benchmark(path, found, unit(path), "records of grades", notes=notes)]


def _in_seconds(rows: list[Row], notes: list[str]) -> None:
    """Turn the times of keys that name no unit into seconds, in the rows."""
    bare: dict[str, list[Row]] = {}
    for row in rows:
        key = row.pop("time_key", None)
        if key is not None and units.unit_of_time(key) is None:
            bare.setdefault(key, []).append(row)
    times = {key: np.array([row["latency_s"] for row in own]) for key, own in bare.items()}
    for key, seconds in units.in_seconds(times, notes).items():
        for row, s in zip(bare[key], seconds.tolist(), strict=True):
            row["latency_s"] = s


def _with_direction(row: Row, of_row: bool | None, beside: Mapping[str, Any]) -> Row:
    """The row with measures that know whether more of them is better, where the file tells."""
    rises = of_row if of_row is not None else rises_in(beside)
    if rises is None:
        return row
    return {replace(k, rises=rises) if isinstance(k, Measure) else k: v for k, v in row.items()}


def _rows(item: Mapping[str, Any], number: int) -> Iterator[Row]:
    """A row a model of a record."""
    form = _form(item)
    if form is None:
        return
    key, kind = form
    name = _named(item, QUERY_ID)
    asked = (asked_of(item[k]) for k in _keys(item, QUERY))
    query = next((q for q in asked if q), None)
    beside = {k: v for k, v in item.items() if is_of_question(plain_name(str(k)))}
    if query is not None and beside:
        query = as_asked({**{plain_name(str(k)): v for k, v in beside.items()}, "question": query})
    shared: Row = {"query_id": str(name if name is not None else number), "query": query}
    if query is None:
        del shared["query"]
    if (rises := rises_in(item)) is not None:
        shared["rises"] = rises
    if isinstance(part := _named(item, SLICE), str) and part.strip():
        shared["slice"] = part
    nested: Any = item if kind == "beside" else item[key]
    if kind == "named":
        nested = {
            str(_named(one, NAMES)): _named(one, GRADES_OF) for one in nested if _is_named(one)
        }
        kind = "metrics"
    if kind == "parallel":
        models = next(item[k] for k in _keys(item, ("models", "model_names", "model")))
        nested, kind = dict(zip(models, nested, strict=True)), "models"
    if kind == "beside":
        nested, kind = {k: v for k, v in item.items() if _is_graded(v)}, "models"
    if kind == "metrics":
        model = _named(item, MODEL)
        graded = {"model": model if isinstance(model, str) and model else None}
        yield shared | _amounts(item) | graded | _measures(nested, of_one=True)
        return
    listed = nested.items() if kind == "models" else ((_named(one, MODEL), one) for one in nested)
    for model, value in listed:
        if isinstance(value, Mapping):
            yield shared | {"model": model} | _amounts(value) | _measures(value)
        else:
            beside = {
                name: amount(item[k].get(model))
                for name, names in SIBLINGS.items()
                for k in _keys(item, names)
                if isinstance(item[k], Mapping)
            }
            if "latency_s" in beside:
                times = _keys(item, SIBLINGS["latency_s"])
                beside["time_key"] = [k for k in times if isinstance(item[k], Mapping)][-1]
            yield shared | {"model": model, Measure(key): grade(value)} | beside


def _form(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """The key of the grades, and whether they lie by model, in a list, or by metric."""
    for key in _keys(item, NESTED):
        value = item[key]
        if isinstance(value, list) and value and all(_is_answer(one) for one in value):
            return key, "list"
        if isinstance(value, list) and value and all(_is_named(one) for one in value):
            return key, "named"
        if isinstance(value, list) and _is_parallel(item, value):
            return key, "parallel"
        if not isinstance(value, Mapping) or not value:
            continue
        if all(isinstance(one, Mapping) and _measures(one) for one in value.values()):
            return key, "models"
        numbers = [k for k, v in value.items() if isinstance(v, bool | int | float) or _is_part(v)]
        if not numbers:
            continue
        of_metrics = [k for k in numbers if _is_metric(str(k))]
        of_one = isinstance(_named(item, MODEL), str) or any(
            isinstance(item[name], str) for name in _keys(item, OF_ONE_ANSWER)
        )
        # `answer` may be the right one, beside the grades of several models.
        has_answer = any(isinstance(item[name], str) for name in _keys(item, ("answer",)))
        of_one = of_one or (has_answer and not any(is_like_model(str(k)) for k in numbers))
        if of_one or of_metrics:
            if _measures(value, of_one=of_one):
                return key, "metrics"
        elif len(numbers) == len(value) - sum(v is None for v in value.values()):
            return key, "models"
    beside = [key for key, value in item.items() if _is_graded(value)]
    known = {*NESTED, *USAGE, *MODEL, *QUERY, *ANSWER, "metadata", "input", "output", "response"}
    if len(beside) > 1 and not known & set(map(plain_name, beside)):
        return beside[0], "beside"
    return None


def _is_part(value: Any) -> bool:
    return isinstance(value, str) and not math.isnan(part_of(value))


def _is_graded(value: Any) -> bool:
    """True for an object that holds a grade under a name for grades."""
    return isinstance(value, Mapping) and any(
        not math.isnan(grade(value[k])) for k in _keys(value, QUALITY)
    )


def _is_named(value: Any) -> bool:
    """True for a grade with its name, in a list of them."""
    return (
        isinstance(value, Mapping)
        and isinstance(_named(value, NAMES), str)
        and not math.isnan(grade(_named(value, GRADES_OF)))
    )


def _is_parallel(item: Mapping[str, Any], grades: list[Any]) -> bool:
    """True for grades in the order of the models in a list beside them."""
    models = next((item[k] for k in _keys(item, ("models", "model_names", "model"))), None)
    return (
        isinstance(models, list)
        and len(models) == len(grades) > 0
        and all(isinstance(model, str) for model in models)
        and all(isinstance(one, bool | int | float) for one in grades)
    )


def _is_answer(value: Any) -> bool:
    named = isinstance(value, Mapping) and isinstance(_named(value, MODEL), str)
    return named and bool(_measures(value) or _has_failed(value))


def _is_metric(name: str) -> bool:
    return Measure(name).direction is not None or plain_name(name) in QUALITY


def _measures(
    values: Mapping[str, Any], depth: int = 1, of_one: bool = False
) -> dict[Measure, float]:
    """The grades among an object's values, those named so, or that are flags; or an object's.

    Where all are known to be of one answer, any number is a grade.
    """
    below = [values[k] for k in _keys(values, NESTED) if isinstance(values[k], Mapping)]
    inner = _measures(below[0], depth - 1) if below and depth else {}
    return inner | {
        Measure(str(name)): number
        for name, value in values.items()
        if (_is_metric(str(name)) or isinstance(value, bool) or (of_one and _is_number(value)))
        and is_grade(str(name))
        and plain_name(str(name)) not in _AMOUNTS
        and not math.isnan(number := grade(value))
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value


_AMOUNTS = frozenset({*PROMPT_TOKENS, *ANSWER_TOKENS, *COST, *SECONDS, *MILLISECONDS, "cached"})


def _amounts(item: Mapping[str, Any]) -> Row:
    prompt, answer = tokens_of(
        next((item[k] for k in USAGE if isinstance(item.get(k), dict)), None)
    )
    given = amount(_named(item, PROMPT_TOKENS)), amount(_named(item, ANSWER_TOKENS))
    seconds = amount(_named(item, SECONDS))
    texts = [item[key] for key in _keys(item, ANSWER)]
    cost, milliseconds = amount(_named(item, COST)), amount(_named(item, MILLISECONDS), 1e-3)
    if _named(item, CACHED) is True:  # neither paid nor waited for
        cost = seconds = milliseconds = math.nan
    return {
        "prompt_tokens": prompt if math.isnan(given[0]) else given[0],
        "answer_tokens": answer if math.isnan(given[1]) else given[1],
        "cost_usd": cost,
        "latency_s": milliseconds if math.isnan(seconds) else seconds,
        "time_key": None if math.isnan(seconds) else _keys(item, SECONDS)[0],
        "failed": _has_failed(item),
        "state": state_of(texts[0] if texts else None, stopped_in(item)),
    }


def _has_failed(item: Mapping[str, Any]) -> bool:
    return bool(_named(item, ERROR)) or str(_named(item, STATUS)).lower() in FAILED


def _keys(item: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """The keys of an object that have one of the names, in the names' order."""
    by_name = {plain_name(key): key for key in reversed(list(item)) if isinstance(key, str)}
    return [by_name[name] for name in names if name in by_name]


def _named(item: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The value under the first of the names that holds any."""
    return next((item[key] for key in _keys(item, names) if item[key] not in (None, "")), None)
