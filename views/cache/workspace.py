"""The process's store, where things lie beside it, and the end of private data."""

from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import streamlit as st

from routellm_core import jobs
from routellm_core.errors import RoutingError
from routellm_core.store import Store
from routellm_core.store.build import data_hash, ensure_store
from routellm_core.store.places import DATA_DIR, store_path
from routellm_core.training import job as training_job
from routellm_core.training.job import Run
from views.cache import session
from views.cache.text_caches import forget_texts


def runs_dir() -> Path:
    """Where trainings lie: beside the store."""
    return store_path().resolve().parent / "runs"


@st.cache_resource(show_spinner="Building the store from data/ …")
def store() -> Store:
    """The process's one store, built or brought up to date when it is first asked for."""
    ensure_store(DATA_DIR, store_path())
    # Pages only read: so the command line and a second dashboard can read at the same time.
    opened = Store(store_path(), read_only=True)
    _sweep(opened)
    return opened


def _sweep(opened: Store) -> None:
    """Delete what sessions left behind whose process was killed.

    While another dashboard holds the file, its sessions may be alive: then nothing is deleted.
    """
    left = opened.private_ids()
    sessions = session_dir("")
    names = [folder.name for folder in set_dir("").glob("*")]
    orphans = [name for name in names if name in left or not opened.has_benchmark(name)]
    mark = _unclean()
    if not left and not orphans and not sessions.exists() and not mark.exists():
        return
    with suppress(RoutingError):
        with opened.open_for_writing():
            opened.delete_private()
        for benchmark_id in {*left, *orphans}:
            _drop_beside(opened, benchmark_id)
        for folder in sessions.glob("*"):
            _drop_session(folder)
        rmtree(sessions, ignore_errors=True)
        if left or mark.exists():
            opened.rewrite()
            mark.unlink(missing_ok=True)


@st.cache_resource(show_spinner=False)
def shipped_hash() -> str:
    return data_hash(DATA_DIR)


def _forget(owner: str) -> None:
    """What a browser session left that it did not save."""
    _drop_session(session_dir(owner))
    with suppress(RoutingError):  # another process writes: the next start sweeps
        delete_sets(store().private_ids(owner))
    forget_texts()


def _drop_session(folder: Path) -> None:
    """Delete uploads and imports of a session; those at work are ended first."""
    jobs.end(job.folder for job in jobs.jobs_in(folder / "imports"))
    rmtree(folder, ignore_errors=True)


def delete_sets(benchmark_ids: list[str]) -> None:
    """Delete sets of the user's own with all that was worked out about them, to the last byte.

    A router that somebody kept stays, with its training.

    Raises:
        StoreError: another process holds the store; the sets may be gone from it, and the next
            start of a dashboard leaves no byte of them.
    """
    if not benchmark_ids:
        return
    for benchmark_id in benchmark_ids:
        jobs.end(_jobs_on(benchmark_id))
    with store().open_for_writing():
        for benchmark_id in benchmark_ids:
            store().delete_benchmark(benchmark_id)
        _unclean().touch()
    for benchmark_id in benchmark_ids:
        _drop_beside(store(), benchmark_id)
    forget_texts()
    store().rewrite()
    _unclean().unlink(missing_ok=True)


def _unclean() -> Path:
    """A file that is there while the store's may still hold bytes of what was deleted."""
    return store_path().with_suffix(".unclean")


def owner() -> str:
    """Names this browser session; when it ends, what is private to it is deleted."""
    return session.owner(_forget)


def session_dir(owner: str) -> Path:
    """Where uploads and imports of a browser session lie."""
    return store_path().resolve().parent / "private" / owner


def set_dir(benchmark_id: str) -> Path:
    """Where what was worked out about a set of the user's own lies; it goes when the set goes."""
    return store_path().resolve().parent / "sets" / benchmark_id


def _jobs_on(benchmark_id: str) -> list[Path]:
    """Folders of all jobs that work on a set, whoever began them."""
    own = set_dir(benchmark_id)
    of_set = [job.folder for kind in _KINDS for job in jobs.jobs_in(own / kind)]
    against_it = [other / "against" / benchmark_id for other in own.parent.glob("*")]
    runs_on_it = [
        run.folder for run in training_job.read_runs(runs_dir()) if is_on(run, benchmark_id)
    ]
    return [*of_set, *against_it, *runs_on_it]


_KINDS = ("scoring", "against", "labelling")


def is_on(run: Run, benchmark_id: str) -> bool:
    """Whether a training learns from a benchmark or scores it."""
    return benchmark_id in run.plan.golden + run.plan.score_on


def _drop_beside(opened: Store, benchmark_id: str) -> None:
    """Delete what lies beside a store about a set."""
    kept = set(opened.own_routers()["checkpoint"])
    folders = _jobs_on(benchmark_id)
    jobs.end(folders)
    for folder in (set_dir(benchmark_id), *folders):
        if str((folder / "checkpoint").resolve()) not in kept:
            rmtree(folder, ignore_errors=True)
