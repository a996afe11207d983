"""The folders beside a store: where all lies that is made of its data, and how private data ends.

<folder of the store>/
    runs/<run>/                    trainings
    sets/<benchmark>/              what was worked out about a set of the user's own: vectors,
        scoring/<n>/                   scorings,
        against/<benchmark>/           comparisons with a benchmark,
        labelling/<n>/, record/        labellings, and all replies of endpoints
    private/<session>/             uploads/ and imports/<n>/ of a browser session
    scoring.queue/                 by which scorings take turns
    <store>.unclean                there while the store's file may hold deleted bytes
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from routellm_core import jobs
from routellm_core.errors import RoutingError
from routellm_core.store import Store


@dataclass(frozen=True)
class Workspace:
    """Places beside a store, by their use; all paths are absolute."""

    store_path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "store_path", self.store_path.resolve())

    @property
    def runs(self) -> Path:
        """Folder of the trainings."""
        return self.store_path.with_name("runs")

    @property
    def sets(self) -> Path:
        """Folder of the folders of `set_dir`."""
        return self.store_path.with_name("sets")

    @property
    def private(self) -> Path:
        """Folder of the folders of `session_dir`."""
        return self.store_path.with_name("private")

    @property
    def scoring_queue(self) -> Path:
        """Folder by which the scorings of this store take turns."""
        return self.store_path.with_name("scoring.queue")

    def set_dir(self, benchmark_id: str) -> Path:
        """Folder of what was worked out about a set of the user's own; it goes when the set goes.

        Vectors of its texts lie in it as well.
        """
        return self.sets / benchmark_id

    def scorings(self, benchmark_id: str) -> Path:
        """Folder of the scorings of a set."""
        return self.set_dir(benchmark_id) / "scoring"

    def comparison(self, own_id: str, benchmark_id: str) -> Path:
        """Folder of the comparison of a set with a benchmark."""
        return self.set_dir(own_id) / "against" / benchmark_id

    def labellings(self, benchmark_id: str) -> Path:
        """Folder of the labellings of a set."""
        return self.set_dir(benchmark_id) / "labelling"

    def replies(self, benchmark_id: str) -> Path:
        """Folder of all replies of endpoints about a set, from all sessions."""
        return self.labellings(benchmark_id) / "record"

    def session_dir(self, owner: str) -> Path:
        """Folder of the uploads and imports of a browser session."""
        return self.private / owner

    def uploads(self, owner: str) -> Path:
        """Folder of the uploads of a browser session."""
        return self.session_dir(owner) / "uploads"

    def imports(self, owner: str) -> Path:
        """Folder of the imports of a browser session."""
        return self.session_dir(owner) / "imports"

    # The end of private data

    def delete_sets(self, store: Store, benchmark_ids: Sequence[str]) -> None:
        """Deletion of sets and of all that was worked out about them, to the last byte.

        A training that read a set goes too, unless its router was kept.

        Args:
            store: of this workspace.
            benchmark_ids: of the user's own sets.

        Raises:
            StoreError: another process holds the store; the sets may be gone from it, and the next
                `sweep` leaves no byte of them.
        """
        if not benchmark_ids:
            return
        for benchmark_id in benchmark_ids:
            jobs.end(self._jobs_on(benchmark_id))
        with store.open_for_writing():
            for benchmark_id in benchmark_ids:
                store.delete_benchmark(benchmark_id)
            self._unclean.touch()
        self._delete_beside(store, benchmark_ids)
        store.rewrite()
        self._unclean.unlink(missing_ok=True)

    def end_session(self, store: Store, owner: str) -> None:
        """Deletion of what a browser session has left and did not save.

        Where another process holds the store, the rest is left to the next `sweep`.
        """
        _delete_session(self.session_dir(owner))
        with suppress(RoutingError):
            self.delete_sets(store, store.private_ids(owner))

    def sweep(self, store: Store) -> None:
        """Deletion of what sessions have left whose process was killed.

        While another dashboard holds the store its sessions may be alive: then nothing is deleted.
        """
        left = store.private_ids()
        names = [folder.name for folder in self.sets.glob("*")]
        orphans = [name for name in names if name in left or not store.has_benchmark(name)]
        is_unclean = self._unclean.exists()
        if not (left or orphans or self.private.exists() or is_unclean):
            return
        with suppress(RoutingError):
            with store.open_for_writing():
                store.delete_private()
            self._delete_beside(store, {*left, *orphans})
            for folder in self.private.glob("*"):
                _delete_session(folder)
            rmtree(self.private, ignore_errors=True)
            if left or is_unclean:
                store.rewrite()
                self._unclean.unlink(missing_ok=True)

    @property
    def _unclean(self) -> Path:
        return self.store_path.with_suffix(".unclean")

    def _jobs_on(self, benchmark_id: str) -> list[Path]:
        """Folders of all jobs that work on a set, from all sessions."""
        own = self.set_dir(benchmark_id)
        kinds = (self.scorings(benchmark_id), own / "against", self.labellings(benchmark_id))
        return [
            *(job.folder for kind in kinds for job in jobs.jobs_in(kind)),
            *(self.comparison(other.name, benchmark_id) for other in self.sets.glob("*")),
            *(run.folder for run in jobs.jobs_in(self.runs) if _reads(run.plan, benchmark_id)),
        ]

    def _delete_beside(self, store: Store, benchmark_ids: Iterable[str]) -> None:
        """Delete what lies beside the store about sets; jobs that still work on them are ended."""
        kept = set(store.own_routers()["checkpoint"])
        for benchmark_id in benchmark_ids:
            folders = self._jobs_on(benchmark_id)
            jobs.end(folders)
            for folder in (self.set_dir(benchmark_id), *folders):
                if str((folder / "checkpoint").resolve()) not in kept:
                    rmtree(folder, ignore_errors=True)


def _reads(plan: Mapping[str, Any], benchmark_id: str) -> bool:
    """True where a training of this plan learns from a set or scores it."""
    named = [plan.get(field) for field in ("golden", "score_on")]
    return any(isinstance(names, list) and benchmark_id in names for names in named)


def _delete_session(folder: Path) -> None:
    """Delete a session's folder; imports at work are ended first."""
    jobs.end(job.folder for job in jobs.jobs_in(folder / "imports"))
    rmtree(folder, ignore_errors=True)
