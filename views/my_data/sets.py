"""The user's sets: which one is looked at, what it is, saving and deleting it."""

from typing import Any

import pandas as pd
import streamlit as st

from views.cache import benchmarks, workspace
from views.files.imports import notes_on
from views.state import inputs, link
from views.state.attempt import attempt
from views.text.escape import plain


def choose(table: pd.DataFrame) -> Any:
    """The row of the set that is looked at."""
    ids = table["benchmark_id"].tolist()
    rows = {row.benchmark_id: row for row in table.itertuples()}
    chosen = inputs.one_of(
        st.selectbox,
        "Set",
        "set",
        ids,
        ids[0],
        lambda name: (
            f"{rows[name].title} · {rows[name].n_queries:,} queries · "
            f"{'saved' if _is_saved(rows[name]) else 'private to this session'}"
        ),
    )
    return rows[chosen]


def draw(version: int, row: Any) -> None:
    """Its heading, what the import had to say, and what can be done with it."""
    texts, _ = benchmarks.n_texts(version, row.benchmark_id)
    st.subheader(plain(row.title), anchor=False)
    said = [f"{row.n_queries:,} queries", f"{texts:,} with their text"]
    said.append({0: "no outcomes", 1: "outcomes of one model"}.get(row.n_models, ""))
    if row.n_models >= 2:
        said[-1] = f"outcomes of {row.n_models} models"
    said.append(row.source)
    said.append("saved to the store" if _is_saved(row) else "private to this browser session")
    st.caption(plain(" · ".join(said)))
    notes = notes_on(row.benchmark_id)
    if notes:
        with st.expander(f"What the import noticed: {len(notes)}"):
            for note in notes:
                st.markdown(f"- {plain(note)}")
    with st.container(horizontal=True):
        if not _is_saved(row):
            st.button("Save to the store", on_click=_save, args=(row.benchmark_id,))
        with st.popover("Delete …"):
            st.markdown(
                "Its queries, texts, outcomes, scores and all that was worked out about it go, and "
                "no byte of them is left in the store's file. A file that you imported stays where "
                "it was."
            )
            st.button(
                "Delete it", type="primary", on_click=_delete, args=(row.benchmark_id, row.title)
            )


def _is_saved(row: Any) -> bool:
    return bool(pd.isna(row.owner))


def _save(benchmark_id: str) -> None:
    with attempt(
        f"{benchmark_id} is saved: it stays, and every visitor of this dashboard sees it."
    ):
        store = workspace.store()
        with store.open_for_writing():
            store.save_benchmark(benchmark_id)


def _delete(benchmark_id: str, title: str) -> None:
    with attempt(f"{title} is deleted."):
        workspace.delete_sets([benchmark_id])
        link.remember(set=None)
        if link.text("benchmark", "") == benchmark_id:
            link.remember(benchmark=None)
