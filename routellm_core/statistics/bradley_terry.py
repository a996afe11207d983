"""Bradley-Terry ratings from weighted battles, for many queries at once.

Battles of the same two models with the same winner are merged into a cell that carries their
weight, so that a fit costs as much as there are cells, not battles. A tie is half a win for both
(Bradley and Terry 1952, with the tie convention of Elo ratings); a battle judged several times
counts as the share of its verdicts.
"""

from typing import NamedTuple

import numpy as np

from routellm_core.types import Floats, Ints

RIDGE = 1e-6
"""Pull of all ratings to 0, as a share of a query's total weight: fixes the free constant and
keeps ratings finite when a model always wins."""


class Cells(NamedTuple):
    """Merged battles: cell k holds all battles of `model_a[k]` against `model_b[k]`."""

    cell_of_battle: Ints
    """(n_battles,) position of each battle's cell."""
    model_a: Ints
    """(n_cells,) positions of models."""
    model_b: Ints
    """(n_cells,) positions of models, each other than model_a's."""
    win_a: Floats
    """(n_cells,) in [0, 1]: 1 where model_a won, 1/2 in a tie, else a mean of verdicts."""


def merge_battles(model_a: Ints, model_b: Ints, win_a: Floats) -> Cells:
    """Find the distinct (model_a, model_b, outcome) of the battles.

    Args:
        model_a: (n_battles,) positions of models.
        model_b: (n_battles,) positions of models.
        win_a: (n_battles,) in [0, 1]: 1, 1/2 or 0 for one verdict, any mean of them for several.

    Raises:
        ValueError: a model battles itself, a win is outside [0, 1], or there is no battle.
    """
    if len(model_a) == 0:
        raise ValueError("no battle to merge")
    if np.any(model_a == model_b):
        raise ValueError("a model battles itself")
    if not np.all((win_a >= 0) & (win_a <= 1)):
        raise ValueError("win_a is NaN or outside [0, 1]")
    wins, win_code = np.unique(win_a, return_inverse=True)
    battles = np.stack([model_a, model_b, win_code.reshape(-1)], axis=1)
    cells, cell_of_battle = np.unique(battles, axis=0, return_inverse=True)
    return Cells(
        cell_of_battle=cell_of_battle.reshape(-1),
        model_a=cells[:, 0],
        model_b=cells[:, 1],
        win_a=np.asarray(wins[cells[:, 2]], dtype=np.float64),
    )


def fit_ratings(
    cells: Cells,
    cell_weight: Floats,
    n_models: int,
    *,
    n_steps: int = 50,
    tolerance: float = 1e-10,
) -> Floats:
    """Ratings (log-odds) that make the weighted battles most likely, by Newton's method.

    Args:
        cells: merged battles.
        cell_weight: (n_queries, n_cells) not negative; each row is a fit of its own.
        n_models: models that the positions in `cells` point to.
        n_steps: Newton steps at the most; five are usual.
        tolerance: largest change of a rating at which it stops.

    Returns:
        (n_queries, n_models) with row means of 0. P(a beats b) = 1 / (1 + exp(r_b - r_a)).
    """
    cell_weight = np.asarray(cell_weight, dtype=np.float64)
    weight = cell_weight / cell_weight.sum(axis=1, keepdims=True)
    # All that a fit needs of two models: the weight of their battles and how much of it one won.
    forward = cells.model_a < cells.model_b
    one = np.where(forward, cells.model_a, cells.model_b)
    other = np.where(forward, cells.model_b, cells.model_a)
    win_one = np.where(forward, cells.win_a, 1.0 - cells.win_a)
    pairs, pair_of_cell = np.unique(one * n_models + other, return_inverse=True)
    one, other = np.divmod(pairs, n_models)
    played = _sum_groups(weight, pair_of_cell)
    won = _sum_groups(weight * win_one, pair_of_cell)

    models = np.arange(n_models)
    design = (one[:, None] == models).astype(np.float64) - (other[:, None] == models)
    hessian = np.zeros((len(weight), n_models, n_models))
    rating = np.zeros((len(weight), n_models))
    for _ in range(n_steps):
        win_rate = 1.0 / (1.0 + np.exp(rating[:, other] - rating[:, one]))
        gradient = (won - played * win_rate) @ design - RIDGE * rating
        curvature = played * win_rate * (1.0 - win_rate)
        hessian[:, one, other] = hessian[:, other, one] = -curvature
        hessian[:, models, models] = curvature @ np.abs(design) + RIDGE
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        # A cautious length keeps the first steps of a lopsided fit from overshooting.
        step /= np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True))
        rating += step
        if np.abs(step).max() < tolerance:
            break
    return np.asarray(rating - rating.mean(axis=1, keepdims=True))


def sum_by_cell(cells: Cells, battle_weight: Floats) -> Floats:
    """Weights of battles summed to weights of cells.

    Args:
        cells: merged battles.
        battle_weight: (n_queries, n_battles).

    Returns:
        (n_queries, n_cells).
    """
    return _sum_groups(battle_weight, cells.cell_of_battle)


def _sum_groups(values: Floats, group: Ints) -> Floats:
    """Sums of columns of the same group, (n_rows, n_groups); every group has a column."""
    if np.any(np.diff(group) < 0):
        order = np.argsort(group, kind="stable")
        values, group = values[:, order], group[order]
    return np.asarray(np.add.reduceat(values, np.flatnonzero(np.diff(group, prepend=-1)), axis=1))
