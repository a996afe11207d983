"""The cheapest threshold at which a loss is limited with confidence 1 - δ.

Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052). The distinct queries are dealt, by
seed, into three parts that know nothing of each other:

- the pilot, a tenth, gives the thresholds to test by its scores alone. A plain grid over [0, 1]
  would not do, since the scores of some routers span 0.03; nor would quantiles of the calibration
  scores, since what is tested must be fixed before the queries it is tested on;
- the calibration queries, half of the rest, test them one after another, from the safe end (nearly
  always the strong model) to ever fewer strong calls, each at the full δ, until the first that
  fails. The last that passed is the answer: it is wrong only if the first broken one of the
  sequence passed, whose chance is at most δ (fixed-sequence testing, as there);
- the held-out queries, which chose nothing, show what the threshold gives.

A query stands once for all of equal text: copies are not independent. So a guarantee is about
distinct queries that come as these did, and about the router that scored them. The threshold that
was tested is the one returned, to the last digit; it lies midway between two scores of the pilot.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from routellm_core.errors import DataError
from routellm_core.policy.guarantee.risks import (
    FEWEST_KEPT,
    GuaranteeTarget,
    ScoredOutcomes,
    achieved_of,
    bound_of,
    check_rows,
    check_target,
    need_of,
    p_values,
)
from routellm_core.routers.fold_checkpoints import held_out_fold
from routellm_core.statistics.risk_bounds import binomial_interval, fixed_sequence
from routellm_core.types import Benchmark, Floats, Interval, Ints, PairOutcomes

DELTA = 0.05
N_THRESHOLDS = 100
PILOT_SHARE = 0.1
FEWEST_QUERIES = 20
"""Distinct ones, below which there is nothing to split."""
NEVER = 2.0
"""The threshold above all scores: the strong model is never called."""
_FIRST_KEPT = 0.25
"""Share of queries kept where the test of `miss` begins. Of 0.25, 0.5, the least that can be tested
and a start that the pilot's outcomes choose, it reached most guarantees on MMLU and GSM8K."""


class Split(NamedTuple):
    """Positions of queries, one a distinct text, in random order."""

    pilot: Ints
    calibration: Ints
    held_out: Ints


_UNKNOWN = Interval(math.nan, math.nan)


@dataclass(frozen=True)
class Certificate:
    """The threshold that carries a guarantee, how it was found, and what it gives elsewhere.

    Where the guarantee is out of reach, what is said of the threshold is NaN.
    """

    target: GuaranteeTarget
    delta: float
    seed: int
    n_pilot: int
    n_calibration: int
    n_held_out: int
    n_thresholds: int
    """In the sequence of tests."""
    n_passed: int
    stopped_at: float
    """The first threshold that failed; NaN where all passed."""
    stopped_p_value: float
    """1 for `miss` where fewer than `FEWEST_KEPT` were on the weak model."""
    threshold: float = math.nan
    """Call the strong model at or above it; 2 for never."""
    p_value: float = math.nan
    """Of the hypothesis that this threshold breaks the guarantee."""
    bound: float = math.nan
    """1 - δ confidence bound of what `limit` limits, by the calibration of this threshold alone;
    after the search it is the limit itself that is guaranteed."""
    n_kept: int = 0
    """Calibration queries on the weak model."""
    n_held_out_kept: int = 0
    """Held-out queries on the weak model."""
    strong_call_share: float = math.nan
    """Of the held-out queries."""
    strong_call_share_interval: Interval = _UNKNOWN
    """95%, as the next."""
    achieved: float = math.nan
    """On the held-out queries: the share of quality kept, the quality lost, the share missed."""
    achieved_interval: Interval = _UNKNOWN
    n_needed: float = math.nan
    """About how many calibration queries the guarantee would need, where it is out of reach; NaN
    where no number would do, since what was observed breaks it."""

    @property
    def is_reached(self) -> bool:
        return self.n_passed > 0


def certify(
    strong_win_rate: Floats,
    quality_weak: Floats,
    quality_strong: Floats,
    target: GuaranteeTarget,
    *,
    quality_low: float = 0.0,
    quality_high: float = 1.0,
    cluster_code: Ints | None = None,
    delta: float = DELTA,
    seed: int = 0,
) -> Certificate:
    """The highest threshold for which the guarantee holds with confidence 1 - δ.

    Args:
        strong_win_rate: (n_queries,) by a router that learned from none of these queries.
        quality_weak: (n_queries,).
        quality_strong: (n_queries,).
        target: what is to hold.
        quality_low: the worst quality an answer can have.
        quality_high: the best.
        cluster_code: (n_queries,) equal for queries of equal text; None: all differ.
        delta: chance that a broken guarantee is given all the same, over seeds and queries.
        seed: of the split.

    Raises:
        DataError: δ, the seed or the guarantee is out of its range, a quality out of its scale, a
            value NaN or infinite, or there are fewer than `FEWEST_QUERIES` distinct queries.
    """
    scale = Interval(quality_low, quality_high)
    check_target(target, scale, delta)
    rows = ScoredOutcomes(strong_win_rate, quality_weak, quality_strong)
    check_rows(rows, scale)
    codes = np.arange(len(strong_win_rate)) if cluster_code is None else cluster_code
    pilot, calibration, held_out = (rows.at(part) for part in split_of(codes, seed))
    n_calibration, n_held_out = len(calibration.strong_win_rate), len(held_out.strong_win_rate)
    sequence = _sequence(target, pilot.strong_win_rate, n_calibration)
    n_passed, p_value = fixed_sequence(
        lambda some: p_values(target, calibration, calibration.kept(some[:, None]), scale, delta),
        sequence,
        delta,
    )
    has_stopped = n_passed < len(sequence)
    found = Certificate(
        target=target,
        delta=delta,
        seed=seed,
        n_pilot=len(pilot.strong_win_rate),
        n_calibration=n_calibration,
        n_held_out=n_held_out,
        n_thresholds=len(sequence),
        n_passed=n_passed,
        stopped_at=float(sequence[n_passed]) if has_stopped else math.nan,
        stopped_p_value=float(p_value[n_passed]) if has_stopped else math.nan,
    )
    if not n_passed:
        kept = calibration.kept(sequence[0])
        return replace(found, n_needed=need_of(target, calibration, kept, scale, delta))
    threshold = float(sequence[n_passed - 1])
    kept, kept_held_out = calibration.kept(threshold), held_out.kept(threshold)
    n_held_out_kept = int(kept_held_out.sum())
    achieved, achieved_interval = achieved_of(target, held_out, kept_held_out, scale)
    return replace(
        found,
        threshold=threshold,
        p_value=float(p_value[n_passed - 1]),
        bound=bound_of(target, calibration, kept, scale, delta),
        n_kept=int(kept.sum()),
        n_held_out_kept=n_held_out_kept,
        strong_call_share=1.0 - n_held_out_kept / n_held_out,
        strong_call_share_interval=binomial_interval(n_held_out - n_held_out_kept, n_held_out),
        achieved=achieved,
        achieved_interval=achieved_interval,
    )


def certify_on(
    benchmark: Benchmark,
    outcomes: PairOutcomes,
    strong_win_rate: Floats,
    target: GuaranteeTarget,
    *,
    delta: float = DELTA,
    seed: int = 0,
) -> Certificate:
    """`certify` on queries of a benchmark: in its scale, equal texts as one.

    Args:
        benchmark: its card.
        outcomes: of the pair on some or all of its queries.
        strong_win_rate: (n_queries,) of these.
        target: what is to hold.
        delta: chance that a broken guarantee is given all the same.
        seed: of the split.
    """
    return certify(
        strong_win_rate,
        outcomes.quality_weak,
        outcomes.quality_strong,
        target,
        quality_low=benchmark.quality_low,
        quality_high=benchmark.quality_high,
        cluster_code=outcomes.cluster_code,
        delta=delta,
        seed=seed,
    )


def split_of(cluster_code: Ints, seed: int) -> Split:
    """Deal one query of each cluster, drawn by seed, into pilot, calibration and held-out.

    Raises:
        DataError: there are fewer than `FEWEST_QUERIES` clusters, or the seed is below 0.
    """
    if seed < 0:
        raise DataError(f"a seed of {seed} draws nothing; give a whole number from 0")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(cluster_code))
    first = np.unique(cluster_code[shuffled], return_index=True)[1]
    drawn = shuffled[rng.permutation(first)]
    n = len(drawn)
    if n < FEWEST_QUERIES:
        raise DataError(
            f"{n} distinct queries are too few to choose a threshold on some and check it on "
            f"others: {FEWEST_QUERIES} are the least, some hundreds are usual"
        )
    n_pilot = round(PILOT_SHARE * n)
    n_calibration = (n - n_pilot) // 2
    return Split(*np.split(drawn, [n_pilot, n_pilot + n_calibration]))


def threshold_grid(strong_win_rate: Floats, n_thresholds: int = N_THRESHOLDS) -> Floats:
    """Thresholds to test, rising: midway between neighbouring scores, each keeping some more.

    Args:
        strong_win_rate: (n,) of the pilot.
        n_thresholds: at most so many.

    Returns:
        (n_grid,) the last is `NEVER`, and it alone is there if all scores are equal.
    """
    score, count = np.unique(strong_win_rate.astype(np.float64), return_counts=True)
    n_kept = np.cumsum(count)[:-1]
    wanted = np.arange(1, n_thresholds) / n_thresholds * len(strong_win_rate)
    i = np.unique(np.searchsorted(n_kept, wanted, side="right") - 1)
    i = i[i >= 0]
    return np.append((score[i] + score[i + 1]) / 2, NEVER)


def _sequence(target: GuaranteeTarget, pilot: Floats, n_calibration: int) -> Floats:
    """The thresholds in the order of the tests.

    From the safe end for what is lost over all queries, since nothing is lost there. Not for what
    is missed among the kept ones: at the safe end these are too few to tell anything. That begins
    where a quarter of the queries is kept.
    """
    grid = threshold_grid(pilot)
    if target.kind != "miss":
        return grid
    wanted = max(_FIRST_KEPT, 2 * FEWEST_KEPT / n_calibration)
    share_kept = np.searchsorted(np.sort(pilot), grid) / len(pilot)
    return grid[min(int(np.searchsorted(share_kept, wanted)), len(grid) - 1) :]


Scope: TypeAlias = Literal["checkpoint", "fold", "method"]
"""Holder of a certificate: the router's own checkpoint, which learned nothing from the queries; the
router that never saw their fold; or, of several routers out of fold, only the training method."""


def scope_of(n_folds: int, held_out_fold: int | None = None) -> Scope:
    """Holder of a certificate.

    Args:
        n_folds: how many routers scored the queries out of fold; 0: one that saw none of them.
        held_out_fold: whose queries alone were used; None: all were.
    """
    if held_out_fold is not None:
        return "fold"
    return "method" if n_folds else "checkpoint"


class CheckpointCertificate(NamedTuple):
    """A certificate that holds for one checkpoint."""

    certificate: Certificate
    held_out_fold: int | None
    """Which the checkpoint never saw, and of which all queries are; None: it saw none of any."""
    calibration_sha256: str
    """Of the sorted ids of the calibration queries."""
    outcomes_sha256: str
    """Of the outcomes and scores of all three parts of the split."""


def check_certified(certified: CheckpointCertificate, checkpoint: Path) -> None:
    """Refuse another checkpoint than the one that was certified.

    Raises:
        DataError: it is one without that fold while the guarantee is about the usual one, or the
            other way round.
        NotTrainedError: there is no checkpoint in the folder.
    """
    fold = certified.held_out_fold
    if held_out_fold(checkpoint) != fold:
        raise DataError(
            f"the guarantee is about the checkpoint that never saw fold {fold}, and {checkpoint} "
            "is another: take the folder that fold_checkpoint_dir names"
            if fold is not None
            else f"the guarantee is about the router's own checkpoint, and {checkpoint} is one "
            "without a fold: take the folder that checkpoint_dir names"
        )
