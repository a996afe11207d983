"""Overall ratings of many models, and tiers of models so alike that one can speak for another.

Two models that never met on like queries can be scored through their tiers: battles between
models become battles between tiers (arXiv 2406.18665, section 4.1).
"""

import numpy as np

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.statistics.bradley_terry import fit_ratings, merge_battles
from routellm_core.types import Battles, Floats, Ints, ModelPair

N_TIERS = 10


def overall_ratings(battles: Battles) -> Floats:
    """Bradley-Terry ratings (log-odds) over all battles, each counting alike.

    Returns:
        (n_models,) with mean 0, in the order of `battles.models`.

    Raises:
        DataError: some models are linked to the others by no chain of battles.
    """
    if len(battles.win_a) == 0:
        raise DataError("no battle to rate models by; add battles")
    _refuse_islands(battles)
    cells = merge_battles(battles.model_a, battles.model_b, battles.win_a)
    weight = np.bincount(cells.cell_of_battle).astype(np.float64)
    return np.asarray(fit_ratings(cells, weight[None, :], len(battles.models))[0])


def tiers_of(ratings: Floats, n_tiers: int = N_TIERS) -> Ints:
    """Tier of each model: the grouping with the least sum of squares within tiers.

    Exact: on a line the best groups are runs of neighbours, so dynamic programming over the
    sorted ratings tries them all (one-dimensional k-means).

    Args:
        ratings: (n_models,) finite.
        n_tiers: wanted; there are fewer when there are fewer different ratings.

    Returns:
        (n_models,) 0 for the lowest tier, rising; equal ratings share a tier.
    """
    if n_tiers < 1 or not np.isfinite(ratings).all():
        raise ValueError("ratings must be finite and n_tiers at least 1")
    values, of_model, counts = np.unique(ratings, return_inverse=True, return_counts=True)
    if not len(values):
        return np.empty(0, dtype=np.int64)
    starts = _tier_starts(values, counts, min(n_tiers, len(values)))
    tier_of_value = np.searchsorted(starts, np.arange(len(values)), side="right") - 1
    return np.asarray(tier_of_value[of_model])


def battles_between_tiers(battles: Battles, tier: Ints) -> Battles:
    """The battles with tiers as the models; those inside a tier say nothing and are dropped.

    Args:
        battles: from `routellm_core.training.labels`.
        tier: (n_models,) from `tiers_of`, in the order of `battles.models`.

    Raises:
        DataError: no battle is left.
    """
    model_a, model_b = tier[battles.model_a], tier[battles.model_b]
    kept = model_a != model_b
    if not kept.any():
        raise DataError(
            f"all {len(kept):,} battles are inside a tier; ask for more tiers or add battles "
            "between better and worse models"
        )
    return battles.at(kept)._replace(
        models=tuple(tier_name(k) for k in range(int(tier.max()) + 1)),
        model_a=model_a[kept],
        model_b=model_b[kept],
    )


def tier_pair(battles: Battles, tier: Ints, model_pair: ModelPair) -> ModelPair:
    """The tiers of a model pair, as named among the models of `battles_between_tiers`.

    Args:
        battles: before they were turned into battles between tiers.
        tier: (n_models,) from `tiers_of`.
        model_pair: two of `battles.models`.

    Raises:
        UnknownNameError: a model of the pair has no battle.
        DataError: the strong model's tier is not above the weak one's.
    """
    for name in model_pair:
        if name not in battles.models:
            raise UnknownNameError(f"no battle of {name!r}; there are: {', '.join(battles.models)}")
    weak, strong = (int(tier[battles.models.index(name)]) for name in model_pair)
    if weak >= strong:
        raise DataError(
            f"{model_pair.strong!r} is in {tier_name(strong)}, not above {model_pair.weak!r} in "
            f"{tier_name(weak)}; ask for more tiers or turn the pair round"
        )
    return ModelPair(weak=tier_name(weak), strong=tier_name(strong))


def tier_name(tier: int) -> str:
    """Name of a tier, `tier 1` for the lowest."""
    return f"tier {tier + 1}"


def _tier_starts(values: Floats, counts: Ints, n_tiers: int) -> Ints:
    """(n_tiers,) first position of each tier among the rising values, each counted so often."""
    cost = _within(values, counts)
    n = len(values)
    best = np.full((n_tiers + 1, n + 1), np.inf)  # best[k, j]: the first j values in k tiers
    best[0, 0] = 0.0
    last_start = np.zeros((n_tiers + 1, n + 1), dtype=np.int64)
    for k in range(1, n_tiers + 1):
        for j in range(k, n + 1):
            total = best[k - 1, :j] + cost[:j, j]
            last_start[k, j] = total.argmin()
            best[k, j] = total.min()
    starts, end = [], n
    for k in range(n_tiers, 0, -1):
        end = int(last_start[k, end])
        starts.append(end)
    return np.array(starts[::-1])


def _within(values: Floats, counts: Ints) -> Floats:
    """(n, n + 1) sum of squares about their mean of values i .. j - 1; 0 where i >= j."""
    n = len(values)
    cost = np.zeros((n, n + 1))
    for i in range(n):
        # Counted from the first value, so that close ratings far from 0 lose no digits.
        away, count = values[i:] - values[i], counts[i:]
        total, mean = np.cumsum(count), np.cumsum(count * away)
        cost[i, i + 1 :] = np.maximum(np.cumsum(count * away**2) - mean**2 / total, 0.0)
    return cost


def _refuse_islands(battles: Battles) -> None:
    """Raise a `DataError` when not all models are linked: ratings of islands do not compare."""
    n_models = len(battles.models)
    linked = np.eye(n_models, dtype=bool)
    linked[battles.model_a, battles.model_b] = linked[battles.model_b, battles.model_a] = True
    reached = linked[battles.model_a[0]]
    while (wider := linked[reached].any(axis=0)).sum() > reached.sum():
        reached = wider
    if not reached.all():
        apart = [battles.models[i] for i in np.flatnonzero(~reached)]
        raise DataError(
            f"no chain of battles links {len(apart):,} of {n_models:,} models to "
            f"{battles.models[int(battles.model_a[0])]!r}: {', '.join(apart)}; add battles against "
            "the others or drop them"
        )
