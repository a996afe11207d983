"""A threshold that carries a promise, and the one checkpoint that the promise is about."""

from pathlib import Path
from typing import NamedTuple

from routellm_core.errors import DataError
from routellm_core.policy_parts import FigureInterval, Guarantee
from routellm_core.promises.guarantee import Certificate
from routellm_core.promises.left_out import left_out_fold


class Promised(NamedTuple):
    """What a threshold promises, and about which checkpoint."""

    certificate: Certificate
    left_out_fold: int | None
    """Which the checkpoint never saw, and of which all queries are; None: it saw none of any."""
    calibration_sha256: str
    """Of the sorted ids of the calibration queries."""
    outcomes_sha256: str
    """Of the outcomes and scores of all three parts of the split."""
    words: str
    about: str


def check_is_about(promised: Promised, checkpoint: Path) -> None:
    """Refuse another checkpoint than the one that a promise is about.

    Raises:
        DataError: it is one without that fold while the promise is about the usual one, or the
            other way round.
        NotTrainedError: there is no checkpoint in the folder.
    """
    fold = promised.left_out_fold
    if left_out_fold(checkpoint) != fold:
        raise DataError(
            f"the promise is about the checkpoint that never saw fold {fold}, and {checkpoint} is "
            "another: take the folder that left_out_dir names"
            if fold is not None
            else f"the promise is about the router's own checkpoint, and {checkpoint} is one "
            "without a fold: take the folder that checkpoint_dir names"
        )


def guarantee_of(promised: Promised) -> Guarantee:
    """The promise as a part of a policy."""
    found = promised.certificate
    low, high = found.achieved_interval
    return Guarantee(
        kind=found.promise.kind,
        limit=found.promise.limit,
        delta=found.delta,
        seed=found.seed,
        n_pilot=found.n_pilot,
        n_calibration=found.n_calibration,
        n_held_out=found.n_held_out,
        threshold=found.threshold,
        p_value=found.p_value,
        bound=found.bound,
        achieved=FigureInterval(value=found.achieved, low=low, high=high),
        left_out_fold=promised.left_out_fold,
        calibration_sha256=promised.calibration_sha256,
        words=promised.words,
        about=promised.about,
    )
