"""The router that scored one fold, as a checkpoint of its own: what an exact guarantee is about.

A checkpoint fitted on everything has seen the queries on which its threshold was chosen, and the
out-of-fold scores there are not its own. The router that scored fold 0 never saw that fold and its
scores there are its own, so what is guaranteed on that fold holds for this very checkpoint, for any
number of queries. It lies beside the checkpoint fitted on everything, in a folder whose name says
so, and its config.json says it too.
"""

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError, NotTrainedError
from routellm_core.files import whole
from routellm_core.routers.base import CONFIG_NAME, LearnedRouter, read_config
from routellm_core.routers.checkpoints import checkpoint_dir, has_weights
from routellm_core.types import Ints, RouterEntry

HELD_OUT_FOLD = 0
"""Index of the in-domain fold held out; any would do, and one is enough."""
_FIELD = "left_out_fold"
_MARK = "-without-fold-"


def fold_checkpoint_name(checkpoint: str, fold: int = HELD_OUT_FOLD) -> str:
    """The folder's name, from that of the checkpoint fitted on everything.

    >>> fold_checkpoint_name("mf-golden")
    'mf-golden-without-fold-0'
    """
    return f"{checkpoint}{_MARK}{fold}"


def save_fold_checkpoint(router: LearnedRouter, folder: Path, fold: int = HELD_OUT_FOLD) -> None:
    """Write the router that never saw a fold, with the number of that fold in its config.json.

    Beside the folder, which it then becomes, so that there is never one without that number.
    """
    remains = folder.parent.glob(f".{folder.stem}.*")  # of a process that was killed
    for left in (*remains, folder.with_name(f"{folder.name}.part")):
        shutil.rmtree(left, ignore_errors=True)
    with whole(folder) as temporary:
        router.save(temporary)
        fields = read_config(temporary) | {_FIELD: fold}
        text = json.dumps(fields, indent=2, ensure_ascii=False)
        (temporary / CONFIG_NAME).write_text(text + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)


def held_out_fold(checkpoint_dir: Path) -> int | None:
    """The in-domain fold that a checkpoint never saw; None: it was fitted on everything.

    Raises:
        NotTrainedError: there is no checkpoint.
        DataError: its config.json is damaged.
    """
    return read_config(checkpoint_dir).get(_FIELD)


def has_fold_checkpoint(router_name: str) -> bool:
    """True where a checkpoint of that kind of router can be without a fold: a stack's cannot."""
    return router_name != "stacked"


def exact_rows(
    router: RouterEntry, view: str, fold: Ints, wanted: int = HELD_OUT_FOLD
) -> tuple[NDArray[np.bool_], int | None]:
    """The queries that one router scored without having learned anything from them.

    Args:
        router: who scored them.
        view: of the scores.
        fold: (n_queries,) of each score, -1 for none.
        wanted: fold whose queries are asked for; of `HELD_OUT_FOLD` alone the router is kept.

    Returns:
        (n_queries,) which they are, and the fold that the router never saw; all queries and None
        where it learned from none.

    Raises:
        DataError: there is no such fold, the scores are of unseen slices, or they are a stack's.
    """
    if (fold < 0).all():
        return np.ones(len(fold), dtype=bool), None
    if view != "in_domain":
        raise DataError(
            "a guarantee is about a checkpoint that can be taken away, and routers that were "
            "fitted without some slices are not kept: choose the in-domain scores"
        )
    _check_has_fold_checkpoint(router, wanted)
    rows = np.asarray(fold == wanted)
    if wanted < 0 or not rows.any():
        raise DataError(
            f"{router.router_id} has no fold {wanted} here: name one from 0 to {int(fold.max())}"
        )
    return rows, wanted


def checkpoint_without(entry: RouterEntry, fold: int | None, data_dir: Path) -> Path:
    """The folder of a stored router's checkpoint that never saw a fold; None: the usual one.

    Raises:
        RoutingError: as `fold_checkpoint_dir`, and as `routers.checkpoint_dir` for None.
    """
    return (
        checkpoint_dir(entry, data_dir)
        if fold is None
        else fold_checkpoint_dir(entry, data_dir, fold)
    )


def fold_checkpoint_dir(entry: RouterEntry, data_dir: Path, fold: int = HELD_OUT_FOLD) -> Path:
    """The folder of a stored router's checkpoint without a fold.

    Args:
        entry: of the store.
        data_dir: where the checkpoints of shipped routers lie.
        fold: that it never saw.

    Raises:
        DataError: a stack has none.
        NotTrainedError: it is not on this machine; the text says how it is made.
    """
    _check_has_fold_checkpoint(entry, fold)
    folder = None
    if entry.checkpoint is not None:
        whole = data_dir / entry.checkpoint
        folder = whole.with_name(fold_checkpoint_name(whole.name, fold))
    if folder is None or not has_weights(entry.router_name, folder):
        again = (
            f"python -m routellm_core scores --router {entry.router_name} --recipe {entry.recipe}"
            if entry.origin == "shipped" and entry.recipe == "golden"
            else "python -m routellm_core train, with the in_domain view,"
        )
        raise NotTrainedError(
            f"the checkpoint of {entry.router_id} that never saw fold {fold} is not on this "
            f"machine, and a guarantee is about no other: {again} makes it where the query texts "
            "are, or choose mf with recipe golden, which ships with it"
        )
    return folder


def _check_has_fold_checkpoint(entry: RouterEntry, fold: int) -> None:
    if not has_fold_checkpoint(entry.router_name):
        raise DataError(
            f"{entry.router_id} has no checkpoint that never saw fold {fold}: a stack learns from "
            "scores of its members, so all of these would have to be trained without it too; "
            "choose one of its members, for example mf"
        )
