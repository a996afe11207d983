"""Graded attempts as outcomes: one measure for all runs of a task, its scale, and what is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing import Imported, dearer
from routellm_core.importing.measures import Measure, Wanted, chosen, columns_of, notes_on
from routellm_core.importing.notes import counted
from routellm_core.importing.scales import Scale, differ, guessed_scale, strays

ONE_MODEL = "routing needs a second model"
STATES = {
    "empty": "empty",
    "cut": "cut off at the limit of tokens",
    "capped": "of exactly the greatest length, so perhaps cut off",
    "harness": "text of the harness, no answer",
}
"""Answers that say little of a model, by their name in `attempts`."""
NAMED = 3
TOKENS = ("prompt_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
"""Counts of a model's own tokenizer, beside those of its answer."""
_OF_OUTCOMES = ("query_id", "model", "quality", "answer_tokens", "cost_usd", "latency_s")


_SCALE: ContextVar[Scale | None] = ContextVar("_SCALE", default=None)


@contextmanager
def on_scale(scale: Scale | None) -> Iterator[None]:
    """A block in which all qualities are taken to be on this scale; None: it is guessed."""
    token = _SCALE.set(scale)
    try:
        yield
    finally:
        _SCALE.reset(token)


def graded(part: Imported, wanted: Wanted | None = None) -> Imported:
    """The part with outcomes by one measure of all its attempts, and notes on it.

    Args:
        part: with `attempts`; one without is given back as it is.
        wanted: the measure and scale that the user asks for.

    Raises:
        DataError: no measure serves all models, models have different scales, or a quality lies
            off the scale that was asked for.
    """
    if part.attempts is None:
        return part
    wanted = wanted or Wanted(scale=_SCALE.get())
    attempts, source = part.attempts, part.benchmark.source
    found = chosen(attempts, wanted, source)
    values = attempts[found.measure].to_numpy(np.float64)
    fixed = wanted.scale or found.measure.scale
    scale, off = _scale(values, attempts["model"], fixed, source)
    quality = (scale.low + scale.high) - values if found.turned else values
    kept = np.isfinite(values) & ~off
    columns = {name: attempts[name] for name in _OF_OUTCOMES if name != "quality"}
    outcomes = pd.DataFrame(columns | {"quality": quality})[list(_OF_OUTCOMES)]
    for name in ("state", *TOKENS):
        if name in attempts:
            outcomes[name] = attempts[name]
    card = replace(
        part.benchmark, quality_low=scale.low, quality_high=scale.high, quality_unit=scale.unit
    )
    notes = [
        *part.read_notes,
        *(notes_on(found) if len(found.means) > 1 or found.measure.name != "quality" else ()),
        *_on_scale(scale, fixed, values, off, attempts, found.measure),
        *_on_ungraded(attempts, np.isnan(values)),
        *_on_answers(attempts, quality, kept),
    ]
    if not any(note.startswith("Columns:") for note in part.read_notes):
        notes += _on_amounts(outcomes[kept])
    models = attempts["model"].unique()
    if len(models) == 1:
        notes.append(f"All outcomes are of {models[0]}: {ONE_MODEL}, so import both runs together.")
    outcomes = outcomes if kept.all() else outcomes[kept].reset_index(drop=True)
    notes += dearer.notes_on(outcomes)
    return part._replace(
        benchmark=card,
        outcomes=outcomes,
        notes=tuple(dict.fromkeys(notes)),
        measure=str(found.measure),
    )


def measures_of(part: Imported) -> dict[Measure, dict[str, float]]:
    """The mean of each model by every measure of a part; nothing of bare queries."""
    if part.attempts is None:
        return {}
    by_model = part.attempts.groupby("model", observed=True, sort=False)
    return {
        measure: {str(model): float(mean) for model, mean in by_model[measure].mean().items()}
        for measure in columns_of(part.attempts)
    }


def _scale(
    values: NDArray[np.float64], models: pd.Series, fixed: Scale | None, source: str
) -> tuple[Scale, NDArray[np.bool_]]:
    """The scale of all models together, and marks of values left out for lying off it."""
    if fixed is not None:
        off = (values < fixed.low) | (values > fixed.high)
        if off.any():
            raise DataError(
                f"{source}: {counted(int(off.sum()), 'quality lies', 'qualities lie')} outside "
                f"{fixed.low:g} to "
                f"{fixed.high:g}, for example {values[off][0]:g}; correct them or name another "
                "scale"
            )
        return fixed, off
    off = strays(values)
    inside = np.where(off, np.nan, values)
    scale = guessed_scale(inside)
    if scale.unit == "share right":
        return scale, off
    groups = {
        str(model): of_model[np.isfinite(of_model)]
        for model, of_model in (
            (m, g.to_numpy(np.float64)) for m, g in pd.Series(inside).groupby(models.to_numpy())
        )
    }
    longest = max(groups, key=lambda m: groups[m].max(initial=-np.inf))
    for model, of_model in groups.items():
        if model != longest and differ(of_model, groups[longest]):
            raise DataError(
                f"{source}: {model} has qualities from {of_model.min():g} to {of_model.max():g} "
                f"and {longest} from {groups[longest].min():g} to {groups[longest].max():g}, which "
                "looks like two scales; if it is one, name it (--scale 0..10, or the scale on the "
                "My data page)"
            )
    return scale, off


def _on_scale(
    scale: Scale,
    fixed: Scale | None,
    values: NDArray[np.float64],
    off: NDArray[np.bool_],
    attempts: pd.DataFrame,
    measure: Measure,
) -> list[str]:
    notes = []
    if fixed is None:
        what = "the share right" if scale.unit == "share right" else "points"
        notes.append(f"Quality was taken as {what} from {scale.low:g} to {scale.high:g}.")
    if off.any():
        first = int(off.argmax())
        notes.append(
            f"Values of {measure} off that scale, so left out: {int(off.sum()):,}, for "
            f"example {values[first]:g} of {attempts['model'].iloc[first]} on query "
            f"{str(attempts['query_id'].iloc[first])[:40]!r}: look whether they are of another "
            "measure."
        )
    return notes


def _on_amounts(outcomes: pd.DataFrame) -> list[str]:
    """A note on what is known of the answers beside their quality; none where nothing is."""
    known = {
        what: int(outcomes[name].notna().sum())
        for what, name in (
            ("answer tokens", "answer_tokens"),
            ("cost in US dollars", "cost_usd"),
            ("time in seconds", "latency_s"),
        )
    }
    shown = ", ".join(f"{what} of {n:,}" for what, n in known.items() if n)
    of_all = counted(len(outcomes), "answer")
    return [f"Read beside the quality of {of_all}: {shown}."] if shown else []


def _on_ungraded(attempts: pd.DataFrame, missing: NDArray[np.bool_]) -> list[str]:
    """Notes on attempts without the measure, a sentence a model."""
    if not missing.any():
        return []
    return [
        f"No quality for {counted(len(rows), 'answer')} of {model} "
        f"({'query' if len(rows) == 1 else 'queries'} {_ids(rows['query_id'])}): left out, so that "
        f"{'it does' if len(rows) == 1 else 'they do'} not count."
        for model, rows in attempts[missing].groupby("model", observed=True, sort=False)
    ]


def _on_answers(
    attempts: pd.DataFrame, quality: NDArray[np.float64], kept: NDArray[np.bool_]
) -> list[str]:
    """Notes on answers that are empty, cut or none, with the figures without them."""
    if "state" not in attempts:
        return []
    notes = []
    table = attempts[["model", "state"]].assign(quality=quality)[kept]
    for model, rows in table.groupby("model", observed=True, sort=False):
        for state, n in rows["state"].value_counts().items():
            others = rows["quality"][rows["state"] != state]
            without = (
                f"without them its quality is {others.mean():.3g} (n {len(others):,}), with them "
                f"{rows['quality'].mean():.3g}"
                if len(others)
                else "there is no other"
            )
            notes.append(
                f"{n:,} of {counted(len(rows), 'answer')} of {model} "
                f"{'is' if n == 1 else 'are'} {STATES[str(state)]}: {without}."
            )
    return notes


def _ids(ids: pd.Series) -> str:
    shown = ", ".join(repr(str(i)[:40]) for i in ids[:NAMED])
    return shown + (", …" if len(ids) > NAMED else "")
