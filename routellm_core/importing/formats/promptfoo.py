"""Results of promptfoo: its JSON, JSON lines, YAML and CSV exports. Read against 0.123.1.

A test is a query and a provider a model; where a provider was given several prompts, each of them
is one. The query is what the test filled in, not the prompt around it.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of, stopped_in
from routellm_core.importing.asked import as_asked
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.column_words import QUERY, SLICE
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.formats import promptfoo_csv
from routellm_core.importing.formats.promptfoo_grades import grades_of
from routellm_core.importing.formats.promptfoo_models import Provider, distinct_names
from routellm_core.importing.notes import counted
from routellm_core.importing.readers import yaml_document
from routellm_core.importing.readers.json_stream import document, objects, unit
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.said import spoken

RESULT = frozenset({"testIdx", "promptIdx", "success", "score"})
ERROR = 2
"""`failureReason` of a call that failed, so that there was nothing to grade."""
SENTENCE = 3
"""Words of a variable without a known name that may be all that was asked, and no part of it."""
LONGEST_CHAT = 1 << 20
"""Characters of a prompt in YAML."""


def recognises(path: Path) -> bool:
    """True for one of the four exports."""
    start = sniff(path)
    if start.kind == "text":
        return promptfoo_csv.is_csv(start.text) or _is_yaml(start.text)
    if start.keys >= RESULT:
        return True
    return (
        {"results"} < start.keys
        and bool(start.keys & {"evalId", "config"})
        and ('"promptIdx"' in start.text or '"promptId"' in start.text or '"testIdx"' in start.text)
    )


def read(path: Path) -> list[Imported]:
    """The one benchmark of an evaluation; the mean where tests were repeated.

    Raises:
        DataError: damaged, or a result is off.
    """
    start = sniff(path)
    if start.kind == "text" and not _is_yaml(start.text):
        return [promptfoo_csv.read(path)]
    rows = _Rows()
    for where, number_, result in _results(path):
        rows.add(result, where, number_)
    table, where_ = rows_of(named(path), rows.named(), "result")
    return [assembled(table, where_, Card(path.stem, f"promptfoo, {named(path)}"), rows.notes())]


def _is_yaml(start: str) -> bool:
    start = start.removeprefix("---").lstrip()
    is_whole = re.match(r"(evalId: .*\r?\n)?results:\s*\n", start) is not None
    return is_whole and any(f"{name}:" in start for name in ("promptIdx", "testIdx", "promptId"))


def _results(path: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Each result with how messages call it and its number."""
    start = sniff(path)
    if start.keys >= RESULT:
        of_lines = unit(path)
        for number_, result in objects(path):
            yield f"{named(path)}, {of_lines} {number_:,}", number_, result
        return
    whole = yaml_document.document(path) if start.kind == "text" else document(path)
    found = whole.get("results")
    found = found.get("results") if isinstance(found, Mapping) else found
    if not isinstance(found, list):
        raise DataError(f"{named(path)}, field 'results': is no list; export the evaluation again")
    for number_, result in enumerate(found, start=1):
        where = f"{named(path)}, result {number_:,}"
        if not isinstance(result, dict):
            raise DataError(f"{where}: is no object; export the evaluation again")
        yield where, number_, result


class _Use(NamedTuple):
    """Tokens, dollars and seconds of an answer; NaN where they are not known."""

    prompt_tokens: float
    answer_tokens: float
    cost_usd: float
    latency_s: float


class _Rows:
    """Results as rows, with what has to be counted."""

    def __init__(self) -> None:
        self.found: list[tuple[int, dict[Any, Any]]] = []
        self.n_ungraded = self.n_unasserted = self.n_made_again = self.n_cached = 0
        self._providers: dict[tuple[str, str, str], Provider] = {}
        self._of_row: list[tuple[str, str, str]] = []
        self._query_ids: dict[str, str] = {}
        self._queries: dict[str, str | None] = {}

    def add(self, result: dict[str, Any], where: str, number_: int) -> None:
        """Take a result as a row."""
        provider = _provider(result, where)
        key = (provider.label, provider.provider_id, provider.place)
        self._providers.setdefault(key, provider)
        self._of_row.append(key)
        test = text(result.get("testIdx"), where, "testIdx")
        query_id = self._query_ids.setdefault(_test_key(result, test), test)
        # The prompt around it may differ from model to model.
        if self._queries.get(query_id) is None:
            self._queries[query_id] = _query(result)
        is_failed = _is_failed(result)
        is_unasserted = not is_failed and result.get("failureReason") == ERROR
        grades = grades_of({} if is_failed or is_unasserted else result, where)
        self.n_unasserted += is_unasserted
        is_cached = not is_failed and _is_cached(result)
        self.n_ungraded += not (is_failed or is_unasserted or grades.values)
        self.n_made_again += bool(grades.n_left_out and grades.values)
        self.n_cached += is_cached
        row: dict[Any, Any] = {
            "query_id": query_id,
            "query": self._queries[query_id],
            "slice": _slice(result),
            "failed": is_failed,
            "state": _state(result),
            **_use(result, is_cached, where)._asdict(),
            **grades.values,
        }
        self.found.append((number_, row))

    def named(self) -> list[tuple[int, dict[Any, Any]]]:
        """The rows with the names of their models."""
        names = dict(
            zip(self._providers, distinct_names(list(self._providers.values())), strict=True)
        )
        return [
            (number_, row | {"model": names[key]})
            for (number_, row), key in zip(self.found, self._of_row, strict=True)
        ]

    def notes(self) -> list[str]:
        """A sentence on each kind that was counted."""
        found = []
        if self.n_ungraded:
            found.append(
                counted(self.n_ungraded, "answer is of a test", "answers are of tests")
                + " without an assertion on its content: no grade, whatever score promptfoo gives."
            )
        if self.n_unasserted:
            found.append(f"{promptfoo_csv.UNASSERTED}: {self.n_unasserted:,}.")
        if self.n_made_again:
            found.append(
                f"Score and pass of {counted(self.n_made_again, 'answer')} are made of "
                "their other assertions: cost, latency and comparisons (select-best, max-score) "
                "grade no answer."
            )
        if self.n_cached:
            found.append(
                counted(self.n_cached, "answer")
                + " came from the cache: cost and seconds of it are not known."
            )
        return found


def _provider(result: Mapping[str, Any], where: str) -> Provider:
    provider = result.get("provider")
    own_id = at(provider, "id") if isinstance(provider, Mapping) else provider
    label = text(at(provider, "label") or own_id, where, "provider")
    prompt = at(result, "prompt", "label") or at(result, "prompt", "raw") or ""
    return Provider(label, str(own_id or ""), str(prompt), str(result.get("promptIdx", "")))


def _test_key(result: Mapping[str, Any], test: str) -> str:
    """What a test and its repeats have in common; promptfoo numbers repeats as tests."""
    filled = _filled(result)
    if not filled:
        return test
    case = result.get("testCase")
    what = [filled, at(case, "assert"), at(case, "metadata"), at(case, "description")]
    return json.dumps(what, sort_keys=True, default=str)


def _filled(result: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a test, without those that promptfoo adds to each call."""
    filled = result.get("vars") or at(result, "testCase", "vars")
    if not isinstance(filled, Mapping):
        return {}
    own = {str(k): v for k, v in filled.items()}
    return {k: v for k, v in own.items() if not k.startswith("_") and k != "sessionId"}


def _query(result: Mapping[str, Any]) -> str | None:
    """What was asked by the variables, else the last user message of the prompt."""
    filled = {k.lower(): v for k, v in _filled(result).items()}
    texts = {k: v for k, v in filled.items() if isinstance(v, str) and v.strip()}
    named = as_asked(texts) or next((texts[name] for name in QUERY if name in texts), None)
    only = next((t for t in texts.values() if len(t.split()) >= SENTENCE), None)
    only = only if len(texts) == 1 else None
    prompt = at(result, "prompt", "raw") or result.get("prompt")
    asked = spoken(named or only) or spoken(_chat(prompt))
    return asked or spoken(next(iter(texts.values()), None))


def _chat(prompt: Any) -> Any:
    """A prompt; one that is a chat in YAML as its messages."""
    is_yaml = isinstance(prompt, str) and prompt.lstrip().startswith("- role:")
    if not is_yaml or len(prompt) > LONGEST_CHAT:
        return prompt
    try:
        return yaml.safe_load(prompt)
    except (yaml.YAMLError, ValueError, RecursionError):
        return prompt


def _slice(result: Mapping[str, Any]) -> str:
    metadata = at(result, "testCase", "metadata")
    return next((at(metadata, k) for k in SLICE if isinstance(at(metadata, k), str)), None) or "all"


def _is_failed(result: Mapping[str, Any]) -> bool:
    ungraded = result.get("gradingResult") is None
    is_error = (
        result.get("failureReason", ERROR if result.get("error") and ungraded else 0) == ERROR
    )
    return bool(is_error and not _has_failed_assertion(result))


def _has_failed_assertion(result: Mapping[str, Any]) -> bool:
    """True if it is an assertion that raised an error, and not the call."""
    said = str(result.get("error") or "").partition("\n")[0]
    return promptfoo_csv.OF_ASSERTION.search(said) is not None


def _state(result: Mapping[str, Any]) -> str | None:
    response = result.get("response")
    return state_of(at(response, "output"), stopped_in(response))


def _is_cached(result: Mapping[str, Any]) -> bool:
    usage = _usage(result)
    return at(result, "response", "cached") is True or bool(
        at(usage, "cached") and not at(usage, "prompt") and not at(usage, "completion")
    )


def _usage(result: Mapping[str, Any]) -> Any:
    return at(result, "response", "tokenUsage") or result.get("tokenUsage")


def _use(result: Mapping[str, Any], is_cached: bool, where: str) -> _Use:
    usage = _usage(result)

    def of(*path: str) -> float:
        # A provider on this machine counts nothing and costs nothing: not known, rather than 0.
        return number(at(usage, *path) or None, where, f"tokenUsage.{'.'.join(path)}")

    prompt, answer, total = of("prompt"), of("completion"), of("total")
    details = "completionDetails"
    cached = [of(details, "cacheReadInputTokens"), of(details, "cacheCreationInputTokens")]
    beside = sum(n for n in cached if math.isfinite(n))
    rest = total - prompt - (answer if math.isfinite(answer) else 0.0)
    if beside and rest == beside:
        prompt += beside
    elif rest > 0:  # thoughts
        answer = total - prompt
    if is_cached:
        return _Use(prompt, answer, math.nan, math.nan)
    cost = number(result.get("cost") or None, where, "cost")
    return _Use(prompt, answer, cost, number(result.get("latencyMs"), where, "latencyMs") / 1000.0)
