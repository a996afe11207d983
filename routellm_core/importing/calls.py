"""Requests to models, as logs and traces tell of them, put together as bare queries.

What holds for all of them is here: what is no answer, what is unknown though a zero stands there,
and which of several names of a model counts.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.feedback import shared
from routellm_core.importing.fields import rows_of
from routellm_core.importing.measures import Measure
from routellm_core.importing.notes import counted
from routellm_core.importing.readers.naming import named
from routellm_core.importing.said import flaw

NOT_NAMED = "(not named)"
NO_CHAT = (
    *("embed", "image_gen", "images/", "dall-e", "gpt-image", "transcription", "whisper", "speech"),
    *("tts-", "moderation", "rerank"),
)
"""Parts of the kind, path or model of a call that has no query to route."""
NO_ERROR = ("", "none", "null", "nan", "false", "0", "no", "{}", "[]", "no error")
BROKEN = ("fail", "error", "exception", "cancel", "timeout", "timed out", "rate_limit", "expired")
SHOWN = 4


class LoggedCall(NamedTuple):
    """One request to a model."""

    said: str | None = None
    """What a person said last; None where the text was not kept."""
    asked: str = ""
    """Name of the model that was asked for; empty where it is not known."""
    answered: str = ""
    """Name of the model by its answer."""
    prompt_tokens: float = math.nan
    answer_tokens: float = math.nan
    cost_usd: float = math.nan
    latency_s: float = math.nan
    failed: bool = False
    is_chat: bool = True
    cached: bool = False
    """True if a cache answered, so that cost and time are not the model's."""
    name: str = ""
    """Id of the request in the file."""
    response: str = ""
    """Id of the answer: calls of one answer of one model are the same call."""
    parent: str = ""
    """Id of what the call is a part of; a call within a call is the same."""
    grades: Mapping[str, float] = MappingProxyType({})
    """Feedback on the answer, by name."""
    tenant: str = ""
    """Who it is billed to; empty where the log does not say."""


def bare(
    calls: Iterable[tuple[int, LoggedCall]],
    path: Path,
    unit: str,
    source: str,
    keep_texts: str,
    *,
    by_answer: bool = False,
    notes: Sequence[str] = (),
) -> Imported:
    """The calls of a file as bare queries, with what they took.

    Args:
        calls: with their number in the file.
        path: the file, whose name becomes the set's.
        unit: what is numbered.
        source: name of the format.
        keep_texts: how texts are kept, for people whose file has none.
        by_answer: name models by their answers; otherwise as they were asked for.
        notes: of the reader so far; more are added.

    Raises:
        DataError: there is no call, all failed, or an amount is off.
    """
    found = list(calls)
    if not found:
        raise DataError(f"{named(path)}: no request to a model is in it; export it again")
    notes = list(notes)
    found = [(n, c._replace(said=None) if _is_redacted(c.said) else c) for n, c in found]
    chats = [(number, call) for number, call in found if call.is_chat]
    if not chats:
        raise DataError(
            f"{named(path)}: none of {counted(len(found), 'request')} is a chat; export those"
        )
    if len(chats) < len(found):
        others = len(found) - len(chats)
        notes.append(
            counted(others, "request that is no chat was", "requests that are no chats were")
            + " left out (embeddings are none)."
        )
    once = _once(chats)
    if len(once) < len(chats):
        again = len(chats) - len(once)
        notes.append(
            counted(again, "record tells", "records tell")
            + " of a call that another record tells of: left out."
        )
    names = _models([call for _, call in once], by_answer, notes)
    rows, no_text = [], 0
    keeps = any(call.said is not None for _, call in once)
    for (number, call), model in zip(once, names, strict=True):
        if keeps and call.said is None and not call.failed:
            no_text += 1
            continue
        rows.append((number, _row(call, model)))
    _note_costs([call for _, call in once], notes)
    if no_text:
        notes.append(counted(no_text, "request") + " in which no person said a text, left out.")
    graded = [c.grades for _, c in once if not c.failed and (c.said is not None or not keeps)]
    measures, note = shared(graded)
    notes += [note] if note else []
    table, where = rows_of(named(path), rows, unit)
    if measures:
        notes.append("Feedback that every answer has was taken for its quality.")
        kept = [c.grades for _, c in once if not keeps or c.said is not None or c.failed]
        for name in measures:
            table[Measure(name)] = [one.get(name, math.nan) for one in kept]
    table["failed"] = table["failed"].astype(bool)
    if not keeps:
        table = table.drop(columns="query")
        notes.append(f"It holds no texts: {keep_texts}.")
    if table["tenant"].isna().all():
        table = table.drop(columns="tenant")
    answered = table["query_id"][~table["failed"]]
    by_text = bool(measures) and keeps and table.groupby("query")["model"].nunique().max() > 1
    if by_text or answered.eq("").any() or answered.duplicated().any():
        table = table.drop(columns="query_id")
        if not keeps:
            table["query_id"] = [str(number) for number in where.row]
    if table["model"].eq("").all():
        table = table.drop(columns="model")
    else:
        table["model"] = table["model"].replace("", NOT_NAMED)
    return assembled(table, where, Card(path.stem, f"{source}, {named(path)}"), notes)


def is_chat(*hints: Any) -> bool:
    """False if a kind, path or name says that a call is no chat.

    >>> is_chat("aembedding"), is_chat("/v1/chat/completions", "gpt-4o", None)
    (False, True)
    """
    told = " ".join(hint.lower() for hint in hints if isinstance(hint, str))
    return not any(part in told for part in NO_CHAT)


def is_failure(*signs: Any) -> bool:
    """True if an error, a status or a level says that a call gave no answer.

    >>> [is_failure(s) for s in (None, "", 200, "success", 429, "failure", {"code": 1}, "ERROR")]
    [False, False, False, False, True, True, True, True]
    """
    return any(map(_is_sign, signs))


def is_error(value: Any) -> bool:
    """True if what stands in a field of errors is one.

    >>> [is_error(value) for value in (None, "", "None", {}, {"code": 1}, "Connection lost")]
    [False, False, False, False, True, True]
    """
    if isinstance(value, str):
        return value.strip().lower() not in NO_ERROR
    return bool(value) and value == value


def _is_sign(sign: Any) -> bool:
    if isinstance(sign, bool) or sign is None:
        return sign is True
    if isinstance(sign, int | float):
        return 400 <= sign < 600 or sign < 0
    if isinstance(sign, str):
        plain = sign.strip().lower()
        if re.match(r"-?\d", plain):
            return re.match(r"(-\d|[45]\d\d(?!\d))", plain) is not None
        return any(word in plain for word in BROKEN)
    return bool(sign)


def seconds_between(start: Any, end: Any) -> float:
    """Seconds from one moment to another, NaN where they are not known or run backwards.

    Moments are texts of ISO 8601, or numbers since 1970 in seconds down to nanoseconds.

    >>> seconds_between("2026-01-02T09:00:00Z", "2026-01-02 09:00:01.500000")
    1.5
    >>> round(seconds_between(1796050458675, 1796050458766), 3)
    0.091
    """
    try:
        if isinstance(start, int) and isinstance(end, int) and min(start, end) > 1e17:
            took = (end - start) / 1e9  # a float of nanoseconds loses some
        else:
            took = _moment(end) - _moment(start)
    except OverflowError:
        return math.nan
    return took if 0 <= took < math.inf else math.nan


def _moment(value: Any) -> float:
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text)
        except ValueError:
            try:
                value = datetime.fromisoformat(text.removesuffix(" UTC"))
            except ValueError:
                return math.nan
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    scale = next((s for s in (1e9, 1e6, 1e3) if abs(value) > 1e8 * s), 1.0)
    return value / scale


def _is_redacted(said: str | None) -> bool:
    return said is not None and flaw(said) == "redacted text"


def _row(call: LoggedCall, model: str) -> dict[str, Any]:
    known = not (call.cached or call.failed)
    return {
        "query_id": call.name,
        "query": call.said or ("" if call.failed else None),
        "model": model,
        "prompt_tokens": call.prompt_tokens,
        "answer_tokens": call.answer_tokens,
        "cost_usd": call.cost_usd if known and _is_price(call) else math.nan,
        "latency_s": call.latency_s if known else math.nan,
        "failed": call.failed,
        "tenant": call.tenant or None,
    }


def _is_price(call: LoggedCall) -> bool:
    """True if the cost is known: $0 beside an answer is a default, but of models that are free."""
    return call.cost_usd > 0 or call.cost_usd < 0 or call.asked.endswith(":free")


def _note_costs(calls: list[LoggedCall], notes: list[str]) -> None:
    answered = [call for call in calls if not call.failed]
    costs = [c.cost_usd for c in answered if not c.cached and _is_price(c) and c.cost_usd >= 0]
    n_cached = sum(call.cached for call in answered)
    if n_cached:
        notes.append(
            counted(n_cached, "request was answered", "requests were answered")
            + " by a cache: neither cost nor time of its own."
        )
    if costs:
        others = len(answered) - len(costs)
        rest = "; " + counted(others, "without a cost is", "without a cost are") + " not counted"
        rest = rest if others else ""
        notes.append(f"{counted(len(costs), 'request')} cost ${np.sum(costs):,.6g}{rest}.")
    elif any(call.cost_usd == 0 for call in answered):
        notes.append("A cost of $0 stands beside every answer: what they cost is not known.")


def _once(calls: list[tuple[int, LoggedCall]]) -> list[tuple[int, LoggedCall]]:
    """Each call once, by the record that tells most: of calls in a call, and of one answer."""
    within = {call.name: call.parent for _, call in calls if call.name}

    def outermost(at: int, call: LoggedCall) -> tuple[Any, ...]:
        name, steps = call.name, 0
        while within.get(name) in within and steps < len(within):
            name, steps = within[name], steps + 1
        return (name,) if call.parent or name in inner else (at, "")

    def of_answer(at: int, call: LoggedCall) -> tuple[Any, ...]:
        if not call.response:
            return (at,)
        return call.response, call.answered or call.asked, call.said

    inner = {parent for parent in within.values() if parent in within}
    return _best_of(_best_of(calls, outermost), of_answer)


def _best_of(
    calls: list[tuple[int, LoggedCall]], key_of: Callable[[int, LoggedCall], tuple[Any, ...]]
) -> list[tuple[int, LoggedCall]]:
    best: dict[tuple[Any, ...], tuple[int, LoggedCall]] = {}
    for at, (number, call) in enumerate(calls):
        key = key_of(at, call)
        if key in best:
            grades = {**best[key][1].grades, **call.grades}
            one, other = best[key], (number, call)
            number, call = other if _facts(call) > _facts(one[1]) else one
            call = call._replace(grades=grades)
        best[key] = (number, call)
    return list(best.values())


def _facts(call: LoggedCall) -> tuple[bool, int]:
    numbers = (call.prompt_tokens, call.answer_tokens, call.cost_usd, call.latency_s)
    return call.said is not None, sum(map(math.isfinite, numbers)) + bool(call.asked)


def _models(calls: list[LoggedCall], by_answer: bool, notes: list[str]) -> list[str]:
    """The model of each call; a name that several models answer to is a router's and is none."""
    answers: dict[str, dict[str, int]] = {}
    for call in calls:
        if call.asked and call.answered and call.answered != call.asked and not call.failed:
            of_name = answers.setdefault(call.asked, {})
            of_name[call.answered] = of_name.get(call.answered, 0) + 1
    routers = {
        asked
        for asked, of_name in answers.items()
        if by_answer
        or (len(of_name) > 1 and not all(asked.rpartition("/")[2] in name for name in of_name))
    }
    shown = [
        f"{asked} was answered by {', '.join(f'{name} ({n:,})' for name, n in of_name.items())}"
        for asked, of_name in list(answers.items())[:SHOWN]
    ]
    if shown:
        more = "; …" if len(answers) > SHOWN else ""
        named = "answer" if routers == set(answers) else "request"
        if routers and named == "request":
            named = f"request, but for {', '.join(sorted(routers)[:SHOWN])} by the answer"
        notes.append(f"Models are named by the {named}: {'; '.join(shown)}{more}.")
    known = {call.answered or call.asked for call in calls if not call.failed}
    found = []
    for call in calls:
        name = call.asked or call.answered
        if call.answered and (call.asked in routers or by_answer):
            name = call.answered
        if call.failed and not (call.asked and call.answered) and name not in {*answers, *known}:
            # Of calls that went well only the longer name of the answer may be known.
            longer = [answer for answer in known if name and answer.startswith(f"{name}-")]
            name = longer[0] if len(longer) == 1 else name
        found.append(name)
    return found
