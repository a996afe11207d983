"""Progress that long work reports to its watcher."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Progress(NamedTuple):
    """A stage of the work, and how far it has come."""

    stage: str
    """What is being done, for people to read."""
    done: int
    """Steps, queries or whatever the stage counts."""
    total: int
    """Of these in all, unless the stage ends early."""
    loss: float | None = None
    """Mean training loss of the last step, in nats."""
    held_out_loss: float | None = None
    """Mean loss on held-out queries, where it was looked at just now."""
    gpu_gib: float = math.nan
    """Memory that models hold on a GPU; NaN where none is used."""


OnProgress: TypeAlias = Callable[[Progress], None]
"""Told how far it is; what it raises ends the work, and that is how work is cancelled."""


def silent(progress: Progress) -> None:
    """For when nobody watches."""
