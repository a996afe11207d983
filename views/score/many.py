"""Many queries: pasted or stored, scored by processes that take turns, watched as they go."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import streamlit as st

from routellm_core import jobs
from routellm_core.importing import job as import_job
from routellm_core.importing.job import ReadFiles
from routellm_core.text_keys import lines_of
from routellm_core.wording.text import one_line
from views.cache import benchmarks, own_data, workspace
from views.components import html_table, job_progress
from views.components.html_table import figure
from views.files import adding, imports
from views.score import sets as score_sets
from views.state import inputs, link
from views.state.attempt import attempt
from views.state.pages import page
from views.state.private_inputs import remembered
from views.text.escape import plain

_SHOWN = 6
_MY_DATA = page("my_data")


def draw() -> None:
    """Paste or add files, what is at work with its first results, and the sets that are stored."""
    with st.expander("Paste queries, one a line"):
        lines: str = remembered(st.text_area, "Queries", "lines", "", height=160)
        n = sum(1 for line in lines_of(lines) if line.strip())
        st.button(
            f"Make a set of {n:,} queries" if n else "Make a set of them",
            key="_score_paste",
            disabled=not n,
            on_click=_paste,
        )
    adding.draw(is_first=False)
    imports.draw()
    version = workspace.version()  # what was read may just have been added
    sets = own_data.own_sets(version)
    if sets.empty:
        st.caption("There is no set of your own yet: paste queries, or add a file of them.")
        return
    ids = sets["benchmark_id"].tolist()
    titles = dict(sets[["benchmark_id", "title"]].itertuples(index=False))
    above = st.container()
    chosen = inputs.one_of(st.selectbox, "Set", "set", ids, ids[0], titles.__getitem__)
    running = [job for name in ids for job in score_sets.jobs_of(name) if job.status == "running"]
    others = [job.folder for job in running if job.plan["benchmark_id"] != chosen]
    with above:
        job_progress.watch(others, _draw_job)
    row = next(row for row in sets.itertuples() if row.benchmark_id == chosen)
    pair = benchmarks.usual_pair(version, chosen) if row.n_models >= 2 else None
    score_sets.draw(version, row, pair)
    for job in running:
        if job.plan["benchmark_id"] == chosen:
            _draw_first_results(version, job)
    if not own_data.scorings(version, chosen).empty:
        if st.button("See what the scores tell"):
            link.remember(set=chosen, part="tells")
            st.switch_page(_MY_DATA)


def _paste() -> None:
    """A private set of the lines that hold anything, as they are when it is clicked."""
    with attempt("The set is there: score it below."):
        found = import_job.pasted(st.session_state["_typed_lines"])
        store = workspace.store()
        with store.open_for_writing():
            ids = import_job.add(
                store, ReadFiles([found], None), owner=workspace.owner(), renamed=True
            )
        link.remember(set=ids[0])
        st.session_state["_typed_lines"] = ""


def _draw_job(job: jobs.Job) -> None:
    title = f"{job.plan['benchmark_id']} by {', '.join(job.plan['router_ids'])}"
    job_progress.job_card(job, title, first="Loading the routers", is_own=False)


def _draw_first_results(version: int, job: jobs.Job) -> None:
    """Some of what is scored so far."""
    st.fragment(_results, run_every=2.0)(version, job.folder)


def _results(version: int, folder: Path) -> None:
    chunks = sorted((folder / "chunks").glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    if not chunks:
        return
    frame: pd.DataFrame = pq.read_table(chunks[-1]).to_pandas().tail(_SHOWN)
    texts = workspace.store().texts(frame["text_hash"].tolist())
    routers = [name for name in frame.columns if name != "text_hash"]
    rows: list[list[Any]] = [
        [
            one_line(texts.get(row["text_hash"], "–")),
            *(f"{row[name]:.4f}" for name in routers),
        ]
        for _, row in frame.iterrows()
    ]
    html_table.draw(
        "The latest scores",
        ["query", *(figure(name) for name in routers)],
        rows,
    )
    st.caption(plain(f"The latest of {len(chunks):,} finished chunks."))
