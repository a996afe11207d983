"""The data that ship in `data/`, and the store that is built from them.

    data/benchmarks.json                     the cards
    data/outcomes/<benchmark>.queries.parquet, <benchmark>.outcomes.parquet
    data/outcomes/<benchmark>.more.outcomes.parquet    further models, from another source
    data/scores/*.parquet                    strong win rates of the shipped routers
    data/routers/<router_id>/config.json     what each router is, beside its weights

Figures only: no sentence that a third party wrote is in there. Everything of the user's own
(imports, texts, trained routers, policies) lives in the store and is carried from build to build.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from routellm_core.errors import DataError, StoreError
from routellm_core.store import OlderStoreError, Store
from routellm_core.types import Benchmark, ModelPair, RouterEntry

if TYPE_CHECKING:
    pass

Progress = Callable[[str, int, int], None]
"""Callback of three arguments: stage, steps done, steps in all."""

BUILD_VERSION = 1  # raise it when the same files must give another store
SCORE_KEY = ("router_id", "weak_model", "strong_model", "benchmark_id", "view")
SCORES_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in SCORE_KEY[:4]),
        ("query_id", pa.string()),
        ("view", pa.string()),
        ("strong_win_rate", pa.float32()),
        ("fold", pa.int16()),
    ]
)


def data_hash(data_dir: Path) -> str:
    """SHA-256 over the names and bytes of every file that feeds the store."""
    total = hashlib.sha256(f"build {BUILD_VERSION}".encode())
    for file in _feeding_files(data_dir):
        content = file.read_bytes()
        total.update(f"\0{file.relative_to(data_dir).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def ensure_store(data_dir: Path, path: Path, progress: Progress | None = None) -> bool:
    """Build the store unless it stands and is of these very files; says whether it built.

    Raises:
        StoreError: the store is in use elsewhere, damaged, or of a newer version.
        DataError: a file of `data/` does not have the agreed form.
    """
    wanted = data_hash(data_dir)
    with _building(path):
        if _stored_hash(path) == wanted:
            return False
        _build(data_dir, path, wanted, progress)
    return True


def build_store(data_dir: Path, path: Path, progress: Progress | None = None) -> None:
    """Build the store again under another name, then replace the former one in one step.

    The user's rows are carried over. Killed at any moment, the former store stays as it was.

    Raises:
        StoreError: the former store is in use elsewhere, damaged, or of a newer version.
        DataError: a file of `data/` does not have the agreed form.
    """
    with _building(path):
        _build(data_dir, path, data_hash(data_dir), progress)


def _feeding_files(data_dir: Path) -> list[Path]:
    if not (data_dir / "benchmarks.json").is_file():
        raise DataError(f"{data_dir}: there is no benchmarks.json; take a complete checkout")
    patterns = (
        "benchmarks.json",
        "outcomes/*.parquet",
        "scores/*.parquet",
    )
    files = [file for pattern in patterns for file in data_dir.glob(pattern)]
    return sorted([*files, *_router_configs(data_dir)])


def _router_configs(data_dir: Path) -> list[Path]:
    """Configs of the routers; a fold checkpoint belongs to one of them and is none itself."""
    configs = (data_dir / "routers").glob("*/config.json")
    return sorted(path for path in configs if "left_out_fold" not in _read_json(path))


def _stored_hash(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with Store(path, read_only=True) as store:
            return store.data_hash
    except OlderStoreError:
        with Store(path) as store:
            return store.data_hash


def _build(data_dir: Path, path: Path, wanted_hash: str, progress: Progress | None) -> None:
    building = path.with_name(path.name + ".building")
    for left_by_a_killed_build in (building, Path(f"{building}.wal")):
        left_by_a_killed_build.unlink(missing_ok=True)
    cards = _cards(data_dir)
    configs = _router_configs(data_dir)
    score_files = sorted((data_dir / "scores").glob("*.parquet"))
    n_steps = len(cards) + len(score_files) + 1
    n_done = 0

    def step(stage: str) -> None:
        nonlocal n_done
        if progress is not None:
            progress(stage, n_done, n_steps)
        n_done += 1

    with Store.create(building) as store, store.atomic():
        for card in cards:
            step(f"outcomes of {card.benchmark_id}")
            stem = data_dir / "outcomes" / card.benchmark_id
            outcomes = [_read_parquet(Path(f"{stem}.outcomes.parquet"))]
            if (more := Path(f"{stem}.more.outcomes.parquet")).is_file():
                outcomes.append(_read_parquet(more))
            store.add_benchmark(
                card, _read_parquet(Path(f"{stem}.queries.parquet")), pd.concat(outcomes)
            )
        for config in configs:
            store.add_router(_router_entry(config, data_dir))
        for file in score_files:
            step(f"scores of {file.stem}")
            _add_scores(store, file)
        step("your own imports and texts")
        if path.exists():
            store.carry_user_rows(path)
        store.set_data_hash(wanted_hash)
    _sync(building)
    os.replace(building, path)  # noqa: PTH105  the one call that says "atomically"
    _sync(path.parent)
    if progress is not None:
        progress("done", n_steps, n_steps)


def _cards(data_dir: Path) -> list[Benchmark]:
    path = data_dir / "benchmarks.json"
    try:
        return [Benchmark(**card, origin="shipped") for card in _read_json(path)]
    except TypeError as error:
        raise DataError(f"{path}: a card has a field too many or too few ({error})") from error


def _router_entry(config_path: Path, data_dir: Path) -> RouterEntry:
    config = _read_json(config_path)
    absent = {"router_name", "recipe", "trained_on", "created_at"} - set(config)
    if absent:
        raise DataError(
            f"{config_path}: {', '.join(sorted(absent))} is missing; rescore the router"
        )
    trained_on = config["trained_on"]
    return RouterEntry(
        router_id=config_path.parent.name,
        router_name=config["router_name"],
        recipe=config["recipe"],
        trained_on=trained_on
        if isinstance(trained_on, str)
        else ", ".join(trained_on) or "nothing",
        origin="shipped",
        embedder=config.get("embedder"),
        config=json.dumps(config, ensure_ascii=False),
        checkpoint=config_path.parent.relative_to(data_dir).as_posix(),
        created_at=datetime.fromisoformat(config["created_at"]),
    )


def _add_scores(store: Store, file: Path) -> None:
    rows = _read_parquet(file)
    absent = [name for name in SCORES_SCHEMA.names if name not in rows]
    if absent:
        raise DataError(f"{file}: column {', '.join(absent)} is missing; rescore the routers")
    for (router_id, weak, strong, benchmark_id, view), scores in rows.groupby(list(SCORE_KEY)):
        store.add_strong_win_rates(
            benchmark_id,
            ModelPair(weak=weak, strong=strong),
            router_id,
            view,
            scores[["query_id", "strong_win_rate", "fold"]],
        )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); restore it from the repository") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"{path} is missing; restore it from the repository")
    try:
        return pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); restore it from the repository") from error


@contextmanager
def _building(path: Path) -> Iterator[None]:
    """Only one process builds at a time; a killed one leaves no lock behind."""
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise StoreError(
            f"the store cannot be written at {path} ({error.strerror}); name another place with "
            "ROUTELLM_STORE or --store"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk itself."""
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
