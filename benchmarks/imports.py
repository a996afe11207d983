"""Importing a million rows, beside only reading the same file, each in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

N_ROWS = 1_000_000
ANSWER = "An answer that nobody reads here, of about the usual length. " * 6

# Seconds and the peak of memory, of a fresh process that has imported what it needs.
TIMED = """
import json, re, sys, time
from pathlib import Path
from routellm_core.importing.formats import table
import pyarrow.csv, pyarrow.parquet
path, start = Path(sys.argv[1]), time.perf_counter()
def memory(what):  # in kilobytes; Linux only
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = memory("VmRSS")
{}
seconds = time.perf_counter() - start
peak = memory("VmHWM") - before
print(json.dumps([seconds, peak / 1024]))
"""
READINGS = {
    "csv": "pyarrow.csv.read_csv(path)",
    "parquet": "pyarrow.parquet.read_table(path)",
}


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        table = _table()
        for kind, reading in READINGS.items():
            path = Path(folder) / f"runs.{kind}"
            if kind == "csv":
                pyarrow.csv.write_csv(table, path)
            else:
                pq.write_table(table, path)
            read, read_mb = _timed(path, reading)
            imported, imported_mb = _timed(path, "table.read(path)")
            yield (
                f"a million rows of {kind} ({path.stat().st_size / 1e6:,.0f} MB) imported in "
                f"{imported:.1f} s: {N_ROWS / imported:,.0f} rows a second, "
                f"{imported / read:.1f}x pyarrow's reading of it; "
                f"{imported_mb:,.0f} MB of memory beside {read_mb:,.0f} MB"
            )


def _table() -> pa.Table:
    """Two models on half a million queries; the answers are most of it."""
    rng = np.random.default_rng(0)
    number = np.arange(N_ROWS) // 2
    return pa.table(
        {
            "query": pa.array(
                [f"How high is tide {i} at noon, and how low is it?" for i in number]
            ),
            "id": pa.array([f"tide-{i}" for i in number]),
            "model": pa.array(["small", "large"] * (N_ROWS // 2)),
            "category": pa.array(rng.integers(0, 50, N_ROWS)[number].astype(str)),
            "score": pa.array(rng.integers(0, 2, N_ROWS)),
            "cost": pa.array(rng.random(N_ROWS).round(6)),
            "response": pa.array([ANSWER] * N_ROWS),
        }
    )


def _timed(path: Path, work: str) -> tuple[float, float]:
    """The best of three, in seconds and megabytes."""
    results = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", TIMED.format(work), str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(json.loads(done.stdout))
    return min(r[0] for r in results), min(r[1] for r in results)
