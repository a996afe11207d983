"""RouterArena: predictions of a router, and cached results of single models.

Predictions are a router's trace: of each query only the outcome of the model that it chose. Cached
results of two models are a benchmark like any other.
"""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.asked import as_asked
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.formats.graded_records import is_empty
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff

PREDICTION = frozenset({"global index", "prompt", "prediction"})
CACHED = frozenset({"global_index", "question", "llm_selected", "evaluation_result"})
NAMED = 5


def recognises(path: Path) -> bool:
    """True for a list or lines of either."""
    keys = sniff(path).keys
    return keys >= PREDICTION or keys >= CACHED


def read(path: Path) -> list[Imported]:
    """The one benchmark, or the bare queries of a run that holds choices alone.

    Raises:
        DataError: damaged, or an item is off.
    """
    of_items, cached = unit(path), sniff(path).keys >= CACHED
    rows, where = rows_of(
        named(path),
        (
            (n, (_cached if cached else _prediction)(item, f"{named(path)}, {of_items} {n:,}"))
            for n, item in objects(path)
            # What a router would have chosen at best is no prediction.
            if not item.get("for_optimality")
        ),
        of_items,
    )
    if rows.empty:
        raise DataError(f"{named(path)}: holds no result; export it again")
    if not rows.pop("answered").any():
        note = (
            f"{named(path)} holds what a router chose, without answers, as its test of robustness "
            f"does ({_counted(rows['model'])}): its queries were taken, its choices not."
        )
        bare = rows[["query_id", "query", "slice"]]
        card = Card("routerarena-robustness", f"RouterArena choices, {named(path)}")
        return [assembled(bare, where, card, [note])]
    notes = [*_on_amounts(path, rows), *_on_metrics(path)]
    if not cached and rows["model"].nunique() > 1:
        notes.append(
            f"{named(path)} is a router's trace: each query has only the outcome of the model it "
            "chose, so models can be compared only on queries that several traces share."
        )
    return [assembled(rows, where, Card("routerarena", f"RouterArena, {named(path)}"), notes)]


def _on_amounts(path: Path, rows: pd.DataFrame) -> list[str]:
    """Notes on tokens and dollars that are not what they seem; takes the marks out of the rows."""
    notes = []
    thinking, no_cost = rows.pop("thinking"), rows.pop("no_cost")
    answered = ~rows["failed"]
    if thinking.any():
        notes.append(
            f"Answers of {named(path)} whose total of tokens exceeds prompt and answer: "
            f"{int(thinking.sum()):,} ({_counted(rows['model'][thinking])}). The rest is counted "
            "as thoughts; the dollars of these answers may leave them out."
        )
    if (no_cost & answered).any():
        notes.append(
            f"Answers of {named(path)} without dollars or tokens, whose cost is unknown: "
            f"{int((no_cost & answered).sum()):,} "
            f"({_counted(rows['model'][no_cost & answered])})."
        )
    return notes


def _on_metrics(path: Path) -> list[str]:
    """A note where the scores of a file are by several metrics."""
    metrics = (at(item, "evaluation_result", "metric") for _, item in objects(path))
    counts = Counter(metric for metric in metrics if isinstance(metric, str) and metric)
    if len(counts) < 2:
        return []
    shown = ", ".join(f"{name} {n:,}" for name, n in counts.most_common(NAMED))
    return [f"Scores of {named(path)} are by several metrics ({shown}), each on its own scale."]


def _counted(models: pd.Series) -> str:
    counts = models.value_counts()
    shown = ", ".join(f"{model} {n:,}" for model, n in counts[:NAMED].items())
    return shown + (", …" if len(counts) > NAMED else "")


def _prediction(item: dict[str, Any], where: str) -> dict[str, Any]:
    result = item.get("generated_result")
    quality = number(item.get("accuracy"), where, "accuracy")
    return _row(
        text(item.get("global index"), where, "global index"),
        as_asked({**item, "question": item.get("prompt")}),
        item.get("prediction"),
        quality,
        item.get("cost"),
        at(result, "token_usage"),
        at(result, "success"),
        result is not None or not math.isnan(quality),
        at(result, "generated_answer"),
        stopped_in(result, item),
        where,
    )


def _cached(item: dict[str, Any], where: str) -> dict[str, Any]:
    graded = item.get("evaluation_result")
    if graded is not None and not isinstance(graded, Mapping):
        raise DataError(f"{where}, field 'evaluation_result': is no object; evaluate it again")
    return _row(
        text(item.get("global_index"), where, "global_index"),
        as_asked(item),
        item.get("llm_selected"),
        number(at(graded, "score"), where, "evaluation_result.score"),
        at(graded, "inference_cost"),
        item.get("token_usage"),
        item.get("success"),
        True,
        item.get("generated_answer"),
        stopped_in(item),
        where,
    )


def _row(
    query_id: str,
    query: Any,
    model: Any,
    quality: float,
    cost: Any,
    usage: Any,
    success: Any,
    answered: bool,
    said: Any,
    stopped: Any,
    where: str,
) -> dict[str, Any]:
    prompt = number(at(usage, "input_tokens"), where, "token_usage.input_tokens")
    answer = number(at(usage, "output_tokens"), where, "token_usage.output_tokens")
    total = number(at(usage, "total_tokens"), where, "token_usage.total_tokens")
    is_counted = answer > 0 or total > prompt or (prompt > 0 and is_empty(said))
    dollars = number(cost, where, "cost")
    is_known = dollars != 0 and not math.isnan(dollars) and (is_counted or answer != 0)
    return {
        "query_id": query_id,
        "query": query if isinstance(query, str) else None,
        "slice": query_id.rpartition("_")[0] or "all",
        "model": model if isinstance(model, str) else None,
        "quality": quality,
        "prompt_tokens": prompt if is_counted else math.nan,
        "answer_tokens": max(answer, total - prompt) if is_counted else math.nan,
        # $0, or the dollars of the prompt alone, stand there when usage was not known.
        "cost_usd": dollars if is_known else math.nan,
        "failed": success is False,
        "answered": answered,
        "thinking": is_counted and total > prompt + answer,
        "no_cost": not is_known,
        "state": state_of(said, stopped),
    }
