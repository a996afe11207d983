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
from routellm_core.importing.asked import is_of_question
from routellm_core.importing.column_words import (
    AMOUNT_OF,
    AMOUNTS,
    ANSWER,
    ANSWER_TOKENS,
    BATTLE,
    CACHED,
    COST,
    CURRENCY,
    ERROR,
    METRICS,
    MILLISECONDS,
    MODEL,
    NO_MODEL,
    NO_QUALITY,
    NO_QUERY,
    PROMPT_TOKENS,
    QUALITY,
    QUALITY_OF,
    QUERY,
    QUERY_ID,
    REPEAT,
    SECONDS,
    SLICE,
    STATUS,
    STOP_REASON,
    THOUGHTS,
    TOTAL_TOKENS,
)
from routellm_core.importing.currencies import currency_of, without_currency
from routellm_core.importing.measures import FALLING, RISING
from routellm_core.importing.scales import Scale

LEAST_COUNTED = 3
SHOWN = 12


class WideModel(NamedTuple):
    """The columns of one model in a wide table."""

    model: str
    quality: str
    answer_tokens: str | None = None
    cost_usd: str | None = None
    latency: str | None = None
    answer: str | None = None
    """Column of the texts of its answers; only looked at."""


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
    currency: str | None = None
    """Column of the currencies of the costs; None: as the cells and the cost's name say."""
    latency: str | None = None
    in_milliseconds: bool = False
    """True if the latencies are milliseconds; otherwise they are seconds."""
    wide: tuple[WideModel, ...] = ()
    one_model: str | None = None
    """Name of the model whose rows these are; None: the file's name."""
    scale: Scale | None = None
    """Scale of the qualities; None: guessed from them."""
    also: tuple[str, ...] = ()
    """Further measures of a long table, beside the quality."""
    repeat: str | None = None
    """Number of the answer, where a model answered a query several times."""
    error: str | None = None
    """What went wrong with a call, or that it did; empty or false where nothing did."""
    status: str | None = None
    """Whether a call went well, in a word."""
    cached: str | None = None
    """True for an answer out of a cache, whose cost and time are not the model's."""
    answer: str | None = None
    """Text of the answer; only looked at, to count the empty ones."""
    stop_reason: str | None = None
    """Reason why the answer ended."""
    total_tokens: str | None = None
    """Tokens of prompt and answer, thoughts included."""
    thought_tokens: str | None = None
    """Tokens of thoughts, in those of the answer or beside them."""
    around: tuple[str, ...] | None = None
    """Columns of passage, instruction and options, which were asked too; None: guessed."""

    @property
    def measure(self) -> str:
        """Name of the measure that the qualities are of; one without a metric's name is alike."""
        is_any = self.quality is None or (not self.also and _plain(self.quality) not in METRICS)
        return "quality" if is_any else str(self.quality)

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
        names += [
            self.prompt_tokens,
            self.answer_tokens,
            self.cost_usd,
            self.currency,
            self.latency,
        ]
        names += [*self.also, self.repeat, self.error, self.status, self.cached, self.answer]
        names += [self.stop_reason, self.total_tokens, self.thought_tokens]
        names += self.around or ()
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
    for column in sorted(columns, key=lambda name: currency_of(name) is not None):
        if sample[column].null_count < len(sample) or not len(sample):
            by_name.setdefault(_plain(without_currency(column)), column)

    def named(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    query = named(QUERY) or _wordy(columns, sample)
    seconds, milliseconds = named(SECONDS), named(MILLISECONDS)
    measures = _measures(by_name, sample)
    found = ColumnMapping(
        query=query,
        query_id=named(QUERY_ID),
        slice=named(SLICE),
        model=named(MODEL),
        quality=measures[0] if measures else None,
        also=tuple(measures[1:]),
        prompt_tokens=named(PROMPT_TOKENS),
        answer_tokens=named(ANSWER_TOKENS),
        cost_usd=named(COST),
        currency=named(CURRENCY),
        latency=seconds or milliseconds,
        in_milliseconds=seconds is None and milliseconds is not None,
        repeat=named(REPEAT) if measures else None,
        error=named(ERROR),
        status=named(STATUS),
        cached=named(CACHED),
        answer=named(ANSWER) if measures else None,
        stop_reason=named(STOP_REASON) if measures else None,
        total_tokens=named(TOTAL_TOKENS),
        thought_tokens=named(THOUGHTS),
        around=around(columns, sample, query),
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
        currency=found.currency,
        in_milliseconds=bool(milliseconds and _plain(milliseconds).endswith("ms")),
        wide=wide,
        around=found.around,
    )


def around(columns: Sequence[str], sample: pa.Table, query: str | None) -> tuple[str, ...]:
    """Columns of what was asked beside the question: passage, instruction and options."""
    if query is None or _plain(query) in ("messages", "conversation", "turns"):
        return ()
    named = [c for c in columns if c != query and is_of_question(_plain(c))]
    return tuple(c for c in named if not _is_number(sample[c].type))


def is_told(found: ColumnMapping) -> bool:
    """True if a guess is more than the column of the longest texts.

    Outcomes may name their queries by an id alone; their texts are not known then.
    """
    named = found.query is not None and _plain(found.query) in QUERY
    graded = (found.model is not None and found.quality is not None) or bool(found.wide)
    known = found.query is not None or found.query_id is not None
    return named or (known and graded)


def seen(columns: Sequence[str], sample: pa.Table) -> str:
    """Description of a table that is not recognised: what it seems to hold, and what is missing."""
    found = guess(columns, sample)
    roles = {
        "query": found.query,
        "id": found.query_id,
        "model": found.model,
        "quality": found.quality,
    }
    told = ", ".join(f"{role}: {column or 'none'}" for role, column in roles.items())
    shown = ", ".join(repr(name[:40]) for name in columns[:SHOWN]) or "none"
    more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else ""
    return (
        f"As a table it seems to have {told}; its columns are {shown}{more}. A table needs a query "
        "or an id, and for outcomes a model and a quality, or a column of qualities for each of "
        "two models. Say which column is what (--map quality=COLUMN, or on the My data page)"
    )


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


def _measures(by_name: dict[str, str], sample: pa.Table) -> list[str]:
    """Columns of grades, those of the likeliest names first."""
    known = [by_name[name] for name in QUALITY if name in by_name]
    others = [c for name, c in by_name.items() if name in RISING | FALLING]
    names = [
        c for c in dict.fromkeys([*known, *others]) if _plain(without_currency(c)) not in NO_QUALITY
    ]
    # A few cells that are off are said to be; a column of something else is no quality.
    return [c for c in names if importing_values.look(sample[c]).share >= 0.5]


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
        match = QUALITY_OF.match(column)
        if match and (look := importing_values.look(sample[column])).share >= 0.5:
            named.setdefault(match["m1"] or match["m2"], column)
            looks[column] = look
    if len(named) < 2:
        looks = {
            c: importing_values.look(sample[c])
            for c in columns
            if may_be_bare and not _is_no_model(c)
        }
        named = {c: c for c, look in looks.items() if look.share >= 0.9 and _may_be_graded(look)}
        named = {c: c for c in named if not _counts_up(sample[c])}
    amounts = _amounts(columns, named)
    attached = {column for of_model in amounts.values() for column in of_model.values()}
    models = {m: c for m, c in named.items() if c not in attached and _plain(c) not in NO_QUALITY}
    # Models are graded on one scale: of two kinds of numbers the more frequent ones are taken.
    shares = {m for m, c in models.items() if 0 <= looks[c].low and looks[c].high <= 1}
    wanted = shares if 2 * len(shares) >= len(models) else set(models) - shares
    return tuple(WideModel(m, c, **amounts.get(m, {})) for m, c in models.items() if m in wanted)


def _may_be_graded(look: importing_values.Look) -> bool:
    """True for numbers as grades have them: none far from every usual scale."""
    return look.low >= -1.0 and look.high <= 100.0


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _counts_up(cells: pa.ChunkedArray) -> bool:
    """True for a column that numbers the rows."""
    found = importing_values.numbers_of(cells)
    known = found[np.isfinite(found)]
    steps = np.diff(known)
    return len(known) > LEAST_COUNTED and bool((steps == steps[0]).all()) and steps[0] != 0


def _amounts(columns: Sequence[str], models: Container[str]) -> dict[str, dict[str, str]]:
    """Columns of the tokens, cost and time of each model."""
    amounts: dict[str, dict[str, str]] = {}
    for column in columns:
        match = AMOUNT_OF.match(without_currency(column))
        if match and match["model"] in models:
            amounts.setdefault(match["model"], {}).setdefault(
                AMOUNTS[match["what"].lower()], column
            )
    return amounts


def _is_no_model(column: str) -> bool:
    """True where a word of the name says that the column is something else."""
    words = _plain(column).split("_")
    is_numbered = re.fullmatch(r"(?i)column \d+|", column) is not None
    is_numbered = is_numbered or _plain(column) in RISING | FALLING
    return is_numbered or column.startswith("__") or bool(NO_MODEL & set(words))
