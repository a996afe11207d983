"""Logs of requests in OpenAI's form, a line each: what was asked, and perhaps what it took.

Understood are a request itself, one of the Batch API (in `body`), and logs that hold `request` and
`response`. None of them says how good the answer was.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.column_words import QUALITY
from routellm_core.importing.fields import at, number, rows_of, spoken
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.sniffing import sniff

INSIDE = ("body", "request", "request_body", "kwargs", "input")
"""Keys under which a log may keep the request."""
ID = ("id", "request_id", "custom_id", "response_id", "trace_id")


def recognises(path: Path) -> bool:
    """True if the first object is or holds a request with messages, and no grade."""
    first = sniff(path).first
    if first.keys() & set(QUALITY):
        return False
    return _is_request(first) or any(_is_request(first.get(key)) for key in INSIDE)


def read(path: Path) -> list[Imported]:
    """The requests as bare queries, each with what the person said last.

    Raises:
        DataError: damaged, or no request holds anything that a person said.
    """
    of_lines, silent, found = unit(path), 0, []
    for number_, line in objects(path):
        row = _row(line, f"{path.name}, {of_lines} {number_:,}")
        if row["query"] is None:
            silent += 1
        else:
            found.append((number_, row))
    if not found:
        raise DataError(f"{path.name}: no request holds a message of a user; export it with texts")
    notes = []
    if silent:
        notes.append(f"{silent:,} requests in which no user said anything were left out.")
    rows, where = rows_of(path.name, found, of_lines)
    if rows["query_id"].isna().any() or rows["query_id"].duplicated().any():
        rows = rows.drop(columns="query_id")  # then the line is the name
    if rows["model"].isna().all():
        rows = rows.drop(columns="model")
    else:
        rows["model"] = rows["model"].fillna("(not named)")
    return [assembled(rows, where, Card(path.stem, f"OpenAI requests, {path.name}"), notes)]


def _row(line: dict[str, Any], where: str) -> dict[str, Any]:
    inner = next((line[key] for key in INSIDE if _is_request(line.get(key))), None)
    request = line if _is_request(line) else inner
    response = line.get("response")
    response = at(response, "body") or response
    usage = at(response, "usage") or line.get("usage") or line
    name = next((line[key] for key in ID if isinstance(line.get(key), str | int)), None)
    model = at(request, "model") or line.get("model") or at(response, "model")
    milliseconds = number(line.get("latency_ms") or line.get("duration_ms"), where, "latency_ms")
    seconds = number(line.get("latency_s"), where, "latency_s")
    return {
        "query_id": None if name is None or isinstance(name, bool) else str(name).strip() or None,
        "query": spoken(at(request, "messages")) or spoken(at(request, "input")),
        "model": model if isinstance(model, str) and model else None,
        "prompt_tokens": _first(usage, ("prompt_tokens", "input_tokens"), where),
        "answer_tokens": _first(usage, ("completion_tokens", "output_tokens"), where),
        "cost_usd": _first(line, ("cost_usd", "cost", "spend"), where),
        "latency_s": seconds if milliseconds != milliseconds else milliseconds / 1000.0,
    }


def _first(values: Any, names: tuple[str, ...], where: str) -> float:
    name = next((name for name in names if at(values, name) is not None), names[0])
    value = at(values, name)
    return number(None if isinstance(value, Mapping | list) else value, where, name)


def _is_request(value: Any) -> bool:
    """True if it has messages, or the input of the Responses API."""
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("messages"), list):
        return True
    return (
        "model" in value and isinstance(value.get("input"), list) and bool(spoken(value["input"]))
    )
