"""`python -m routellm_core score`: strong win rates of queries in a file or from stdin."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from routellm_core.commands.score_set import router_id_of, score_set
from routellm_core.commands.shared import Result, Verb, count, say, say_progress
from routellm_core.embedders import devices
from routellm_core.errors import DataError
from routellm_core.metrics.curve import calls_strong
from routellm_core.routers import load_router
from routellm_core.routers.checkpoints import checkpoint_dir, checkpoint_hash
from routellm_core.scoring import outputs, ray_cluster, ray_engine
from routellm_core.scoring.engine import score
from routellm_core.scoring.partitions import partitions_of, write_partitions
from routellm_core.scoring.ray_worker import Work
from routellm_core.scoring.tables import Queries, columns_of, read_queries, scored_table
from routellm_core.store import Store
from routellm_core.store.partitions import collect, means
from routellm_core.store.places import DATA_DIR
from routellm_core.text_keys import lines_of

if TYPE_CHECKING:
    from routellm_core.routers.base import Router

STDIN = Path("-")
ENGINES = ("local", "ray")


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("score", score_file)
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
    parser.add_argument("--output", type=Path, metavar="FILE", help=".parquet or .csv to write")
    parser.add_argument(
        "--benchmark",
        metavar="B",
        help="an imported set, in place of --input and --output: its scores go into the store",
    )
    parser.add_argument("--column", help="that holds the queries (default: told from the table)")
    parser.add_argument("--alpha", type=float, help="add what this threshold decides")
    parser.add_argument("--device", choices=devices.NAMES, help="where the models run")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="ray: partitions of Parquet, by many workers; --input may be a folder or a pattern of "
        "Parquet files, and an --output without an ending is a folder of them",
    )
    parser.add_argument("--address", help="of a Ray cluster (default: one on this machine)")
    parser.add_argument(
        "--partitions", type=count, metavar="N", help="into which Ray's input is cut, if a file"
    )
    parser.add_argument(
        "--workers", type=count, metavar="N", help="of Ray (default: one a GPU or processor)"
    )


def score_file(parsed: argparse.Namespace) -> Result:
    """Strong win rates of the queries in a file, a row each, in its order.

    What is scored is kept beside the output until it is whole: a stopped run goes on from there.
    With --benchmark the queries of an imported set, whose scores the store keeps.
    """
    if parsed.benchmark is not None:
        return score_set(parsed)
    if parsed.output is None:
        raise DataError("name an --output FILE, or the --benchmark of an imported set")
    by_ray = parsed.engine == "ray"
    place = outputs.place_of(parsed.output, in_partitions=by_ray)
    if parsed.alpha is not None and not 0 <= parsed.alpha <= 1:
        raise DataError(f"--alpha {parsed.alpha}: give a threshold between 0 and 1")
    for name in ("address", "partitions", "workers"):
        if getattr(parsed, name) is not None and not by_ray:
            raise DataError(f"--{name} is for --engine ray alone")
    with outputs.alone(place):
        try:
            return (_by_ray if by_ray else _here)(parsed, place)
        except KeyboardInterrupt:
            say(f"what is scored is kept in {place.kept}: the same command goes on from there")
            raise


def _here(parsed: argparse.Namespace, place: outputs.Place) -> Result:
    if parsed.device is not None:
        os.environ[devices.VARIABLE] = parsed.device
    device = devices.device()
    queries = _read(parsed, place)
    folders = _checkpoints(parsed)
    rates = score(
        load_routers(folders),
        queries.texts,
        chunks_dir=place.kept,
        checkpoints=_hashes(folders),
        on_progress=say_progress(),
    )
    with outputs.whole(place) as aside:
        _write(scored_table(rates, queries.ids, parsed.alpha), aside)
    n_queries = len(queries.texts)
    document = {
        "output": str(place.output),
        "n_queries": n_queries,
        "routers": list(folders),
        "device": device.name,
        "precision": device.precision,
        "mean_strong_win_rate": {name: float(r.mean()) for name, r in rates.items()},
    }
    if parsed.alpha is not None:
        shares = {name: float(calls_strong(r, parsed.alpha).mean()) for name, r in rates.items()}
        document["strong_call_share"] = shares
    line = f"{n_queries:,} queries scored by {', '.join(folders)} on {device.name}: {place.output}"
    return document, [line, f"  {device.reason}, {device.precision}"]


def _by_ray(parsed: argparse.Namespace, place: outputs.Place) -> Result:
    ray_cluster.imported()
    folders = _checkpoints(parsed)
    source: Path = parsed.input
    is_table = source == STDIN or source.is_file()
    if is_table:
        partitions, columns = write_partitions(_read(parsed, place), place.kept, parsed.partitions)
    elif parsed.partitions is not None:
        raise DataError(f"--partitions {parsed.partitions}: {source} is in partitions already")
    else:
        partitions = partitions_of(source)
        outputs.keep_apart(place, source, [partition.path for partition in partitions])
        columns = columns_of(partitions[0].path, parsed.column)
    work = Work(
        columns,
        _hashes(folders),
        partial(load_routers, folders),
        parsed.alpha,
        parsed.device,
    )
    scored = ray_engine.score_partitions(
        partitions,
        work,
        place.kept,
        cluster=ray_cluster.Cluster(parsed.address, parsed.workers),
        on_progress=say_progress(),
    )
    n_queries = sum(partition.n_rows for partition in partitions)
    document: dict[str, Any] = {
        "output": str(place.output),
        "n_queries": n_queries,
        "routers": list(folders),
        "n_partitions": len(scored.parts),
        "n_partitions_kept": scored.n_kept,
        "devices": list(scored.devices),
        "mean_strong_win_rate": means(scored.parts, list(folders)),
    }
    if parsed.alpha is not None:
        shares = means(scored.parts, [f"{name} calls_strong" for name in folders])
        document["strong_call_share"] = dict(zip(folders, shares.values(), strict=True))
    if place.output.suffix:
        with outputs.whole(place) as aside:
            collect(scored.parts, aside)
    elif is_table:
        shutil.rmtree(partitions[0].path.parent)  # written above
    lines = [
        f"{n_queries:,} queries scored by {', '.join(folders)}: {place.output}",
        f"  {len(scored.parts):,} partitions, {scored.n_kept:,} of them scored before; "
        f"on {' and '.join(scored.devices)}",
    ]
    if len({used.rpartition(" ")[2] for used in scored.devices}) > 1:
        lines.append(
            "  some win rates are of short floats and differ a little from what the others would "
            f"be: {devices.PRECISION_VARIABLE}=float32 and a new output make them alike"
        )
    return document, lines


def load_routers(folders: Mapping[str, Path]) -> dict[str, "Router"]:
    """Routers by id from their checkpoint folders."""
    return {name: load_router(folder) for name, folder in folders.items()}


def _checkpoints(parsed: argparse.Namespace) -> dict[str, Path]:
    """The checkpoint folder of each router that is asked for, by its id."""
    with Store(parsed.store, read_only=True) as store:
        router_ids = [router_id_of(store, name) for name in parsed.router]
        return {name: checkpoint_dir(store.router(name), DATA_DIR) for name in router_ids}


def _hashes(folders: Mapping[str, Path]) -> dict[str, str]:
    return {name: checkpoint_hash(folder) for name, folder in folders.items()}


def _read(parsed: argparse.Namespace, place: outputs.Place) -> Queries:
    """The queries of one table, or a line of stdin each."""
    path: Path = parsed.input
    if path != STDIN:
        outputs.keep_apart(place, path, [path])
        return read_queries(path, columns_of(path, parsed.column))
    queries = lines_of(sys.stdin.buffer.read().decode("utf-8", "replace"))
    if not queries:
        raise DataError("stdin holds no query; give one a line, or --input FILE")
    return Queries(queries, None)


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
