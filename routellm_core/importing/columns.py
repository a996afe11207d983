"""Meaning of the columns of a table: guessed from names and values, shown, and corrected.

A long table has a row a query and model; a wide one a row a query and a column of qualities a
model; one with neither model nor quality is a set of bare queries.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing import values as importing_values
from routellm_core.importing.scales import Scale

# Usual names of a column, the likeliest first; compared in lower case, with `_` for what is no
# letter or digit.
QUERY = (
    *("query", "prompt", "question", "input", "instruction", "user_query", "user_prompt"),
    *("input_text", "query_text", "prompt_text", "question_text", "problem", "request", "text"),
    *("user_input", "user_message", "turns", "inputs", "prompts", "queries", "questions"),
    *("messages", "conversation"),
)
QUERY_ID = (
    *("query_id", "question_id", "prompt_id", "sample_id", "example_id", "item_id", "doc_id"),
    *("task_id", "request_id", "id", "qid", "uid", "uuid", "key"),
)
SLICE = (
    *("slice", "category", "subject", "topic", "domain", "task", "eval_name", "task_name"),
    *("task_type", "dataset", "group", "subset", "type"),
)
MODEL = (
    *("model", "model_name", "model_id", "llm", "llm_name", "llm_id", "generator", "engine"),
    *("deployment", "model_group", "provider_model"),
)
QUALITY = (
    *("quality", "score", "correct", "is_correct", "correctness", "accuracy", "acc", "grade"),
    *("rating", "passed", "pass", "success", "reward", "performance", "exact_match", "result"),
    *("points", "outcome", "verdict", "right", "graded", "judge_score", "mark"),
)
PROMPT_TOKENS = (
    *("prompt_tokens", "input_tokens", "tokens_in", "n_prompt_tokens", "num_prompt_tokens"),
    *("prompt_token_count", "input_token_count", "n_input_tokens"),
)
ANSWER_TOKENS = (
    *("answer_tokens", "completion_tokens", "output_tokens", "response_tokens", "tokens_out"),
    *("n_completion_tokens", "num_completion_tokens", "output_token_count", "n_output_tokens"),
    "completion_token_count",
)
COST = (
    *("cost_usd", "cost", "total_cost", "usd", "cost_dollars", "price", "spend", "price_usd"),
    "total_cost_usd",
)
SECONDS = (
    *("latency_s", "latency", "latency_seconds", "duration", "duration_s", "elapsed", "time_s"),
    *("response_time", "seconds", "total_time", "time_taken", "latency_sec"),
)
MILLISECONDS = (
    *("latency_ms", "duration_ms", "elapsed_ms", "response_time_ms", "request_duration_ms"),
    *("time_ms", "latencyms"),
)
NO_MODEL = frozenset(
    {
        *("index", "row", "fold", "seed", "year", "length", "len", "n", "count", "temperature"),
        *("top_p", "timestamp", "time", "date", "turn", "difficulty", "level", "label", "target"),
        *("answer", "reference", "expected", "gold", "ground_truth", "solution", "tokens", "epoch"),
        *("total_tokens", "max_tokens", "weight", "split", "rank", "version", "n_shot"),
        *("unnamed_0", "created_at", "n_words", "n_characters", "contaminated", "choices"),
    }
)
"""Columns of numbers that are no model's qualities."""
NO_QUERY = frozenset(
    {
        *("response", "answer", "output", "completion", "generation", "reference", "explanation"),
        *("judgment", "judgement", "reasoning", "comment", "target", "label", "expected", "gold"),
        *("rationale", "feedback", "reply", "solution", "system"),
    }
)
"""Words in the names of columns that hold texts, but none that a user wrote."""
BATTLE = frozenset(
    {
        *("model_a", "model_b", "winner", "generator_1", "generator_2", "preference"),
        *("winner_model_a", "winner_model_b", "response_a", "response_b"),
    }
)
"""Columns that say a table holds battles, which are no benchmark."""
_QUALITY_OF = re.compile(
    r"^(?:(?P<m1>.+?)[|:/\-_. ](?:is_)?(?:score|quality|correct|accuracy|grade|rating|passed)"
    r"|(?:score|quality|correct|accuracy|grade|rating|passed)[|:/\-_. ](?:of_)?(?P<m2>.+))$",
    re.IGNORECASE,
)
_AMOUNTS = {
    **dict.fromkeys(COST, "cost_usd"),
    **dict.fromkeys(ANSWER_TOKENS, "answer_tokens"),
    **dict.fromkeys((*SECONDS, *MILLISECONDS), "latency"),
}
_NO_QUALITY = frozenset({*_AMOUNTS, *PROMPT_TOKENS})
_AMOUNT_OF = re.compile(
    rf"^(?P<model>.+?)[|:/\-_. ](?P<what>{'|'.join(sorted(_AMOUNTS, key=len, reverse=True))})$",
    re.IGNORECASE,
)


class WideModel(NamedTuple):
    """The columns of one model in a wide table."""

    model: str
    quality: str
    answer_tokens: str | None = None
    cost_usd: str | None = None
    latency: str | None = None


@dataclass(frozen=True)
class ColumnMapping:
    """Names of a table's columns; None where there is no such column."""

    query: str | None = None
    query_id: str | None = None
    slice: str | None = None
    model: str | None = None
    """Column of a long table. With `quality` but without it, all rows are of one model."""
    quality: str | None = None
    prompt_tokens: str | None = None
    answer_tokens: str | None = None
    cost_usd: str | None = None
    latency: str | None = None
    in_milliseconds: bool = False
    """True if the latencies are milliseconds; otherwise they are seconds."""
    wide: tuple[WideModel, ...] = ()
    one_model: str | None = None
    """Name of the model whose rows these are; None: the file's name."""
    scale: Scale | None = None
    """Scale of the qualities; None: guessed from them."""

    @property
    def measure(self) -> str:
        """Name of the measure that the qualities are of."""
        return self.quality or "quality"

    def columns(self) -> list[str]:
        """All columns that are read, each once.

        Raises:
            DataError: neither query nor id is mapped, or a long and a wide table at once.
        """
        if self.query is None and self.query_id is None:
            raise DataError("no column is mapped as the query, nor as its id; name one")
        if self.wide and (self.model is not None or self.quality is not None):
            raise DataError(
                "a table is long (a column of models and one of qualities) or wide (a column a "
                "model), not both: map either"
            )
        names = [self.query, self.query_id, self.slice, self.model, self.quality]
        names += [self.prompt_tokens, self.answer_tokens, self.cost_usd, self.latency]
        for model in self.wide:
            names += model[1:]
        return list(dict.fromkeys(name for name in names if name is not None))


def guess(columns: Sequence[str], sample: pa.Table) -> ColumnMapping:
    """The likeliest meaning of each column; `query` is None where none looks like one.

    Args:
        columns: all names, in the table's order.
        sample: some of its rows with all of its columns.
    """
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(_plain(column), column)

    def named(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    query = named(QUERY) or _wordy(columns, sample)
    milliseconds = named(MILLISECONDS)
    seconds = named(SECONDS)
    found = ColumnMapping(
        query=query,
        query_id=named(QUERY_ID),
        slice=named(SLICE),
        model=named(MODEL),
        quality=_graded(named(QUALITY), sample),
        prompt_tokens=named(PROMPT_TOKENS),
        answer_tokens=named(ANSWER_TOKENS),
        cost_usd=named(COST),
        latency=seconds or milliseconds,
        in_milliseconds=seconds is None and milliseconds is not None,
    )
    if found.model is not None:
        return found
    taken = {found.query, found.query_id, found.slice, found.prompt_tokens}
    wide = _wide([c for c in columns if c not in taken], sample, found.quality is None)
    if len(wide) < 2:
        return found
    milliseconds = next((w.latency for w in wide if w.latency), None)
    return ColumnMapping(
        query=query,
        query_id=found.query_id,
        slice=found.slice,
        prompt_tokens=found.prompt_tokens,
        in_milliseconds=bool(milliseconds and _plain(milliseconds).endswith("ms")),
        wide=wide,
    )


def is_told(found: ColumnMapping) -> bool:
    """True if a guess is more than the column of the longest texts.

    Outcomes may name their queries by an id alone; their texts are not known then.
    """
    named = found.query is not None and _plain(found.query) in QUERY
    graded = found.model is not None and found.quality is not None
    known = found.query is not None or found.query_id is not None
    return named or (known and graded) or (found.query is not None and bool(found.wide))


def holds_battles(columns: Sequence[str]) -> bool:
    """True for columns of verdicts between two models."""
    return any(_plain(column) in BATTLE for column in columns)


def _plain(column: str) -> str:
    """A name as it is compared.

    >>> _plain(" Input Tokens ")
    'input_tokens'
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    return re.sub(r"\W+", "_", split).strip("_").lower()


def _graded(column: str | None, sample: pa.Table) -> str | None:
    # A few cells that are off are said to be; a column of something else is no quality.
    known = column is not None and importing_values.look(sample[column]).share >= 0.5
    return column if known else None


def _wordy(columns: Sequence[str], sample: pa.Table) -> str | None:
    """The column of the longest texts, where they are sentences."""
    best, longest = None, 20.0
    for column in columns:
        values = sample[column]
        if NO_QUERY & set(_plain(column).split("_")):
            continue
        if not pa.types.is_string(values.type) or values.null_count == len(values):
            continue
        # What begins with a bracket is a structure, not something a person wrote.
        known = [v for v in values.to_pylist() if v and not v.startswith(("{", "["))]
        length = float(np.mean([len(value) for value in known])) if known else 0.0
        if length > longest and np.mean([" " in value.strip() for value in known]) > 0.8:
            best, longest = column, length
    return best


def _wide(columns: Sequence[str], sample: pa.Table, may_be_bare: bool) -> tuple[WideModel, ...]:
    """Columns of qualities: those named so, else all that hold hardly anything but qualities."""
    named: dict[str, str] = {}
    looks: dict[str, importing_values.Look] = {}
    for column in columns:
        match = _QUALITY_OF.match(column)
        if match and (look := importing_values.look(sample[column])).share >= 0.5:
            named.setdefault(match["m1"] or match["m2"], column)
            looks[column] = look
    if len(named) < 2:
        looks = {
            c: importing_values.look(sample[c])
            for c in columns
            if may_be_bare and not _is_no_model(c)
        }
        named = {c: c for c, look in looks.items() if look.share >= 0.9}
    amounts = _amounts(columns, named)
    attached = {column for of_model in amounts.values() for column in of_model.values()}
    models = {m: c for m, c in named.items() if c not in attached and _plain(c) not in _NO_QUALITY}
    # Models are graded on one scale: of two kinds of numbers the more frequent ones are taken.
    shares = {m for m, c in models.items() if 0 <= looks[c].low and looks[c].high <= 1}
    wanted = shares if 2 * len(shares) >= len(models) else set(models) - shares
    return tuple(WideModel(m, c, **amounts.get(m, {})) for m, c in models.items() if m in wanted)


def _amounts(columns: Sequence[str], models: Container[str]) -> dict[str, dict[str, str]]:
    """Columns of the tokens, cost and time of each model."""
    amounts: dict[str, dict[str, str]] = {}
    for column in columns:
        match = _AMOUNT_OF.match(column)
        if match and match["model"] in models:
            amounts.setdefault(match["model"], {}).setdefault(
                _AMOUNTS[match["what"].lower()], column
            )
    return amounts


def _is_no_model(column: str) -> bool:
    return _plain(column) in NO_MODEL or re.fullmatch(r"(?i)column \d+|", column) is not None
