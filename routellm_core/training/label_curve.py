"""A learning curve: were 200, 500 or all labels of a set of one's own worth it?

The same folds are scored by routers that saw 200 and 500 labels at the most; each step is held
against the one before on the same resampled queries.
"""

from collections.abc import Callable, Mapping
from typing import Any

from routellm_core.metrics.curve import apgr, rank_queries, routing_curve
from routellm_core.statistics.bootstrap import paired_resamples
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.types import N_FOLDS, Floats, PairOutcomes

STEPS = (200, 500)
"""Labels of the steps before all."""


def steps_below(n_queries: int) -> list[int]:
    """The steps that are fewer labels than a router sees that is judged out of fold."""
    return [n for n in STEPS if n < n_queries * (N_FOLDS - 1) / N_FOLDS]


def label_curve(
    outcomes: PairOutcomes,
    scores_of: Callable[[int], Floats],
    scores_of_all: Floats,
    *,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """APGR out of fold by the number of labels, the fewest first.

    Args:
        outcomes: of the set.
        scores_of: (n_queries,) out-of-fold scores by routers that saw so many labels at the most.
        scores_of_all: (n_queries,) the same by routers that saw all.
        seed: of the bootstrap.

    Returns:
        `n_labels` that a router saw, `is_all`, `apgr` with its 95% interval, and over the step
        before `gain` with its paired interval, NaN for the first.
    """
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    steps = steps_below(outcomes.n_queries)
    scores = [*map(scores_of, steps), scores_of_all]
    n_seen = round(outcomes.n_queries * (N_FOLDS - 1) / N_FOLDS)
    figures = [apgr(routing_curve(found, weak, strong)) for found in scores]
    resampled = [
        of.apgr
        for of in paired_resamples(
            [rank_queries(found) for found in scores],
            weak,
            strong,
            cluster_code=outcomes.cluster_code,
            seed=seed,
        )
    ]
    rows: list[dict[str, Any]] = []
    for i, n_labels in enumerate([*steps, n_seen]):
        gain = figures[i] - figures[i - 1] if i else float("nan")
        difference = resampled[i] - resampled[i - 1] if i else resampled[i] * float("nan")
        rows.append(
            {
                "n_labels": n_labels,
                "is_all": i == len(steps),
                "apgr": figures[i],
                "apgr_interval": list(percentile_interval(resampled[i])),
                "gain": gain,
                "gain_interval": list(percentile_interval(difference)) if i else [gain, gain],
            }
        )
    return rows


def verdict(step: Mapping[str, Any]) -> str:
    """Worth of a step's labels over the step before, as an enum.

    `first`, `worth it`, `worse`, `not clearly`.
    """
    low, high = step["gain_interval"]
    if low != low:
        return "first"
    if low > 0:
        return "worth it"
    return "worse" if high < 0 else "not clearly"
