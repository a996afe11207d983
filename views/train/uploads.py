"""Battles of the user's own: read from a file, looked at, added, deleted."""

import hashlib
import re
from pathlib import Path

import pandas as pd
import streamlit as st

from routellm_core.training.labels import warnings_about
from routellm_core.wording.numbers import percent
from views.cache import training, workspace
from views.components import html_table
from views.components.html_table import Heading, figure
from views.selection.frame import boundary
from views.state.attempt import attempt, button
from views.text.escape import plain


def draw(version: int) -> None:
    """Battles that are there, and a place for files; closed at first."""
    table = training.battle_sources(version)
    label = "Battles on this machine"
    label += f": {table['n_battles'].sum():,}" if len(table) else ": none yet"
    with st.expander(label):
        if table.empty:
            st.caption(
                "No battles yet. A file of them has a row a verdict: query, model\\_a, model\\_b, "
                "winner (model\\_a, model\\_b or tie), judge, source. LMArena's, AlpacaEval's and "
                "QLoRA's columns are understood too."
            )
        else:
            _draw_sources(table)
        with boundary():
            _draw_upload(table)


def _draw_sources(table: pd.DataFrame) -> None:
    html_table.draw(
        "Battles on this machine",
        [
            "source",
            Heading("judge", is_wide=True),
            figure("battles"),
            figure("queries"),
            figure("models", is_wide=True),
        ],
        [
            [r.source, r.judge, f"{r.n_battles:,}", f"{r.n_queries:,}", f"{r.n_models:,}"]
            for r in table.itertuples()
        ],
    )
    with st.popover("Delete battles …"):
        source = st.selectbox("Source", table["source"].tolist(), key="_battles_to_delete")
        st.caption("Its verdicts go, and the texts that nothing else uses.")
        button("Delete them", _delete, source)


def _draw_upload(known: pd.DataFrame) -> None:
    file = st.file_uploader(
        "Add battles from a file",
        type=["csv", "json", "jsonl", "parquet"],
        key=f"_battles_file_{st.session_state.get('battles_added', 0)}",
        help="CSV, a JSON list, JSON lines or Parquet. It is read here and sent nowhere.",
    )
    drop = st.checkbox("Leave out rows without a verdict", key="_drop_unjudged")
    if file is None:
        return
    content = file.getvalue()
    name = re.sub(r"[^\w.-]", "_", Path(file.name).name)[-80:]
    digest = hashlib.sha256(content).hexdigest()
    battles = training.read_battles(
        digest, f"file_{name}" if name.startswith(".") else name, drop, content
    )
    models = pd.unique(battles[["model_a", "model_b"]].to_numpy().ravel())
    sources = sorted(battles["source"].unique())
    st.markdown(
        plain(
            f"{name} holds {len(battles):,} battles on {battles['query'].nunique():,} queries "
            f"between {len(models):,} models, {percent((battles['winner'] == 'tie').mean())} of "
            f"them ties, judged by {', '.join(sorted(battles['judge'].unique())[:5])}; source "
            f"{', '.join(sources[:5])}."
        )
    )
    for note in training.notes_on(battles):
        st.caption(plain(note))
    for warning in warnings_about(battles):
        st.warning(plain(warning), icon=":material/warning:")
    again = sorted(set(sources) & set(known["source"]))
    if again:
        st.warning(
            plain(f"What {', '.join(again)} holds now will be replaced."),
            icon=":material/warning:",
        )
    button("Add them", _add, battles, sources, type="primary")


def _add(battles: pd.DataFrame, sources: list[str]) -> None:
    with attempt(f"{len(battles):,} battles added: choose {', '.join(sources[:5])} above."):
        store = workspace.store()
        with store.open_for_writing():
            store.add_battles(battles)
        # Another key is another, empty uploader.
        st.session_state["battles_added"] = st.session_state.get("battles_added", 0) + 1


def _delete(source: str) -> None:
    with attempt(f"The battles of {source} are deleted."):
        store = workspace.store()
        with store.open_for_writing():
            store.delete_battles(source)
