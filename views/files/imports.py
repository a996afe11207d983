"""Imports of this session: begun, watched, and what was read put into the store."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st

from routellm_core import files, jobs
from routellm_core.errors import RoutingError
from routellm_core.importing import job as import_job
from routellm_core.importing.job import ImportPlan
from routellm_core.wording.text import one_line
from views.cache import workspace
from views.components import job_progress
from views.files import places
from views.state import link
from views.state.attempt import attempt, button
from views.text.escape import plain

SHOWN = 4
_taking = Lock()
"""Two tabs of a session look at the same imports: each is begun and added once."""


def start(plan: ImportPlan) -> None:
    """Begin to read; the folder of the import takes the uploads in.

    Raises:
        DataError: an upload is gone.
    """
    with _taking:
        numbers = (str(number) for number in itertools.count(1))
        folder = next(f for n in numbers if not (f := places.imports_dir() / n).exists())
        paths = places.moved_uploads(map(Path, plan.paths), folder / "files")
        jobs.start(folder, replace(plan, paths=tuple(map(str, paths))), workspace.store_path())


def draw() -> None:
    """Take up what was read; imports at work with a bar, those that failed with their reason."""
    with _taking:
        for job in _jobs():
            _take(job)
    found = _jobs()
    job_progress.watch([job.folder for job in found if job.status == "running"], _draw_job)
    for job in found:
        if job.status in ("failed", "stopped"):
            _draw_job(job)
        elif job.status == "done" and _measures(job):
            _draw_measures(job)
        elif job.status == "done":  # it could not be added
            title = plain(_title(job))
            st.button(f"Add {title} now", key=f"again_{job.folder.name}", type="primary")


def notes_on(benchmark_id: str) -> list[str]:
    """Notes of a set's import; none where it was imported elsewhere."""
    path = _notes_path(benchmark_id)
    notes: list[str] = files.read_json(path) if path.exists() else []
    return notes


def _notes_path(benchmark_id: str) -> Path:
    return workspace.current().set_dir(benchmark_id) / "notes.json"


def _jobs() -> list[jobs.Job]:
    return jobs.jobs_in(places.imports_dir())


def _take(job: jobs.Job) -> None:
    """Add what was read, as this session's own; the first set becomes the chosen one."""
    if job.status == "cancelled":
        jobs.delete(job.folder)
    if job.status == "done" and not _measures(job):
        try:
            _keep(job)
        except RoutingError as error:
            said = f"{_title(job)} is read, but not added: {error}"
            st.error(plain(said), icon=":material/error:")


def _keep(job: jobs.Job, measure: str | None = None) -> None:
    ids = _add(job, measure)
    jobs.delete(job.folder)
    st.toast(_welcome(job.facts, ids), icon=":material/check:")


def _add(job: jobs.Job, measure: str | None) -> list[str]:
    found = import_job.laid(job.folder, measure)
    store = workspace.store()
    with store.open_for_writing():
        ids = import_job.add(store, found, owner=workspace.owner(), renamed=True)
    for name, part in zip(ids, found.parts, strict=True):
        workspace.current().set_dir(name).mkdir(parents=True, exist_ok=True)
        files.write_json(_notes_path(name), list(part.notes))
    if ids:
        link.remember(set=ids[0])
    return ids


def _measures(job: jobs.Job) -> dict[str, dict[str, float]]:
    """Means of the models by each measure, where there are several to choose from."""
    found: dict[str, dict[str, float]] = {}
    for part in job.facts["parts"]:
        for one in part["measures"]:
            found.setdefault(one["measure"], one["means"])
    return found if len(found) > 1 else {}


def _draw_measures(job: jobs.Job) -> None:
    """The choice of the measure that becomes the quality."""
    measures = _measures(job)
    taken = next((part["measure"] for part in job.facts["parts"] if part["measure"]), "")
    names = list(measures)
    with st.container(border=True):
        st.markdown(plain(f"{_title(job)} grades its answers in several ways."))
        chosen = st.selectbox(
            "Which of them is the quality?",
            names,
            names.index(taken) if taken in names else 0,
            format_func=lambda name: f"{name}: {_of_models(measures[name])}",
            key=f"measure_{job.folder.name}",
        )
        button("Add", _keep_once, job, chosen, key=f"add_{job.folder.name}", type="primary")


def _keep_once(job: jobs.Job, measure: str) -> None:
    with _taking, attempt():
        if job.folder.exists():
            _keep(job, measure)


def _of_models(means: Mapping[str, float]) -> str:
    shown = [f"{one_line(model)} {mean:.3g}" for model, mean in list(means.items())[:SHOWN]]
    return ", ".join(shown) + (", …" if len(means) > SHOWN else "")


def _welcome(facts: Mapping[str, Any], ids: list[str]) -> str:
    said = []
    if ids:
        n_queries = sum(part["n_queries"] for part in facts["parts"])
        said.append(f"{n_queries:,} queries added as {', '.join(ids[:3])}.")
    if facts["n_battles"]:
        said.append(f"{facts['n_battles']:,} battles added: train on them on the Train page.")
    return plain(" ".join(said))


def _draw_job(job: jobs.Job) -> None:
    job_progress.job_card(
        job,
        _title(job),
        first="Looking at the file",
        in_bytes=True,
        cancelled="The import is cancelled, nothing has changed.",
        ended="was not imported, nothing has changed",
        is_error=True,
    )


def _title(job: jobs.Job) -> str:
    names = [Path(path).name for path in job.plan["paths"]]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
