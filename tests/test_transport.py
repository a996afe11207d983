import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routellm_core.errors import DataError
from routellm_core.evaluation.traffic import transport
from routellm_core.evaluation.traffic.sentences import caution
from routellm_core.evaluation.traffic.transport import effective_n, similarity_weights, transported
from routellm_core.evaluation.traffic.two_sample import two_sample
from routellm_core.metrics.curve import apgr, operating_point, routing_curve
from routellm_core.types import ModelPair, PairOutcomes


def outcomes_of(weak, strong, *, clusters=None, tokens_weak=None, tokens_strong=None):
    n = len(weak)
    unknown = np.full(n, np.nan)
    return PairOutcomes(
        benchmark_id="invented",
        model_pair=ModelPair("small", "large"),
        query_id=np.array([f"q{i}" for i in range(n)], dtype=object),
        slice_code=np.zeros(n, dtype=np.int64),
        slices=("all",),
        cluster_code=np.arange(n) if clusters is None else clusters,
        quality_weak=np.asarray(weak, dtype=float),
        quality_strong=np.asarray(strong, dtype=float),
        prompt_tokens=unknown,
        answer_tokens_weak=unknown if tokens_weak is None else tokens_weak,
        answer_tokens_strong=unknown if tokens_strong is None else tokens_strong,
    )


CENTRES = np.eye(8)[:4] * 3
RIGHT_WEAK = np.array([0.9, 0.7, 0.3, 0.2])
RIGHT_STRONG = np.array([0.95, 0.9, 0.85, 0.4])


def traffic(rng, n, shares):
    """Queries around four centres: embeddings, scores and outcomes that depend on the centre."""
    centre = rng.choice(4, n, p=shares)
    embeddings = CENTRES[centre] + rng.normal(0, 0.3, (n, 8))
    scores = (RIGHT_STRONG - RIGHT_WEAK)[centre] / 2 + rng.uniform(0, 0.2, n)
    weak = rng.random(n) < RIGHT_WEAK[centre]
    return embeddings, scores, weak, rng.random(n) < RIGHT_STRONG[centre]


def carried(seed, n_benchmark=2_000, n_own=600, **options):
    """A benchmark with few of the queries that the own traffic is full of, and that traffic."""
    rng = np.random.default_rng(seed)
    x, score, weak, strong = traffic(rng, n_benchmark, [0.55, 0.35, 0.05, 0.05])
    own = traffic(rng, n_own, [0.1, 0.1, 0.3, 0.5])
    names = [[f"{side} {i}" for i in range(n)] for side, n in (("b", n_benchmark), ("o", n_own))]
    tested = two_sample(own[0], x, names[1], names[0])
    found = transported(outcomes_of(weak, strong), score, x, own[1], own[0], tested, **options)
    return found, own


def test_a_known_reweighting_is_recovered_within_its_interval_where_the_plain_mean_is_far_off():
    held = []
    for seed in range(12):
        found, (_, own_score, weak, strong) = carried(seed, n_resamples=300)
        curve = routing_curve(own_score, weak, strong)
        plain = found.outcomes.quality_weak.mean()
        for alpha in (0.2, 0.3):
            reading, truth = found.at(alpha), operating_point(curve, alpha)
            assert reading.strong_call_share == truth.strong_call_share
            pairs = [
                (reading.quality, truth.quality),
                (reading.quality_weak, curve.quality[0]),
                (reading.quality_strong, curve.quality[-1]),
                (reading.pgr, truth.pgr),
            ]
            held += [one.interval.low <= true <= one.interval.high for one, true in pairs]
        assert abs(reading.quality_weak.value - curve.quality[0]) < 0.12
        assert plain - curve.quality[0] > 0.3
    assert np.mean(held) >= 0.85  # 95% are promised of each, and they hang together


def test_alike_traffic_is_read_like_the_benchmark_itself(rng):
    x, score, weak, strong = traffic(rng, 1_500, [0.25] * 4)
    own, own_score, own_weak, own_strong = traffic(rng, 1_500, [0.25] * 4)
    names = [f"q{i}" for i in range(3_000)]
    tested = two_sample(own, x, names[:1_500], names[1_500:])
    found = transported(outcomes_of(weak, strong), score, x, own_score, own, tested)
    assert found.doubts == () and found.covered_share == 1.0 and found.usual_miss == 0.006
    curve = routing_curve(own_score, own_weak, own_strong)
    assert found.apgr.interval.low <= apgr(curve) <= found.apgr.interval.high
    band = found.curve(n_points=21)
    truth = np.interp(band.strong_call_share, curve.strong_call_share, curve.quality)
    assert ((band.quality_low <= truth) & (truth <= band.quality_high)).mean() >= 0.8
    assert band.strong_call_share[[0, -1]].tolist() == [0, 1] and band.threshold[0] == np.inf


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.02, 2), st.integers(0, 2**32 - 1))
def test_weights_are_those_of_a_loop(n, n_own, temperature, seed):
    rng = np.random.default_rng(seed)
    x, own = rng.normal(size=(n, 3)), rng.normal(size=(n_own, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "_BLOCK", 4)
        weight, nearest = similarity_weights(x, own, temperature)
    slow, slow_nearest = np.zeros(n), []
    for query in own:
        cosine = x @ query / np.linalg.norm(x, axis=1) / np.linalg.norm(query)
        kernel = np.exp((cosine - cosine.max()) / temperature)
        slow += kernel / kernel.sum()
        slow_nearest.append(cosine.max())
    np.testing.assert_allclose(weight, slow, rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(nearest, slow_nearest, atol=1e-5)
    assert weight.sum() == pytest.approx(n_own, rel=1e-5)


def test_a_query_that_is_its_own_neighbour_gives_its_weight_to_itself():
    weight, nearest = similarity_weights(np.eye(3), np.eye(3)[[1, 1, 2]], 0.01)
    np.testing.assert_allclose(weight, [0, 2, 1], atol=1e-6)
    np.testing.assert_allclose(nearest, 1)


def test_equal_weights_tell_as_much_as_there_are_queries():
    assert effective_n(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_n(np.array([5.0, 0, 0])) == pytest.approx(1)
    assert effective_n(np.array([2.0, 1.0])) == pytest.approx(9 / 5)
    assert np.isnan(effective_n(np.zeros(3))) and np.isnan(effective_n(np.empty(0)))


def plain(weak, strong, score, own_score, *, weight=None, nearest=None, n_resamples=200, **fields):
    """A benchmark with given weights, beside own queries with given scores."""
    nothing = two_sample(np.empty((0, 2)), np.empty((0, 2)), [], [])
    return transport.Transported(
        outcomes=outcomes_of(weak, strong, **fields),
        strong_win_rate=np.asarray(score),
        own_strong_win_rate=np.asarray(own_score),
        weight=np.ones(len(score)) if weight is None else np.asarray(weight, dtype=float),
        own_nearest=np.ones(len(own_score)) if nearest is None else np.asarray(nearest),
        two_sample=nothing,
        n_resamples=n_resamples,
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_with_equal_weights_and_the_same_scores_it_is_the_benchmarks_own_curve(n, seed):
    rng = np.random.default_rng(seed)
    weak, strong, score = rng.random(n), rng.random(n), rng.integers(0, 5, n) / 5
    found, curve = plain(weak, strong, score, score), routing_curve(score, weak, strong)
    for alpha in (*curve.threshold, -1.0, 0.33):
        truth = operating_point(curve, alpha)
        assert found.expected_quality(alpha) == pytest.approx(truth.quality)
        assert found.at(alpha).strong_call_share == pytest.approx(truth.strong_call_share)
    np.testing.assert_allclose(found.curve().quality, curve.quality)
    if not np.isnan(found.apgr.value):
        assert found.apgr.value == pytest.approx(apgr(curve))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_a_whole_weight_is_so_many_copies_of_a_query(n, seed):
    rng = np.random.default_rng(seed)
    weak, strong, score = rng.random(n), rng.random(n), rng.random(n)
    weight = rng.integers(1, 4, n)
    copied = np.repeat(np.arange(n), weight)
    weighted = plain(weak, strong, score, score, weight=weight)
    copies = plain(weak[copied], strong[copied], score[copied], score)
    for alpha in score:
        assert weighted.expected_quality(alpha) == pytest.approx(copies.expected_quality(alpha))


def test_intervals_are_as_wide_as_theory_says_and_widen_with_fewer_own_queries(rng):
    weak = (rng.random(4_000) < 0.3).astype(float)
    strong = np.ones(4_000)
    score = rng.random(4_000)
    for n_own in (100, 4_000):
        found = plain(weak, strong, score, rng.random(n_own), n_resamples=1_000)
        width = np.ptp(found.at(np.inf).quality.interval)
        assert width == pytest.approx(2 * 1.96 * np.sqrt(0.21 * (1 / 4_000 + 1 / n_own)), rel=0.12)


def test_clusters_are_drawn_together(rng):
    weak = np.repeat((rng.random(100) < 0.5).astype(float), 20)
    score, own = rng.random(2_000), rng.random(50_000)
    alone = plain(weak, weak, score, own, n_resamples=400)
    together = plain(
        weak, weak, score, own, n_resamples=400, clusters=np.repeat(np.arange(100), 20)
    )
    ratio = np.ptp(together.at(2.0).quality.interval) / np.ptp(alone.at(2.0).quality.interval)
    assert 3.6 < ratio < 5.3  # the root of 20 is 4.5


def test_the_seed_settles_the_intervals(rng):
    weak, strong, score = rng.random((3, 50))
    one, same = (plain(weak, strong, score, score) for _ in range(2))
    assert one.at(0.5) == same.at(0.5)


def test_no_gap_leaves_no_pgr():
    found = plain([0.5] * 30, [0.5] * 30, np.linspace(0, 1, 30), [0.2, 0.8])
    reading = found.at(0.5)
    assert np.isnan([reading.pgr.value, *reading.pgr.interval, found.apgr.value]).all()
    assert reading.quality.value == 0.5


def test_a_gap_that_may_be_nothing_leaves_no_pgr_either(rng):
    found = plain(*rng.random((3, 40)), [0.2, 0.8])
    reading = found.at(0.5)
    assert reading.quality_weak.value != reading.quality_strong.value
    assert np.isnan(reading.pgr.value) and np.isnan(found.apgr.value)


def test_tokens_are_those_of_the_answers_that_are_given():
    found = plain(
        [0, 0, 0, 0],
        [1, 1, 1, 1],
        [0.9, 0.8, 0.2, 0.1],
        [0.9, 0.1],
        weight=[1, 1, 1, 3],
        tokens_weak=np.array([1.0, 2, 30, 50]),
        tokens_strong=np.array([100.0, np.nan, 500, 900]),
    )
    half = found.at(0.5)  # three of the six by weight
    assert half.strong_call_share == 0.5
    assert half.answer_tokens_weak == 50 and half.answer_tokens_strong == 300
    assert np.isnan(found.at(np.inf).answer_tokens_strong)
    assert found.at(np.inf).answer_tokens_weak == pytest.approx((1 + 2 + 30 + 150) / 6)


def test_what_nobody_counted_stays_unknown(rng):
    found = plain(*rng.random((3, 9)), [0.5])
    assert np.isnan(found.at(0.5).answer_tokens_strong)
    with pytest.raises(ValueError, match="NaN"):
        found.at(float("nan"))


def test_a_far_traffic_is_called_a_guess_and_says_why(rng):
    x, own = rng.normal(-1, 0.3, (200, 6)), rng.normal([1] + [0] * 5, 0.1, (60, 6))
    tested = two_sample(own, x, [f"o{i}" for i in range(60)], [f"b{i}" for i in range(200)])
    weak, strong, score = rng.random((3, 200))
    found = transported(outcomes_of(weak, strong), score, x, rng.random(60), own, tested)
    assert found.covered_share == 0.0
    assert caution(found).startswith("This is a guess: a classifier tells own queries")
    assert "off by 11% of the scale" in caution(found) and found.usual_miss == 0.106
    assert "only 0% of the own queries" in caution(found)


def test_few_own_queries_are_called_a_guess(rng):
    found = plain(*rng.random((3, 500)), [0.5] * 3, nearest=[0.9, 0.2, 0.7])
    assert found.covered_share == pytest.approx(2 / 3)
    assert "only 0 different queries" in caution(found) and "rests on" not in caution(found)
    assert np.isnan(found.usual_miss)
    narrow = plain(*rng.random((3, 50)), [0.5], weight=[1.0] + [0.0] * 49)
    assert "rests on about 1 queries" in caution(narrow)


def test_what_does_not_fit_together_is_said(rng):
    x = rng.normal(size=(30, 4))
    names = [f"q{i}" for i in range(30)]
    tested = two_sample(x, x, names, names)
    outcomes, score = outcomes_of(*rng.random((2, 30))), rng.random(30)

    def carry(score=score, x=x, own_score=score, own=x):
        return transported(outcomes, score, x, own_score, own, tested)

    with pytest.raises(DataError, match="there are no own queries"):
        carry(own_score=score[:0], own=x[:0])
    with pytest.raises(DataError, match="have no score"):
        carry(own_score=np.where(score > 0.5, np.nan, score))
    with pytest.raises(DataError, match="scores of own queries"):
        carry(own_score=score[:3])
    with pytest.raises(DataError, match="outcomes"):
        carry(score=score[:9], x=x[:9])
    with pytest.raises(DataError, match="same embedder"):
        carry(own=x[:, :2])
