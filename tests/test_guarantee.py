"""Thresholds with a guarantee: known answers, slow twins, and how often one is broken."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from routellm_core.__main__ import main
from routellm_core.errors import DataError
from routellm_core.metrics.curve import calls_strong
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.policy.guarantee.certify import (
    FEWEST_QUERIES,
    NEVER,
    Certificate,
    CheckpointCertificate,
    certify,
    scope_of,
    split_of,
    threshold_grid,
)
from routellm_core.policy.guarantee.risks import (
    FEWEST_KEPT,
    GuaranteeTarget,
    ScoredOutcomes,
    achieved_of,
)
from routellm_core.policy.guarantee.sentences import about, alpha_words, certificate_sentence
from routellm_core.statistics.risk_bounds import (
    BOLDEST,
    N_BLOCKS,
    betting_need,
    betting_p_value,
    binomial_bound,
    binomial_interval,
    binomial_need,
    binomial_p_value,
    fixed_sequence,
)
from routellm_core.store import Store
from routellm_core.store.selection import default_pair
from routellm_core.types import Interval

DELTA = 0.05
SCALE = Interval(0.0, 1.0)
PROMISES = (
    GuaranteeTarget("keep", 0.95),
    GuaranteeTarget("lose", 0.03),
    GuaranteeTarget("miss", 0.1),
)


# The tests below the promises


def test_clopper_pearson_as_in_the_tables():
    low, high = binomial_interval(2, 10)
    assert (round(low, 4), round(high, 4)) == (0.0252, 0.5561)
    assert binomial_interval(0, 10).high == pytest.approx(1 - 0.025 ** (1 / 10))
    assert binomial_bound(0, 59, DELTA) == pytest.approx(1 - DELTA ** (1 / 59))
    assert binomial_bound(7, 7, DELTA) == binomial_bound(0, 0, DELTA) == 1.0
    assert np.isnan(binomial_interval(0, 0)).all()


@given(st.integers(1, 400), st.data(), st.floats(0.01, 0.5))
def test_clopper_pearson_is_scipys_and_the_p_value_turns_where_the_bound_does(n, data, delta):
    failed = data.draw(st.integers(0, n))
    bound = binomial_bound(failed, n, delta)
    if failed < n:
        assert bound == pytest.approx(beta.ppf(1 - delta, failed + 1, n - failed))
        assert binomial_p_value(failed, n, bound) == pytest.approx(delta)
    assert binomial_p_value(failed, n, 0.3) == pytest.approx(binom.cdf(failed, n, 0.3))


def betting_oracle(margins, worst, delta):
    """One query at a time; stakes are set anew at the edges of the blocks."""
    n, capital, best = len(margins), 1.0, 1.0
    edges = {int(edge) for edge in np.linspace(0, n, min(N_BLOCKS, n) + 1)}
    squares, stake = worst**2 / 4, 0.0
    for t, margin in enumerate(margins):
        if t in edges:
            missing = max(math.log(1 / delta) - math.log(capital), 0.0)
            stake = math.sqrt(2 * missing / ((n - t) * squares / (t + 1)))
            stake = min(stake, BOLDEST / -worst)
            at_edge = 0.0
        capital *= 1 + stake * margin
        at_edge += margin**2
        if t + 1 in edges:
            squares += at_edge
        best = max(best, capital)
    return 1 / best


@given(st.integers(1, 300), st.integers(0, 10**6), st.floats(0.02, 0.4))
def test_bets_equal_their_slow_twin(n, seed, limit):
    rng = np.random.default_rng(seed)
    loss = rng.choice([-1.0, 0.0, 0.3, 1.0], (2, n), p=[0.05, 0.75, 0.1, 0.1])
    found = betting_p_value(limit - loss, limit - 1.0, DELTA)
    wanted = [betting_oracle(row, limit - 1.0, DELTA) for row in limit - loss]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert ((found > 0) & (found <= 1)).all()


def hoeffding_bentkus(mean, n, limit):
    """P-value of Bates et al. 2021 (arXiv 2101.02703) for losses in [0, 1]."""
    a = min(mean, limit)
    kl = (a * math.log(a / limit) if a else 0.0) + (1 - a) * math.log((1 - a) / (1 - limit))
    return min(math.exp(-n * kl), math.e * binom.cdf(math.ceil(n * mean), n, limit), 1.0)


def test_bets_tell_more_than_hoeffding_and_bentkus_on_differences_of_quality():
    """Which is why they are used; losses of 0 are the rule and HB ignores it."""
    rng = np.random.default_rng(1)
    loss = rng.choice([-1.0, 0.0, 1.0], (300, 1_000), p=[0.02, 0.94, 0.04])
    bets = betting_p_value(0.05 - loss, -0.95, DELTA) <= DELTA
    others = [hoeffding_bentkus(m, 1_000, 0.525) <= DELTA for m in (loss.mean(axis=1) + 1) / 2]
    assert bets.mean() > 0.9 > 0.05 > np.mean(others)


@pytest.mark.parametrize("n", [10, 150, 2_000])
@pytest.mark.parametrize("shares", [(0.05, 0.10), (0.01, 0.03), (0.0, 0.02)])
def test_a_test_at_the_very_limit_errs_as_often_as_it_may(n, shares):
    better, worse = shares
    rng = np.random.default_rng(n)
    draws = rng.choice([-1.0, 0.0, 1.0], (4_000, n), p=[better, 1 - better - worse, worse])
    p_value = betting_p_value(worse - better - draws, worse - better - 1.0, DELTA)
    assert (p_value <= DELTA).mean() <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / 4_000)


def test_the_test_is_nearly_as_sharp_as_a_normal_one():
    rng = np.random.default_rng(2)
    draws = rng.choice([-1.0, 0.0, 1.0], (1_000, 2_000), p=[0.05, 0.85, 0.10])
    limit = 0.05 + 2.5 * draws.std() / math.sqrt(2_000)  # a normal test passes 80 times in 100
    assert 0.7 < (betting_p_value(limit - draws, limit - 1.0, DELTA) <= DELTA).mean() < 0.85


@pytest.mark.parametrize("limit", [0.02, 0.06, 0.08])
def test_as_many_queries_as_needed_do_and_a_third_does_not(limit):
    rng = np.random.default_rng(3)
    values, chance = np.array([-1.0, 0.0, 1.0]), [0.02, 0.955, 0.025]
    seen = rng.choice(values, 100_000, p=chance)
    need = betting_need(limit - seen, limit - 1.0, DELTA)

    def passes(n):
        draws = rng.choice(values, (400, n), p=chance)
        return (betting_p_value(limit - draws, limit - 1.0, DELTA) <= DELTA).mean()

    assert passes(int(need)) > 0.7
    assert passes(int(need / 3)) < 0.6


def test_needed_counts_do_and_none_is_named_where_none_would():
    n = int(binomial_need(0.1, 0.15, DELTA))
    most = binom.ppf(DELTA, n, 0.15) - 1
    assert binom.cdf(most + 1, n, 0.1) > 0.75
    assert binomial_need(0.0, 0.05, DELTA) == pytest.approx(59, rel=0.02)
    assert math.isnan(binomial_need(0.15, 0.15, DELTA))
    assert math.isnan(betting_need(np.array([0.1, -0.2]), -1.0, DELTA))


def test_a_sequence_ends_at_its_first_failure_whatever_follows():
    p_values = np.array([0.01] * 40 + [0.2] + [0.01] * 40)
    n_passed, seen = fixed_sequence(lambda some: p_values[some], np.arange(81), DELTA)
    assert n_passed == 40
    assert len(seen) < 81
    assert fixed_sequence(lambda some: 0 * some, np.arange(5), DELTA)[0] == 5


# The split and the grid


def test_a_text_stands_in_one_part_and_once_only():
    clusters = np.random.default_rng(0).integers(0, 200, 500)
    parts = split_of(clusters, seed=3)
    drawn = clusters[np.concatenate(parts)]
    assert sorted(drawn) == sorted(set(clusters))
    assert len(parts.pilot) == round(0.1 * len(drawn))
    assert abs(len(parts.calibration) - len(parts.held_out)) <= 1
    again, other = split_of(clusters, seed=3), split_of(clusters, seed=4)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))
    assert (parts.calibration != other.calibration).any()


def test_large_clusters_are_in_no_part_more_often():
    clusters = np.concatenate([np.repeat(np.arange(20), 20), np.arange(20, 100)])
    in_pilot = [(clusters[split_of(clusters, seed).pilot] < 20).mean() for seed in range(400)]
    assert np.mean(in_pilot) == pytest.approx(0.2, abs=0.02)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=300))
def test_grid_thresholds_lie_strictly_between_scores(scores):
    scores = np.array(scores, dtype=np.float32)
    grid = threshold_grid(scores)
    assert (np.diff(grid) > 0).all()
    assert grid[-1] == NEVER
    assert len(grid) <= 100
    assert not np.isin(grid, scores.astype(np.float64)).any()
    for threshold in grid:
        kept = ScoredOutcomes(scores, scores, scores).kept(threshold)
        assert (kept == ~calls_strong(scores, threshold)).all()
        assert kept.any()


# How it held


def test_equal_losses_are_no_proof_that_there_are_no_others():
    n, alike = 270, np.full(270, 0.7)
    rows, kept = ScoredOutcomes(alike, alike, alike), np.ones(270, dtype=bool)
    most = 1 - 0.025 ** (1 / n)  # which a share can be of which none was seen
    lost, interval = achieved_of(GuaranteeTarget("lose", 0.02), rows, kept, SCALE)
    assert lost == 0.0
    assert interval == pytest.approx((-most, most))
    lost, interval = achieved_of(GuaranteeTarget("lose", 0.02), rows, kept, Interval(0.0, 10.0))
    assert interval == pytest.approx((-10 * most, 10 * most))
    worse = rows._replace(quality_weak=alike - 0.5)
    lost, interval = achieved_of(GuaranteeTarget("lose", 0.02), worse, kept, SCALE)
    assert interval == pytest.approx((0.5 - 1.5 * most, 0.5 + 0.5 * most))
    share, interval = achieved_of(GuaranteeTarget("keep", 0.95), rows, kept, SCALE)
    assert share == 1.0
    assert interval == pytest.approx((1 - most / 0.7, 1 + most / 0.7))


@pytest.mark.parametrize("promise", PROMISES[:2], ids=lambda p: p.kind)
@pytest.mark.parametrize("share", [0.002, 0.005, 0.01])
def test_a_rare_loss_lies_in_the_interval_of_draws_that_hold_none(promise, share):
    n, rng = 200, np.random.default_rng(7)
    strong, kept = np.ones(n), np.ones(n, dtype=bool)
    truth = share if promise.kind == "lose" else 1 - share
    holds = []
    for _ in range(400):
        weak = np.where(rng.random(n) < share, 0.0, 1.0)
        low, high = achieved_of(promise, ScoredOutcomes(strong, weak, strong), kept, SCALE)[1]
        holds.append(low <= truth <= high)
    assert np.mean(holds) > 0.95


# What is found


def invented(rng, n):
    """Scores that know something: the higher, the likelier the weak model alone fails."""
    score = rng.beta(4, 4, n).astype(np.float32)
    strong = rng.random(n) < 0.85
    weak = np.where(strong, rng.random(n) > 0.6 * score**2, rng.random(n) < 0.3)
    return score, weak.astype(float), strong.astype(float)


@pytest.fixture
def queries(rng):
    return invented(rng, 6_000)


def test_the_tested_threshold_is_the_one_returned_and_its_figures_are_those_of_its_rows(queries):
    score, weak, strong = queries
    for promise in PROMISES:
        found = certify(*queries, promise, seed=1)
        assert found.is_reached
        parts = split_of(np.arange(len(score)), 1)
        sequence = threshold_grid(score[parts.pilot])
        assert found.threshold in sequence  # every digit
        assert found.stopped_at == sequence[list(sequence).index(found.threshold) + 1]
        assert found.p_value <= DELTA < found.stopped_p_value
        rows = ScoredOutcomes(score, weak, strong).at(parts.held_out)
        routed = np.where(calls_strong(rows.strong_win_rate, found.threshold), rows[2], rows[1])
        kept = rows.kept(found.threshold)
        wanted = {
            "keep": routed.mean() / rows.quality_strong.mean(),
            "lose": (rows.quality_strong - routed).mean(),
            "miss": ((rows.quality_weak < rows.quality_strong) & kept).sum() / max(kept.sum(), 1),
        }
        assert found.achieved == pytest.approx(wanted[promise.kind])
        assert found.achieved_interval.low < found.achieved < found.achieved_interval.high
        assert found.strong_call_share == pytest.approx(1 - kept.mean())
        assert found.n_pilot + found.n_calibration + found.n_held_out == len(score)


def test_the_held_out_labels_and_the_pilots_change_nothing_of_the_choice(queries):
    score, weak, strong = queries
    parts = split_of(np.arange(len(score)), 0)
    others = np.concatenate([parts.pilot, parts.held_out])
    for promise in PROMISES:
        found = certify(score, weak, strong, promise)
        weak_turned = weak.copy()
        weak_turned[others] = 1 - weak_turned[others]
        turned = certify(score, weak_turned, strong, promise)
        assert turned.threshold == found.threshold
        assert turned.p_value == found.p_value
        assert turned.achieved != found.achieved


@pytest.mark.parametrize(
    ("kind", "limits"), [("keep", (0.97, 0.93, 0.88)), ("lose", (0.01, 0.04, 0.09))]
)
def test_asking_less_never_costs_more(queries, kind, limits):
    shares = [certify(*queries, GuaranteeTarget(kind, x)).strong_call_share for x in limits]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
    bounds = [certify(*queries, GuaranteeTarget(kind, x)).bound for x in limits]
    assert all(b >= x if kind == "keep" else b <= x for b, x in zip(bounds, limits, strict=True))


def test_more_confidence_never_costs_less(queries):
    deltas = (0.3, 0.1, 0.01)
    for promise in PROMISES:
        shares = [certify(*queries, promise, delta=d).strong_call_share for d in deltas]
        assert shares == sorted(shares)


def test_a_scale_from_1_to_10_is_the_same_promise_stretched(queries):
    score, weak, strong = queries
    found = certify(score, weak, strong, GuaranteeTarget("lose", 0.04))
    stretched = certify(
        score,
        1 + 9 * weak,
        1 + 9 * strong,
        GuaranteeTarget("lose", 0.36),
        quality_low=1.0,
        quality_high=10.0,
    )
    assert stretched.threshold == found.threshold
    assert stretched.achieved == pytest.approx(9 * found.achieved)
    assert stretched.bound == pytest.approx(9 * found.bound)


def test_always_weak_is_certified_where_it_is_as_good(rng):
    score = rng.random(2_000)
    quality = (rng.random(2_000) < 0.7).astype(float)
    found = certify(score, quality, quality, GuaranteeTarget("lose", 0.02))
    assert found.threshold == NEVER
    assert math.isnan(found.stopped_at)
    assert (found.strong_call_share, found.achieved) == (0.0, 0.0)
    assert "The strong model is never called" in certificate_sentence(found, "share right")


def test_constant_scores_leave_one_threshold(rng):
    _, weak, strong = invented(rng, 1_000)
    found = certify(np.full(1_000, 0.5), weak, strong, GuaranteeTarget("lose", 0.3))
    assert (found.threshold, found.n_thresholds) == (NEVER, 1)
    out_of_reach = certify(np.full(1_000, 0.5), weak, strong, GuaranteeTarget("lose", 0.0))
    assert (out_of_reach.n_passed, out_of_reach.stopped_at) == (0, NEVER)


def test_too_few_labels_name_how_many_would_do():
    needs, wanted = [], GuaranteeTarget("lose", 0.005)
    for seed in range(20):
        found = certify(*invented(np.random.default_rng(seed), 1_000), wanted)
        assert not found.is_reached
        assert np.isnan([found.threshold, found.achieved, found.strong_call_share]).all()
        said = certificate_sentence(found, "share right")
        assert "a loss of at most 0.5 points against always strong" in said
        assert said.startswith(("450 calibration queries are too few to guarantee", "No threshold"))
        needs.append(found.n_needed)
    need = np.nanmedian(needs)
    assert 450 < need < 4_500

    def reached(n_calibration):
        n = round(n_calibration / 0.45)
        draws = (invented(np.random.default_rng(seed), n) for seed in range(60))
        return np.mean([certify(*draw, wanted).is_reached for draw in draws])

    assert reached(need) > 0.6
    assert reached(need / 3) < 0.3


def test_what_no_number_of_labels_would_reach_is_said_so(queries):
    found = certify(*queries, GuaranteeTarget("miss", 0.01))
    assert not found.is_reached
    assert math.isnan(found.n_needed)
    n = found.n_calibration
    assert f"Even the first threshold fails on {n:,} calibration queries" in certificate_sentence(
        found, "share right"
    )
    assert "more queries would not help" in certificate_sentence(found, "share right")


def test_a_narrow_failure_does_not_invite_to_draw_seeds(queries):
    found = certify(*queries, GuaranteeTarget("miss", 0.01))
    said = certificate_sentence(replace(found, n_needed=found.n_calibration - 1.0), "share right")
    assert "as many new queries may do, another seed on the same ones proves nothing" in said
    assert "another draw" not in said


@given(st.floats(1e-9, 1.0))
def test_the_threshold_that_is_read_is_never_above_the_tested_one(threshold):
    read = float(alpha_words(threshold))
    assert threshold * (1 - 1e-5) <= read <= threshold


def test_the_threshold_that_is_read_keeps_the_queries_of_the_tested_one(queries):
    score = queries[0].astype(np.float64)
    for promise in PROMISES:
        found = certify(*queries, promise)
        said = certificate_sentence(found, "share right")
        read = float(said.split("α = ")[1].split(" ")[0])
        assert read <= found.threshold
        assert (score < read).sum() == (score < found.threshold).sum()
    high = certificate_sentence(replace(found, threshold=0.48799999), "share right")
    assert "α = 0.487999 sends " in high


def test_only_the_checkpoint_of_one_fold_is_kept_and_the_words_say_so():
    assert "router you export: it never saw fold 0" in about("fold", 0)
    assert "not kept" not in about("fold", 0)
    assert "router that never saw fold 3" in about("fold", 3)
    assert "that router is not kept" in about("fold", 3)


def test_what_a_certificate_holds_for_is_a_word_that_programs_can_read():
    assert scope_of(5) == "method"
    assert scope_of(0) == "checkpoint"
    assert scope_of(5, 0) == scope_of(0, 3) == "fold"
    assert len({about("method"), about("checkpoint"), about("fold", 0), about("fold", 3)}) == 4


@pytest.mark.parametrize("result", [Certificate, CheckpointCertificate, SelectedThreshold])
def test_no_result_holds_a_sentence(result):
    assert not {"words", "about", "sentence", "rests_on"} & set(dir(result))
    assert not {"words", "about", "sentence"} & set(result.__annotations__)


def test_nothing_is_said_about_a_handful_of_kept_queries(rng):
    found = certify(*invented(rng, FEWEST_KEPT * 2), GuaranteeTarget("miss", 0.9))
    assert found.stopped_p_value == 1.0
    assert not found.is_reached


@pytest.mark.parametrize(
    ("promise", "settings", "said"),
    [
        (GuaranteeTarget("lose", 0.02), {"delta": 0.0}, "not between 0 and 1"),
        (GuaranteeTarget("lose", 0.02), {"delta": 1.0}, "not between 0 and 1"),
        (GuaranteeTarget("lose", 0.02), {"delta": math.nan}, "not between 0 and 1"),
        (GuaranteeTarget("lose", 0.02), {"seed": -1}, "a seed of -1"),
        (GuaranteeTarget("lose", -0.1), {}, "losing at most -0.1"),
        (GuaranteeTarget("lose", 1.0), {}, "losing at most 1"),
        (GuaranteeTarget("lose", math.nan), {}, "losing at most nan"),
        (GuaranteeTarget("keep", 0.0), {}, "keeping 0 "),
        (GuaranteeTarget("keep", 95.0), {}, "keeping 95 "),
        (GuaranteeTarget("keep", 0.05), {"quality_low": 1.0, "quality_high": 10.0}, "above 0.1"),
        (GuaranteeTarget("keep", 0.9), {"quality_low": -1.0}, "below 0"),
        (GuaranteeTarget("miss", 0.0), {}, "missing at most"),
        (GuaranteeTarget("miss", 1.0), {}, "missing at most"),
        (GuaranteeTarget("lose", 0.02), {"quality_high": 0.5}, "outside the scale"),
    ],
)
def test_what_is_no_promise_is_refused_in_a_sentence(queries, promise, settings, said):
    with pytest.raises(DataError, match=said):
        certify(*queries, promise, **settings)


def test_rows_on_which_no_promise_can_rest_are_refused(queries):
    promise = GuaranteeTarget("lose", 0.1)
    for i, name in enumerate(("strong_win_rate", "quality_weak", "quality_strong")):
        broken = [column.copy() for column in queries]
        broken[i][7] = np.nan
        with pytest.raises(DataError, match=f"{name} holds 1 values that are NaN"):
            certify(*broken, promise)
    with pytest.raises(DataError, match="one value each"):
        certify(queries[0], queries[1][:-1], queries[2], promise)
    few = [column[: FEWEST_QUERIES - 1] for column in queries]
    with pytest.raises(DataError, match="19 distinct queries are too few"):
        certify(*few, promise)
    with pytest.raises(DataError, match="1 distinct queries are too few"):
        certify(*queries, promise, cluster_code=np.zeros(6_000, dtype=int))


# How often a promise is broken


def naive(score, weak, strong, promise, seed):
    """The threshold whose point estimate on the calibration split just meets the promise."""
    parts = split_of(np.arange(len(score)), seed)
    rows = ScoredOutcomes(score, weak, strong).at(parts.calibration)
    meets = [
        threshold
        for threshold in threshold_grid(score[parts.pilot])
        if is_kept(promise, achieved_of(promise, rows, rows.kept(threshold), SCALE)[0])
    ]
    return meets[-1] if meets else math.nan


def is_kept(promise, value):
    return value >= promise.limit if promise.kind == "keep" else value <= promise.limit


def rates(population, promise, n, n_draws, choose=None):
    """Share of draws of n queries whose threshold breaks the promise, and that reach any."""
    score, weak, strong = population
    rows = ScoredOutcomes(*population)
    broken, reached = [], []
    for seed in range(n_draws):
        drawn = np.random.default_rng(10_000 + seed).choice(len(score), n, replace=False)
        some = score[drawn], weak[drawn], strong[drawn]
        if choose is None:
            threshold = certify(*some, promise, delta=DELTA, seed=seed).threshold
        else:
            threshold = choose(*some, promise, seed)
        reached.append(not math.isnan(threshold))
        truth = achieved_of(promise, rows, rows.kept(threshold), SCALE)[0]
        broken.append(reached[-1] and not is_kept(promise, truth))
    return np.mean(broken), np.mean(reached)


def allowed(n_draws):
    return DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / n_draws)


@pytest.fixture(scope="session")
def mmlu(built_store):
    """Scores of mf out of fold and both qualities; the whole set stands for the truth."""
    with Store(built_store, read_only=True) as store:
        pair = default_pair(store, "mmlu")
        outcomes = store.pair_outcomes("mmlu", pair)
        scores = store.strong_win_rates("mmlu", pair, "mf-golden", "in_domain")
    return scores, outcomes.quality_weak, outcomes.quality_strong


@pytest.fixture(scope="session")
def made_up():
    return invented(np.random.default_rng(5), 300_000)


# A limit on a plateau, where a wrong choice is likeliest, of promises that are mostly reached.
ON_MMLU = (
    GuaranteeTarget("keep", 0.9),
    GuaranteeTarget("lose", 0.05),
    GuaranteeTarget("miss", 0.16),
)
MADE_UP = PROMISES


@pytest.mark.parametrize("promise", ON_MMLU, ids=lambda p: p.kind)
def test_on_mmlu_a_promise_is_seldom_broken(mmlu, promise):
    broken, reached = rates(mmlu, promise, 1_500, 200)
    assert broken <= allowed(200)
    assert reached > 0.3


@pytest.mark.parametrize("promise", MADE_UP, ids=lambda p: p.kind)
def test_on_invented_queries_a_promise_is_seldom_broken(made_up, promise):
    broken, reached = rates(made_up, promise, 1_500, 200)
    assert broken <= allowed(200)
    assert reached > 0.3


@pytest.mark.parametrize("promise", ON_MMLU, ids=lambda p: p.kind)
def test_a_choice_by_the_point_estimate_breaks_it_far_more_often(mmlu, promise):
    broken, _ = rates(mmlu, promise, 1_500, 60, naive)
    assert broken > 3 * allowed(60) / 2
    assert broken > 0.25


@pytest.mark.slow
@pytest.mark.parametrize("promise", ON_MMLU, ids=lambda p: p.kind)
def test_on_mmlu_in_a_thousand_draws(mmlu, promise):
    assert rates(mmlu, promise, 2_500, 1_000)[0] <= allowed(1_000)


@pytest.mark.slow
@pytest.mark.parametrize("promise", MADE_UP, ids=lambda p: p.kind)
def test_on_invented_queries_in_a_thousand_draws(made_up, promise):
    assert rates(made_up, promise, 2_500, 1_000)[0] <= allowed(1_000)


# The command line


def run_certify(store, capsys, *arguments):
    code = main(["certify", "--store", str(store), *arguments])
    return code, *capsys.readouterr()


def test_certify_prints_what_the_function_finds(built_store, capsys, mmlu):
    arguments = ("--router", "mf", "--benchmark", "mmlu", "--lose", "2", "--seed", "5")
    code, out, err = run_certify(built_store, capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    with Store(built_store, read_only=True) as store:
        codes = store.pair_outcomes("mmlu", default_pair(store, "mmlu")).cluster_code
    found = certify(*mmlu, GuaranteeTarget("lose", 0.02), cluster_code=codes, seed=5)
    assert document["threshold"] == found.threshold
    assert document["promise"] == {"kind": "lose", "limit": 0.02}
    assert document["achieved_interval"] == list(found.achieved_interval)
    assert (document["router"], document["view"]) == ("mf", "in_domain")
    assert document["scope"] == "method"
    assert document["about"] == about("method")
    assert "trained on all queries" in document["about"]
    assert "at most 2 points are lost" in document["words"]
    code, out, _ = run_certify(built_store, capsys, *arguments)
    assert code == 0
    assert repr(found.threshold) in out


def test_certify_tells_a_checkpoint_that_never_saw_the_queries(built_store, capsys):
    arguments = ("--router", "mf", "--recipe", "chat", "--benchmark", "mmlu", "--keep", "0.9")
    _, out, _ = run_certify(built_store, capsys, *arguments)
    assert about("checkpoint") in out


def test_points_are_the_benchmarks_own_where_it_is_judged(built_store, capsys):
    arguments = ("--router", "mf", "--benchmark", "mt_bench", "--lose", "0.3", "--json")
    _, out, _ = run_certify(built_store, capsys, *arguments)
    document = json.loads(out)
    assert document["promise"]["limit"] == 0.3
    assert document["is_reached"] is False
    assert document["threshold"] is None


def test_certify_refuses_what_is_no_promise_with_code_2(built_store, capsys):
    arguments = ("--router", "mf", "--benchmark", "mmlu", "--keep", "95")
    code, out, err = run_certify(built_store, capsys, *arguments)
    assert (code, out) == (2, "")
    assert "keeping 95" in err


@pytest.mark.parametrize(("kind", "limit"), [("keep", 0.9), ("lose", 0.05), ("miss", 0.05)])
def test_held_out_queries_that_break_the_guarantee_are_said_to_do_so(queries, kind, limit):
    found = certify(*queries, GuaranteeTarget(kind, limit))
    broken = limit - 0.01 if kind == "keep" else limit + 0.01
    kept = limit + 0.01 if kind == "keep" else limit - 0.01
    for achieved, is_broken in ((broken, True), (kept, False)):
        said = certificate_sentence(
            replace(found, threshold=0.4, n_passed=3, achieved=achieved), "share right"
        )
        assert ("not what is promised" in said) == is_broken
