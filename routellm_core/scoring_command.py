"""`python -m routellm_core score`: strong win rates of queries in a file or from stdin."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from routellm_core import devices
from routellm_core.errors import DataError, UnknownNameError
from routellm_core.importers import cells, table
from routellm_core.importers.tabular import read_columns
from routellm_core.metrics import calls_strong
from routellm_core.progress import Watch
from routellm_core.routers import checkpoint_dir, load_router
from routellm_core.scoring import score
from routellm_core.store import Store

Result = tuple[Any, list[str]]
STDIN = Path("-")


def add_parser(
    verb: Callable[[str, Any], argparse.ArgumentParser],
    watch: Callable[[], Watch],
    data_dir: Path,
) -> None:
    """Declare the verb.

    Args:
        verb: declares a verb by its name and function.
        watch: makes what is told how far the work is.
        data_dir: where the checkpoints of shipped routers lie.
    """
    parser = verb("score", score_file)
    parser.set_defaults(watch=watch, data_dir=data_dir)
    parser.add_argument(
        "--router", nargs="+", default=["mf"], metavar="R", help="by id, or by name: its golden one"
    )
    parser.add_argument(
        "--input",
        type=Path,
        default=STDIN,
        metavar="FILE",
        help="CSV, JSON, JSON lines, Parquet, Excel; - reads a query a line from stdin",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=".parquet or .csv to write"
    )
    parser.add_argument("--column", help="that holds the queries (default: told from the table)")
    parser.add_argument("--alpha", type=float, help="add what this threshold decides")
    parser.add_argument("--device", choices=devices.NAMES, help="where the models run")


def score_file(parsed: argparse.Namespace) -> Result:
    """Strong win rates of the queries in a file, a row each, in its order.

    What is scored is kept beside the output until it is whole: a stopped run goes on from there.
    """
    output: Path = parsed.output
    if output.suffix not in (".parquet", ".csv"):
        raise DataError(f"--output {output}: end it in .parquet or .csv")
    if not output.parent.is_dir():
        raise DataError(f"--output {output}: there is no folder {output.parent}; make it first")
    if parsed.alpha is not None and not 0 <= parsed.alpha <= 1:
        raise DataError(f"--alpha {parsed.alpha}: give a threshold between 0 and 1")
    if parsed.device is not None:
        os.environ[devices.VARIABLE] = parsed.device
    device = devices.device()
    ids, queries = _read(parsed.input, parsed.column)
    with Store(parsed.store, read_only=True) as store:
        router_ids = [_router_id(store, name) for name in parsed.router]
        folders = {name: checkpoint_dir(store.router(name), parsed.data_dir) for name in router_ids}
    chunks_dir = output.with_name(f"{output.name}.unfinished")
    rates = score(
        {name: load_router(folder) for name, folder in folders.items()},
        queries,
        chunks_dir=chunks_dir,
        watch=parsed.watch(),
    )
    frame = pd.DataFrame({"row": np.arange(1, len(queries) + 1)})
    if ids is not None:
        frame["query_id"] = ids
    for name, of_router in rates.items():
        frame[name] = of_router
        if parsed.alpha is not None:
            frame[f"{name} calls_strong"] = calls_strong(of_router, parsed.alpha)
    _write(frame, output)
    shutil.rmtree(chunks_dir, ignore_errors=True)
    document = {
        "output": str(output),
        "n_queries": len(queries),
        "routers": router_ids,
        "device": device.name,
        "precision": device.precision,
        "mean_strong_win_rate": {name: float(r.mean()) for name, r in rates.items()},
    }
    if parsed.alpha is not None:
        shares = {name: float(calls_strong(r, parsed.alpha).mean()) for name, r in rates.items()}
        document["strong_call_share"] = shares
    line = f"{len(queries):,} queries scored by {', '.join(router_ids)} on {device.name}: {output}"
    return document, [line, f"  {device.reason}, {device.precision}"]


def _read(path: Path, column: str | None) -> tuple[list[str] | None, list[str]]:
    """Ids where the table has them, and the queries; an empty cell is an empty query."""
    if path == STDIN:
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
        queries = text.splitlines()
        if not queries:
            raise DataError("stdin holds no query; give one a line, or --input FILE")
        return None, queries
    mapping, sample = table.guessed(path)
    name = column or mapping.query
    if name is None:
        there = ", ".join(sample.column_names[:20]) or "none"
        raise DataError(f"{path.name}: no column looks like queries (there are: {there}); --column")
    id_column = mapping.query_id if mapping.query_id != name else None
    wanted = [name] if id_column is None else [name, id_column]
    data = read_columns(path, wanted).data
    queries = [text or "" for text in cells.texts(data[name]).to_pylist()]
    ids = None if id_column is None else cells.texts(data[id_column]).to_pylist()
    return ids, queries


def _router_id(store: Store, name: str) -> str:
    """A router by its id, or by its name: then the one of the recipe golden."""
    ids = store.trained_routers()["router_id"].tolist()
    wanted = name if name in ids else f"{name}-golden"
    if wanted in ids:
        return wanted
    if name == "random":
        return "random-none"
    raise UnknownNameError(f"no router {name!r}; there are: {', '.join(ids)}")


def _write(frame: pd.DataFrame, path: Path) -> None:
    aside = path.with_name(f"{path.name}.part")
    try:
        if path.suffix == ".csv":
            frame.to_csv(aside, index=False)
        else:
            frame.to_parquet(aside, index=False)
        aside.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error}); the scores are kept, try again"
        ) from (error)
