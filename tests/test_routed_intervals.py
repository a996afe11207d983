import numpy as np
import pytest

from routellm_core.metrics.curve import calls_strong, rank_queries
from routellm_core.statistics.curve_bands import clustered_share_band, ratio_band, share_band
from routellm_core.statistics.intervals import mean_interval
from routellm_core.statistics.risk_bounds import binomial_interval


@pytest.fixture(params=range(8))
def invented(request):
    """Scores with ties, costs of both models, and clusters of some queries."""
    rng = np.random.default_rng(request.param)
    n = int(rng.integers(2, 200))
    scores = rng.integers(0, max(2, n // 2), n) / n
    weak, strong = rng.gamma(2.0, size=n), 9 + 3 * rng.gamma(3.0, size=n)
    codes = rng.permutation(n) if request.param % 2 else rng.integers(0, max(2, n // 3), n)
    return rank_queries(scores.astype(np.float32)), scores.astype(np.float32), weak, strong, codes


def routed_at(ranking, scores, weak, strong):
    for i, threshold in enumerate(ranking.threshold):
        yield i, np.where(calls_strong(scores, threshold), strong, weak)


def test_the_band_of_a_mean_is_the_interval_of_each_mean(invented):
    ranking, scores, weak, strong, codes = invented
    band = ratio_band(ranking, weak, strong, cluster_code=codes)
    for i, routed in routed_at(ranking, scores, weak, strong):
        assert (band.low[i], band.high[i]) == pytest.approx(mean_interval(routed, codes), abs=1e-6)


def test_the_band_of_a_ratio_is_that_of_its_linear_part(invented):
    ranking, scores, weak, strong, codes = invented
    band = ratio_band(ranking, weak, strong, strong, cluster_code=codes)
    for i, routed in routed_at(ranking, scores, weak, strong):
        ratio = routed.mean() / strong.mean()
        low, high = mean_interval(routed - ratio * strong, codes)
        found = band.low[i] - ratio, band.high[i] - ratio
        assert found == pytest.approx((low / strong.mean(), high / strong.mean()), abs=1e-6)
    assert band.high[-1] - band.low[-1] == pytest.approx(0, abs=1e-6)  # always strong costs itself


def test_the_band_of_the_share_is_exact_for_a_count(invented):
    ranking = invented[0]
    n = len(ranking.order)
    band = share_band(ranking.n_strong, n)
    for i, k in enumerate(ranking.n_strong):
        assert (band.low[i], band.high[i]) == pytest.approx(binomial_interval(int(k), n))


def test_texts_that_stand_twice_are_no_further_evidence_of_the_share(rng):
    scores = rng.random(100)
    once = rank_queries(scores)
    twice = rank_queries(np.repeat(scores, 2))
    band = clustered_share_band(twice, np.repeat(np.arange(100), 2))
    exact = share_band(once.n_strong, 100)
    assert band.high - band.low == pytest.approx(exact.high - exact.low, abs=0.03)
    naive = share_band(twice.n_strong, 200)
    assert ((band.high - band.low) > 1.3 * (naive.high - naive.low))[30:70].all()
    for i in (0, -1):
        assert (band.low[i], band.high[i]) == pytest.approx((exact.low[i], exact.high[i]))


def test_the_interval_of_a_clustered_share_holds_its_truth(rng):
    held = []
    for _ in range(1_000):
        codes = rng.integers(0, 120, 300)
        ranking = rank_queries(rng.random(120)[codes])
        i = int(np.searchsorted(-ranking.threshold, -0.4, side="right")) - 1
        low, high = (edge[i] for edge in clustered_share_band(ranking, codes))
        held.append(low <= 0.6 <= high)
    assert np.mean(held) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 1_000))


def test_the_interval_of_a_ratio_holds_its_truth_95_times_of_100():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1_000):
        scores, tokens = rng.random(300), rng.gamma(2.0, size=300)
        ranking = rank_queries(scores)
        band = ratio_band(ranking, tokens, 10 * tokens * (0.5 + scores), 10 * tokens)
        i = int(np.searchsorted(-ranking.threshold, -0.4, side="right")) - 1
        truth = 0.4 * 0.1 + 0.6 * (0.5 + 0.7)  # E over scores below, and from, 0.4
        held += band.low[i] <= truth <= band.high[i]
    assert 930 <= held <= 968


def test_one_query_or_an_unknown_price_has_no_interval():
    ranking = rank_queries(np.array([0.5, 0.5]))
    one = np.ones(2)
    for band in (
        ratio_band(ranking, one, one, cluster_code=np.zeros(2, dtype=np.int64)),
        ratio_band(ranking, one, np.array([1.0, np.nan])),
        ratio_band(ranking, one, one, np.full(2, np.nan)),
    ):
        assert np.isnan(band).all()
