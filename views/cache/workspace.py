"""The process's store, its workspace, and the end of private data."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from routellm_core.errors import RoutingError
from routellm_core.store import Store
from routellm_core.store.build import data_hash, ensure_store
from routellm_core.store.places import DATA_DIR, store_path
from routellm_core.store.workspace import Workspace
from views.cache import session
from views.cache.text_caches import forget_texts


def current() -> Workspace:
    """The workspace of the store that the dashboard shows."""
    return Workspace(store_path())


def store() -> Store:
    """The process's one store, built or brought up to date when it is first asked for."""
    return opened_store(store_path())


def version() -> int:
    """A number for the state of the store: what cached readings are keyed on.

    Every write changes it. Another store has other numbers, so that a reading of one is never taken
    for the other's.
    """
    return hash((store_path(), store().version))


@st.cache_resource(show_spinner="Building the store from data/ …")
def opened_store(path: Path) -> Store:
    ensure_store(DATA_DIR, path)
    # Pages only read: so the command line and a second dashboard can read at the same time.
    opened = Store(path, read_only=True)
    Workspace(path).sweep(opened)
    return opened


@st.cache_resource(show_spinner=False)
def shipped_hash() -> str:
    return data_hash(DATA_DIR)


def owner() -> str:
    """Names this browser session; when it ends, what is private to it is deleted."""
    return session.owner(_end_session)


def _end_session(owner: str) -> None:
    with suppress(RoutingError):  # no store can be opened: the next start sweeps
        current().end_session(store(), owner)
    forget_texts()


def delete_sets(benchmark_ids: Sequence[str]) -> None:
    """Deletion of sets of the user's own, and of what is cached of them.

    Raises:
        StoreError: as `Workspace.delete_sets`.
    """
    try:
        current().delete_sets(store(), benchmark_ids)
    finally:
        forget_texts()
