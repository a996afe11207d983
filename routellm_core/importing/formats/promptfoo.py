"""Results of promptfoo: its JSON, JSON lines and CSV exports.

A test is a query and a provider a model; where a provider was given several prompts, each of them
is one. The query is what the test filled in, not the prompt around it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.columns import QUERY, SLICE, ColumnMapping, WideModel
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.formats import table
from routellm_core.importing.readers.json_stream import document, objects, unit
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.readers.tables import read_sample

RESULT = frozenset({"testIdx", "promptIdx", "success", "score"})
GRADED = ("Status", "Score", "Named Scores", "Grader Reason")
"""Columns after that of each provider's answers in the CSV."""
ERROR = 2
"""`failureReason` of a call that failed, so that there was nothing to grade."""


def recognises(path: Path) -> bool:
    """True for one of the three exports."""
    start = sniff(path)
    if start.kind == "text":
        return all(f",{name}," in start.text.partition("\n")[0] for name in GRADED[:3])
    if start.keys >= RESULT:
        return True
    return (
        {"results"} < start.keys
        and bool(start.keys & {"evalId", "config"})
        and ('"promptIdx"' in start.text or '"promptId"' in start.text or '"testIdx"' in start.text)
    )


def read(path: Path) -> list[Imported]:
    """The one benchmark of an evaluation.

    Raises:
        DataError: damaged, or a result is off.
    """
    if sniff(path).kind == "text":
        return _csv(path)
    results = list(_results(path))
    prompts: dict[str, set[str]] = {}
    for where, _, result in results:
        prompts.setdefault(_provider(result, where), set()).add(str(result.get("promptIdx")))
    several = {provider for provider, indices in prompts.items() if len(indices) > 1}
    queries: dict[str, str] = {}
    found = []
    for where, number_, result in results:
        row = _row(result, where, several)
        # The prompt around it may differ from model to model.
        row["query"] = queries.setdefault(row["query_id"], row["query"])
        found.append((number_, row))
    rows, where_ = rows_of(path.name, found, "result")
    return [assembled(rows, where_, Card(path.stem, f"promptfoo, {path.name}"), [])]


def _results(path: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Each result with how messages call it and its number."""
    if sniff(path).keys >= RESULT:
        of_lines = unit(path)
        for number_, result in objects(path):
            yield f"{path.name}, {of_lines} {number_:,}", number_, result
        return
    whole = document(path)
    found = whole.get("results")
    found = found.get("results") if isinstance(found, Mapping) else found
    if not isinstance(found, list):
        raise DataError(f"{path.name}, field 'results': is no list; export the evaluation again")
    for number_, result in enumerate(found, start=1):
        where = f"{path.name}, result {number_:,}"
        if not isinstance(result, dict):
            raise DataError(f"{where}: is no object; export the evaluation again")
        yield where, number_, result


def _row(result: dict[str, Any], where: str, several: set[str]) -> dict[str, Any]:
    model = _provider(result, where)
    if model in several:
        prompt = at(result, "prompt", "label") or at(result, "prompt", "raw")
        model = f"{model} · {str(prompt)[:60]}"
    graded = result.get("gradingResult") is not None
    failed = (
        result.get("failureReason", ERROR if result.get("error") and not graded else 0) == ERROR
    )
    usage = at(result, "response", "tokenUsage") or result.get("tokenUsage")
    latency = number(result.get("latencyMs"), where, "latencyMs")
    metadata = at(result, "testCase", "metadata")
    named = next((at(metadata, key) for key in SLICE if isinstance(at(metadata, key), str)), None)
    score = result.get("score", result.get("success"))
    return {
        "query_id": text(result.get("testIdx"), where, "testIdx"),
        "query": _query(result, where),
        "slice": named or "all",
        "model": model,
        "quality": float("nan") if failed else number(score, where, "score"),
        # A provider on this machine counts nothing and costs nothing: not known, rather than 0.
        "prompt_tokens": number(at(usage, "prompt") or None, where, "tokenUsage.prompt"),
        "answer_tokens": number(at(usage, "completion") or None, where, "tokenUsage.completion"),
        "cost_usd": number(result.get("cost") or None, where, "cost"),
        "latency_s": latency / 1000.0,
    }


def _provider(result: dict[str, Any], where: str) -> str:
    provider = result.get("provider")
    name = (at(provider, "label") or at(provider, "id")) if isinstance(provider, dict) else provider
    return text(name, where, "provider")


def _query(result: dict[str, Any], where: str) -> str:
    filled = result.get("vars") or at(result, "testCase", "vars")
    texts = (
        {k.lower(): v for k, v in filled.items() if isinstance(v, str) and v.strip()}
        if isinstance(filled, Mapping)
        else {}
    )
    named = next((texts[name] for name in QUERY if name in texts), None)
    only = next(iter(texts.values())) if len(texts) == 1 else None
    prompt = result.get("prompt")
    return text(named or only or at(prompt, "raw") or prompt, where, "vars")


def _csv(path: Path) -> list[Imported]:
    """Variables first, then of each provider its answers, and what `GRADED` names."""
    names = read_sample(path).column_names
    answers = [
        i
        for i in range(len(names) - 2)
        if names[i + 1].startswith("Status") and names[i + 2].startswith("Score")
    ]
    if not answers:
        raise DataError(f"{path.name}: has no column of answers before 'Status'; export it again")
    filled = names[: answers[0]]
    query = next((f for name in QUERY for f in filled if f.lower() == name), None)
    if query is None and not filled:
        raise DataError(f"{path.name}: has no column of a variable; export it as JSON")
    labels = [re.match(r"\[(.+?)\] ?(.*)", names[i], re.DOTALL) for i in answers]
    providers = [match[1] if match else names[i] for match, i in zip(labels, answers, strict=True)]
    models = tuple(
        WideModel(
            f"{provider} · {match[2][:60]}"
            if match and providers.count(provider) > 1
            else provider,
            names[i + 2],
        )
        for provider, match, i in zip(providers, labels, answers, strict=True)
    )
    rows, where, notes = table.rows_of(path, ColumnMapping(query=query or filled[0], wide=models))
    return [assembled(rows, where, Card(path.stem, f"promptfoo, {path.name}"), notes)]
