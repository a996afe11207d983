"""Which router suits: thresholds, figures, verdicts, limits and the sentences about them."""

import json
import math
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.errors import DataError, UnknownNameError, UnreachableError
from routellm_core.evaluation.overhead.latency import latency_at
from routellm_core.evaluation.overhead.router_times import ONE_CORE_SECONDS, usual_time
from routellm_core.evaluation.recommendation import estimates
from routellm_core.evaluation.recommendation.candidates import Candidates, read_candidates
from routellm_core.evaluation.recommendation.limits import Limits, Requirements
from routellm_core.evaluation.recommendation.report import document, recommend
from routellm_core.evaluation.recommendation.sentences import excluded_routers
from routellm_core.evaluation.recommendation.settings import Candidate, RecommendationQueries
from routellm_core.evaluation.recommendation.with_router import N_PARTS, parts_of, router_setting
from routellm_core.evaluation.recommendation.without_router import mixed_setting, single_settings
from routellm_core.metrics.costs import PairCosts, TokenSource
from routellm_core.metrics.curve import calls_strong, rank_queries
from routellm_core.metrics.thresholds import Target
from routellm_core.statistics.bootstrap import curve_intervals
from routellm_core.types import Benchmark, ModelPair, PairLatencies, PairOutcomes, RouterEntry
from tests import oracles

PAIR = ModelPair(weak="small", strong="large")
NAN = math.nan
SHARE, PGR = Target("share", 0.5), Target("pgr", 0.7)


def queries_of(weak, strong, *, usd=(0.001, 0.005), seconds=None, clusters=None, slices=None):
    """Invented queries; `usd` of the weak and the strong answer, the same for all."""
    weak, strong = np.asarray(weak, float), np.asarray(strong, float)
    n = len(weak)
    names = ("all",) if slices is None else tuple(sorted(set(slices)))
    code = np.zeros(n, int) if slices is None else np.array([names.index(s) for s in slices])
    nothing = np.full(n, NAN)
    outcomes = PairOutcomes(
        benchmark_id="b",
        model_pair=PAIR,
        query_id=np.array([f"q{i}" for i in range(n)], dtype=object),
        slice_code=code,
        slices=names,
        cluster_code=np.arange(n) if clusters is None else np.asarray(clusters),
        quality_weak=weak,
        quality_strong=strong,
        prompt_tokens=nothing,
        answer_tokens_weak=nothing,
        answer_tokens_strong=nothing,
    )
    costs = PairCosts(np.full(n, usd[0]), np.full(n, usd[1]), TokenSource("", ""))
    return RecommendationQueries(outcomes, costs, PairLatencies(*(seconds or (nothing, nothing))))


def router(label, scores, seconds=0.03):
    return Candidate(label, label, "mf", "invented", np.float32(scores), seconds, "invented")


def candidates_of(queries, *candidates, unit="share right"):
    card = Benchmark("b", "B", "", "", "user", 0.0, 10.0, unit, "", "")
    return Candidates(card, "in_domain", queries, list(candidates), {})


def world(rng, n, noises, **more):
    """Queries in different need of the strong model, and routers that see it through noise."""
    need = rng.normal(size=n)
    weak = rng.random(n) < 1 / (1 + np.exp(need - 0.5))
    queries = queries_of(weak, rng.random(n) < 0.85, **more)
    return queries, [
        router(f"r{i}", 1 / (1 + np.exp(np.clip(-need - noise * rng.normal(size=n), -50, 50))))
        for i, noise in enumerate(noises)
    ]


FOUR = queries_of([0, 0, 1, 0], [1, 1, 1, 0])
GOOD = router("good", [0.9, 0.8, 0.2, 0.1])
TIED = router("tied", [0.9, 0.5, 0.5, 0.5])


def test_a_share_is_met_by_hand():
    found = router_setting(GOOD, FOUR, SHARE, usd_per_hour=36.0)
    assert found.calls.tolist() == [1, 1, 0, 0]
    assert 0.2 < found.threshold < 0.8
    assert found.figure == found.quality.mean() == 0.75
    assert found.usd.mean() == pytest.approx((0.005 + 0.001) / 2 + 0.03 * 36 / 3600)


def test_equal_scores_move_together():
    found = router_setting(TIED, FOUR, SHARE, 0.0)
    assert found.calls.tolist() == [1, 0, 0, 0]
    everything = router_setting(TIED, FOUR, Target("quality", 0.75), 0.0)
    assert everything.calls.all()


def test_the_routers_own_machine_is_paid_out_of_the_budget():
    budget = Target("budget", 3.0, 1_000)  # 0.003 a query: two strong calls of four, nothing over
    assert router_setting(GOOD, FOUR, budget, 0.0).calls.sum() == 2
    assert router_setting(GOOD, FOUR, budget, 0.01).calls.sum() == 1
    with pytest.raises(UnreachableError):
        router_setting(GOOD, FOUR, budget, 36_000.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_is_the_best_of_all_that_brute_force_finds(seed):
    rng = np.random.default_rng(seed)
    queries, (good,) = world(rng, 60, [1.0])
    good = good._replace(strong_win_rate=np.float32(np.round(good.strong_win_rate, 1)))  # ties
    weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
    points = oracles.curve(good.strong_win_rate, weak, strong)
    usd = {t: 0.001 + 0.004 * share for t, share, _ in points}
    gap = strong.mean() - weak.mean()
    targets = {
        "share": max(share for _, share, _ in points if share <= 0.5),
        "pgr": min(s for _, s, q in points if (q - weak.mean()) / gap >= 0.7 - 1e-9),
        "quality": min(s for _, s, q in points if q >= 0.72),
    }
    for mode, share in targets.items():
        wanted = {"share": 0.5, "pgr": 0.7, "quality": 0.72}[mode]
        found = router_setting(good, queries, Target(mode, wanted), 0.0)
        assert found.calls.mean() == pytest.approx(share)
        assert (found.calls == calls_strong(good.strong_win_rate, found.threshold)).all()
    found = router_setting(good, queries, Target("budget", 3.0, 1_000), 0.0)
    best = max(q for t, _, q in points if usd[t] <= 0.003 + 1e-12)
    routed = np.where(found.calls > 0, strong, weak)
    assert routed.mean() == pytest.approx(best)
    assert found.usd.mean() <= 0.003 + 1e-12


def test_a_held_out_quality_is_that_of_thresholds_chosen_on_the_other_parts(rng):
    queries, (good,) = world(rng, 200, [1.0], clusters=np.arange(200) // 2)
    weak, strong = queries.outcomes.quality_weak, queries.outcomes.quality_strong
    part = parts_of(queries.clusters, seed=3)
    expected = np.empty(200)
    for held_out in range(N_PARTS):
        rest, here = part != held_out, part == held_out
        gap = strong[rest].mean() - weak[rest].mean()
        threshold = next(
            t
            for t, _, q in oracles.curve(good.strong_win_rate[rest], weak[rest], strong[rest])
            if (q - weak[rest].mean()) / gap >= 0.7 - 1e-9
        )
        called = good.strong_win_rate[here] >= threshold
        expected[here] = np.where(called, strong[here], weak[here])
    found = router_setting(good, queries, PGR, 0.0, seed=3)
    assert found.quality.tolist() == expected.tolist()
    in_sample = np.where(found.calls > 0, strong, weak)
    assert router_setting(good, queries, SHARE, 0.0).quality.shape == in_sample.shape
    assert {tuple(part[queries.clusters == c]) for c in range(100)} <= {(p, p) for p in range(5)}


def test_on_average_a_held_out_quality_is_not_above_what_the_threshold_really_gives():
    """In sample the quality of few queries flatters; cross-fitted it does not."""
    rng = np.random.default_rng(11)
    many, (truth,) = world(rng, 400_000, [1.0])
    flattery, honest = [], []
    for _ in range(150):
        queries, (seen,) = world(rng, 100, [1.0])
        found = router_setting(seen, queries, Target("budget", 2.2, 1_000), 0.0)
        called = calls_strong(truth.strong_win_rate, found.threshold)
        outcomes = many.outcomes
        really = np.where(called, outcomes.quality_strong, outcomes.quality_weak).mean()
        own = queries.outcomes
        routed = np.where(found.calls > 0, own.quality_strong, own.quality_weak).mean()
        flattery.append(routed - really)
        honest.append(found.quality.mean() - really)
    standard_error = np.std(flattery) / np.sqrt(len(flattery))
    assert np.mean(flattery) > 2 * standard_error
    assert np.mean(honest) < 2 * standard_error


def test_a_random_mix_serves_each_target_in_the_best_proportion():
    assert mixed_setting(FOUR, SHARE).calls.tolist() == [0.5] * 4
    assert mixed_setting(FOUR, PGR).quality.mean() == pytest.approx(0.25 + 0.7 * 0.5)
    assert mixed_setting(FOUR, Target("quality", 0.5)).calls[0] == pytest.approx(0.5)
    assert mixed_setting(FOUR, Target("quality", 0.2)).calls[0] == 0.0
    assert mixed_setting(FOUR, Target("budget", 4.0, 1_000)).calls[0] == pytest.approx(0.75)
    assert mixed_setting(FOUR, Target("budget", 9.0, 1_000)).calls[0] == 1.0
    reversed_gap = queries_of([1, 1, 1, 0], [1, 0, 0, 0])
    assert mixed_setting(reversed_gap, Target("budget", 9.0, 1_000)).calls[0] == 0.0
    for target in (Target("quality", 0.9), Target("pgr", 1.2), Target("budget", 0.5, 1_000)):
        with pytest.raises(UnreachableError):
            mixed_setting(FOUR, target)
    with pytest.raises(UnreachableError, match="no gap"):
        mixed_setting(reversed_gap, PGR)
    weak, strong = single_settings(FOUR, SHARE)
    assert (weak.quality.mean(), strong.quality.mean()) == (0.25, 0.75)


def test_seconds_are_those_of_latency_at_and_the_interval_holds_the_true_quantile(rng):
    n = 300
    seconds = rng.gamma(4, 0.25, n), rng.gamma(4, 1.0, n)
    seconds[0][:7] = NAN
    queries, (good,) = world(rng, n, [1.0], seconds=seconds)
    setting = router_setting(good, queries, SHARE, 0.0)
    found = estimates.seconds_of(setting, queries)
    known = latency_at(
        good.strong_win_rate, queries.latencies, setting.threshold, router_s=0.03, n_resamples=400
    )
    assert found.n_timed == known.n_queries == n - 7
    assert found.mean.value == pytest.approx(known.mean_s)
    assert found.mean.interval == pytest.approx(known.mean_interval)
    assert found.p95.value == pytest.approx(known.p95_s)
    assert found.p95.interval == pytest.approx(known.p95_interval, abs=0.6)
    covered = 0
    for _ in range(200):
        times = rng.exponential(size=200)
        queries = queries_of(np.zeros(200), np.ones(200), seconds=(times, times))
        low, high = estimates.seconds_of(single_settings(queries, SHARE)[0], queries).p95.interval
        covered += low <= -math.log(0.05) <= high
    assert covered >= 0.9 * 200


def test_a_mix_waits_as_long_as_drawing_lots_does(rng):
    seconds = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    queries = queries_of([0, 1], [1, 1], seconds=seconds)
    found = estimates.seconds_of(mixed_setting(queries, Target("share", 0.1)), queries)
    assert found.mean.value == pytest.approx(0.9 * 1.5 + 0.1 * 15)
    assert found.p95.value == 10.0  # 1, 2 and half of the slow tenth are 95%
    assert estimates.seconds_of(mixed_setting(FOUR, SHARE), FOUR).n_timed == 0


def test_a_difference_in_quality_is_the_paired_one():
    first = router_setting(GOOD, FOUR, SHARE, 0.0)
    second = router_setting(router("bad", [0.1, 0.2, 0.8, 0.9]), FOUR, SHARE, 0.0)
    (found,) = estimates.to_first([first, second], FOUR.clusters)
    assert found.value == -0.5
    spread = np.std([-1, -1, 0, 0], ddof=1) / 2
    assert found.interval.high - found.value == pytest.approx(3.182446 * spread)
    assert (found.is_shown, found.n_more > 0) == (False, True)


def test_holm_allows_for_every_pair_of_routers(rng):
    queries, candidates = world(rng, 800, [0.5, 1.0, 1.5, 6.0])
    settings = [router_setting(c, queries, SHARE, 0.0) for c in candidates]
    settings.sort(key=lambda s: -s.figure)
    found = estimates.to_first(settings, queries.clusters)
    p_values = sorted(
        float(estimates._adjusted([pair], queries.clusters)[0].p_value)
        for pair in combinations(settings, 2)
    )
    stepped = np.minimum(np.maximum.accumulate(p_values * np.arange(6, 0, -1)), 1.0)
    for difference in found:
        place = min(range(6), key=lambda i: abs(p_values[i] - difference.p_value))
        assert difference.adjusted_p_value == pytest.approx(stepped[place])
    alone = estimates.over(settings[:1], settings[1], queries.clusters)[0]
    assert alone.adjusted_p_value == alone.p_value


@pytest.mark.parametrize(
    "target",
    [SHARE, Target("budget", 3.0, 1_000), PGR, Target("quality", 0.76)],
    ids=lambda w: w.mode,
)
def test_of_equally_good_routers_few_appear_different(target):
    """Five percent of 120 are 6; more than 13 come by chance once in 300 times."""
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(120):
        queries, candidates = world(rng, 400, [1.0] * 4)
        settings = [router_setting(c, queries, target, 0.0) for c in candidates]
        by = 1 if target.mode in ("pgr", "quality") else -1
        settings.sort(key=lambda s: by * s.figure)
        alarms += any(d.is_shown for d in estimates.to_first(settings, queries.clusters))
    assert alarms <= 13


@pytest.mark.parametrize("target", [SHARE, PGR, Target("quality", 0.76)], ids=lambda w: w.mode)
def test_a_difference_covers_the_true_one(target):
    rng = np.random.default_rng(4)
    many, candidates = world(rng, 400_000, [0.7, 2.5])
    one, two = (router_setting(c, many, target, 0.0) for c in candidates)
    truth, covered = two.figure - one.figure, 0
    for _ in range(150):
        queries, candidates = world(rng, 500, [0.7, 2.5])
        settings = [router_setting(c, queries, target, 0.0) for c in candidates]
        low, high = estimates.to_first(settings, queries.clusters)[0].interval
        covered += low <= truth <= high
    assert covered >= 0.9 * 150


def test_a_router_that_knows_nothing_is_hardly_ever_worth_it():
    rng = np.random.default_rng(5)
    kinds = [
        document(candidates_of(*_random_world(rng)), Requirements(target))["advice"]["kind"]
        for target in (SHARE, PGR)
        for _ in range(60)
    ]
    assert kinds.count("no router") >= 0.93 * len(kinds)


def _random_world(rng):
    queries, candidates = world(rng, 300, [1e6] * 3)
    return queries, *candidates


def test_a_document_ranks_by_quality_and_says_who_is_ahead(rng):
    queries, (good, blurred) = world(rng, 3_000, [0.3, 3.0])
    found = document(candidates_of(queries, blurred, good), Requirements(SHARE))
    first, second = found["routers"]
    assert (first["label"], second["label"], found["ranked_by"]) == ("r0", "r1", "quality")
    assert first["to_first"] is None
    assert second["to_first"]["value"] == pytest.approx(second["quality"] - first["quality"])
    assert second["to_first"]["words"].startswith("r1 gives ")
    assert second["to_first"]["words"].endswith(" points less than r0")
    assert found["advice"] == {
        "kind": "router",
        "label": "r0",
        "among": ["r0"],
        "chosen_by": None,
    }
    take, ahead, baseline = found["sentences"]
    assert take.startswith("With at most 50% strong calls take r0: ")
    assert take.endswith("after 30 ms of its own.")
    assert ahead == "It is ahead of every other router that fits."
    assert baseline.startswith("Without a router a random mix of both models is best, ")
    assert [row["label"] for row in found["blind"]] == [
        "random mix",
        "always weak",
        "always strong",
    ]
    assert found["blind"][2]["problem"] == "calls the strong model more often"


def test_for_a_quality_routers_are_ranked_by_money_and_by_calls_without_a_price(rng):
    queries, candidates = world(rng, 3_000, [3.0, 0.3])
    found = document(candidates_of(queries, *candidates), Requirements(PGR))
    costs = [row["usd_per_1000"] for row in found["routers"]]
    assert found["ranked_by"] == "usd"
    assert costs == sorted(costs)
    difference = found["routers"][1]["to_first"]
    assert difference["value"] == pytest.approx(costs[1] - costs[0])
    assert difference["words"].startswith("r0 costs $")
    assert found["sentences"][-1].split(": the router ")[1].startswith("saves $")
    unpriced, candidates = world(rng, 3_000, [3.0, 0.3], usd=(NAN, 0.005))
    found = document(candidates_of(unpriced, *candidates), Requirements(PGR))
    assert found["ranked_by"] == "strong_calls"
    assert found["routers"][0]["label"] == "r1"
    assert "ranked by strong calls, and money is left out" in found["sentences"][-1]
    budget = document(
        candidates_of(unpriced, *candidates), Requirements(Target("budget", 2.0, 1_000))
    )
    assert budget["advice"]["kind"] == "none fits"
    assert {row["reason"] for row in budget["unfit"]} == {
        "a price of this pair is not known: type it, then name a budget"
    }


def test_of_routers_without_a_clear_difference_the_cheapest_or_fastest_is_advised(rng):
    queries, (slow, good) = world(rng, 3_000, [0.5, 0.5])
    twin = good._replace(label="twin", seconds=0.001)
    slow = good._replace(label="slow", seconds=0.4)
    by_quality = document(candidates_of(queries, slow, twin), Requirements(SHARE, usd_per_hour=1.0))
    assert by_quality["advice"]["label"] == "twin"
    assert by_quality["advice"]["chosen_by"] == "usd_per_1000"
    assert (
        "slow cannot be told from it (no number of queries would tell slow apart)"
        in (by_quality["sentences"][1])
    )
    for target in (PGR, Target("budget", 3.0, 1_000)):
        by_time = document(
            candidates_of(queries, slow, twin), Requirements(target, usd_per_hour=0.0)
        )
        assert by_time["advice"]["label"] == "twin"
        assert "of these twin is the fastest" in by_time["sentences"][1]


def test_limits_leave_routers_out_and_say_why(rng):
    seconds = np.full(400, 1.0), np.full(400, 3.0)
    queries, (good, slow, unknown) = world(rng, 400, [0.3] * 3, seconds=seconds)
    routers = good, slow._replace(seconds=0.31), unknown._replace(seconds=NAN)
    candidates = candidates_of(queries, *routers)
    found = document(candidates, Requirements(SHARE, limits=Limits(router_s=0.05)))
    assert [row["label"] for row in found["routers"]] == ["r0"]
    assert excluded_routers(found) == (
        "r1 (its own 310 ms exceed 50 ms); r2 (nobody has measured its own time)"
    )
    found = document(candidates, Requirements(SHARE, limits=Limits(mean_s=2.2)))
    assert [row["label"] for row in found["routers"]] == ["r0"]
    assert "its answers take 2.31 s on average, more than 2.2 s" in excluded_routers(found)
    found = document(candidates, Requirements(SHARE, limits=Limits(p95_s=2.0)))
    assert found["advice"]["kind"] == "none fits"
    assert "a twentieth of its answers take over 3.03 s, more than 2 s" in excluded_routers(found)
    assert found["sentences"][:2] == [
        "With at most 50% strong calls no router fits.",
        "Without one always the weak model serves it: "
        f"{100 * queries.outcomes.quality_weak.mean():.1f}% right"
        f" (95% {_ends(queries)}) for $1.00 per 1,000 queries, 0.0% strong calls.",
    ]
    # Without limits a router of unknown time may stand, as long as nobody asks for its money.
    assert len(document(candidates, Requirements(SHARE))["routers"]) == 3
    assert "so nobody knows what it costs" in excluded_routers(
        document(candidates, Requirements(PGR))
    )
    assert len(document(candidates, Requirements(PGR, usd_per_hour=0.0))["routers"]) == 3


def _ends(queries):
    """95% of always the weak model, as the curve of any router begins."""
    known, any_order = queries.outcomes, rank_queries(np.arange(queries.n) / queries.n)
    found = curve_intervals(
        any_order, known.quality_weak, known.quality_strong, cluster_code=known.cluster_code
    )
    return f"{100 * found.quality_low[0]:.1f} – {100 * found.quality_high[0]:.1f}"


def test_a_target_out_of_reach_names_the_most_there_is():
    queries = queries_of([0, 0, 1, 0], [1, 1, 0, 0])
    candidates = candidates_of(queries, GOOD)
    found = document(candidates, Requirements(Target("quality", 0.9)))
    assert found["unfit"][0]["reason"] == (
        "no threshold of it reaches that quality here: 0.75 is the most"
    )
    found = document(candidates, Requirements(Target("pgr", 3.0)))
    assert found["unfit"][0]["reason"] == (
        "no threshold of it recovers 300% of the gap here: 200% are the most"
    )
    assert found["sentences"][1] == "Nor does a random mix, or one of the models alone."
    found = document(candidates, Requirements(Target("budget", 0.5, 1_000)))
    assert "$0.500 for 1,000 queries do not pay for it: $1.00 are the least" in excluded_routers(
        found
    )


def test_a_gap_that_is_none_or_reversed_is_said():
    weak, strong = np.tile([1, 0], 200), np.tile([0, 0, 0, 1], 100)
    scores = np.random.default_rng(0).random(400)
    reversed_gap = candidates_of(queries_of(weak, strong), router("r", scores))
    found = document(reversed_gap, Requirements(SHARE))
    assert found["bar"] == "always weak"
    assert found["advice"]["kind"] == "one model"
    first = found["sentences"][0]
    assert first.startswith("Call small always: large, named as the strong model, is worse (−25.0")
    found = document(reversed_gap, Requirements(PGR))
    assert "there is no gap to recover" in excluded_routers(found)
    assert found["bar"] is None
    no_gap = candidates_of(queries_of(weak, 1 - weak), router("r", scores))
    assert any(
        "may be equally good" in said for said in document(no_gap, Requirements(SHARE))["sentences"]
    )


def test_few_queries_and_a_single_router_are_said():
    found = document(candidates_of(FOUR, GOOD), Requirements(SHARE))
    assert found["sentences"][-2:] == [
        "4 queries are few: on others these figures may be quite different.",
        "There is no other router to compare it with.",
    ]
    assert found["routers"][0]["to_first"] is None


def test_only_queries_of_the_kinds_asked_for_count():
    queries = queries_of([0, 0, 1, 0], [1, 1, 1, 0], slices=["a", "b", "a", "b"])
    found = document(candidates_of(queries, GOOD), Requirements(SHARE, slices=("b",)))
    assert (found["n_queries"], found["quality_weak"], found["quality_strong"]) == (2, 0.0, 0.5)
    assert found["routers"][0]["quality"] == 0.5
    with pytest.raises(UnknownNameError, match="no slice 'c'; there are a, b"):
        document(candidates_of(queries, GOOD), Requirements(SHARE, slices=("a", "c")))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Requirements(Target("share", 1.5)), "between 0 and 1"),
        (Requirements(Target("pgr", NAN)), "no target"),
        (Requirements(Target("budget", -1.0, 1000.0)), "pays for nothing"),
        (Requirements(Target("budget", 1.0, 0.0)), "cannot be paid for"),
        (Requirements(SHARE, limits=Limits(router_s=-1.0)), "from 0 up"),
        (
            Requirements(SHARE, limits=Limits(mean_s=1.0)),
            "the times of these answers were not measured",
        ),
        (Requirements(SHARE, slices=("a",)), "1 query says nothing"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(asked, said):
    queries = queries_of([0, 0, 1, 0], [1, 1, 1, 0], slices=["a", "b", "b", "b"])
    with pytest.raises(DataError, match=said):
        document(candidates_of(queries, GOOD), asked)


def test_queries_of_one_text_are_one_draw(rng):
    queries, (good, other) = world(rng, 400, [0.5, 2.0])
    twice = queries_of(
        np.tile(queries.outcomes.quality_weak, 2),
        np.tile(queries.outcomes.quality_strong, 2),
        clusters=np.tile(np.arange(400), 2),
    )
    doubled = [c._replace(strong_win_rate=np.tile(c.strong_win_rate, 2)) for c in (good, other)]
    once = document(candidates_of(queries, good, other), Requirements(SHARE))
    both = document(candidates_of(twice, *doubled), Requirements(SHARE))
    for one, two in zip(once["routers"], both["routers"], strict=True):
        # The share's is exact where no text is repeated, and by clusters where one is.
        for name, nearly in (("quality", 1e-6), ("pgr", 1e-5), ("strong_call_share", 0.002)):
            for end, wanted in zip(two[f"{name}_interval"], one[f"{name}_interval"], strict=True):
                assert end == pytest.approx(wanted, abs=nearly)
    assert both["n_texts"] == 400
    assert both["routers"][1]["to_first"]["p_value"] == pytest.approx(
        once["routers"][1]["to_first"]["p_value"]
    )


def test_a_recovered_gap_has_no_interval_where_the_gap_may_be_none(rng):
    queries, (good,) = world(rng, 2_000, [0.5])
    setting = router_setting(good, queries, SHARE, 0.0)
    found = estimates.pgr_of_setting(setting, queries)
    assert found.interval.low < found.value < found.interval.high
    assert estimates.pgr_of_setting(mixed_setting(queries, SHARE), queries).value == pytest.approx(
        0.5
    )
    few = estimates.pgr_of_setting(router_setting(GOOD, FOUR, SHARE, 0.0), FOUR)
    assert few.value == 1.0
    assert all(map(math.isnan, few.interval))


def test_routers_of_one_name_are_distinguished_by_recipe_then_by_id(fresh_store):
    ids = [f"q{i}" for i in range(6)]
    card = Benchmark("b", "b", "", "", "user", 0.0, 1.0, "share right", "", "")
    models = ["small"] * 6 + ["large"] * 6
    quality = [0.0, 1.0] * 3 + [1.0] * 6
    fresh_store.add_benchmark(
        card,
        pd.DataFrame({"query_id": ids, "slice": "all"}),
        pd.DataFrame({"query_id": ids * 2, "model": models, "quality": quality}),
    )
    entries = [("r1", "mf", "a"), ("r2", "mf", "a"), ("r3", "mf", "b"), ("r4", "bert", "a")]
    for router_id, name, recipe in [*entries, ("r5", "random", "none")]:
        fresh_store.add_router(RouterEntry(router_id, name, recipe, "invented"))
        scores = pd.DataFrame({"query_id": ids, "strong_win_rate": np.linspace(0, 1, 6)})
        fresh_store.add_strong_win_rates("b", PAIR, router_id, "in_domain", scores)
    candidates = read_candidates(fresh_store, "b")
    assert {c.router_id: c.label for c in candidates.routers} == {
        "r1": "mf (r1)",
        "r2": "mf (r2)",
        "r3": "mf (b)",
        "r4": "bert",
    }
    assert not candidates.queries.costs.are_known


def test_the_usual_times_are_those_of_the_registry():
    assert usual_time("bert").seconds == ONE_CORE_SECONDS["bert"]
    assert math.isnan(usual_time("nobody").seconds)


def run(built_store, capsys, *arguments):
    try:
        code = main(["recommend", "--store", str(built_store), *arguments])
    except SystemExit as refused:  # by argparse itself
        code = refused.code
    return code, *capsys.readouterr()


def test_the_verb_prints_one_object_and_the_known_answers_of_mmlu(built_store, capsys):
    arguments = "--benchmark", "mmlu", "--share", "0.5", "--max-ms", "50", "--json"
    code, out, err = run(built_store, capsys, *arguments)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["advice"]["label"] == "bert"
    assert found["routers"][0]["quality"] == pytest.approx(0.7751, abs=2e-4)
    assert {row["router"] for row in found["unfit"]} == {"stacked", "causal_llm"}
    qualities = [row["quality"] for row in found["routers"]]
    assert all(a >= b for a, b in pairwise(qualities))


def test_the_verb_says_when_no_router_is_worth_it(built_store, capsys):
    arguments = "--benchmark", "mmlu", "--slice", "econometrics", "--share", "0.5"
    code, out, _ = run(built_store, capsys, *arguments)
    assert code == 0
    assert "With at most 50% strong calls no router is worth it here: " in out
    assert "both models may be equally good" in out
    assert "n = 114 (114 texts)" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--share", "1.2"), "between 0 and 1"),
        (("--share", "0.5", "--seed", "-1"), "negative"),
        (("--share", "0.5", "--slice", "nothing"), "no slice 'nothing'"),
        (("--pgr", "0.5", "--max-p95-s", "3"), "the times of these answers were not measured"),
    ],
)
def test_a_wrong_target_is_refused_in_a_sentence(built_store, capsys, arguments, said):
    code, out, err = run(built_store, capsys, "--benchmark", "gsm8k", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_the_shipped_answers_hold_together(built_store):
    from routellm_core.store import Store

    with Store(built_store, read_only=True) as store:
        monthly = recommend(store, "gsm8k", Requirements(Target("budget", 220.0, 100_000)))
        thousand = recommend(store, "gsm8k", Requirements(Target("budget", 2.2, 1_000)))
    assert monthly["routers"] == thousand["routers"]
    assert all(row["usd_per_1000"] <= 2.2 for row in monthly["routers"])


def test_a_router_that_calls_whom_the_model_alone_does_is_certainly_more_expensive():
    known = queries_of([1, 1, 1, 0] * 10, [1, 1, 1, 1] * 10)
    candidates = candidates_of(known, router("a", np.linspace(0, 1, 40)))
    found = document(candidates, Requirements(Target("quality", 0.5), usd_per_hour=1.0))
    gain = found["routers"][0]["over_bar"]
    assert found["bar"] in ("random mix", "always weak")
    assert (gain["p_value"], gain["is_shown"], gain["n_more"]) == (0.0, True, 0.0)
    assert "is shown to be worse than" in " ".join(found["sentences"])
