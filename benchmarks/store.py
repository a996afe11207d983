"""The store: building it from data/, and a benchmark of a million queries."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.timing import best_seconds
from routellm_core.metrics.slices import slice_table
from routellm_core.store import Store
from routellm_core.store.build import build_store
from routellm_core.types import Benchmark, ModelPair

DATA_DIR = Path(__file__).resolve().parent.parent / "data"


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "explorer.duckdb"
        built = best_seconds(partial(build_store, DATA_DIR, path), 3)
        files = [p.stat().st_size for p in DATA_DIR.rglob("*") if p.is_file()]
        read = best_seconds(partial(_read_all, DATA_DIR), 3)
        yield (
            f"store built from data/ ({sum(files) / 1e6:.1f} MB) in {built:.2f} s, "
            f"{built / read:.0f}x the time of only reading its bytes"
        )
    yield from _million_queries()


def _read_all(folder: Path) -> int:
    return sum(len(path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def _million_queries(n: int = 1_000_000) -> Iterator[str]:
    rng = np.random.default_rng(0)
    ids = np.char.add("q", np.arange(n).astype(str)).astype(object)
    queries = pd.DataFrame({"query_id": ids, "slice": rng.integers(0, 50, n).astype(str)})
    outcomes = pd.DataFrame(
        {
            "query_id": np.concatenate([ids, ids]),
            "model": np.repeat(["small", "large"], n),
            "quality": rng.integers(0, 2, 2 * n).astype(float),
        }
    )
    card = Benchmark(
        benchmark_id="million",
        title="A million queries",
        description="",
        weak_spots="",
        origin="user",
        quality_low=0.0,
        quality_high=1.0,
        quality_unit="share right",
        source="drawn at random",
        licence="none",
    )
    with Store() as store:
        start = perf_counter()
        store.add_benchmark(card, queries, outcomes)
        added = perf_counter() - start
        pair = ModelPair(weak="small", strong="large")
        read = best_seconds(partial(store.pair_outcomes, "million", pair), 3)
        known = store.pair_outcomes("million", pair)
        scores = rng.random(n, dtype=np.float32)
        moved = best_seconds(partial(slice_table, known, scores, 0.5), 3)
    yield f"a million queries: slices at another threshold in {1e3 * moved:.0f} ms"
    yield (
        f"a million queries with two models: added in {added:.1f} s "
        f"({2 * n / added / 1e6:.2f} million outcomes a second), read as a pair in {read:.2f} s"
    )
