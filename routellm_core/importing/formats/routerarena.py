"""RouterArena: predictions of a router, and cached results of single models.

Predictions are a router's trace: of each query only the outcome of the model that it chose. Cached
results of two models are a benchmark like any other.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.sniffing import sniff

PREDICTION = frozenset({"global index", "prompt", "prediction"})
CACHED = frozenset({"global_index", "question", "llm_selected", "evaluation_result"})


def recognises(path: Path) -> bool:
    """True for a list or lines of either."""
    keys = sniff(path).keys
    return keys >= PREDICTION or keys >= CACHED


def read(path: Path) -> list[Imported]:
    """The one benchmark.

    Raises:
        DataError: damaged, or an item is off.
    """
    of_items, cached = unit(path), sniff(path).keys >= CACHED
    rows, where = rows_of(
        path.name,
        (
            (n, (_cached if cached else _prediction)(item, f"{path.name}, {of_items} {n:,}"))
            for n, item in objects(path)
            # What a router would have chosen at best is no prediction.
            if not item.get("for_optimality")
        ),
        of_items,
    )
    if rows.empty:
        raise DataError(f"{path.name}: holds no result; export it again")
    notes = []
    if not cached:
        notes.append(
            f"{path.name} is a router's trace: each query has only the outcome of the model it "
            "chose, so models can be compared only on queries that several traces share."
        )
    return [assembled(rows, where, Card("routerarena", f"RouterArena, {path.name}"), notes)]


def _prediction(item: dict[str, Any], where: str) -> dict[str, Any]:
    result = item.get("generated_result")
    quality = number(item.get("accuracy"), where, "accuracy")
    return _row(
        text(item.get("global index"), where, "global index"),
        text(item.get("prompt"), where, "prompt"),
        text(item.get("prediction"), where, "prediction"),
        quality,
        item.get("cost"),
        at(result, "token_usage"),
        at(result, "success"),
        where,
    )


def _cached(item: dict[str, Any], where: str) -> dict[str, Any]:
    graded = item.get("evaluation_result")
    if graded is not None and not isinstance(graded, Mapping):
        raise DataError(f"{where}, field 'evaluation_result': is no object; evaluate it again")
    return _row(
        text(item.get("global_index"), where, "global_index"),
        text(item.get("question"), where, "question"),
        text(item.get("llm_selected"), where, "llm_selected"),
        number(at(graded, "score"), where, "evaluation_result.score"),
        at(graded, "inference_cost"),
        item.get("token_usage"),
        item.get("success"),
        where,
    )


def _row(
    query_id: str,
    query: str,
    model: str,
    quality: float,
    cost: Any,
    usage: Any,
    success: Any,
    where: str,
) -> dict[str, Any]:
    return {
        "query_id": query_id,
        "query": query,
        "slice": query_id.rpartition("_")[0] or "all",
        "model": model,
        # A call that failed says nothing of the model.
        "quality": float("nan") if success is False else quality,
        "prompt_tokens": number(at(usage, "input_tokens"), where, "token_usage.input_tokens"),
        "answer_tokens": number(at(usage, "output_tokens"), where, "token_usage.output_tokens"),
        "cost_usd": number(cost, where, "cost"),
    }
