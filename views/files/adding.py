"""Files on their way in: chosen, recognised, mapped."""

from pathlib import Path

import streamlit as st

from routellm_core.errors import DataError
from routellm_core.importing import IMPORTERS
from routellm_core.importing import job as import_job
from routellm_core.importing.columns import ColumnMapping
from routellm_core.importing.job import FORMATS, ImportPlan
from routellm_core.importing.units import SecondsUnit
from views.cache import own_data
from views.files import columns, imports, places
from views.selection.frame import boundary
from views.state.attempt import attempt, button
from views.text.escape import plain

_FORMAT_TITLES = {**IMPORTERS, "battles": "battles", "llm_comparator": "LLM Comparator"}


def draw(is_first: bool) -> None:
    """The place for files; open when there is no set yet."""
    with st.expander("Add files", expanded=is_first, icon=":material/upload_file:"), boundary():
        paths = _chosen()
        if paths:
            _draw_plan(paths)


def _chosen() -> list[Path]:
    """Uploaded files, or one that is named on the server."""
    number = st.session_state.get("files_added", 0)
    files = st.file_uploader(
        "Eval results, query sets, traffic or battles",
        accept_multiple_files=True,
        key=f"_files_{number}",
        help="CSV, TSV, JSON, JSON lines, Parquet, Excel, OpenDocument, or the logs that "
        "evaluation tools write, also zipped. Runs of one task by different models go in together.",
    )
    st.caption(
        "Recognised by what they hold. They are read on this machine and sent nowhere; until you "
        "save a set, only this browser session sees it, and it is gone when the session ends."
    )
    paths = places.keep_uploads(files, "files")
    if places.allowed_folders():
        named = st.text_input("Or a file or folder on the server", key=f"_files_path_{number}")
        if named.strip():
            paths.append(places.on_server(named))
    return paths


def _draw_plan(paths: list[Path]) -> None:
    """Format, columns, and the button."""
    recognised: list[str | None] = []
    for path in paths:
        try:
            recognised.append(own_data.recognised(str(path), _written(path)))
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
        key=f"_files_format_{_names(paths)}",
    )
    format_name = None if chosen == automatic else chosen
    mapping: ColumnMapping | None = None
    rates: dict[str, float] = {}
    seconds_unit: SecondsUnit | None = None
    problem = ""
    if len(paths) == 1 and (format_name or usual) == "table" and paths[0].is_file():
        mapping = columns.draw(paths[0])
        try:
            mapping.columns()
            rates = columns.rates(paths[0], mapping)
            seconds_unit = columns.seconds_unit(paths[0], mapping)
            problem = columns.draw_question(paths[0], mapping)
        except DataError as error:
            problem = str(error)
    formats = recognised if format_name is None else [format_name]
    drop = False
    if not set(import_job.OF_BATTLES).isdisjoint(formats):
        st.caption("Battles are no set: once imported, every visitor of this dashboard sees them.")
        drop = st.checkbox("Leave out rows without a verdict", key="_files_drop")
    if format_name is None and None in recognised:
        problem = problem or "Choose the format, or another file."
    with st.container(horizontal=True, vertical_alignment="center"):
        button(
            "Import",
            _start,
            ImportPlan(
                tuple(map(str, paths)),
                format_name,
                mapping,
                drop,
                rates=tuple(rates.items()),
                seconds_unit=seconds_unit,
            ),
            disabled=bool(problem),
            type="primary",
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
        imports.start(plan)
        # Another key is another, empty uploader.
        st.session_state["files_added"] = st.session_state.get("files_added", 0) + 1
