"""Are the verdicts right as often as they say? Known answers, and simulations of size and power."""

import numpy as np
import pytest

from routellm_core.evaluation.comparison import sentences
from routellm_core.evaluation.comparison.verdicts import (
    AtShare,
    PairVerdict,
    calls_at_share,
    verdicts,
)
from routellm_core.metrics.curve import apgr, quality_at_share, rank_queries, routing_curve
from routellm_core.statistics.bootstrap import paired_resamples
from routellm_core.statistics.intervals import percentile_interval
from routellm_core.statistics.significance import queries_needed
from routellm_core.types import Interval


def draw_rivals(rng, n, more_noise=0.0):
    """Two routers that see the need of the strong model through noises of their own."""
    need = rng.random(n)
    routers = {
        "one": need + rng.normal(0.0, 0.3, n),
        "other": need + rng.normal(0.0, 0.3 + more_noise, n),
    }
    weak = (rng.random(n) > 0.2 + 0.5 * need).astype(float)
    strong = (rng.random(n) > 0.2).astype(float)
    return routers, weak, strong


def words_of(verdict):
    return sentences.verdict(verdict._asdict() | {"kind": verdict.kind, "amount": verdict.amount})


def share_found_different(n, n_draws, seed, **further):
    """How often a verdict, and how often McNemar's test, sees a difference at 5%."""
    rng = np.random.default_rng(seed)
    seen = []
    for i in range(n_draws):
        (found,) = verdicts(*draw_rivals(rng, n, **further), n_resamples=200, seed=i)
        seen.append((found.p_value < 0.05, found.at_share.p_value < 0.05))
    return np.mean(seen, axis=0)


def test_of_equally_good_routers_few_appear_different():
    by_area, by_count = share_found_different(300, 400, seed=1)
    assert by_area == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))
    assert by_count < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.slow
@pytest.mark.parametrize("n", [72, 500])
def test_of_equally_good_routers_5_percent_appear_different(n):
    by_area, by_count = share_found_different(n, 3000, seed=n)
    assert 0.03 < by_area < 0.065  # the test is careful where queries are few
    assert by_count < 0.055  # an exact test of whole numbers stays below


@pytest.mark.slow
def test_the_queries_said_to_be_needed_show_the_difference_in_80_percent():
    rng = np.random.default_rng(0)
    routers, weak, strong = draw_rivals(rng, 3_000_000, more_noise=0.4)
    one, other = (
        np.trapezoid(curve.quality, curve.strong_call_share)
        for curve in (routing_curve(scores, weak, strong) for scores in routers.values())
    )
    routers, weak, strong = draw_rivals(rng, 20_000, more_noise=0.4)
    rankings = [rank_queries(scores) for scores in routers.values()]
    ours, theirs = (r.area for r in paired_resamples(rankings, weak, strong, n_resamples=2000))
    n = int(queries_needed(20_000, one - other, (ours - theirs).std(ddof=1)))
    by_area, _ = share_found_different(n, 600, seed=2, more_noise=0.4)
    assert by_area == pytest.approx(0.8, abs=0.06)
    by_area, _ = share_found_different(n // 2, 600, seed=3, more_noise=0.4)
    assert by_area < 0.65


def test_every_pair_once_the_better_router_first(rng):
    n = 400
    _, weak, strong = draw_rivals(rng, n)
    gain = strong - weak
    routers = {
        "blind": rng.random(n),
        "sharp": gain + rng.normal(0, 0.1, n),
        "dull": gain + rng.normal(0, 2.0, n),
    }
    found = verdicts(routers, weak, strong)
    assert [(v.router, v.over) for v in found] == [
        ("sharp", "dull"),
        ("sharp", "blind"),
        ("dull", "blind"),
    ]
    figures = {k: apgr(routing_curve(s, weak, strong)) for k, s in routers.items()}
    for verdict in found:
        expected = figures[verdict.router] - figures[verdict.over]
        assert verdict.gain == pytest.approx(expected)
        assert verdict.n_queries == n
        assert verdict.adjusted_p_value >= verdict.p_value
        both = [rank_queries(routers[k]) for k in (verdict.router, verdict.over)]
        one, other = paired_resamples(both, weak, strong)
        assert verdict.gain_interval == pytest.approx(
            percentile_interval(one.apgr - other.apgr), abs=1e-6
        )
    assert found[0].is_ahead
    assert words_of(found[0]) == f"`sharp` is ahead of `dull` by {found[0].gain:.3f} APGR"
    assert found[0].n_more == 0.0


def test_copies_of_a_router_are_never_found_different(rng):
    routers, weak, strong = draw_rivals(rng, 300)
    (found,) = verdicts({"a": routers["one"], "b": routers["one"]}, weak, strong)
    assert (found.gain, found.p_value, found.adjusted_p_value) == (0.0, 1.0, 1.0)
    assert words_of(found) == "cannot tell `a` from `b`: no number of queries would show it"
    assert found.at_share.n_only_router == found.at_share.n_only_over == 0
    assert found.at_share.p_value == 1.0


def test_many_rivals_make_a_verdict_harder(rng):
    routers, weak, strong = draw_rivals(rng, 600, more_noise=0.3)
    (alone,) = verdicts(routers, weak, strong)
    crowd = routers | {f"same{i}": routers["one"] for i in range(8)}
    among = next(v for v in verdicts(crowd, weak, strong) if (v.router, v.over) == ("one", "other"))
    assert among.p_value == alone.p_value == alone.adjusted_p_value
    assert among.adjusted_p_value > among.p_value


def test_repeated_queries_are_no_further_evidence(rng):
    routers, weak, strong = draw_rivals(rng, 250, more_noise=0.3)
    (once,) = verdicts(routers, weak, strong)
    fourfold = {name: np.tile(scores, 4) for name, scores in routers.items()}
    (repeated,) = verdicts(
        fourfold,
        np.tile(weak, 4),
        np.tile(strong, 4),
        cluster_code=np.tile(np.arange(250), 4),
    )
    assert repeated.gain == pytest.approx(once.gain, abs=0.01)
    assert repeated.p_value == pytest.approx(once.p_value, rel=0.5)
    counts = repeated.at_share.n_only_router + repeated.at_share.n_only_over
    assert counts <= once.at_share.n_only_router + once.at_share.n_only_over + 5


def test_at_an_equal_share_the_counts_are_those_of_the_routed_answers(rng):
    routers, weak, strong = draw_rivals(rng, 200, more_noise=0.5)
    (found,) = verdicts(routers, weak, strong, strong_call_share=0.25)
    routed = {}
    for name, scores in routers.items():
        most_in_need = np.argsort(-scores)[:50]
        routed[name] = np.where(np.isin(np.arange(200), most_in_need), strong, weak)
    first, second = routed[found.router], routed[found.over]
    at = found.at_share
    assert at.strong_call_share == 0.25
    assert at.n_only_router == ((first == 1) & (second == 0)).sum()
    assert at.n_only_over == ((first == 0) & (second == 1)).sum()
    qualities = [
        quality_at_share(routing_curve(routers[k], weak, strong), 0.25)
        for k in (found.router, found.over)
    ]
    assert at.gain == pytest.approx(qualities[0] - qualities[1])
    assert at.gain_interval.low <= at.gain <= at.gain_interval.high


def test_qualities_that_are_more_than_right_or_wrong_have_no_counts_to_test(rng):
    routers, weak, strong = draw_rivals(rng, 200)
    (found,) = verdicts(routers, weak + 0.5, strong + 0.5)
    assert np.isnan(found.at_share.p_value)
    assert np.isfinite(found.p_value)


def right(rng, n, share):
    """(n,) 0 or 1, a share of them exactly 1."""
    return rng.permutation((np.arange(n) < share * n).astype(float))


@pytest.mark.parametrize("strong_share", [0.6, 0.79, 0.8, 0.802])
def test_whatever_the_gap_the_router_with_the_better_answers_is_ahead(rng, strong_share):
    n = 2000
    weak, strong = right(rng, n, 0.8), right(rng, n, strong_share)
    routers = {"noise": rng.random(n), "good": strong - weak + rng.normal(0, 0.5, n)}
    (found,) = verdicts(routers, weak, strong)
    assert (found.router, found.over) == ("good", "noise")
    assert found.is_ahead
    assert not found.is_gap_clear
    areas = {
        name: np.trapezoid(curve.quality, curve.strong_call_share)
        for name, curve in ((k, routing_curve(s, weak, strong)) for k, s in routers.items())
    }
    assert found.quality_gain == pytest.approx(areas["good"] - areas["noise"])
    low, high = found.quality_gain_interval
    assert 0 < low < found.quality_gain < high
    assert found.at_share.gain > 0
    assert (found.amount, found.amount_interval) == (found.quality_gain, (low, high))
    assert words_of(found) == (
        f"`good` is ahead of `noise` by {found.quality_gain:.3f} in quality, over all "
        "strong-call shares"
    )
    figures = [apgr(routing_curve(routers[k], weak, strong)) for k in ("good", "noise")]
    assert found.gain == pytest.approx(figures[0] - figures[1], nan_ok=True)
    assert np.isnan(found.gain) == (strong_share == 0.8)


def test_a_gap_that_is_rounding_is_none(rng):
    routers, _, _ = draw_rivals(rng, 300)
    weak = rng.random(300)
    strong = weak[rng.permutation(300)]
    (found,) = verdicts(routers, weak, np.append(strong[1:], strong[0]))
    assert np.isnan(found.gain)


def test_chance_splits_equal_scores_and_never_others():
    ranking = rank_queries(np.array([0.1, 0.5, 0.5, 0.9, 0.5]))
    seen = set()
    for seed in range(40):
        called = calls_at_share(ranking, 0.4, seed)
        assert called.sum() == 2
        assert called[3]
        assert not called[0]
        seen.add(tuple(np.flatnonzero(called)))
    assert seen == {(1, 3), (2, 3), (3, 4)}
    assert calls_at_share(ranking, 0.4, 5).tolist() == calls_at_share(ranking, 0.4, 5).tolist()


@pytest.mark.parametrize(
    ("n_more", "said"),
    [(61.2, "61"), (903.0, "900"), (16_412.0, "16,000"), (3.2, "3"), (1_980_000.0, "2,000,000")],
)
def test_the_needed_queries_are_said_in_two_digits(n_more, said):
    at = AtShare(0.5, 0.0, Interval(0, 0), 0, 0, 1.0, 1.0)
    ends = Interval(-0.1, 0.1)
    verdict = PairVerdict("a", "b", 100, 0.01, ends, True, 0.01, ends, 0.4, 0.8, n_more, at)
    assert words_of(verdict) == f"cannot tell `a` from `b`: about {said} more queries would show it"


def test_a_share_outside_the_unit_interval_is_refused(rng):
    with pytest.raises(ValueError, match="outside"):
        verdicts(*draw_rivals(rng, 20), strong_call_share=1.2)
