"""Files on their way in: chosen, recognised, mapped, read with a bar and a cancel, then added."""

import itertools
from pathlib import Path
from typing import Any

import streamlit as st

from routellm_core import importing, jobs
from routellm_core.errors import DataError, RoutingError
from routellm_core.importers.mapping import Mapping
from routellm_core.importing import FORMATS, ImportPlan
from views import cached, link, watching
from views.attempt import attempt
from views.frame import boundary
from views.my_data import columns, places
from views.plain import plain

_FORMAT_TITLES = {
    "routellm": "RouteLLM repository",
    "lm_eval": "lm-evaluation-harness",
    "promptfoo": "promptfoo results",
    "litellm": "LiteLLM spend log",
    "routerbench": "RouterBench",
    "inspect": "Inspect log",
    "helm": "HELM run",
    "fastchat": "FastChat judgements",
    "routerarena": "RouterArena",
    "openai_log": "log of OpenAI requests",
    "table": "table",
    "archive": "zip of several files",
    "battles": "battles",
    "llm_comparator": "LLM Comparator",
}


def notes_on(benchmark_id: str) -> list[str]:
    """What the import of a set had to say; nothing where it was imported elsewhere."""
    path = _notes_path(benchmark_id)
    notes: list[str] = jobs.read_json(path) if path.exists() else []
    return notes


def _notes_path(benchmark_id: str) -> Path:
    return cached.set_dir(benchmark_id) / "notes.json"


def draw(is_first: bool) -> None:
    """The place for files, and what becomes of them; open when there is no set yet."""
    _take_finished()
    _watch()
    with st.expander("Add files", expanded=is_first, icon=":material/upload_file:"), boundary():
        paths = _chosen()
        if paths:
            _draw_plan(paths)


def _chosen() -> list[Path]:
    """Uploaded files, or one that is named on the server."""
    number = st.session_state.get("my_data_added", 0)
    files = st.file_uploader(
        "Eval results, query sets, traffic or battles",
        accept_multiple_files=True,
        key=f"_my_data_files_{number}",
        help="CSV, TSV, JSON, JSON lines, Parquet, Excel, or the logs that evaluation tools write, "
        "also zipped. Runs of one task by different models go in together.",
    )
    st.caption(
        "Recognised by what they hold. They are read on this machine and sent nowhere; until you "
        "save a set, only this browser session sees it, and it is gone when the session ends."
    )
    paths = places.keep_uploads(files)
    if places.allowed_folders():
        named = st.text_input("Or a file or folder on the server", key=f"_my_data_path_{number}")
        if named.strip():
            paths.append(places.on_server(named))
    return paths


def _draw_plan(paths: list[Path]) -> None:
    """Format, columns, and the button."""
    recognised: list[str | None] = []
    for path in paths:
        try:
            recognised.append(cached.recognised(str(path), _written(path)))
        except DataError as error:
            recognised.append(None)
            st.warning(plain(str(error)), icon=":material/help:")
    told = {name for name in recognised if name is not None}
    usual = told.pop() if len(told) == 1 and None not in recognised else None
    automatic = "each as recognised" if len(paths) > 1 else "as recognised"
    options = [automatic, *FORMATS]
    chosen = st.selectbox(
        "Format",
        options,
        format_func=lambda name: (
            f"{name}: {_named(recognised)}" if name == automatic else _FORMAT_TITLES[name]
        ),
        key=f"_my_data_format_{_names(paths)}",
    )
    format_name = None if chosen == automatic else chosen
    mapping: Mapping | None = None
    problem = ""
    if len(paths) == 1 and (format_name or usual) == "table" and paths[0].is_file():
        mapping = columns.draw(paths[0])
        try:
            mapping.columns()
        except DataError as error:
            problem = str(error)
    is_of_battles = (format_name or usual) in importing.OF_BATTLES
    drop = is_of_battles and st.checkbox("Leave out rows without a verdict", key="_my_data_drop")
    if format_name is None and None in recognised:
        problem = problem or "Choose the format, or another file."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Import",
            type="primary",
            disabled=bool(problem),
            on_click=_start,
            args=(ImportPlan(tuple(map(str, paths)), format_name, mapping, bool(drop)),),
        )
        if problem:
            st.caption(plain(problem))


def _named(recognised: list[str | None]) -> str:
    names = dict.fromkeys(_FORMAT_TITLES[name] if name else "not known" for name in recognised)
    return ", ".join(names)


def _names(paths: list[Path]) -> str:
    return "_".join(path.name for path in paths)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def _start(plan: ImportPlan) -> None:
    with attempt():
        folder = places.imports_dir()
        taken = (folder / str(number) for number in itertools.count(1))
        importing.start(next(path for path in taken if not path.exists()), plan)
        # Another key is another, empty uploader.
        st.session_state["my_data_added"] = st.session_state.get("my_data_added", 0) + 1


def _jobs() -> list[jobs.Job]:
    return [jobs.read(path.parent) for path in sorted(places.imports_dir().glob("*/run.json"))]


def _watch() -> None:
    """Imports at work with a bar; those that failed with their reason."""
    found = _jobs()
    watching.watch([job.folder for job in found if job.status == "running"], _draw_running)
    for job in found:
        if job.status in ("failed", "stopped"):
            reason = job.message or "its process is gone; the machine may have run out of memory"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.error(
                    plain(f"{_title(job)} was not imported, nothing has changed: {reason}"),
                    icon=":material/error:",
                )
                st.button(
                    "Put away", key=f"away_{job.folder.name}", on_click=_drop, args=(job.folder,)
                )
        elif job.status == "done":  # it could not be added
            st.button(f"Add {_title(job)} now", key=f"again_{job.folder.name}", type="primary")


def _draw_running(folder: Path) -> None:
    job = jobs.read(folder)
    stage, share, figures = watching.said(job.progress, "Looking at the file", in_bytes=True)
    watching.heading(_title(job), "at work", True, stage, figures)
    st.progress(share)
    st.button("Cancel", key=f"cancel_import_{folder.name}", on_click=_cancel, args=(folder,))


def _title(job: jobs.Job) -> str:
    names = [Path(path).name for path in job.plan["paths"]]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _cancel(folder: Path) -> None:
    with attempt("The import is cancelled, nothing has changed."):
        jobs.cancel(folder)


def _drop(folder: Path) -> None:
    with attempt():
        _put_away(folder)


def _put_away(folder: Path) -> None:
    """Delete the import, and the uploads it read."""
    uploads = places.imports_dir().parent / "uploads"
    for path in map(Path, jobs.read(folder).plan["paths"]):
        if path.is_relative_to(uploads):
            path.unlink(missing_ok=True)
    jobs.delete(folder)


def _take_finished() -> None:
    """Add what was read, as this session's own; the first set becomes the chosen one."""
    for job in _jobs():
        if job.status == "cancelled":
            _put_away(job.folder)
        if job.status != "done":
            continue
        try:
            ids = _add(job)
        except RoutingError as error:
            st.error(
                plain(f"{_title(job)} is read, but not added: {error}"), icon=":material/error:"
            )
            continue
        _put_away(job.folder)
        st.toast(_welcome(job.facts, ids), icon=":material/check:")


def _add(job: jobs.Job) -> list[str]:
    found = importing.laid(job.folder)
    store = cached.store()
    with store.open_for_writing():
        ids = importing.add(store, found, owner=cached.owner(), renamed=True)
    for name, part in zip(ids, found.parts, strict=True):
        cached.set_dir(name).mkdir(parents=True, exist_ok=True)
        jobs.write_json(_notes_path(name), list(part.notes))
    if ids:
        link.remember(set=ids[0])
    return ids


def _welcome(facts: dict[str, Any] | Any, ids: list[str]) -> str:
    said = []
    if ids:
        n_queries = sum(part["n_queries"] for part in facts["parts"])
        said.append(f"{n_queries:,} queries added as {', '.join(ids[:3])}.")
    if facts["n_battles"]:
        said.append(f"{facts['n_battles']:,} battles added: train on them on the Train page.")
    return plain(" ".join(said))
