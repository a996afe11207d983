import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from routellm_core import controls
from routellm_core.baselines import random_apgr
from routellm_core.metrics import apgr, cpt, rank_queries, routing_curve


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


def kind(scores, weak, strong):
    return controls.character(np.asarray(scores), weak, strong, n_shuffles=199).kind


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
    found = controls.character(scores, weak, np.ones(1000))
    assert found.kind == expected
    assert found.evenest_share == n_apart / 1000
    assert (found.n_scores, found.share_at_half) == (2, n_apart / 1000)
    assert "95%" in found.words if expected == "constant" else "shuffled" in found.words


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


coordinates = st.integers(0, 12).map(float)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=12))
def test_aiq_is_the_mean_height_of_the_hull_that_never_falls(points):
    x, y = (np.array(values) for values in zip(*sorted(points), strict=True))
    if x[0] == x[-1]:
        assert np.isnan(controls.aiq(x, y))
        return
    grid = np.arange(x[0], x[-1] + 1)  # all corners lie on it, so that trapezoids are exact
    expected = np.trapezoid(
        np.maximum.accumulate([hull_between(x, y, at) for at in grid]), grid
    ) / (x[-1] - x[0])
    assert controls.aiq(x, y) == pytest.approx(expected)


def hull_between(x, y, at):
    """Highest point at `at` on a segment between any two points."""
    best = -np.inf
    for x0, y0 in zip(x, y, strict=True):
        for x1, y1 in zip(x, y, strict=True):
            if x0 <= at <= x1:
                part = (at - x0) / (x1 - x0) if x1 > x0 else 0.0
                best = max(best, y0 + part * (y1 - y0))
    return best


def test_over_the_calls_the_area_is_apgr_and_the_neutral_cost_is_cpt(rng):
    scores, weak, strong = draw_router(rng, 800)
    curve = routing_curve(scores, weak, strong)
    gap = curve.quality[-1] - curve.quality[0]
    area = controls.deferral_area(curve.strong_call_share, curve.quality)
    assert area == pytest.approx(curve.quality[0] + apgr(curve) * gap)
    neutral = controls.quality_neutral_cost(curve.strong_call_share, curve.quality)
    assert neutral == cpt(curve, 1.0)
    assert controls.aiq(curve.strong_call_share, curve.quality) >= area


def test_the_neutral_cost_is_nothing_more_where_the_weak_model_is_the_best():
    assert controls.quality_neutral_cost(np.array([1.0, 3.0]), np.array([0.9, 0.7])) == 1.0


def test_unknown_prices_leave_what_is_read_along_costs_undefined():
    cost, quality = np.full(3, np.nan), np.array([0.1, 0.2, 0.3])
    assert np.isnan(controls.aiq(cost, quality))
    assert np.isnan(controls.deferral_area(cost, quality))
    assert np.isnan(controls.quality_neutral_cost(cost, quality))
