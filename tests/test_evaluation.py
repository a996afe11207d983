import math

import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import UnknownNameError
from routellm_core.evaluation import evaluate_benchmark, within_slice
from routellm_core.metrics import apgr, routing_curve
from routellm_core.paper import PUBLISHED
from routellm_core.routers import ROUTERS
from routellm_core.types import Benchmark, ModelPair, RouterEntry

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
    assert len(without["routers"]) == 5
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
    assert {r["router"] for r in report["routers"]} == {"whole"}
