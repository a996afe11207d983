"""Roles of a table's columns: guessed, shown beside its first rows, and corrected."""

import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import streamlit as st

from routellm_core.errors import DataError
from routellm_core.importing import units
from routellm_core.importing.columns import ColumnMapping
from routellm_core.importing.currencies import currencies_in
from routellm_core.importing.long_tables import question_in
from routellm_core.importing.scales import Scale
from routellm_core.importing.units import SecondsUnit
from routellm_core.importing.wide_tables import WideModel
from routellm_core.wording.text import one_line
from views.cache import own_data
from views.components import html_table
from views.text.escape import plain

_NONE = "–"
_WIDE, _LONG, _ONE, _BARE = (
    "a column of qualities for each model",
    "a row for each query and model",
    "outcomes of one model",
    "queries alone",
)
_SCALES = {
    "told from the qualities": None,
    "0 to 1, share right": Scale(0.0, 1.0, "share right"),
    "0 to 1, points": Scale(0.0, 1.0, "points"),
    "0 to 5, points": Scale(0.0, 5.0, "points"),
    "1 to 5, points": Scale(1.0, 5.0, "points"),
    "1 to 10, points": Scale(1.0, 10.0, "points"),
    "0 to 10, points": Scale(0.0, 10.0, "points"),
    "0 to 100, points": Scale(0.0, 100.0, "points"),
    "−1 to 1, points": Scale(-1.0, 1.0, "points"),
}
_TIMES: dict[SecondsUnit | None, str] = {
    None: "not chosen",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_ROWS, _COLUMNS = 5, 8


def draw(path: Path) -> ColumnMapping:
    """Draw the preview and the mapping, and return what is chosen."""
    guess, sample = own_data.guessed_columns(str(path), path.stat().st_mtime_ns)
    _draw_preview(sample, guess)
    names = sample.column_names
    st.markdown("**What its columns mean**")
    shapes = [_WIDE, _LONG, _ONE, _BARE]
    key = f"columns_{path.parent.name}_{path.name}"
    shape = st.selectbox("The table has", shapes, shapes.index(_shape(guess)), key=f"{key}_shape")
    left, middle, right = st.columns(3)
    with left:
        query = _column("Query", names, guess.query, f"{key}_query")
        query_id = _column("Its id", names, guess.query_id, f"{key}_id")
    with middle:
        slice_ = _column("Slice (subject, category)", names, guess.slice, f"{key}_slice")
        prompt = _column("Prompt tokens", names, guess.prompt_tokens, f"{key}_prompt")
    common = {"query": query, "query_id": query_id, "slice": slice_, "prompt_tokens": prompt}
    with right:
        scale = None
        if shape != _BARE:
            scale = _SCALES[st.selectbox("Scale of the qualities", _SCALES, key=f"{key}_scale")]
    if shape == _WIDE:
        return ColumnMapping(
            **common,
            scale=scale,
            wide=_wide(names, guess, key),
            currency=guess.currency,
        )
    if shape == _BARE:
        amounts = _amounts(names, guess, key)
        return replace(guess, **common, **amounts, quality=None, also=(), metric=None, wide=())
    with middle:
        quality = _column("Quality", names, guess.quality, f"{key}_quality")
    model, one_model = None, None
    with right:
        if shape == _LONG:
            model = _column("Model", names, guess.model, f"{key}_model")
        else:
            typed = st.text_input("Name of the model", path.stem, key=f"{key}_one")
            # Left as it is, it is the import's to name: files of one name go by their folders.
            one_model = typed if typed not in ("", path.stem) else None
    return replace(
        guess,
        **common,
        model=model,
        quality=quality,
        also=guess.also if quality == guess.quality else (),
        one_model=one_model,
        scale=scale,
        wide=(),
        **_amounts(names, guess, key),
    )


def draw_question(path: Path, mapping: ColumnMapping) -> str:
    """Draw what the mapping leaves open; what stands beside the button until it is answered."""
    _, sample = own_data.guessed_columns(str(path), path.stat().st_mtime_ns)
    question = question_in(mapping, sample)
    if question is None:
        return ""
    what = question.what[0].upper() + question.what[1:]
    st.warning(plain(f"{what} Choose the column above."), icon=":material/help:")
    key = f"open_{path.parent.name}_{path.name}"
    if st.checkbox("Import it as chosen all the same", key=key):
        return ""
    return "A question is open."


def rates(path: Path, mapping: ColumnMapping) -> dict[str, float]:
    """An input of the rate for every currency that the first rows name; those that were typed."""
    _, sample = own_data.guessed_columns(str(path), path.stat().st_mtime_ns)
    beside = None if mapping.currency is None else sample[mapping.currency]
    columns = [mapping.cost_usd, *(model.cost_usd for model in mapping.wide)]
    found: set[str] = set()
    for column in columns:
        if column is not None and column in sample.column_names:
            found |= currencies_in(sample[column], column, beside)
    typed = {}
    for code in sorted(found):
        rate = st.number_input(
            plain(f"US dollars for one {code}"),
            min_value=0.0,
            value=None,
            format="%.6g",
            key=f"rate_{path.parent.name}_{path.name}_{code}",
            help=f"Costs in this file are in {code}. Without a rate they are left out: they are "
            "never taken for dollars.",
        )
        if rate:
            typed[code] = rate
    return typed


def seconds_unit(path: Path, mapping: ColumnMapping) -> SecondsUnit | None:
    """The choice of the unit of times that name none; None where all do, or nobody says it."""
    _, sample = own_data.guessed_columns(str(path), path.stat().st_mtime_ns)
    columns = [mapping.latency, *(model.latency for model in mapping.wide)]
    medians = {
        name: found
        for name in columns
        if name in sample.column_names
        and not math.isnan(found := units.bare_median(name, sample[name]))
    }
    if not medians:
        return None
    longest = max(medians, key=medians.__getitem__)
    chosen = st.selectbox(
        "Unit of the times",
        _TIMES,
        format_func=_TIMES.__getitem__,
        key=f"seconds_{path.parent.name}_{path.name}",
        help="The column names no unit. Times above a median of 60 are not taken for seconds.",
    )
    if chosen is None and medians[longest] > units.LONGEST_S:
        st.warning(
            plain(
                f"Which unit does {longest} have? Its median is {medians[longest]:,.6g} and no "
                "unit is named. Without a choice these times are left out."
            ),
            icon=":material/schedule:",
        )
    return chosen


def _shape(guess: ColumnMapping) -> str:
    if guess.wide:
        return _WIDE
    if guess.quality is None:
        return _BARE
    return _LONG if guess.model else _ONE


def _column(label: str, names: list[str], guessed: str | None, key: str) -> str | None:
    options = [_NONE, *names]
    index = options.index(guessed) if guessed in names else 0
    chosen = st.selectbox(label, options, index, key=key)
    return None if chosen == _NONE else chosen


def _amounts(names: list[str], guess: ColumnMapping, key: str) -> dict[str, str | None]:
    """Tokens, cost and time of a row's answer."""
    with st.expander("Tokens, cost and time of the answers"):
        left, middle, right = st.columns(3)
        with left:
            tokens = _column("Answer tokens", names, guess.answer_tokens, f"{key}_tokens")
        with middle:
            cost = _column("Cost, USD", names, guess.cost_usd, f"{key}_cost")
        with right:
            latency = _column("Time to the answer", names, guess.latency, f"{key}_latency")
    return {
        "answer_tokens": tokens,
        "cost_usd": cost,
        "latency": latency,
    }


def _wide(names: list[str], guess: ColumnMapping, key: str) -> tuple[WideModel, ...]:
    guessed = {model.quality: model for model in guess.wide}
    chosen = st.multiselect(
        "Columns of qualities, a model each", names, list(guessed), key=f"{key}_wide"
    )
    known = (guessed.get(name) or WideModel(name, name) for name in chosen)
    return tuple(known)


def _draw_preview(sample: pa.Table, guess: ColumnMapping) -> None:
    """The first rows; mapped columns first, long texts cut."""
    mapped = [name for name in _mapped(guess) if name in sample.column_names]
    names = list(dict.fromkeys([*mapped, *sample.column_names]))[:_COLUMNS]
    rows = sample.select(names).slice(0, _ROWS).to_pylist()
    html_table.draw(
        "First rows of the file",
        names,
        [[one_line("" if row[name] is None else str(row[name])) for name in names] for row in rows],
    )
    hidden = sample.num_columns - len(names)
    if hidden > 0:
        st.caption(plain(f"First {len(rows)} rows; {hidden:,} further columns are not shown."))


def _mapped(guess: ColumnMapping) -> list[str]:
    try:
        return guess.columns()
    except DataError:
        return []
