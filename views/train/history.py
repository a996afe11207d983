"""All trainings: the ones at work, watched; the others with what came of them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from routellm_core import jobs
from routellm_core.errors import DataError
from routellm_core.training import job as training_job
from routellm_core.training.job import TrainingRun
from routellm_core.training.recipes import recipe_of
from routellm_core.types import ModelPair
from views.cache import benchmarks, training, workspace
from views.components import job_progress
from views.components.job_progress import STATUS
from views.components.live_curve.payload import number
from views.components.table import column, data_table
from views.selection import tradeoff_link
from views.state.attempt import attempt, button
from views.text.escape import plain
from views.text.names import short_name
from views.train import watch

_SHOWN = 6


def draw(version: int) -> None:
    """The runs, the latest first."""
    st.subheader("Trainings")
    found = training.trainings(version)
    watch.draw([run for run in found if run.status == "running"])
    ended = [run for run in found if run.status != "running"]
    if not found:
        st.caption(
            "None yet. A training on golden labels with mf takes a minute or two on two cores, "
            "once the queries have been read."
        )
    more = st.session_state.get("_all_runs", False)
    for run in ended if more else ended[:_SHOWN]:
        _draw_run(version, run)
    if len(ended) > _SHOWN and not more:
        st.button(
            f"Show {len(ended) - _SHOWN:,} earlier ones",
            on_click=lambda: st.session_state.update(_all_runs=True),
        )
    _draw_others(version, found)


def _draw_run(version: int, run: TrainingRun) -> None:
    rows = _rows(version, run)
    key = f"run_{run.run_id}"
    if rows:
        _draw_table(run, rows, key)
    else:
        job_progress.heading(run.run_id, f"{STATUS[run.status]}, {_when(run)}", False)
        st.caption(plain(_plan_in_words(version, run)))
    if run.message:
        st.error(plain(run.message), icon=":material/error:")
    kept_as = _kept_as(version, run)
    with st.container(horizontal=True, key=f"actions_{_slug(run)}"):
        if kept_as and rows and st.button("See it on the Trade-off page", key=f"see_{key}"):
            to = rows[0]
            pair = ModelPair(weak=to["weak"], strong=to["strong"])
            tradeoff_link.go(to["benchmark_id"], pair, f"{kept_as}.{to['view_id']}")
        if run.status == "done" and not kept_as:
            _draw_keep(run, key)
        if run.status in ("stopped", "cancelled", "failed"):
            label = "Try again" if run.status == "failed" else "Go on"
            st.button(label, key=f"resume_{key}", on_click=_resume, args=(run,))
        if kept_as:
            _draw_forget(kept_as, f"Take {kept_as} out …")
        else:
            _draw_delete(run, key)
        if run.progress["loss"].notna().any():
            with st.popover("Loss …"):
                watch.draw_loss(run)


def _rows(version: int, run: TrainingRun) -> list[dict[str, Any]]:
    """Scores of a finished run; APGR with its interval, a row a benchmark and view."""
    path = run.folder / "scores.parquet"
    if run.status != "done" or not path.is_file():
        return []
    titles = dict(benchmarks.benchmarks(version)[["benchmark_id", "title"]].itertuples(index=False))
    return [
        {
            "router": run.plan.router_name,
            "benchmark": titles[found["benchmark_id"]],
            "benchmark_id": found["benchmark_id"],
            "view_id": found["view"],
            "view": _view_in_words(run, found),
            "under": _view_in_words(run, found),
            "n": found["n"],
            "weak": found["pair"].weak,
            "strong": found["pair"].strong,
            "apgr": number(found["apgr"]),
            "apgr_low": number(found["apgr_interval"].low),
            "apgr_high": number(found["apgr_interval"].high),
            "cpt50": number(found["cpt50"]),
            "cpt50_low": number(found["cpt50_interval"].low),
            "cpt50_high": number(found["cpt50_interval"].high),
        }
        for found in training.run_evaluations(version, str(path), path.stat().st_mtime_ns)
        if found["benchmark_id"] in titles  # not private to another session
    ]


def _view_in_words(run: TrainingRun, found: dict[str, Any]) -> str:
    """The view, with the pair where it is another than the plan's."""
    view, pair = found["view"].replace("_", " "), found["pair"]
    if pair == run.plan.model_pair:
        return view
    return f"{view}, {short_name(pair.strong)} over {short_name(pair.weak)}"


def _draw_table(run: TrainingRun, rows: list[dict[str, Any]], key: str) -> None:
    data_table(
        f"Figures of {run.run_id}",
        [
            column("benchmark", "benchmark", "name"),
            column("view", "view", "text", wide=True),
            column("picture", "APGR, 95% interval", "range", sort="apgr_low"),
            column("apgr", "APGR", "figure"),
            column("cpt50", "CPT(50%)", "percent", wide=True),
            column("n", "n", "count"),
        ],
        rows,
        title=run.run_id,
        beside=f"{STATUS[run.status]}, {_when(run)}",
        sentence=_plan_in_words(workspace.version(), run),
        axis={"low": 0.28, "high": 0.92, "ticks": [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]},
        key=f"figures_{key}",
    )


def _plan_in_words(version: int, run: TrainingRun) -> str:
    plan, facts = run.plan, run.facts
    pair = f"{short_name(plan.strong)} ■ over {short_name(plan.weak)} ●"
    said = [f"{plan.router_name} on {recipe_of(plan.golden, plan.battles).name}, {pair}."]
    if "n_battles" in facts:
        said.append(f"{facts['n_queries']:,} queries, {facts['n_battles']:,} battles.")
    if "n_dropped" in facts:
        said.append(f"{facts['n_dropped']:,} queries dropped as leaks.")
    for routed, proxy in facts.get("stand_ins", {}).items():
        said.append(f"{proxy} stood in for {routed}.")
    options = ", ".join(f"{name} {value}" for name, value in plan.options.items())
    if options:
        said.append(f"Options: {options}.")
    return " ".join(said)


def _when(run: TrainingRun) -> str:
    seconds = (datetime.now(UTC) - run.started_at).total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            n = int(seconds // size)
            return f"started {n} {unit}{'s' * (n > 1)} ago"
    return "started just now"


def _draw_keep(run: TrainingRun, key: str) -> None:
    with st.popover("Keep it …"):
        name = st.text_input("Its name on the other pages", run.run_id, key=f"name_{key}")
        is_private = not set(run.plan.benchmarks).isdisjoint(workspace.store().private_ids())
        button("Keep", _keep, run, name, disabled=is_private, type="primary", key=f"keep_{key}")
        st.caption(
            "All users see a kept router, and a set that this one read is private to you: save "
            "the set on My data first."
            if is_private
            else "Its scores go into the store, so that Trade-off and Compare show it."
        )


def _draw_delete(run: TrainingRun, key: str) -> None:
    with st.popover("Delete …"):
        st.caption("Its checkpoint and its scores are removed from this machine.")
        st.button("Delete it", key=f"delete_{key}", on_click=_delete, args=(run,))


def _draw_forget(router_id: str, label: str) -> None:
    with st.popover(plain(label)):
        st.caption("It goes from the other pages; the training stays here and can be kept again.")
        st.button("Take it out", key=f"forget_{router_id}", on_click=_forget, args=(router_id,))


def _draw_others(version: int, found: list[TrainingRun]) -> None:
    """Routers of the user's whose training is not listed here, so that they can be removed."""
    folders = {str((run.folder / "checkpoint").resolve()) for run in found}
    table = training.own_routers(version)
    others = table[~table["checkpoint"].isin(folders)]
    if others.empty:
        return
    st.markdown("**Kept routers of other trainings**")
    for row in others.itertuples():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(f"{row.router_id}: {row.router_name} on {row.trained_on}"))
            _draw_forget(row.router_id, "Take it out …")


def _kept_as(version: int, run: TrainingRun) -> str | None:
    table = training.own_routers(version)
    kept = table[table["checkpoint"] == str((run.folder / "checkpoint").resolve())]
    return None if kept.empty else str(kept["router_id"].iloc[0])


def _keep(run: TrainingRun, name: str) -> None:
    with attempt(f"{name} is kept: Trade-off and Compare show it."):
        if not re.fullmatch(r"[\w.+-]{1,80}", name):
            raise DataError(
                f"{name!r} is no name for a router: use up to 80 letters, digits, '_', '-', '+' "
                "and '.', since it stands in links"
            )
        store = workspace.store()
        with store.open_for_writing():
            training_job.keep(run, store, name)


def _forget(router_id: str) -> None:
    with attempt(f"{router_id} is taken out."):
        store = workspace.store()
        with store.open_for_writing():
            store.delete_router(router_id)


def _delete(run: TrainingRun) -> None:
    with attempt(f"{run.run_id} is deleted."):
        jobs.delete(run.folder)


def _resume(run: TrainingRun) -> None:
    with attempt():
        jobs.start(run.folder, run.plan, workspace.store_path())


def _slug(run: TrainingRun) -> str:
    return "".join(c if c.isalnum() else "_" for c in Path(run.folder).name)
