"""A sheet that people fill in: out as CSV or Excel, back in, and kept as a set."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from routellm_core.labelling.into_store import SUFFIX, Gathered, gathered_from_people
from routellm_core.labelling.sheet import LabelKind, write_sheet
from routellm_core.types import Benchmark, ModelPair
from views.cache import benchmarks, own_data
from views.files import places
from views.my_data.labelling import query_choice, saving
from views.my_data.labelling.query_choice import QueryChoice
from views.state.attempt import button
from views.state.private_inputs import remembered
from views.text.escape import plain

_ASKED: dict[LabelKind, str] = {"qualities": "A quality of each model", "winner": "Who won"}
_MEANINGS: dict[LabelKind, str] = {
    "qualities": "Two columns take numbers on your scale, the worst to the best.",
    "winner": "One column takes weak, strong or tie.",
}
_FILES = {
    ".csv": ("CSV", "text/csv"),
    ".xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def draw(version: int, row: Any) -> None:
    """Out, and back in."""
    st.markdown(
        "People fill in what both models did. The sheet holds queries, not answers: look at those "
        "where the models run. Nothing leaves this machine but the file that you take away."
    )
    choice = query_choice.choose(version, row, "near", "sheet")
    asked: LabelKind = remembered(
        st.segmented_control,
        "LabelKind is",
        "sheet_asked",
        "qualities",
        options=list(_ASKED),
        format_func=_ASKED.__getitem__,
        required=True,
    )
    st.caption(_MEANINGS[asked])
    with st.container(horizontal=True):
        for suffix, (kind, mime) in _FILES.items():
            name = f"{row.benchmark_id}-to-label{suffix}"
            st.download_button(
                f"Take it as {kind}",
                _Sheet(version, row.benchmark_id, choice, asked, name),
                name,
                mime,
                on_click="ignore",
            )
    st.markdown("**Back in**")
    _draw_reading(version, row)


class _Sheet:
    """The bytes of a sheet, made when they are asked for."""

    def __init__(
        self, version: int, benchmark_id: str, choice: QueryChoice, asked: LabelKind, name: str
    ) -> None:
        self._queries = version, benchmark_id, choice
        self._asked, self._name = asked, name

    def __call__(self) -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder) / self._name
            write_sheet(path, query_choice.rows_of(*self._queries), self._asked)
            return path.read_bytes()


def _draw_reading(version: int, row: Any) -> None:
    number = st.session_state.get("outcomes_sheets_kept", 0)
    file = st.file_uploader(
        "The filled-in sheet",
        ["csv", "xlsx", "xls", "xlsb", "ods"],
        key=f"_outcomes_sheet_{row.benchmark_id}_{number}",
    )
    weak, strong = (
        _name(column, label, side)
        for column, label, side in zip(
            st.columns(2), ("Weak model ●", "Strong model ■"), ("weak", "strong"), strict=True
        )
    )
    low, high = (
        _quality(column, label, usual)
        for column, label, usual in zip(
            st.columns(2), ("Worst quality", "Best quality"), (0.0, 1.0), strict=True
        )
    )
    if file is None:
        return
    (path,) = places.keep_uploads([file])
    written = path.stat().st_mtime_ns
    labels = own_data.sheet_labels(version, row.benchmark_id, str(path), written, low, high)
    st.markdown(f"{len(labels.qualities):,} of {labels.n_rows:,} rows are labelled.")
    if not (weak and strong):
        st.caption("Name both models to keep it.")
        return
    card = benchmarks.benchmark(version, row.benchmark_id)
    found, n_half = gathered_from_people(
        labels,
        own_data.set_queries(version, row.benchmark_id),
        ModelPair(weak=weak, strong=strong),
        row.benchmark_id + SUFFIX,
        card,
        low,
        high,
    )
    if n_half:
        rows = "row has" if n_half == 1 else "rows have"
        st.caption(f"{n_half:,} {rows} one quality only and will be left out.")
    button(
        plain(f"Keep {len(found.queries):,} queries as a set"),
        _keep,
        *(found, card, path),
        key="_outcomes_keep_sheet",
        type="primary",
    )


def _name(column: Any, label: str, side: str) -> str:
    with column:
        typed: str = remembered(st.text_input, label, f"sheet_{side}", "", autocomplete="off")
    return typed.strip()


def _quality(column: Any, label: str, usual: float) -> float:
    with column:
        typed = remembered(st.number_input, label, f"sheet_{label}", usual, value=None, format="%g")
    return float(usual if typed is None else typed)


def _keep(found: Gathered, card: Benchmark, path: Path) -> None:
    if saving.keep(found, card):
        path.unlink(missing_ok=True)
        # Another key is another, empty uploader.
        kept = st.session_state.get("outcomes_sheets_kept", 0)
        st.session_state["outcomes_sheets_kept"] = kept + 1
