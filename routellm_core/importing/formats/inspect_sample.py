"""One sample of an Inspect log: what was asked, how it was graded, what the model used.

Read against Inspect 0.3.285. Of its counts, `input_tokens` leaves out what the provider cached.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from routellm_core.importing.answers import is_cut, state_of
from routellm_core.importing.fields import at, number, text
from routellm_core.importing.formats.graded_records import part_of
from routellm_core.importing.measures import Measure
from routellm_core.importing.said import IMAGE, spoken

WORDS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "YES": 1.0, "TRUE": 1.0, "NO": 0.0, "FALSE": 0.0}
"""Correct, partially, incorrect, no answer; and what Inspect takes for 1 and 0."""
LIMITS = ("context", "message", "time", "token", "turn", "working", "cost")
"""Limits that stop a sample before its end."""
ATTACHMENT = "attachment://"
SLICE = ("subject", "category", "topic", "domain", "type", "level")


class InspectRun(NamedTuple):
    """Facts of a log that its samples are read with."""

    model: str
    role: str = ""
    """The role of the model; empty where it is the model of the run."""
    helpers: Mapping[str, str] = {}
    """Other roles, such as the grader, with their models."""
    headline: Mapping[str, Any] = {}
    """What the log calls its main measure: `scorer` and `score`."""


class Use(NamedTuple):
    """Tokens and dollars of a model; NaN where they are not known."""

    prompt_tokens: float
    answer_tokens: float
    cost_usd: float


NO_USE = Use(math.nan, math.nan, math.nan)


class Sample(NamedTuple):
    """A sample as a row, and what has to be said of it."""

    row: dict[Any, Any]
    odd: dict[Measure, str]
    """Values that are no numbers, shortened."""
    lettered: set[Measure]
    """Measures with a letter, or a word for right or wrong: more is better, whatever their name."""
    is_timed_whole: bool
    """True if its seconds are those of the whole sample."""


def read_sample(sample: Mapping[str, Any], run: InspectRun, where: str) -> Sample:
    """A sample as `assembly.assembled` takes its rows; without a text the query is None.

    Raises:
        DataError: a number of tokens or seconds is none, or the id is missing.
    """
    calls = list(_calls(sample, run))
    use = _use(sample, run, calls, where)
    seconds, is_whole = _seconds(sample, calls, where)
    metadata = sample.get("metadata")
    named = next((at(metadata, key) for key in SLICE if isinstance(at(metadata, key), str)), "")
    row: dict[Any, Any] = {
        "query_id": text(sample.get("id"), where, "id"),
        "query": _query(sample),
        "slice": named.strip() or "all",
        "model": run.model,
        "failed": bool(sample.get("error")),
        "state": _state(sample),
        "latency_s": seconds,
        **use._asdict(),
    }
    odd: dict[Measure, str] = {}
    lettered = set()
    for measure, value in _scores(sample, run.headline):
        row[measure] = graded = _grade(value)
        if isinstance(value, str) and value.strip().upper() in WORDS:
            lettered.add(measure)
        elif isinstance(value, str) and math.isnan(graded) and value.strip().lower() != "nan":
            odd[measure] = value[:40]
    return Sample(row, odd, lettered, is_whole and not row["failed"])


def _query(sample: Mapping[str, Any]) -> str | None:
    """The question, with its choices one a line."""
    asked = spoken(sample.get("input"))
    if asked is not None and asked.startswith(ATTACHMENT):
        asked = spoken(at(sample.get("attachments"), asked.removeprefix(ATTACHMENT)))
    if asked == IMAGE:
        return None
    choices = sample.get("choices")
    if asked is None or not isinstance(choices, list):
        return asked
    lettered = enumerate(c for c in choices[:26] if isinstance(c, str))
    return "\n".join([asked, *(f"{chr(65 + i)}. {choice}" for i, choice in lettered)])


# Grades


def _scores(
    sample: Mapping[str, Any], headline: Mapping[str, Any]
) -> Iterator[tuple[Measure, Any]]:
    """Each value of each scorer; of an object or list its members, one a measure."""
    scores = sample.get("scores")
    for scorer, score in scores.items() if isinstance(scores, Mapping) else ():
        value = at(score, "value")
        if isinstance(value, list):
            value = dict(enumerate(value))
        if not isinstance(value, Mapping):
            value = {None: value}
        for key, member in value.items():
            name, variant = (str(scorer), "") if key is None else (str(key), str(scorer))
            yield Measure(name, variant, is_main=_is_main(headline, str(scorer), name)), member


def _is_main(headline: Mapping[str, Any], scorer: str, name: str) -> bool:
    asked = headline.get("scorer"), headline.get("score")
    return any(asked) and asked[0] in (None, scorer) and asked[1] in (None, name)


def _grade(value: Any) -> float:
    """A value as Inspect counts it; NaN for what is no number, and for null: not graded."""
    if isinstance(value, str):
        value = WORDS.get(value.strip().upper(), value)
    if isinstance(value, str) and math.isfinite(share := part_of(value)):
        return share
    try:
        found = float(value) if isinstance(value, bool | int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def _state(sample: Mapping[str, Any]) -> str | None:
    """`cut` or `empty`, of `grading.STATES`; None of a whole answer, and where none is logged."""
    if at(sample, "limit", "type") in LIMITS:
        return "cut"
    choices = at(sample, "output", "choices")
    if not isinstance(choices, list) or not choices:
        return None
    if any(is_cut(str(at(choice, "stop_reason"))) for choice in choices):
        return "cut"
    messages = [at(choice, "message") for choice in choices]
    if any(m is None or at(m, "tool_calls") for m in messages):
        return None
    return state_of([spoken({"content": at(m, "content")}) or "" for m in messages])


# What the model used, without graders


def _calls(sample: Mapping[str, Any], run: InspectRun) -> Iterator[Mapping[str, Any]]:
    """The model's calls, without those of scorers."""
    events = sample.get("events")
    grading: set[Any] = set()
    for event in events if isinstance(events, list) else ():
        kind, is_scorer = at(event, "event"), at(event, "type") in ("scorers", "scorer")
        if kind == "span_begin" and (is_scorer or at(event, "parent_id") in grading):
            grading.add(at(event, "id"))
        elif kind == "step" and is_scorer:  # of older logs, which have no spans
            grading.add(None)
        elif kind == "model" and not at(event, "error") and not at(event, "pending"):
            own = at(event, "model") == run.model and at(event, "role") not in run.helpers
            if own and at(event, "span_id") not in grading:
                yield event


def _use(
    sample: Mapping[str, Any], run: InspectRun, calls: list[Mapping[str, Any]], where: str
) -> Use:
    """By the model's calls where they are logged, else by the totals of the sample."""
    of_calls = [at(call, "output", "usage") for call in calls]
    if of_calls and all(of_calls):
        return _sum([_counted(usage, where) for usage in of_calls])
    usage, by_role = sample.get("model_usage"), sample.get("role_usage")
    if run.role and at(by_role, run.role):
        return _counted(at(by_role, run.role), where)
    if of_model := at(usage, run.model):
        helping = [at(by_role, r) for r, model in run.helpers.items() if model == run.model]
        return _less(_counted(of_model, where), [_counted(u, where) for u in helping if u])
    if isinstance(usage, Mapping) and len(usage) == 1:
        model, only = next(iter(usage.items()))
        if model not in run.helpers.values():
            return _counted(only, where)
    return _counted(at(sample, "output", "usage"), where)


def _counted(usage: Any, where: str) -> Use:
    """Tokens and dollars of a `ModelUsage`; one without any tokens counted nothing."""

    def of(name: str) -> float:
        found = number(at(usage, name), where, name)
        return 0.0 if math.isnan(found) else found

    cached = of("input_tokens_cache_read") + of("input_tokens_cache_write")
    prompt, answer = of("input_tokens") + cached, of("output_tokens")
    thoughts = of("reasoning_tokens")
    # Thoughts are part of the output, but some providers and older versions count them apart.
    if thoughts > answer or (thoughts and of("total_tokens") - prompt == answer + thoughts):
        answer += thoughts
    if prompt + answer == 0:
        return NO_USE
    return Use(prompt, answer, number(at(usage, "total_cost"), where, "total_cost"))


def _sum(uses: list[Use]) -> Use:
    return Use(*(sum(values) for values in zip(*uses, strict=True)))


def _less(whole: Use, parts: list[Use]) -> Use:
    """A use without those of graders that are the same model."""
    return Use(*(max(w - sum(p), 0.0) for w, *p in zip(whole, *parts, strict=True)))


def _seconds(
    sample: Mapping[str, Any], calls: list[Mapping[str, Any]], where: str
) -> tuple[float, bool]:
    """Seconds that the model took, and whether only those of the whole sample are known."""
    of_calls = [
        number(at(call, "output", "time") or call.get("working_time"), where, "events.working_time")
        for call in calls
    ]
    last = number(at(sample, "output", "time"), where, "output.time")
    if len(calls) > 1 or math.isnan(last):
        together = sum(of_calls) if of_calls else math.nan
        last = together if math.isfinite(together) else math.nan if len(calls) > 1 else last
    if math.isfinite(last):
        return last, False
    whole = next((sample[n] for n in ("working_time", "total_time") if sample.get(n)), None)
    found = number(whole, where, "total_time")
    return found, math.isfinite(found)
