"""The work of a Ray worker: partition after partition, with routers that are loaded once.

A worker tells why a partition has no scores and goes on to the next one. Only when its GPU answers
no more does it end, since a new process alone helps then: Ray starts one and gives it the partition
again.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from routellm_core.embedders import devices
from routellm_core.errors import DataError, RoutingError
from routellm_core.files import whole
from routellm_core.scoring.engine import score
from routellm_core.scoring.tables import QueryColumns, read_queries, scored_table

if TYPE_CHECKING:
    from routellm_core.routers.base import Router

_SCORED_ON = b"routellm.scored_on"


@dataclass(frozen=True)
class Work:
    """The work that is done on each partition."""

    columns: QueryColumns
    checkpoints: Mapping[str, str]
    """The hash of each router's checkpoint, by the router's id."""
    load: Callable[[], "Mapping[str, Router]"]
    """Called once by each worker, which must be able to import it; gives the routers by id."""
    alpha: float | None = None
    """Adds what this threshold decides."""
    device: str | None = None
    """One of `devices.NAMES`; None leaves it to each worker."""


class Scorer:
    """A worker: keeps the routers loaded, scores a partition a call."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.device: devices.Device | None = None
        if work.device is not None:
            os.environ[devices.VARIABLE] = work.device

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The result for a partition; one that cannot be scored stops no other one."""
        output, n_rows, problem = Path(row["output"]), 0, ""
        farewell(output).unlink(missing_ok=True)
        try:
            n_rows = self._score(Path(row["source"]), row["first_row"], output)
        except RoutingError as error:
            problem = str(error)
        except Exception as error:
            problem = _told(error)
            if self.device is not None and is_lost(self.device.name):
                with suppress(OSError):
                    farewell(output).write_text(problem)
                os._exit(1)
        return {"output": row["output"], "n_rows": n_rows, "problem": problem}

    @cached_property
    def routers(self) -> "Mapping[str, Router]":
        return self.work.load()

    def _score(self, source: Path, first_row: int, output: Path) -> int:
        self.device = devices.device()
        queries = read_queries(source, self.work.columns)
        rates = score(self.routers, queries.texts)
        frame = scored_table(rates, queries.ids, self.work.alpha, first_row)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        used = f"{self.device.name}, {self.device.precision}"
        table = table.replace_schema_metadata(table.schema.metadata | {_SCORED_ON: used})
        try:
            with whole(output) as aside:
                pq.write_table(table, aside)
        except OSError as error:
            raise DataError(f"{output} cannot be written ({error}); make room") from error
        return len(frame)


def scored_on(scores: Path) -> str:
    """The device and the precision that a partition's scores come from, as `cpu, float32`."""
    used: bytes = pq.read_schema(scores).metadata[_SCORED_ON]
    return used.decode()


def farewell(output: Path) -> Path:
    """File where a worker that ends itself leaves the reason, for those who wait for its scores."""
    return output.with_name(f".{output.stem}.reason")


def is_lost(device: str) -> bool:
    """True where a device answers this process no more, as after an error inside a GPU."""
    if device == "cpu":
        return False
    import torch

    try:
        torch.ones(1, device=device).cpu()
    except RuntimeError:
        return True
    return False


def _told(error: Exception) -> str:
    """An error that no sentence was made for: its kind, its first line, and where it was raised."""
    at = extract_tb(error.__traceback__)[-1]
    line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {line} ({Path(at.filename).name}, line {at.lineno})"
