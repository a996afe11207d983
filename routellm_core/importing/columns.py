"""Meaning of the columns of a table: guessed from names and values, shown, and corrected.

A long table has a row a query and model; a wide one a row a query and a column of qualities a
model; one with neither model nor quality is a set of bare queries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from routellm_core.errors import DataError
from routellm_core.importing import values as importing_values
from routellm_core.importing.asked import is_of_question
from routellm_core.importing.column_words import (
    ANSWER,
    ANSWER_TOKENS,
    BATTLE,
    BEST,
    CACHED,
    COST,
    CURRENCY,
    ENDED,
    ERROR,
    LESS_IS_BETTER,
    METRIC,
    METRICS,
    MILLISECONDS,
    MODEL,
    MORE_IS_BETTER,
    NO_QUALITY,
    NO_QUERY,
    PROMPT_TOKENS,
    QUALITY,
    QUERY,
    QUERY_ID,
    REPEAT,
    SECONDS,
    SLICE,
    STARTED,
    STATUS,
    STOP_REASON,
    THOUGHTS,
    TOTAL_TOKENS,
    VALUE,
    plain_name,
)
from routellm_core.importing.currencies import without_currency
from routellm_core.importing.measures import FALLING, RISING
from routellm_core.importing.scales import Scale
from routellm_core.importing.units import without_unit
from routellm_core.importing.wide_tables import WideModel, wide_models

SHOWN = 12
LONGEST_NAME = 120.0
"""Mean number of characters of what may be names of models."""


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
    metric: str | None = None
    """Name of the measure of a row's grade, where rows have grades by several."""
    best: str | None = None
    """Best grade that a row could have."""
    more_is_better: str | None = None
    """True where more of a row's measure is better."""
    less_is_better: str | None = None
    """True where less of a row's measure is better."""
    currency: str | None = None
    """Currency of a row's cost."""
    started: str | None = None
    """Moment of the request, where the latency is not given."""
    ended: str | None = None
    """Moment of the answer."""
    around: tuple[str, ...] | None = None
    """Columns of passage, instruction and options, which were asked too; None: guessed."""

    @property
    def measure(self) -> str:
        """Name of the measure that the qualities are of; one without a metric's name is alike."""
        is_any = self.quality is None or (not self.also and plain_name(self.quality) not in METRICS)
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
        names += [self.prompt_tokens, self.answer_tokens, self.cost_usd, self.latency]
        names += [*self.also, self.repeat, self.error, self.status, self.cached, self.answer]
        names += [self.stop_reason, self.total_tokens, self.thought_tokens, self.metric, self.best]
        names += [self.more_is_better, self.less_is_better, self.currency]
        names += [self.started, self.ended] if self.latency is None else []
        names += self.around or ()
        for model in self.wide:
            names += model.columns()
        return list(dict.fromkeys(name for name in names if name is not None))


def guess(columns: Sequence[str], sample: pa.Table) -> ColumnMapping:
    """The likeliest meaning of each column; `query` is None where none looks like one.

    Args:
        columns: all names, in the table's order.
        sample: some of its rows with all of its columns.
    """
    by_name: dict[str, str] = {}
    for column in sorted(columns, key=lambda name: plain_name(name) != plain_name(_bare(name))):
        if sample[column].null_count < len(sample) or not len(sample):
            by_name.setdefault(plain_name(_bare(column)), column)
            by_name.setdefault(plain_name(column), column)

    def named(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    query = named(QUERY) or _wordy(columns, sample)
    latency = named(SECONDS) or named(MILLISECONDS)
    measures = _measures(by_name, sample)
    metric = _metric(named(METRIC), sample)
    if metric is not None and (value := named(VALUE)) and value not in measures:
        measures = [value] if importing_values.look(sample[value]).share >= 0.5 else measures
    found = ColumnMapping(
        query=query,
        query_id=named(QUERY_ID),
        slice=named(SLICE),
        model=_model(by_name, sample),
        quality=measures[0] if measures else None,
        also=tuple(measures[1:]) if metric is None else (),
        metric=metric if measures else None,
        prompt_tokens=named(PROMPT_TOKENS),
        answer_tokens=named(ANSWER_TOKENS),
        cost_usd=named(COST),
        currency=named(CURRENCY),
        latency=latency,
        started=None if latency else named(STARTED),
        ended=None if latency else named(ENDED),
        repeat=named(REPEAT) if measures else None,
        best=named(BEST) if measures else None,
        more_is_better=named(MORE_IS_BETTER) if measures else None,
        less_is_better=named(LESS_IS_BETTER) if measures else None,
        error=named(ERROR),
        status=named(STATUS),
        cached=named(CACHED),
        answer=named(ANSWER) if measures else None,
        stop_reason=named(STOP_REASON) if measures else None,
        total_tokens=named(TOTAL_TOKENS),
        thought_tokens=named(THOUGHTS),
        around=around(columns, sample, query),
    )
    if found.started is None or found.ended is None:
        found = replace(found, started=None, ended=None)
    if found.model is not None:
        return found
    taken = {found.query, found.query_id, found.slice, found.prompt_tokens}
    free = [c for c in columns if c not in taken and not _is_repeated(c, columns, sample)]
    of_one = named(ANSWER[:-1]) is not None  # `answer` may be the right one
    wide = wide_models(free, sample, found.quality is None, of_one)
    if len(wide) < 2:
        return found
    return ColumnMapping(
        query=query,
        query_id=found.query_id,
        slice=found.slice,
        prompt_tokens=found.prompt_tokens,
        wide=wide,
        around=found.around,
    )


def around(columns: Sequence[str], sample: pa.Table, query: str | None) -> tuple[str, ...]:
    """Columns of what was asked beside the question: passage, instruction and options."""
    if query is None or plain_name(query) in ("messages", "conversation", "turns"):
        return ()
    named = [c for c in columns if c != query and is_of_question(plain_name(c))]
    return tuple(c for c in named if not _is_number(sample[c].type))


def is_told(found: ColumnMapping) -> bool:
    """True if a guess is more than the column of the longest texts.

    Outcomes may name their queries by an id alone; their texts are not known then.
    """
    named = found.query is not None and plain_name(found.query) in QUERY
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
    names = {plain_name(column) for column in columns}
    return any(names >= of_battles for of_battles in BATTLE)


def _bare(column: str) -> str:
    """A name without its currency and unit."""
    plain = without_currency(column)
    bare = without_unit(plain)
    return bare if plain_name(bare) in {*COST, *SECONDS} else plain


def _model(by_name: dict[str, str], sample: pa.Table) -> str | None:
    """The column of names of models: short texts, not the answers of an assistant."""
    for name in MODEL:
        if (column := by_name.get(name)) is not None:
            texts = importing_values.texts(sample[column]).drop_null().to_pylist()
            if not texts or np.mean([len(text) for text in texts]) <= LONGEST_NAME:
                return column
    return None


def _metric(column: str | None, sample: pa.Table) -> str | None:
    """The column of the names of measures, where it holds such."""
    if column is None or _is_number(sample[column].type):
        return None
    names = set(importing_values.texts(sample[column]).drop_null().to_pylist())
    return column if names and all(re.search(r"[^\W\d]", name) for name in names) else None


def _is_repeated(column: str, columns: Sequence[str], sample: pa.Table) -> bool:
    """True for a column that has name and cells of an earlier one; its name was numbered."""
    found = re.fullmatch(r"(.+) \((\d+)\)", column)
    if found is None or found[1] not in columns or list(columns).index(column) + 1 != int(found[2]):
        return False
    return bool(sample[column].equals(sample[found[1]]))


def _measures(by_name: dict[str, str], sample: pa.Table) -> list[str]:
    """Columns of grades, those of the likeliest names first."""
    known = [by_name[name] for name in QUALITY if name in by_name]
    others = [c for name, c in by_name.items() if name in RISING | FALLING]
    names = [c for c in dict.fromkeys([*known, *others]) if plain_name(_bare(c)) not in NO_QUALITY]
    # A few cells that are off are said to be; a column of something else is no quality.
    return [c for c in names if importing_values.look(sample[c]).share >= 0.5]


def _wordy(columns: Sequence[str], sample: pa.Table) -> str | None:
    """The column of the longest texts, where they are sentences."""
    best, longest = None, 20.0
    for column in columns:
        values = sample[column]
        if NO_QUERY & set(plain_name(column).split("_")):
            continue
        if not pa.types.is_string(values.type) or values.null_count == len(values):
            continue
        # What begins with a bracket is a structure, not something a person wrote.
        known = [v for v in values.to_pylist() if v and not v.startswith(("{", "["))]
        length = float(np.mean([len(value) for value in known])) if known else 0.0
        if length > longest and np.mean([" " in value.strip() for value in known]) > 0.8:
            best, longest = column, length
    return best


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
