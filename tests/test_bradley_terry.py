import itertools

import numpy as np
import pytest

from routellm_core.statistics.bradley_terry import fit_ratings, merge_battles, sum_by_cell
from tests import oracles


def fit_once(model_a, model_b, win_a, weight, n_models):
    cells = merge_battles(np.array(model_a), np.array(model_b), np.array(win_a, dtype=float))
    weights = sum_by_cell(cells, np.array([weight], dtype=float))
    return fit_ratings(cells, weights, n_models)[0]


def test_two_models_get_the_log_odds_of_their_win_share():
    rating = fit_once([0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0.5, 0], [1, 2, 1, 3], 2)
    share = oracles.bradley_terry_two([1, 2, 1, 3], [1, 1, 0.5, 0])
    assert 1 / (1 + np.exp(rating[1] - rating[0])) == pytest.approx(share, abs=1e-5)


def test_the_baseball_season_of_agresti():
    """Agresti, Categorical Data Analysis, table 11.10: American League East, 1987.

    Published estimates against Baltimore: Milwaukee 1.58, Detroit 1.44, Toronto 1.29,
    New York 1.25, Boston 1.11, Cleveland 0.68.
    """
    wins = np.array(
        [
            [0, 7, 9, 7, 7, 9, 11],
            [6, 0, 7, 5, 11, 9, 9],
            [4, 6, 0, 7, 7, 8, 12],
            [6, 8, 6, 0, 6, 7, 10],
            [6, 2, 6, 7, 0, 7, 12],
            [4, 4, 5, 6, 6, 0, 6],
            [2, 4, 1, 3, 1, 7, 0],
        ]
    )
    pairs = [(a, b) for a, b in itertools.permutations(range(7), 2) if wins[a, b]]
    model_a, model_b = zip(*pairs, strict=True)
    rating = fit_once(model_a, model_b, [1] * len(pairs), [wins[p] for p in pairs], 7)
    published = [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0]
    np.testing.assert_allclose(rating - rating[6], published, atol=0.006)


def test_cells_give_the_same_ratings_as_all_battles(rng):
    a, b = np.array(list(itertools.permutations(range(5), 2)) * 20).T
    win_a = rng.choice([0.0, 0.5, 1.0], len(a))
    weight = rng.random(len(a))
    rating = fit_once(a, b, win_a, weight, 5)
    battles = list(zip(a, b, win_a, weight, strict=True))
    best = oracles.log_likelihood(rating, battles)
    for model in range(5):
        for step in (-1e-3, 1e-3):
            moved = rating.copy()
            moved[model] += step
            assert oracles.log_likelihood(moved, battles) < best


def test_ratings_of_simulated_battles_are_recovered(rng):
    true = np.array([-1.0, -0.2, 0.3, 0.9])
    a = rng.integers(0, 4, 40_000)
    b = (a + rng.integers(1, 4, 40_000)) % 4
    win_a = (rng.random(40_000) < 1 / (1 + np.exp(true[b] - true[a]))).astype(float)
    rating = fit_once(a, b, win_a, np.ones(40_000), 4)
    np.testing.assert_allclose(rating, true - true.mean(), atol=0.05)


def test_a_batch_of_fits_equals_one_fit_after_the_other(rng):
    a = rng.integers(0, 4, 200)
    b = (a + rng.integers(1, 4, 200)) % 4
    win_a = rng.choice([0.0, 0.5, 1.0], 200)
    cells = merge_battles(a, b, win_a)
    weights = sum_by_cell(cells, rng.random((6, 200)))
    together = fit_ratings(cells, weights, 4)
    alone = [fit_ratings(cells, weights[i : i + 1], 4)[0] for i in range(6)]
    np.testing.assert_allclose(together, alone, atol=1e-9)


def test_a_model_that_always_wins_keeps_a_finite_rating():
    rating = fit_once([0, 0, 1], [1, 2, 2], [1, 1, 1], [1, 1, 1], 3)
    assert np.isfinite(rating).all()
    assert rating[0] > rating[1] > rating[2]


def test_a_model_does_not_battle_itself():
    with pytest.raises(ValueError, match="itself"):
        merge_battles(np.array([0]), np.array([0]), np.array([1.0]))


def test_no_battle_is_no_fit():
    with pytest.raises(ValueError, match="no battle"):
        merge_battles(np.array([], int), np.array([], int), np.array([]))
