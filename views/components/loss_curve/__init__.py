"""The loss of a training as it falls, drawn in the browser at a height that never changes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from views.components import kit

_MOST_POINTS = 300


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("loss_curve", Path(__file__).parent, ["curve"], "curve")


def loss_curve(progress: pd.DataFrame, empty: str, *, key: str) -> None:
    """Draw the loss of the latest fit, that of the earlier ones quietly behind it.

    Args:
        progress: of a `Run`.
        empty: said while there is no loss.
        key: of the component.
    """
    data = {"fits": fits(progress), "empty": empty}
    _component()(key=key, data=data, width="stretch", height="content")


def fits(progress: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry a stage with losses: its name and the points (steps, nats) of both losses."""
    found = []
    known = progress[progress["loss"].notna() | progress["held_out_loss"].notna()]
    for stage, rows in known.groupby("stage", sort=False):
        found.append(
            {
                "stage": stage,
                "total": int(rows["total"].iloc[-1]),
                "training": _points(rows, "loss"),
                "held_out": _points(rows, "held_out_loss"),
            }
        )
    return found


def _points(rows: pd.DataFrame, column: str) -> list[list[float]]:
    """Thinned evenly, the last point kept."""
    known = rows[rows[column].notna()]
    every = -(-len(known) // _MOST_POINTS) or 1
    kept = known.iloc[::-1].iloc[::every].iloc[::-1]
    pairs = zip(kept["done"], kept[column], strict=True)
    return [[float(done), float(loss)] for done, loss in pairs]
