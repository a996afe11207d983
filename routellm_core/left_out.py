"""The router that scored one fold, as a checkpoint of its own: what an exact promise is about.

A checkpoint fitted on everything has seen the queries on which its threshold was chosen, and the
out-of-fold scores there are not its own. The router that scored fold 0 never saw that fold and its
scores there are its own, so what is promised on that fold holds for this very checkpoint, for any
number of queries. It lies beside the checkpoint fitted on everything, in a folder whose name says
so, and its config.json says it too.
"""

import json
from pathlib import Path

from routellm_core.errors import DataError, NotTrainedError
from routellm_core.routers import checkpoint_dir, has_weights
from routellm_core.routers.base import CONFIG_NAME, LearnedRouter, read_config
from routellm_core.types import RouterEntry

LEFT_OUT_FOLD = 0
"""Of the in-domain folds; any would do, and one is enough."""
_FIELD = "left_out_fold"
_MARK = "-without-fold-"


def left_out_name(checkpoint: str, fold: int = LEFT_OUT_FOLD) -> str:
    """The folder's name, from that of the checkpoint fitted on everything.

    >>> left_out_name("mf-golden")
    'mf-golden-without-fold-0'
    """
    return f"{checkpoint}{_MARK}{fold}"


def is_left_out_name(checkpoint: str) -> bool:
    """Whether a folder's name is one that `left_out_name` gives."""
    return _MARK in checkpoint


def save_left_out(router: LearnedRouter, folder: Path, fold: int = LEFT_OUT_FOLD) -> None:
    """Write the router that never saw a fold, with the number of that fold in its config.json."""
    router.save(folder)
    fields = read_config(folder) | {_FIELD: fold}
    text = json.dumps(fields, indent=2, ensure_ascii=False)
    (folder / CONFIG_NAME).write_text(text + "\n", encoding="utf-8")


def left_out_fold(checkpoint_dir: Path) -> int | None:
    """The in-domain fold that a checkpoint never saw; None: it was fitted on everything.

    Raises:
        NotTrainedError: there is no checkpoint.
        DataError: its config.json is damaged.
    """
    return read_config(checkpoint_dir).get(_FIELD)


def checkpoint_without(entry: RouterEntry, fold: int | None, data_dir: Path) -> Path:
    """The folder of a stored router's checkpoint that never saw a fold; None: the usual one.

    Raises:
        RoutingError: as `left_out_dir`, and as `routers.checkpoint_dir` for None.
    """
    return checkpoint_dir(entry, data_dir) if fold is None else left_out_dir(entry, data_dir, fold)


def left_out_dir(entry: RouterEntry, data_dir: Path, fold: int = LEFT_OUT_FOLD) -> Path:
    """The folder of a stored router's checkpoint without a fold.

    Args:
        entry: of the store.
        data_dir: where the checkpoints of shipped routers lie.
        fold: that it never saw.

    Raises:
        DataError: a stack has none.
        NotTrainedError: it is not on this machine; the text says how it is made.
    """
    if entry.router_name == "stacked":
        raise DataError(
            f"{entry.router_id} has no checkpoint that never saw fold {fold}: a stack learns from "
            "scores of its members, so all of these would have to be trained without it too; "
            "choose one of its members, for example mf"
        )
    folder = None
    if entry.checkpoint is not None:
        whole = data_dir / entry.checkpoint
        folder = whole.with_name(left_out_name(whole.name, fold))
    if folder is None or not has_weights(entry.router_name, folder):
        again = (
            f"python -m routellm_core scores --router {entry.router_name} --recipe {entry.recipe}"
            if entry.origin == "shipped" and entry.recipe == "golden"
            else "python -m routellm_core train, with the in_domain view,"
        )
        raise NotTrainedError(
            f"the checkpoint of {entry.router_id} that never saw fold {fold} is not on this "
            f"machine, and a promise is about no other: {again} makes it where the query texts "
            "are, or choose mf with recipe golden, which ships with it"
        )
    return folder
