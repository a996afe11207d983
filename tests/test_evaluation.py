import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.benchmark import evaluate_benchmark
from routellm_core.evaluation.comparison.paper import PUBLISHED
from routellm_core.evaluation.oracle_gap import oracle_gap
from routellm_core.evaluation.slice_ranks import slice_prior, within_slice
from routellm_core.metrics.curve import apgr, routing_curve
from routellm_core.routers import ROUTERS
from routellm_core.types import Benchmark, ModelPair, PairOutcomes, RouterEntry

PAIR = ModelPair(weak="small", strong="large")
N_IN_SLICE = 60
FIELDS = ["router", "recipe", "view", "apgr", "apgr_interval", "cpt50", "cpt50_interval", "cpt80"]


def slow_within_slice(scores, slices):
    """The definition, query by query."""
    found = []
    for score, own in zip(scores, slices, strict=True):
        others = [s for s, c in zip(scores, slices, strict=True) if c == own]
        below = sum(s < score for s in others)
        equal = sum(s == score for s in others)
        mid_rank = below + (equal - 1) / 2
        found.append(mid_rank / (len(others) - 1) if len(others) > 1 else 0.5)
    return found


@pytest.mark.parametrize("n_levels", [3, 10, 1000])
def test_within_slice_is_the_scaled_mid_rank(rng, n_levels):
    scores = (rng.integers(0, n_levels, 150) / n_levels).astype(np.float32)
    slices = np.append(rng.integers(0, 7, 149), 99)  # the last slice has one query
    got = within_slice(scores, slices)
    np.testing.assert_allclose(got, slow_within_slice(scores, slices), rtol=0, atol=1e-15)
    assert got[-1] == 0.5
    assert got.min() >= 0
    assert got.max() <= 1


def test_a_router_that_only_knows_the_slice_is_random_within_slices(rng):
    slices = np.repeat([0, 1], 200)
    weak, strong = (slices == 0).astype(float), np.ones(400)
    scores = slices.astype(float)
    assert apgr(routing_curve(scores, weak, strong)) == pytest.approx(0.75)
    assert apgr(routing_curve(within_slice(scores, slices), weak, strong)) == 0.5


def test_a_table_of_slices_that_five_fits_made_is_random_within_slices(rng):
    """The fit that was shown fewer good queries of a slice is asked for them, and scores lower."""
    slices, fold = np.repeat(np.arange(20), 100), np.tile(np.arange(5), 400)
    weak, strong = np.zeros(2000), (rng.random(2000) < 0.1 + 0.04 * slices).astype(float)
    table = np.empty(2000)
    for held_out in range(5):
        known, own = fold != held_out, fold == held_out
        n, good = (np.bincount(slices[known], w) for w in (None, strong[known]))
        table[own] = (good / n)[slices[own]]
    assert apgr(routing_curve(table, weak, strong)) > 0.6
    assert apgr(routing_curve(within_slice(table, slices), weak, strong)) < 0.47
    ranks = within_slice(table, slices, fold)
    assert (ranks == 0.5).all()
    assert apgr(routing_curve(ranks, weak, strong)) == 0.5


def test_ranks_inside_slice_and_fold_are_those_of_the_cells(rng):
    scores, slices, fold = rng.random(150), rng.integers(0, 4, 150), rng.integers(-1, 3, 150)
    expected = slow_within_slice(scores, list(zip(slices, fold, strict=True)))
    np.testing.assert_allclose(within_slice(scores, slices, fold), expected, rtol=0, atol=1e-15)


def invented(weak, strong, cluster_code=None):
    n = len(weak)
    return PairOutcomes(
        "b", PAIR, np.arange(n).astype(object), np.zeros(n, dtype=int), ("all",),
        np.arange(n) if cluster_code is None else cluster_code,
        np.asarray(weak, dtype=float), np.asarray(strong, dtype=float),
        np.ones(n), np.ones(n), np.ones(n),
    )  # fmt: skip


def test_the_oracle_recovers_all_and_always_strong_nothing():
    weak, strong = np.tile([1.0, 0.0, 1.0, 0.0], 50), np.tile([0.0, 1.0, 1.0, 1.0], 50)
    known = invented(weak, strong)  # strong 0.75, weak 0.5, the better answer always 1
    assert oracle_gap(strong - weak, known) == (1.0, (1.0, 1.0), 1.0)
    assert oracle_gap(np.zeros(200), known) == (0.0, (0.0, 0.0), 0.0)


def test_half_of_the_gap_has_the_interval_of_a_ratio():
    # The score finds 50 of 100 queries on which the weak model alone is right; strong 0.8.
    weak = np.repeat([1.0, 1.0, 0.0, 1.0], [50, 50, 300, 100])
    strong = np.repeat([0.0, 0.0, 1.0, 1.0], [50, 50, 300, 100])
    found = oracle_gap(np.repeat([0.0, 1.0], [50, 450]), invented(weak, strong))
    assert (found.recovered, found.recovered_at_best) == pytest.approx((0.5, 0.5))
    # Each of the 100 leaves +0.5 or -0.5, of a mean gap of 0.2.
    half = stats.t.ppf(0.975, 499) * np.sqrt(100 * 0.25 * 500 / 499) / 500 / 0.2
    assert found.interval == pytest.approx((0.5 - half, 0.5 + half))


def test_a_score_that_knows_nothing_gains_only_where_its_threshold_saw_the_queries(rng):
    found = [
        oracle_gap(rng.random(400), invented(*(rng.random((2, 400)) < [[0.6], [0.65]])))
        for _ in range(30)
    ]
    assert min(gap.recovered_at_best for gap in found) >= 0
    assert np.mean([gap.recovered_at_best for gap in found]) > 0.03
    assert np.mean([gap.recovered for gap in found]) < 0


def test_without_a_gap_to_the_oracle_or_a_second_text_nothing_is_recovered():
    same = invented(np.zeros(20), np.ones(20))
    assert np.isnan(oracle_gap(np.arange(20.0), same).recovered)
    weak, strong = np.tile([1.0, 0.0], 10), np.tile([0.0, 1.0], 10)
    one_text = invented(weak, strong, np.zeros(20, dtype=int))
    assert np.isnan(oracle_gap(np.arange(20.0), one_text).recovered)


def add(store, benchmark_id, slices, *, broken=()):
    """Invented outcomes: of each slice's queries the strong model wins on the first third."""
    ids = [f"{s}-{i}" for s in slices for i in range(N_IN_SLICE)]
    in_broken = np.array([name.rsplit("-", 1)[0] in broken for name in ids])
    place = np.array([int(name.rsplit("-", 1)[1]) for name in ids])
    weak = np.where(in_broken, place % 2, place >= N_IN_SLICE / 3).astype(float)
    strong = np.where(in_broken, place == 0, 1.0).astype(float)
    card = Benchmark(benchmark_id, benchmark_id, "", "", "user", 0.0, 1.0, "share right", "", "")
    store.add_benchmark(
        card,
        pd.DataFrame({"query_id": ids, "slice": [name.rsplit("-", 1)[0] for name in ids]}),
        pd.DataFrame(
            {
                "query_id": ids * 2,
                "model": ["small"] * len(ids) + ["large"] * len(ids),
                "quality": np.concatenate((weak, strong)),
            }
        ),
    )
    return ids, place


def score(store, benchmark_id, ids, name, values, view="in_domain"):
    if name not in {r["router_id"] for _, r in store.routers(benchmark_id, PAIR).iterrows()}:
        store.add_router(RouterEntry(name, name, "golden", trained_on="invented"))
    frame = pd.DataFrame({"query_id": ids, "strong_win_rate": np.asarray(values, np.float32)})
    store.add_strong_win_rates(benchmark_id, PAIR, name, view, frame)


@pytest.fixture
def compared(fresh_store, rng):
    """Four slices, one of them broken, and two routers; one of them has a second view."""
    ids, place = add(fresh_store, "b", ["a", "b", "c", "bad"], broken=["bad"])
    score(fresh_store, "b", ids, "poor", rng.random(len(ids)))
    score(fresh_store, "b", ids, "good", 1 - place / N_IN_SLICE)
    score(fresh_store, "b", ids, "good", rng.random(len(ids)), view="unseen_slices")
    return fresh_store


def test_a_report_has_each_view_of_each_router_best_first(compared):
    report = evaluate_benchmark(compared, "b", n_resamples=20)
    rows = report["routers"]
    assert {(r["router"], r["view"]) for r in rows} == {
        ("good", "in_domain"),
        ("good", "within_slice"),
        ("good", "unseen_slices"),
        ("poor", "in_domain"),
        ("poor", "within_slice"),
        ("slice_table", "in_domain"),
        ("slice_table", "within_slice"),
    }
    assert all(set(FIELDS) <= set(row) for row in rows)
    assert [r["apgr"] for r in rows] == sorted((r["apgr"] for r in rows), reverse=True)
    assert rows[0]["router"] == "good"
    assert report["n_queries"] == 240
    assert report["model_pair"] == {"strong": "large", "weak": "small"}
    low, high = report["random"]["apgr_interval"]
    assert low < 0.5 < high
    assert report["oracle"]["apgr"] >= rows[0]["apgr"]


def test_a_broken_slice_is_also_left_out(compared):
    without = evaluate_benchmark(compared, "b", n_resamples=5)["without_broken"]
    assert (without["slices"], without["n_queries"]) == (["bad"], 180)
    assert len(without["routers"]) == 7
    found = {(r["router"], r["view"]): r["apgr"] for r in without["routers"]}
    # The strong model adds only on the first third and the router sends these first.
    assert found["good", "in_domain"] == pytest.approx(1 - 1 / 6, abs=0.02)
    assert set(without["routers"][0]) == {"router", "recipe", "view", "apgr"}


def test_one_slice_has_no_ranking_inside_slices_and_sound_outcomes_nothing_to_leave_out(
    fresh_store,
):
    ids, place = add(fresh_store, "one", ["all"])
    score(fresh_store, "one", ids, "r", place / N_IN_SLICE)
    report = evaluate_benchmark(fresh_store, "one", n_resamples=5)
    assert [r["view"] for r in report["routers"]] == ["in_domain"]
    assert "without_broken" not in report


def test_only_named_routers_and_unknown_ones_are_refused(compared):
    report = evaluate_benchmark(compared, "b", router_names=["poor"], n_resamples=5)
    assert {r["router"] for r in report["routers"]} == {"poor"}
    with pytest.raises(UnknownNameError, match=r"'nope' on 'b' .* there are good, poor"):
        evaluate_benchmark(compared, "b", router_names=["nope"])


def test_without_a_gap_there_is_no_figure(fresh_store):
    ids = [f"q{i}" for i in range(9)]
    flat = pd.DataFrame({"query_id": ids * 2, "model": ["u"] * 9 + ["v"] * 9, "quality": 1.0})
    card = Benchmark("same", "same", "", "", "user", 0.0, 1.0, "share right", "", "")
    fresh_store.add_benchmark(card, pd.DataFrame({"query_id": ids, "slice": "s"}), flat)
    report = evaluate_benchmark(fresh_store, "same")
    assert report["routers"] == []
    assert math.isnan(report["oracle"]["apgr"])


def test_the_published_rows_are_the_three_tables():
    assert len(PUBLISHED) == len(set(row[:3] for row in PUBLISHED)) == 27
    assert {row.benchmark_id for row in PUBLISHED} == {"mmlu", "gsm8k", "mt_bench"}
    assert {"random", "mf", "sw_ranking"} <= {row.router for row in PUBLISHED} & set(ROUTERS)
    for row in PUBLISHED:
        assert 0 < row.cpt50 < row.cpt80 < 1
        assert 0.3 < row.apgr < 0.9


def test_a_router_that_was_stopped_half_way_does_not_keep_the_others_out(fresh_store, rng):
    ids, _ = add(fresh_store, "b", ["a", "b"])
    score(fresh_store, "b", ids, "whole", rng.random(len(ids)))
    score(fresh_store, "b", ids[:30], "half", rng.random(30))
    report = evaluate_benchmark(fresh_store, "b", n_resamples=20)
    assert {r["router"] for r in report["routers"]} == {"whole", "slice_table"}


def score_shipped(store, benchmark_id, ids, name, values, fold, view="in_domain"):
    """As routers ship: with the fold that was left out beside each score."""
    if name not in store.routers(benchmark_id, PAIR)["router_id"].tolist():
        store.add_router(RouterEntry(name, name, "golden", "invented", origin="shipped"))
    frame = pd.DataFrame({"query_id": ids, "strong_win_rate": np.float32(values), "fold": fold})
    store.add_strong_win_rates(benchmark_id, PAIR, name, view, frame)


def row_of(report, view):
    """The row of the one router; the table of slices beside it is none."""
    routers = [row for row in report["routers"] if row["router"] != "slice_table"]
    (row,) = [row for row in routers if row["view"] == view]
    return row


def test_a_table_of_slices_stands_beside_the_routers_and_is_never_ahead(compared):
    report = evaluate_benchmark(compared, "b", n_resamples=20, seed=3)
    outcomes = compared.pair_outcomes("b", PAIR)
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    table = {r["view"]: r["apgr"] for r in report["routers"] if r["router"] == "slice_table"}
    prior = slice_prior(outcomes, seed=3)
    assert table["in_domain"] == pytest.approx(apgr(routing_curve(prior, weak, strong)))
    assert table["within_slice"] == pytest.approx(0.5)
    assert "slice_table" not in {a["router"] for a in report["ahead"]}
    assert "slice_table" not in {a["over"] for a in report["ahead"]}


def test_one_fold_of_a_shipped_router_is_reported_as_untouched(fresh_store, rng):
    ids, _ = add(fresh_store, "b", ["a", "b"])
    values, fold = rng.random(len(ids)), np.arange(len(ids)) % 5
    score_shipped(fresh_store, "b", ids, "r", values, fold)
    report = evaluate_benchmark(fresh_store, "b", n_resamples=20)
    row = row_of(report, "untouched")
    outcomes = fresh_store.pair_outcomes("b", PAIR)
    got = dict(zip(ids, zip(values, fold, strict=True), strict=True))
    scores, folds = np.float32([got[i] for i in outcomes.query_id]).T
    kept = folds == 0
    expected = apgr(
        routing_curve(scores[kept], outcomes.quality_weak[kept], outcomes.quality_strong[kept])
    )
    assert row["apgr"] == pytest.approx(expected)
    assert row["n_queries"] == kept.sum() == 24
    assert row["apgr_interval"][0] < row["apgr"] < row["apgr_interval"][1]
    assert row_of(report, "in_domain")["n_queries"] == 120


def test_only_five_folds_of_a_router_that_ships_have_one_that_was_not_looked_at(fresh_store, rng):
    ids, _ = add(fresh_store, "b", ["a", "b"])
    values = rng.random(len(ids))
    score(fresh_store, "b", ids, "mine", values)
    score_shipped(fresh_store, "b", ids, "few", values, np.arange(len(ids)) % 9)
    views = [r["view"] for r in evaluate_benchmark(fresh_store, "b", n_resamples=5)["routers"]]
    assert sorted(views) == ["in_domain"] * 3 + ["within_slice"] * 3
    frame = pd.DataFrame({"query_id": ids, "strong_win_rate": np.float32(values)})
    frame["fold"] = np.arange(len(ids)) % 5
    fresh_store.add_strong_win_rates("b", PAIR, "mine", "in_domain", frame)
    views = [r["view"] for r in evaluate_benchmark(fresh_store, "b", n_resamples=5)["routers"]]
    assert "untouched" not in views


def test_the_order_within_slices_is_that_inside_folds_and_both_readings_stand_in_domain(
    fresh_store,
):
    ids, place = add(fresh_store, "b", ["a", "b"])
    # Each fold's router ranks perfectly, but each of them scores higher than the one before.
    fold = np.arange(len(ids)) % 5
    values = 0.2 * (1 - place / N_IN_SLICE) + 0.2 * fold
    score_shipped(fresh_store, "b", ids, "r", values, fold)
    report = evaluate_benchmark(fresh_store, "b", n_resamples=20)
    outcomes = fresh_store.pair_outcomes("b", PAIR)
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    got = dict(zip(ids, zip(values, fold, strict=True), strict=True))
    scores, folds = np.float32([got[i] for i in outcomes.query_id]).T
    inside = np.array(slow_within_slice(scores, list(zip(outcomes.slice_code, folds, strict=True))))
    assert row_of(report, "within_slice")["apgr"] == pytest.approx(
        apgr(routing_curve(inside, weak, strong))
    )
    row = row_of(report, "in_domain")
    by_fold = np.array(slow_within_slice(scores, folds))
    assert row["apgr"] == pytest.approx(apgr(routing_curve(scores, weak, strong)))
    assert row["apgr_by_fold"] == pytest.approx(apgr(routing_curve(by_fold, weak, strong)))
    assert row["apgr"] < row["apgr_by_fold"] - 0.1


def test_unseen_slices_are_ranked_inside_each_fold_and_the_pooled_figure_stands_beside(
    fresh_store,
):
    ids, place = add(fresh_store, "b", ["a", "b"])
    # Each fold's router ranks perfectly, but the second gives everything a higher score.
    fold = np.array([name.startswith("b") for name in ids], dtype=int)
    values = 0.4 * (1 - place / N_IN_SLICE) + 0.5 * fold
    score_shipped(fresh_store, "b", ids, "r", values, fold, view="unseen_slices")
    row = row_of(evaluate_benchmark(fresh_store, "b", n_resamples=20), "unseen_slices")
    outcomes = fresh_store.pair_outcomes("b", PAIR)
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    got = dict(zip(ids, zip(values, fold, strict=True), strict=True))
    scores, folds = np.float32([got[i] for i in outcomes.query_id]).T
    ranks = np.array(slow_within_slice(scores.tolist(), folds.tolist()))
    assert row["apgr"] == pytest.approx(apgr(routing_curve(ranks, weak, strong)))
    assert row["apgr"] == pytest.approx(1 - 1 / 6, abs=0.02)
    assert row["apgr_pooled"] == pytest.approx(apgr(routing_curve(scores, weak, strong)))
    assert row["apgr_pooled"] < row["apgr"] - 0.1


def test_the_best_router_is_ahead_by_the_difference_of_the_figures(compared, rng):
    ids = [f"{s}-{i}" for s in ("a", "b", "c", "bad") for i in range(N_IN_SLICE)]
    score(
        compared,
        "b",
        ids,
        "middling",
        (rng.random(len(ids)) + 1 - np.arange(len(ids)) % 60 / 60) / 2,
    )
    frame = pd.DataFrame({"query_id": ids, "strong_win_rate": rng.random(len(ids))})
    compared.add_router(RouterEntry("random", "random", "none", trained_on="nothing"))
    compared.add_strong_win_rates("b", PAIR, "random", "in_domain", frame)
    report = evaluate_benchmark(compared, "b", n_resamples=200)
    figure = {r["router"]: r["apgr"] for r in report["routers"] if r["view"] == "in_domain"}
    ahead = report["ahead"]
    assert [a["over"] for a in ahead] == ["middling", "poor"]
    for row in ahead:
        assert (row["router"], row["recipe"], row["view"]) == ("good", "golden", "in_domain")
        assert row["gain"] == pytest.approx(figure["good"] - figure[row["over"]])
        assert row["gain_interval"][0] < row["gain"] < row["gain_interval"][1]


def test_a_paired_gain_is_told_apart_where_two_intervals_overlap(fresh_store, rng):
    ids, place = add(fresh_store, "b", ["a", "b", "c"])
    base = 1 - place / N_IN_SLICE + rng.normal(0, 0.6, len(ids))
    for name, values in (("plain", base), ("better", base - 0.25 * place / N_IN_SLICE)):
        scaled = (values - values.min()) / np.ptp(values)
        score(fresh_store, "b", ids, name, scaled)
    report = evaluate_benchmark(fresh_store, "b", n_resamples=400)
    interval = {
        r["router"]: r["apgr_interval"] for r in report["routers"] if r["view"] == "in_domain"
    }
    (gain,) = report["ahead"]
    assert interval["better"].low < interval["plain"].high
    assert gain["gain_interval"].low > 0


def test_nobody_is_ahead_where_the_strong_model_is_the_worse_one(fresh_store, rng):
    ids, _ = add(fresh_store, "b", ["a", "b"])
    for name in ("one", "two"):
        score(fresh_store, "b", ids, name, rng.random(len(ids)))
    swapped = ModelPair(weak=PAIR.strong, strong=PAIR.weak)
    for name in ("one", "two"):
        frame = pd.DataFrame({"query_id": ids, "strong_win_rate": rng.random(len(ids))})
        fresh_store.add_strong_win_rates("b", swapped, name, "in_domain", frame)
    assert evaluate_benchmark(fresh_store, "b", model_pair=PAIR, n_resamples=100)["ahead"]
    assert evaluate_benchmark(fresh_store, "b", model_pair=swapped, n_resamples=100)["ahead"] == []


def test_a_lone_router_and_equal_models_leave_nobody_ahead(fresh_store, rng):
    ids, _ = add(fresh_store, "b", ["a"])
    score(fresh_store, "b", ids, "lone", rng.random(len(ids)))
    assert evaluate_benchmark(fresh_store, "b", n_resamples=5)["ahead"] == []
    ids = [f"q{i}" for i in range(9)]
    flat = pd.DataFrame(
        {"query_id": ids * 2, "model": ["small"] * 9 + ["large"] * 9, "quality": 1.0}
    )
    card = Benchmark("same", "same", "", "", "user", 0.0, 1.0, "share right", "", "")
    fresh_store.add_benchmark(card, pd.DataFrame({"query_id": ids, "slice": "s"}), flat)
    for name in ("one", "two"):
        fresh_store.add_router(RouterEntry(name, name, "x", trained_on="invented"))
        frame = pd.DataFrame({"query_id": ids, "strong_win_rate": rng.random(9)})
        fresh_store.add_strong_win_rates("same", PAIR, name, "in_domain", frame)
    assert evaluate_benchmark(fresh_store, "same", model_pair=PAIR, n_resamples=5)["ahead"] == []
