"""Rows that cannot be taken: refused where they are many, else left out and counted."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing.answers import ERROR
from routellm_core.importing.measures import Measure, columns_of
from routellm_core.importing.notes import counted
from routellm_core.importing.values import Where

CONTRADICTING = 0.1
"""Share of the rows whose id may stand for another text; of more it is no column of ids."""
AMOUNTS = ("prompt_tokens", "answer_tokens", "cost_usd", "latency_s")
IN_WORDS = {
    "prompt_tokens": "The number of prompt tokens",
    "answer_tokens": "The number of answer tokens",
    "cost_usd": "The cost",
    "latency_s": "The time",
}
FREE = ":free"
"""End of the names of models that cost nothing."""


def likelihoods(rows: pd.DataFrame) -> dict[Measure, Measure]:
    """Measures called perplexity that lie below 0, as logarithms of a likelihood, which rise."""
    return {
        measure: replace(measure, rises=True)
        for measure in columns_of(rows)
        if measure.is_likelihood and rows[measure].max() <= 0 > rows[measure].min()
    }


def with_errors(rows: pd.DataFrame, measures: list[Measure]) -> pd.DataFrame:
    """The rows; those whose answer reads like an error, and has no grade for it, have failed."""
    if "state" not in rows or not (rows["state"] == ERROR).any():
        return rows
    reads_so = (rows["state"] == ERROR).to_numpy(bool)
    bad = np.ones(len(rows), dtype=bool)
    for measure in measures:
        if measure.direction is False or measure.is_likelihood:
            continue
        bad &= ~(rows[measure].to_numpy(np.float64) > 0)
    before = rows["failed"].fillna(False).to_numpy(bool) if "failed" in rows else ~bad & bad
    return rows.assign(
        state=rows["state"].astype(object).mask(reads_so, None), failed=before | (reads_so & bad)
    )


def answered(rows: pd.DataFrame, where: Where, notes: list[str]) -> tuple[pd.DataFrame, Where]:
    """The rows of calls that did not fail."""
    if "failed" not in rows:
        return rows, where
    failed = rows["failed"].fillna(False).to_numpy(bool)
    rows = rows.drop(columns="failed")
    if not failed.any():
        return rows, where
    if failed.all():
        raise DataError(f"{where.file}: every call failed, so there is no answer; run it again")
    of_model = rows["model"][failed] if "model" in rows else pd.Series(["(not named)"])
    of_each = ", ".join(f"{n:,} of {m}" for m, n in of_model.value_counts().items() if n)
    n_failed = int(failed.sum())
    notes.append(
        counted(n_failed, "failed call was", "failed calls were")
        + f" left out ({of_each}): an error is no wrong answer."
    )
    return rows[~failed].reset_index(drop=True), where._replace(row=where.row[~failed])


def complete(rows: pd.DataFrame, where: Where, notes: list[str]) -> tuple[pd.DataFrame, Where]:
    """The rows with a text, a name and a model; refused where most of them lack it."""
    for name, what, remedy in (
        ("query", "no query text", "fill or drop them"),
        ("query_id", "no id", "fill them, or map no column as id"),
        ("model", "no model", "name the model"),
    ):
        if name not in rows:
            continue
        lacking = rows[name].isna().to_numpy() | rows[name].eq("").to_numpy(bool)
        if not lacking.any():
            continue
        if name == "query_id" and "query" in rows:
            rows = rows.drop(columns="query_id")
            notes.append(
                f"The id is empty in {where.rows(lacking)}: queries are told apart by their text."
            )
            continue
        if 2 * lacking.sum() > len(rows):
            column = name.removesuffix("_id") if name != "query_id" else "id"
            where.refuse(lacking, what, remedy, f"column of the {column}")
        those = where.rows(lacking, f"with {what} was", f"with {what} were")
        notes.append(f"{those} left out.")
        rows, where = rows[~lacking].reset_index(drop=True), where._replace(row=where.row[~lacking])
    return rows, where


def consistent(
    where: Where, id_code: NDArray[np.int64], text_code: NDArray[np.int64], notes: list[str]
) -> NDArray[np.bool_]:
    """Marks of the rows whose id stands for the text that it stood for first."""
    first = np.unique(id_code, return_index=True)[1]
    other = text_code != text_code[first][id_code]
    if other.sum() > CONTRADICTING * len(id_code):
        where.refuse(
            other,
            "an id that stood for another text before",
            "give every query an id of its own, or map no column as id",
            "column of the id",
        )
    if other.any():
        notes.append(
            where.rows(other, "was left out: its id", "were left out: their id")
            + " stood for another text before."
        )
    same: NDArray[np.bool_] = ~other
    return same


def sound_amounts(
    rows: pd.DataFrame, measures: list[Measure], where: Where, notes: list[str]
) -> pd.DataFrame:
    """The rows, with amounts that cannot be unknown; refused is an infinite grade."""
    for name in AMOUNTS:
        if name not in rows:
            continue
        amounts = rows[name].to_numpy(np.float64)
        odd = (amounts < 0) | np.isinf(amounts)
        default = _is_default(name, amounts, rows)
        if odd.any() or default.any():
            rows = rows.assign(**{name: np.where(odd | default, np.nan, amounts)})
        if odd.any():
            notes.append(
                f"{IN_WORDS[name]} is negative or infinite in {where.rows(odd)}: it counts as "
                "unknown there."
            )
        if default.any() and name != "prompt_tokens":
            of = f"{int(default.sum()):,} of {counted(len(rows), 'answer')}"
            zero = {"cost_usd": "$0", "latency_s": "0 s"}.get(name, "0")
            notes.append(f"{IN_WORDS[name]} of {of} is given as {zero}, so it is unknown.")
    for measure in measures:
        infinite = np.isinf(rows[measure].to_numpy(np.float64))
        where.refuse(infinite, f"an infinite {measure}", "give finite numbers")
    return rows


def _is_default(name: str, amounts: NDArray[np.float64], rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Marks of zeros that stand where nothing was measured."""
    zero: NDArray[np.bool_] = amounts == 0
    if name == "cost_usd" and "model" in rows:
        zero &= ~rows["model"].astype(str).str.endswith(FREE).to_numpy(bool)
    if name == "answer_tokens" and "state" in rows:
        zero &= ~rows["state"].eq("empty").to_numpy(bool)
    return zero
