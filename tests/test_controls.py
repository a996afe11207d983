import numpy as np
import pytest
from scipy.stats import entropy

from routellm_core.evaluation.comparison import controls
from routellm_core.evaluation.comparison.sentences import control
from routellm_core.metrics.baselines import random_apgr
from routellm_core.metrics.curve import apgr, rank_queries, routing_curve


def draw_router(rng, n, noise=0.3):
    need = rng.random(n)
    weak = (rng.random(n) > 0.2 + 0.5 * need).astype(float)
    strong = (rng.random(n) > 0.2).astype(float)
    return np.clip(need + rng.normal(0, noise, n), 0, 1), weak, strong


def test_the_shuffled_scores_have_the_apgr_of_a_random_router(rng):
    scores, weak, strong = draw_router(rng, 500)
    found = controls.shuffled_control(scores, weak, strong, n_shuffles=4000)
    drawn = [apgr(routing_curve(rng.permutation(scores), weak, strong)) for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.01)
    width = np.ptp(np.quantile(drawn, [0.025, 0.975]))
    assert found.band == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.08 * width)
    assert found.apgr == pytest.approx(apgr(routing_curve(scores, weak, strong)))


def test_where_all_scores_differ_the_band_is_that_of_the_random_line(rng):
    _, weak, strong = draw_router(rng, 400)
    found = controls.shuffled_control(rng.random(400), weak, strong, n_shuffles=4000)
    expected = random_apgr(weak, strong)
    assert found.band == pytest.approx(expected, abs=0.08 * np.ptp(expected))


def test_of_scores_without_meaning_5_percent_seem_to_have_some(rng):
    found = []
    for seed in range(500):
        _, weak, strong = draw_router(rng, 80)
        scores = rng.integers(0, 8, 80) / 8
        control = controls.shuffled_control(scores, weak, strong, n_shuffles=199, seed=seed)
        found.append(control.p_value <= 0.05)
    assert np.mean(found) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 500))


def test_the_same_seed_gives_the_same_control(rng):
    scores, weak, strong = draw_router(rng, 100)
    one, same, other = (
        controls.shuffled_control(scores, weak, strong, n_shuffles=100, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one.band != other.band


def test_repeated_texts_are_shuffled_once(rng):
    scores, weak, strong = draw_router(rng, 150)
    once = controls.shuffled_control(scores, weak, strong)
    fourfold = [np.tile(values, 4) for values in (scores, weak, strong)]
    repeated = controls.shuffled_control(*fourfold, cluster_code=np.tile(np.arange(150), 4))
    assert repeated == once


def test_without_a_gap_the_control_is_undefined(rng):
    same = rng.random(50)
    found = controls.shuffled_control(same, same, same)
    assert np.isnan([found.apgr, *found.band]).all()


@pytest.mark.parametrize("strong_share", [0.6, 0.79, 0.8, 0.802, 0.9])
def test_whatever_the_gap_a_router_that_ranks_is_one(rng, strong_share):
    n = 2000
    weak = rng.permutation((np.arange(n) < 0.8 * n).astype(float))
    strong = rng.permutation((np.arange(n) < strong_share * n).astype(float))
    scores = strong - weak + rng.normal(0, 0.5, n)
    assert kind(scores, weak, strong) == "router"
    assert kind(-scores, weak, strong) == "reversed"
    found = controls.shuffled_control(scores, weak, strong)
    curve = routing_curve(scores, weak, strong)
    area = np.trapezoid(curve.quality, curve.strong_call_share)
    assert found.ahead == pytest.approx(area - (weak.mean() + strong.mean()) / 2)
    assert found.apgr == pytest.approx(apgr(curve), nan_ok=True)


def kind(scores, weak, strong):
    return controls.router_controls(np.asarray(scores), weak, strong, n_shuffles=199).kind


def test_each_kind_is_told(rng):
    scores, weak, strong = draw_router(rng, 2000, noise=0.1)
    assert kind(scores, weak, strong) == "router"
    assert kind(1 - scores, weak, strong) == "reversed"
    assert kind(np.full(2000, 0.5), weak, strong) == "constant"


def test_a_narrow_router_that_ranks_is_none_the_worse_for_it(rng):
    scores, weak, strong = draw_router(rng, 2000, noise=0.1)
    assert kind(0.7 + 0.01 * scores, weak, strong) == "router"


def test_a_narrow_router_that_does_not_rank_is_a_constant(rng):
    same = np.tile([0.3, 0.6], 200)
    weak, strong = np.repeat([0.0, 1.0], 200), np.ones(400)  # need is the same at both scores
    assert kind(same, weak, strong) == "chance"
    assert kind(0.5 + 0.01 * same, weak, strong) == "constant"


@pytest.mark.parametrize(("n_apart", "expected"), [(49, "constant"), (50, "router")])
def test_a_router_that_moves_fewer_than_5_percent_is_a_constant(n_apart, expected):
    """It ranks well, and still nobody can use it: one model gets nearly all."""
    scores = np.where(np.arange(1000) < n_apart, 0.9, 0.1)
    weak = np.where(np.arange(1000) < 200, 0.0, 1.0)
    found = controls.router_controls(scores, weak, np.ones(1000))
    assert found.kind == expected
    assert found.evenest_share == n_apart / 1000
    assert (found.n_scores, found.share_at_half) == (2, n_apart / 1000)
    words = control(found._asdict())
    assert "95%" in words if expected == "constant" else "shuffled" in words


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.97])
def test_the_entropy_of_a_choice_is_shannons(share):
    assert controls.choice_entropy(share) == pytest.approx(entropy([share, 1 - share], base=2))


def test_one_choice_has_no_entropy():
    assert controls.choice_entropy(0.0) == controls.choice_entropy(1.0) == 0.0


def test_the_entropy_of_the_scores_counts_equal_ones(rng):
    scores = rng.integers(0, 9, 300) / 9
    _, counts = np.unique(scores, return_counts=True)
    found = controls.score_entropy(rank_queries(scores))
    assert found == pytest.approx(entropy(counts, base=2))
    assert controls.score_entropy(rank_queries(np.arange(64.0))) == pytest.approx(6.0)
