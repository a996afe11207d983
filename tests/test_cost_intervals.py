"""Intervals along the costs: they hold what they say."""

import numpy as np
import pytest

from routellm_core.metrics import cost_quality
from routellm_core.metrics.costs import PairCosts, TokenSource, routed_cost
from routellm_core.metrics.curve import curve_of, rank_queries
from routellm_core.statistics.bootstrap import paired_resamples
from routellm_core.statistics.cost_quality_bands import cost_intervals
from routellm_core.statistics.intervals import percentile_interval
from tests.test_slices import make

TOKENS = TokenSource("made up", "made up")


def invented(rng, n):
    """Outcomes of n queries that the strong model gets right more often, and scores that know."""
    hard = rng.random(n)
    weak, strong = rng.random(n) < 1 - hard, rng.random(n) < 1 - hard / 2
    scores = np.round(hard + rng.normal(0, 0.3, n), 2)  # some are equal
    return make({"a": (weak, strong)}), scores, PairCosts(0.1 + 0.2 * hard, 1.0 + hard, TOKENS)


def test_over_calls_of_one_price_the_area_is_that_of_the_paired_bootstrap(rng):
    outcomes, scores, _ = invented(rng, 400)
    ranking, ones = rank_queries(scores), np.ones(400)
    read = paired_resamples(
        [ranking], outcomes.quality_weak, outcomes.quality_strong, n_resamples=200, seed=3
    )
    found = cost_intervals(
        ranking, outcomes, PairCosts(0 * ones, ones, TOKENS), n_resamples=200, seed=3
    )
    assert found.deferral_area == pytest.approx(percentile_interval(read[0].area), abs=1e-5)
    assert found.quality_neutral_cost == pytest.approx(found.quality_neutral_share)


def test_without_a_price_only_the_share_is_known(rng):
    outcomes, scores, costs = invented(rng, 100)
    unknown = PairCosts(costs.weak, np.full(100, np.nan), TOKENS)
    found = cost_intervals(rank_queries(scores), outcomes, unknown, n_resamples=50)
    assert np.isfinite(found.quality_neutral_share).all()
    money = [ends for name, ends in found._asdict().items() if name != "quality_neutral_share"]
    assert np.isnan(money).all()


def test_a_best_model_that_costs_nothing_leaves_only_its_part_undefined(rng):
    _, scores, costs = invented(rng, 100)
    worse = make({"a": (np.ones(100), np.zeros(100))})
    free = PairCosts(np.zeros(100), costs.strong, TOKENS)
    found = cost_intervals(rank_queries(scores), worse, free, n_resamples=50)
    assert np.isnan(found.quality_neutral_cost).all()
    assert found.quality_neutral_cost_usd == (0.0, 0.0)


def test_the_intervals_hold_the_truth_as_often_as_they_say(rng):
    outcomes, scores, costs = invented(rng, 200_000)
    ranking = rank_queries(scores)
    cost = routed_cost(ranking, costs)
    quality = curve_of(ranking, outcomes.quality_weak, outcomes.quality_strong).quality
    truth = {
        "aiq": cost_quality.aiq(cost, quality),
        "deferral_area": cost_quality.deferral_area(cost, quality),
    }
    held = dict.fromkeys(truth, 0)
    for seed in range(100):
        outcomes, scores, costs = invented(rng, 500)
        found = cost_intervals(rank_queries(scores), outcomes, costs, n_resamples=200, seed=seed)
        for name, true in truth.items():
            low, high = getattr(found, name)
            held[name] += low <= true <= high
    assert 88 <= held["deferral_area"] <= 100
    assert 80 <= held["aiq"]  # a hull over noise lies too high, most where there are few queries
