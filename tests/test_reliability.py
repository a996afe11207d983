import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binomtest, ttest_1samp
from sklearn.metrics import brier_score_loss

from routellm_core.errors import DataError
from routellm_core.evaluation.score_calibration.calibration_error import BinSums, calibration_error
from routellm_core.evaluation.score_calibration.recalibration import fit, judge, mapped_threshold
from routellm_core.evaluation.score_calibration.reliability import (
    brier_score,
    equal_count_bins,
    reliability_bins,
    targets,
)
from routellm_core.metrics.curve import calls_strong
from routellm_core.store import Store
from routellm_core.training.labels import golden_battles
from routellm_core.types import ModelPair
from tests.test_slices import make


def draw(rng, n, *, tie_share=0.5, bend=1.0):
    """Scores and targets; the chance of a win (ties half) has `bend` times the score's log-odds."""
    score = rng.uniform(0.05, 0.95, n)
    truth = expit(bend * logit(score))
    half_tie = np.minimum(tie_share / 2, np.minimum(truth, 1 - truth))
    chance = rng.random(n)
    return score, ((chance < truth - half_tie) + 1.0 * (chance < truth + half_tie)) / 2


@st.composite
def scored(draw):
    n = draw(st.integers(1, 40))
    many_levels = st.integers(0, 10_000).map(lambda x: x / 10_000)
    level = draw(st.sampled_from([st.sampled_from([0.0, 0.25, 0.5, 1.0]), many_levels]))
    score = draw(st.lists(level, min_size=n, max_size=n))
    target = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n, max_size=n))
    return np.array(score), np.array(target)


def test_a_win_a_tie_and_a_loss_are_1_a_half_and_0_as_routers_learn_them():
    outcomes = make({"a": ([0, 1, 1, 0.5], [1, 1, 0, 0.5])})
    assert targets(outcomes).tolist() == [1.0, 0.5, 0.0, 0.5]
    assert (targets(outcomes) == 1 - golden_battles(outcomes).win_a).all()


@given(scored(), st.integers(1, 12))
def test_bins_rise_with_the_score_and_never_part_equal_scores(data, n_bins):
    score, _ = data
    bins = equal_count_bins(score, n_bins)
    order = np.argsort(score, kind="stable")
    assert (np.diff(bins[order]) >= 0).all()
    for value in np.unique(score):
        assert len(set(bins[score == value])) == 1
    assert set(bins) == set(range(bins.max() + 1))
    assert bins.max() < n_bins


def test_bins_hold_equally_many_queries_where_no_scores_tie(rng):
    assert (np.bincount(equal_count_bins(rng.random(1000), 10)) == 100).all()
    assert set(np.bincount(equal_count_bins(rng.random(1003), 10))) == {100, 101}


def test_a_bin_of_wins_and_losses_has_wilsons_interval_and_one_with_ties_students(rng):
    score = np.r_[np.full(40, 0.2), np.full(60, 0.7)]
    target = np.r_[rng.integers(0, 2, 40), rng.integers(0, 3, 60) / 2]
    bins = reliability_bins(score, target, n_bins=2)
    wilson = binomtest(int(target[:40].sum()), 40).proportion_ci(method="wilson")
    student = ttest_1samp(target[40:], 0).confidence_interval(0.95)
    assert bins.n_queries.tolist() == [40, 60]
    assert bins.mean_score == pytest.approx([0.2, 0.7])
    assert bins.mean_target == pytest.approx([target[:40].mean(), target[40:].mean()])
    assert bins.target_low == pytest.approx([wilson.low, student.low])
    assert bins.target_high == pytest.approx([wilson.high, student.high])


def test_repeated_queries_are_one_draw_in_a_bins_interval():
    score, target = np.full(40, 0.5), np.tile([0.0, 1.0], 20)
    alone = reliability_bins(score, target)
    in_fours = reliability_bins(score, target, cluster_code=np.arange(40) // 8 * 2 + [0, 1] * 20)
    assert in_fours.target_high - in_fours.target_low > 2 * (alone.target_high - alone.target_low)


@given(scored(), st.integers(1, 6))
def test_ece_equals_its_literal_sum_over_bins(data, n_bins):
    score, target = data
    bins = equal_count_bins(score, n_bins)
    slow = sum(
        (bins == b).mean() * abs(score[bins == b].mean() - target[bins == b].mean())
        for b in range(bins.max() + 1)
    )
    assert BinSums(score - target, bins).ece == pytest.approx(slow)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_clusters", [1, 2, 5, 10])
def test_a_bin_whose_targets_do_not_vary_is_as_sure_as_its_texts_allow(value, n_clusters):
    codes = np.repeat(np.arange(n_clusters), 2)
    target = np.full(2 * n_clusters, value)
    bins = reliability_bins(np.full(len(codes), 0.5), target, cluster_code=codes)
    (low,), (high,) = bins.target_low, bins.target_high
    if value != 0.5 or n_clusters % 2 == 0:
        expected = binomtest(round(value * n_clusters), n_clusters).proportion_ci(method="exact")
        assert (low, high) == pytest.approx((expected.low, expected.high))
    assert low <= value <= high
    assert high - low > 1 - 0.025 ** (1 / n_clusters) - 1e-9


def test_a_bin_of_ties_covers_a_truth_that_ties_hide():
    """Of 10 draws with 98% ties most show ties alone; the truth is then inside all the same."""
    held = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        target = rng.choice([0.5, 1.0], 10, p=[0.98, 0.02])
        bins = reliability_bins(np.full(10, 0.5), target)
        held.append(bins.target_low[0] <= 0.51 <= bins.target_high[0])
    assert np.mean(held) > 0.95


def test_a_perfectly_calibrated_router_shows_the_ece_of_chance_and_no_more():
    found = [
        calibration_error(*draw(np.random.default_rng(seed), 500), n_resamples=200, seed=seed)
        for seed in range(200)
    ]
    plain, expected = (np.mean([getattr(f, n) for f in found]) for n in ("ece", "if_calibrated"))
    assert plain == pytest.approx(expected, rel=0.05)
    alarms = np.mean([f.p_value <= 0.05 for f in found])
    assert alarms <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)
    assert alarms > 0.0


def test_the_debiased_ece_is_nearer_to_the_truth_and_its_interval_holds_it():
    bend = 0.5
    score, _ = draw(np.random.default_rng(0), 400_000)
    bins = equal_count_bins(score)
    truth = BinSums(score - expit(bend * logit(score)), bins).ece
    found = [
        calibration_error(
            *draw(np.random.default_rng(seed), 600, bend=bend), n_resamples=300, seed=seed
        )
        for seed in range(200)
    ]
    error = np.mean([f.ece for f in found]) - truth
    assert abs(np.mean([f.debiased for f in found]) - truth) < error / 2
    covered = np.mean([f.interval.low <= truth <= f.interval.high for f in found])
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 200))


def test_the_same_seed_gives_the_same_calibration_error(rng):
    data = draw(rng, 300)
    one = calibration_error(*data, n_resamples=100, seed=3)
    assert one == calibration_error(*data, n_resamples=100, seed=3)
    assert one.interval != calibration_error(*data, n_resamples=100, seed=4).interval


@given(scored(), st.integers(1, 6))
def test_the_parts_of_the_brier_score_make_up_the_whole(data, n_bins):
    score, target = data
    brier = brier_score(score, target, n_bins=n_bins)
    assert brier.score == pytest.approx(np.mean((score - target) ** 2))
    bins = equal_count_bins(score, n_bins)
    spread, together = 0.0, 0.0
    for b in range(bins.max() + 1):
        s, t = score[bins == b], target[bins == b]
        spread += ((s - s.mean()) ** 2).sum() / len(score)
        together += ((s - s.mean()) * (t - t.mean())).sum() / len(score)
    assert brier.within_bins == pytest.approx(spread - 2 * together, abs=1e-12)
    whole = brier.miscalibration - brier.resolution + brier.uncertainty + brier.within_bins
    assert whole == pytest.approx(brier.score)


def test_the_brier_score_is_scikit_learns_where_nothing_ties(rng):
    score, target = draw(rng, 200, tie_share=0.0)
    assert set(target) == {0.0, 1.0}
    assert brier_score(score, target).score == pytest.approx(brier_score_loss(target, score))


def test_skill_is_nothing_for_the_mean_and_undefined_without_a_spread(rng):
    _, target = draw(rng, 300)
    always_mean = brier_score(np.full(300, target.mean()), target)
    assert always_mean.skill == pytest.approx(0.0)
    assert brier_score(target, target).skill == 1.0
    nothing = brier_score(rng.random(5), np.full(5, 0.5))
    assert math.isnan(nothing.skill)
    assert math.isnan(nothing.skill_interval.low)


def test_the_skills_interval_covers_the_truth():
    score, target = draw(np.random.default_rng(0), 400_000, bend=0.5)
    truth = brier_score(score, target).skill
    found = [
        brier_score(*draw(np.random.default_rng(seed), 400, bend=0.5)).skill_interval
        for seed in range(400)
    ]
    covered = np.mean([low <= truth <= high for low, high in found])
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 400))


@given(scored())
def test_the_isotonic_curve_is_the_max_min_of_means(data):
    score, target = data
    curve = fit("isotonic", score, target)
    levels = np.unique(score)
    for level in levels:
        slow = max(
            min(target[(score >= low) & (score <= high)].mean() for high in levels[levels >= level])
            for low in levels[levels <= level]
        )
        assert curve(np.array([level]))[0] == pytest.approx(slow)


def test_a_platt_curve_solves_its_equations_with_ties_as_half(rng):
    score, target = draw(rng, 500, bend=0.4)
    curve = fit("platt", score, target)
    left_over = curve(score) - target
    assert left_over.sum() == pytest.approx(0.0, abs=1e-3)
    assert (left_over * logit(score)).sum() == pytest.approx(0.0, abs=1e-3)


def test_a_platt_curve_finds_the_bend_that_was_put_in():
    score, target = draw(np.random.default_rng(1), 200_000, bend=0.4)
    curve = fit("platt", score, target)
    assert np.abs(curve(score) - expit(0.4 * logit(score))).max() < 0.01


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_curve_keeps_scores_of_0_and_1_in_range_and_never_falls(rng, method):
    curve = fit(method, *draw(rng, 300))
    ends = curve(np.array([0.0, 1e-9, 0.5, 1.0], dtype=np.float32))
    assert (np.diff(ends) >= 0).all()
    assert ends[0] >= 0.0
    assert ends[-1] <= 1.0


def test_no_platt_curve_turns_the_order_round(rng):
    score, target = draw(rng, 200)
    with pytest.raises(DataError, match="turn the order round"):
        fit("platt", score, 1 - target)
    with pytest.raises(DataError, match="all 200 scores are equal"):
        fit("platt", np.full(200, 0.3), target)
    with pytest.raises(DataError, match="all 200 targets are equal"):
        fit("platt", score, np.full(200, 0.5))


@given(scored(), st.floats(-0.1, 1.1))
def test_a_mapped_threshold_calls_all_that_were_called_and_only_merged_ones_besides(
    data, threshold
):
    score, target = data
    curve = fit("isotonic", score, target)
    mapped = mapped_threshold(curve, score, threshold)
    before, after = calls_strong(score, threshold), calls_strong(curve(score), mapped.threshold)
    assert (after | ~before).all()
    assert mapped.n_moved == (after & ~before).sum()
    if before.any():
        lowest = curve(score[before].min()[None])[0]
        assert (curve(score)[after & ~before] >= lowest).all()


def test_a_platt_curve_moves_no_query(rng):
    score, target = draw(rng, 400)
    curve = fit("platt", score, target)
    for threshold in (0.0, 0.3, 0.6, 0.99):
        mapped = mapped_threshold(curve, score, threshold)
        assert mapped.n_moved == 0
        assert (
            calls_strong(curve(score), mapped.threshold) == calls_strong(score, threshold)
        ).all()


def test_a_flat_step_moves_the_rest_of_its_queries():
    score = np.array([0.1, 0.2, 0.3, 0.4])
    curve = fit("isotonic", score, np.array([0.0, 1.0, 0.0, 1.0]))  # 0.2 and 0.3 become 0.5
    assert mapped_threshold(curve, score, 0.25) == (0.5, 1, 4)
    assert mapped_threshold(curve, score, 0.15) == (0.5, 0, 4)
    assert mapped_threshold(curve, score, 0.5) == (math.inf, 0, 4)


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_bent_router_is_mended_on_queries_that_the_curve_never_saw(method):
    score, target = draw(np.random.default_rng(2), 6_000, bend=0.3)
    found = judge(method, score, target, n_resamples=300)
    assert found.n_fitted + found.n_judged == 6_000
    assert found.brier_after < found.brier_before
    assert found.brier_change.high < 0
    assert found.ece_after < found.ece_before / 3
    assert found.ece_change.low < found.ece_after - found.ece_before < found.ece_change.high < 0
    assert found.n_levels_after == found.n_levels_before or method == "isotonic"


def test_a_calibrated_router_is_not_said_to_gain():
    gains = [
        judge("platt", *draw(np.random.default_rng(seed), 400), n_resamples=100, seed=seed)
        for seed in range(60)
    ]
    assert np.mean([g.brier_change.high < 0 for g in gains]) <= 0.025 + 3 * math.sqrt(
        0.025 * 0.975 / 60
    )


def test_repeated_queries_never_stand_on_both_sides_of_the_split(rng, monkeypatch):
    score, target = draw(rng, 200)
    clusters = np.arange(200) // 2
    seen = []
    monkeypatch.setattr(
        "routellm_core.evaluation.score_calibration.recalibration.fit",
        lambda method, s, t: seen.append(set(s)) or fit(method, s, t),
    )
    judge("platt", score, target, cluster_code=clusters, n_resamples=10)
    fitted = np.array([s in seen[0] for s in score])
    assert (fitted[::2] == fitted[1::2]).all()
    assert fitted.sum() == 100


def test_the_shipped_routers_say_what_they_mean_or_not(built_store):
    """Measured figures: the golden encoder is calibrated in domain, chat similarity is far off."""
    with Store(built_store, read_only=True) as store:
        pair = ModelPair("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview")
        outcomes = store.pair_outcomes("mmlu", pair)
        near = store.strong_win_rates("mmlu", pair, "causal_llm-golden", "in_domain")
        far = store.strong_win_rates("mmlu", pair, "sw_ranking-chat", "untouched")
    target = targets(outcomes)
    assert [(target == v).mean().round(4) for v in (0.0, 0.5, 1.0)] == [0.0529, 0.7693, 0.1778]
    clusters = outcomes.cluster_code
    near_error, far_error = (
        calibration_error(score, target, cluster_code=clusters, n_resamples=100)
        for score in (near, far)
    )
    assert near_error.ece == pytest.approx(0.0058, abs=5e-5)
    assert near_error.p_value > 0.05
    assert far_error.ece == pytest.approx(0.2700, abs=5e-5)
    assert far_error.p_value < 0.01
    assert brier_score(near, target).skill == pytest.approx(0.0459, abs=5e-5)
    with pytest.raises(DataError, match="turn the order round"):
        fit("platt", far, target)
