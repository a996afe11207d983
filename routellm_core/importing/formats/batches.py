"""Batches of OpenAI and Anthropic: a file of requests and one of results, joined by `custom_id`.

The results alone do not say what was asked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.calls import bare
from routellm_core.importing.fields import at
from routellm_core.importing.readers.json_stream import objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.request_records import call_of, is_request

Results = dict[str, Mapping[str, Any]]
_KEPT = ("custom_id", "response", "result", "error")


def recognises(path: Path) -> bool:
    """True for a file of a batch's requests or results."""
    return _is_requests(path) or _is_results(path)


def read(path: Path) -> list[Imported]:
    """The requests of a batch as bare queries.

    Raises:
        DataError: it holds results alone, or is damaged.
    """
    if not _is_requests(path):
        raise DataError(
            f"{named(path)}: holds the results of a batch; the prompts are in its input file, so "
            "give both together"
        )
    return [_joined(path, {})]


def read_together(paths: Sequence[Path]) -> tuple[list[Imported], list[Path]]:
    """Batches of which requests and results are among the files, and the other files.

    Raises:
        DataError: a file is damaged.
    """
    requests = [path for path in paths if _is_requests(path)]
    results = [path for path in paths if _is_results(path)]
    if not requests or not results:
        return [], list(paths)
    asked = {
        path: {str(r.get("custom_id")): _model(r) for _, r in _requests(path)} for path in requests
    }
    found: dict[Path, Results] = {}
    for path in results:
        answers: Results = {
            str(r.get("custom_id")): {k: r[k] for k in _KEPT if k in r} for _, r in objects(path)
        }
        best = max(requests, key=lambda p: _fit(asked[p], answers))
        if _fit(asked[best], answers):
            # A file of errors may stand beside the file of results.
            found[best] = answers | found.get(best, {})
    joined = [_joined(path, found[path]) for path in requests if path in found]
    used = {*found, *(results if found else ())}
    return joined, [path for path in paths if path not in used]


def _joined(path: Path, results: Results) -> Imported:
    calls = []
    for number, request in _requests(path):
        name = str(request.get("custom_id"))
        record = {"custom_id": name, **request, **results.get(name, {})}
        call = call_of(record, f"{named(path)}, {unit(path)} {number:,}")
        if results and name not in results:
            call = call._replace(failed=True)
        calls.append((number, call))
    return bare(calls, path, unit(path), "a batch of requests", "they are in the input file")


def _requests(path: Path) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for number, item in objects(path):
        inner = item.get("requests")
        if isinstance(inner, list):
            found += [(at, r) for at, r in enumerate(inner, start=1) if isinstance(r, dict)]
        else:
            found.append((number, item))
    return found


def _fit(asked: dict[str, str], answers: Results) -> int:
    """How many answers are of these requests, twice where their models agree too."""
    count = 0
    for name, answer in answers.items():
        if name in asked:
            told = at(answer, "response", "body", "model") or at(
                answer, "result", "message", "model"
            )
            agrees = isinstance(told, str) and bool(asked[name]) and told.startswith(asked[name])
            count += 1 + agrees
    return count


def _model(request: Mapping[str, Any]) -> str:
    model = at(request, "body", "model") or at(request, "params", "model")
    return model if isinstance(model, str) else ""


def _is_requests(path: Path) -> bool:
    first = sniff(path).first
    listed = first.get("requests")
    if isinstance(listed, list) and listed and isinstance(listed[0], Mapping):
        first = listed[0]
    return "custom_id" in first and (
        is_request(first.get("body")) or is_request(first.get("params"))
    )


def _is_results(path: Path) -> bool:
    start = sniff(path)
    return (
        "custom_id" in start.keys
        and bool(start.keys & {"response", "result"})
        and not (start.keys & {"body", "params"})
    )
