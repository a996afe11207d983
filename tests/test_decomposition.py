import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.evaluation.comparison.decomposition import (
    called_share,
    decomposition,
    slice_means,
)
from routellm_core.evaluation.slice_ranks import slice_prior, within_slice
from routellm_core.metrics.curve import apgr, rank_queries, routing_curve
from routellm_core.types import ModelPair, PairOutcomes


def outcomes_of(weak, strong, slice_code, cluster_code=None):
    n = len(weak)
    nothing = np.full(n, np.nan)
    return PairOutcomes(
        "b",
        ModelPair("small", "large"),
        np.array([f"{i:05}" for i in range(n)], dtype=object),
        np.asarray(slice_code),
        tuple(f"s{i}" for i in range(int(np.max(slice_code)) + 1)),
        np.arange(n) if cluster_code is None else cluster_code,
        np.asarray(weak, dtype=float),
        np.asarray(strong, dtype=float),
        nothing,
        nothing,
        nothing,
    )


def draw_slices(rng, n=600, n_slices=6):
    """The need of the strong model lies partly in the slice, partly in the query."""
    slice_code = rng.integers(0, n_slices, n)
    need = 0.5 * slice_code / n_slices + 0.5 * rng.random(n)
    weak = (rng.random(n) > 0.9 * need).astype(float)
    strong = (rng.random(n) > 0.1).astype(float)
    return need, outcomes_of(weak, strong, slice_code)


def slow_called_share(scores):
    """The share of thresholds, by the strong-call shares they span, that call each query."""
    levels = sorted(set(scores), reverse=True)
    found = []
    for own in scores:
        total = 0.0
        for level in levels:
            width = sum(s == level for s in scores) / len(scores)
            total += width * (1.0 if level < own else 0.5 if level == own else 0.0)
        found.append(total)
    return found


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_the_called_share_is_counted_out(scores):
    values = np.array(scores, dtype=float)
    share = called_share(rank_queries(values))
    assert share == pytest.approx(slow_called_share(values.tolist()))
    assert share.mean() == pytest.approx(0.5)


def test_the_called_shares_of_the_gains_are_the_exact_apgr(rng):
    scores = np.round(rng.random(200), 1)
    weak, strong = rng.random(200), rng.random(200) + 0.3
    gain = strong - weak
    area = (called_share(rank_queries(scores)) * gain).mean() / gain.mean()
    assert area == pytest.approx(apgr(routing_curve(scores, weak, strong)))


def test_the_parts_make_up_the_whole(rng):
    need, outcomes = draw_slices(rng)
    found = decomposition(outcomes, need, n_resamples=100)
    whole = apgr(routing_curve(need, outcomes.quality_weak, outcomes.quality_strong))
    assert found.apgr.value == pytest.approx(whole)
    assert 0.5 + found.between_slice_gain.value + found.within_slice_gain.value == pytest.approx(
        whole
    )
    assert (found.n_queries, found.n_slices) == (600, 6)
    for part in found[2:]:
        assert part.interval.low <= part.value <= part.interval.high


def test_the_between_slice_gain_is_what_shuffling_inside_slices_leaves(rng):
    need, outcomes = draw_slices(rng)
    left = []
    for _ in range(400):
        shuffled = need.copy()
        for code in range(len(outcomes.slices)):
            own = np.flatnonzero(outcomes.slice_code == code)
            shuffled[own] = rng.permutation(need[own])
        left.append(apgr(routing_curve(shuffled, outcomes.quality_weak, outcomes.quality_strong)))
    error = np.std(left) / np.sqrt(400)
    found = decomposition(outcomes, need, n_resamples=100)
    passed = found.within_slice_gain.value * (found.n_slices - 1) / (found.n_queries - 1)
    assert 0.5 + found.between_slice_gain.value + passed == pytest.approx(
        np.mean(left), abs=4 * error
    )


def test_a_router_that_knows_the_slice_alone_only_recognises(rng):
    _, outcomes = draw_slices(rng)
    found = decomposition(outcomes, outcomes.slice_code.astype(float), n_resamples=100)
    assert found.within_slice_gain.value == pytest.approx(0.0, abs=1e-7)
    assert found.between_slice_gain.value > 0.05
    assert found.slice_means.value == pytest.approx(found.apgr.value)
    assert found.inside_slices.value == pytest.approx(0.5)


def test_a_router_of_equal_shares_in_all_slices_only_ranks(rng):
    n = 400
    slice_code = np.arange(n) % 4
    scores = np.repeat(rng.permutation(n // 4), 4) / n  # each score once in each slice
    weak = (rng.random(n) > scores * 3).astype(float)
    found = decomposition(outcomes_of(weak, np.ones(n), slice_code), scores, n_resamples=100)
    # Freed of what slices of 100 pass to it by chance, though here the shares are equal by design.
    assert found.between_slice_gain.value == pytest.approx(
        -found.within_slice_gain.value * 3 / 399, rel=1e-6
    )
    assert found.between_slice_gain.value + found.within_slice_gain.value == pytest.approx(
        found.apgr.value - 0.5
    )


def draw_without_slices(rng, n=600, n_slices=60):
    """The need of the strong model lies in the query alone: there is nothing to recognise."""
    need, outcomes = draw_slices(rng, n, n_slices=1)
    return need, outcomes_of(
        outcomes.quality_weak, outcomes.quality_strong, rng.integers(0, n_slices, n)
    )


def coverage(draw, truth, n_draws):
    """Share of intervals that hold the true gains between and within slices; mean values."""
    held, values = [], []
    for seed in range(n_draws):
        need, outcomes = draw(np.random.default_rng(seed))
        parts = decomposition(outcomes, need, n_resamples=200, seed=seed)[3:5]
        held.append(
            [p.interval.low <= t <= p.interval.high for p, t in zip(parts, truth, strict=True)]
        )
        values.append([p.value for p in parts])
    return np.mean(held, axis=0), np.mean(values, axis=0)


def test_where_slices_mean_nothing_the_gain_between_them_is_nothing(rng):
    need, outcomes = draw_slices(rng, 200_000, n_slices=1)
    truth = 0.0, decomposition(outcomes, need, n_resamples=100).within_slice_gain.value
    held, mean = coverage(draw_without_slices, truth, 60)
    assert (held > 0.85).all()
    assert mean[0] == pytest.approx(0.0, abs=0.1 * truth[1] * 60 / 600 + 0.005)
    assert mean[1] == pytest.approx(truth[1], rel=0.1)


@pytest.mark.slow
def test_the_intervals_hold_the_truth_even_of_slices_of_ten_queries_that_mean_nothing(rng):
    """A resample repeats queries, which takes a tenth from the spread inside slices of ten."""
    need, outcomes = draw_slices(rng, 200_000, n_slices=1)
    truth = 0.0, decomposition(outcomes, need, n_resamples=100).within_slice_gain.value
    held, _ = coverage(draw_without_slices, truth, 600)
    assert held[0] > 0.95
    assert held[1] > 0.88


def test_texts_that_stand_twice_pass_as_much_as_once(rng):
    need, outcomes = draw_without_slices(rng, 300)
    values = need, outcomes.quality_weak, outcomes.quality_strong, outcomes.slice_code
    need_2, weak, strong, code = (np.repeat(v, 2) for v in values)
    twice = outcomes_of(weak, strong, code, np.repeat(np.arange(300), 2))
    once, again = (
        decomposition(o, s, n_resamples=100) for o, s in ((outcomes, need), (twice, need_2))
    )
    assert again.between_slice_gain.value == pytest.approx(once.between_slice_gain.value, abs=1e-9)
    assert again.within_slice_gain.value == pytest.approx(once.within_slice_gain.value, abs=1e-9)


def test_one_slice_leaves_nothing_to_recognise(rng):
    need, outcomes = draw_slices(rng, n_slices=1)
    found = decomposition(outcomes, need, n_resamples=100)
    assert found.between_slice_gain.value == pytest.approx(0.0, abs=1e-7)
    assert found.prior.value == found.slice_means.value == pytest.approx(0.5)


@pytest.mark.slow
def test_95_percent_intervals_of_the_parts_cover_the_truth(rng):
    need, outcomes = draw_slices(rng, n=200_000)
    truth = decomposition(outcomes, need, n_resamples=100)
    covered = []
    for seed in range(300):
        need, outcomes = draw_slices(rng)
        found = decomposition(outcomes, need, n_resamples=200, seed=seed)
        covered.append(
            [
                part.interval.low <= true.value <= part.interval.high
                for part, true in zip(found[3:5], truth[3:5], strict=True)
            ]
        )
    assert np.mean(covered, axis=0) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 300))


def test_the_prior_of_a_query_never_saw_its_text(rng):
    n = 300
    texts = rng.integers(0, 150, n)
    slice_code = texts % 3
    gain = rng.normal(size=150)[texts]
    known = outcomes_of(np.zeros(n), gain, slice_code, texts)
    changed = np.where(texts == texts[0], gain + 1000.0, gain)
    other = outcomes_of(np.zeros(n), changed, slice_code, texts)
    # The order inside the fold of the changed text, and so the ranks there, stay as they were.
    assert slice_prior(known)[0] == slice_prior(other)[0]
    assert (slice_prior(known) != slice_prior(other)).any()


def test_the_prior_knows_what_the_slices_are_worth(rng):
    _, outcomes = draw_slices(rng, n=6000)
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    gain = slice_means(strong - weak, outcomes.slice_code)
    with_hindsight = apgr(routing_curve(gain, weak, strong))
    prior = apgr(routing_curve(slice_prior(outcomes), weak, strong))
    assert with_hindsight > 0.55
    assert with_hindsight - 0.03 < prior <= with_hindsight + 0.002


def test_a_slice_that_no_other_fold_holds_is_worth_what_all_are(rng):
    n = 100
    slice_code = np.append(np.zeros(n - 1, dtype=int), 1)
    scores = slice_prior(outcomes_of(np.zeros(n), rng.random(n), slice_code))
    assert np.isfinite(scores).all()
    assert scores[-1] == 0.5  # alike with the one other slice of its fold


def test_slices_of_no_worth_give_a_prior_of_chance(rng):
    """Left-out means fall where a fold is good; ranks inside folds must not pick that up."""
    figures = []
    for seed in range(60):
        weak, strong = np.zeros(300), (rng.random(300) < 0.5).astype(float)
        outcomes = outcomes_of(weak, strong, rng.integers(0, 2, 300))
        figures.append(apgr(routing_curve(slice_prior(outcomes, seed=seed), weak, strong)))
    assert np.mean(figures) == pytest.approx(0.5, abs=0.02)


def test_slice_means_and_ranks_inside_share_nothing(rng):
    need, outcomes = draw_slices(rng)
    means = slice_means(need, outcomes.slice_code)
    assert len(np.unique(means)) == 6
    assert (within_slice(means, outcomes.slice_code) == 0.5).all()


def test_without_a_gap_the_parts_are_undefined(rng):
    same = rng.random(50)
    found = decomposition(outcomes_of(same, same, np.arange(50) % 2), same, n_resamples=100)
    assert np.isnan(
        [found.apgr.value, found.between_slice_gain.value, found.within_slice_gain.value]
    ).all()
