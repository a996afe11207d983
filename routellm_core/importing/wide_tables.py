"""Tables with a column of qualities for each model: which these are, and what lies beside."""

import re
from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from routellm_core.importing import values
from routellm_core.importing.column_words import (
    AMOUNT_OF,
    AMOUNTS,
    METRICS,
    NO_MODEL,
    NO_QUALITY,
    OF_NO_MODEL,
    QUALITY,
    QUALITY_OF,
    plain_name,
)
from routellm_core.importing.currencies import without_currency
from routellm_core.importing.measures import FALLING, RISING
from routellm_core.importing.units import UNIT_AT_END

LEAST_COUNTED = 3


class WideModel(NamedTuple):
    """The columns of one model in a wide table."""

    model: str
    quality: str
    answer_tokens: str | None = None
    cost_usd: str | None = None
    latency: str | None = None
    answer: str | None = None
    """Column of the texts of its answers; only looked at."""
    measures: tuple[tuple[str, str], ...] = ()
    """Names of several measures and their columns, the one of `quality` among them."""

    def columns(self) -> list[str]:
        """All columns that are read."""
        amounts = (self.answer_tokens, self.cost_usd, self.latency, self.answer)
        names = [self.quality, *amounts, *(column for _, column in self.measures)]
        return [name for name in names if name is not None]


def wide_models(
    columns: Sequence[str], sample: pa.Table, may_be_bare: bool, of_one: bool
) -> tuple[WideModel, ...]:
    """Columns of qualities: those named so, else all that hold hardly anything but qualities.

    Where a row holds the text of one answer (`of_one`), its grades are of that answer, and no
    models' unless they are named like ones.
    """
    named: dict[str, dict[str, str]] = {}
    looks: dict[str, values.Look] = {}
    for column in columns:
        match = QUALITY_OF.match(column.strip())
        if match and (look := values.look(sample[column])).share >= 0.5:
            model, word = match["m1"] or match["m2"], (match["w1"] or match["w2"])
            if _names_a_model(model) and not (of_one and not is_like_model(model)):
                named.setdefault(model, {}).setdefault(plain_name(word), column)
                looks[column] = look
    if len(named) < 2:
        looks = {
            c: values.look(sample[c])
            for c in columns
            if may_be_bare and not _is_no_model(c) and not (of_one and not is_like_model(c))
        }
        fitting = [c for c, look in looks.items() if look.share >= 0.9 and _may_be_graded(look)]
        named = {
            c: {"": c}
            for c in fitting
            if not _counts_up(sample[c]) and not _is_nothing(c, sample[c], looks[c])
        }
    amounts = _amounts(columns, named)
    attached = {column for of_model in amounts.values() for column in of_model.values()}
    models = {
        model: kept
        for model, of_model in named.items()
        if (kept := {w: c for w, c in of_model.items() if c not in attached and _is_of_quality(c)})
    }
    first = {model: next(iter(of_model.values())) for model, of_model in models.items()}
    # Models are graded on one scale: of two kinds of numbers the more frequent ones are taken.
    shares = {m for m, c in first.items() if 0 <= looks[c].low and looks[c].high <= 1}
    wanted = shares if 2 * len(shares) >= len(models) else set(models) - shares
    several = len({word for of_model in models.values() for word in of_model}) > 1
    is_metric = several or any(word in METRICS for of_model in models.values() for word in of_model)
    return tuple(
        WideModel(
            model,
            first[model],
            measures=tuple(of_model.items()) if is_metric else (),
            **amounts.get(model, {}),
        )
        for model, of_model in models.items()
        if model in wanted
    )


def _is_nothing(column: str, cells: pa.ChunkedArray, look: values.Look) -> bool:
    """True for nothing but zeros under a name that is like no model's."""
    n = len(cells) - cells.null_count
    return look.low == look.high == 0 and n > LEAST_COUNTED and not is_like_model(column)


def _is_of_quality(column: str) -> bool:
    return plain_name(column) not in NO_QUALITY


def _names_a_model(name: str) -> bool:
    """False where a name before a measure is of the measure, as in `judge_score`."""
    plain = plain_name(name)
    words = set(plain.split("_"))
    is_measure = plain in RISING | FALLING or plain in QUALITY
    return bool(plain) and not is_measure and not words <= OF_NO_MODEL | NO_MODEL


def is_like_model(name: str) -> bool:
    """True for a name with a digit or a mark in it, or of a family of models."""
    families = r"gpt|claude|llama|mi[sx]tral|gemini|gemma|qwen|phi|deepseek|strong|weak|model"
    return re.search(rf"\d|[-/:.]|{families}", name.strip().lower()) is not None


def _may_be_graded(look: values.Look) -> bool:
    """True for numbers as grades have them: none far from every usual scale."""
    return look.low >= -1.0 and look.high <= 100.0


def _counts_up(cells: pa.ChunkedArray) -> bool:
    """True for a column that numbers the rows."""
    found = values.numbers_of(cells)
    known = found[np.isfinite(found)]
    steps = np.diff(known)
    return len(known) > LEAST_COUNTED and bool((steps == steps[0]).all()) and steps[0] != 0


def _amounts(columns: Sequence[str], models: Container[str]) -> dict[str, dict[str, str]]:
    """Columns of the tokens, cost and time of each model."""
    amounts: dict[str, dict[str, str]] = {}
    for column in columns:
        plain = without_currency(column).strip()
        for name in dict.fromkeys((plain, UNIT_AT_END.sub("", plain))):
            match = AMOUNT_OF.match(name)
            model = (match["m1"] or match["m2"]) if match else None
            if match and model in models:
                what = AMOUNTS[(match["w1"] or match["w2"]).lower()]
                amounts.setdefault(str(model), {}).setdefault(what, column)
    return amounts


def _is_no_model(column: str) -> bool:
    """True where a word of the name says that the column is something else."""
    words = plain_name(column).split("_")
    is_numbered = re.fullmatch(r"(?i)column \d+|", column) is not None
    is_numbered = is_numbered or plain_name(column) in RISING | FALLING
    return is_numbered or column.startswith("__") or bool(NO_MODEL & set(words))
