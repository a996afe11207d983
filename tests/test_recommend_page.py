"""The part of Compare that recommends a router, without a browser."""

import re

import numpy as np
import pytest
import streamlit as st

from routellm_core.evaluation.recommendation.limits import Requirements
from routellm_core.evaluation.recommendation.report import document, recommend
from routellm_core.metrics.thresholds import Target
from tests.pages import button, drawn, errors, opened, own_store, said
from tests.test_evidence_page import BROKEN, PAIR, PRICED, add_timed
from tests.test_router_choice import SHARE, candidates_of, queries_of, router, world
from views.cache import evidence as evidence_cache
from views.cache import workspace
from views.cache.evidence import RouterTime
from views.compare import recommendation_table


@pytest.fixture(scope="module")
def timed_store(built_store, tmp_path_factory):
    """The shipped benchmarks, and an invented one with seconds and hostile names."""
    monkeypatch = pytest.MonkeyPatch()
    path = tmp_path_factory.mktemp("recommend") / "explorer.duckdb"
    with own_store(built_store, path, monkeypatch, add_timed) as path:
        yield path
    monkeypatch.undo()


@pytest.fixture
def open_part(timed_store):
    def open_part(**query):
        at = opened("pages/compare.py", look="suited", **query)
        assert errors(at) == []
        return at

    return open_part


def table(at):
    (found,) = drawn(at)
    return found


def kept(at, name):
    """What the link remembers."""
    value = at.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def test_the_first_visit_reads_the_answer_aloud_above_the_ranking(open_part):
    at = open_part()
    found = table(at)
    assert found["title"] == "Take bert"
    assert found["sentence"].startswith("With at most 50% strong calls take bert: 77.5% right (95%")
    assert "stacked is first, 77.8% right;" in found["sentence"]
    assert "a random mix of both models is best, 74.3% right" in found["sentence"]
    assert len(found["rows"]) == 10
    assert [row["router"] for row in found["pinned"]] == [
        "random mix",
        "always Mixtral-8x7B",
        "always gpt-4-1106",
    ]
    assert found["rows"][0]["difference"] == "first"
    assert [row["recipe"] for row in found["rows"] if "take this" in row["recipe"]] == [
        "golden · take this"
    ]
    assert found["axis"]["blind"] == pytest.approx(0.7434, abs=1e-4)
    assert "14,037 queries" in found["beside"]


def test_a_router_that_is_timed_again_has_its_newest_time(open_part):
    entry = workspace.store().router("bert-golden")
    for seconds in (0.5, 0.25):
        evidence_cache.router_times()[entry.checkpoint] = RouterTime(seconds, 9)
        (row,) = [row for row in table(open_part())["rows"] if row["router"] == "bert"]
        assert row["router_ms"] == pytest.approx(1000 * seconds)
    evidence_cache.router_times().clear()


def test_a_target_on_one_benchmarks_scale_is_none_on_another(open_part):
    at = opened("app.py", wish="quality", wish_quality="0.7", kinds="virology")
    at.selectbox(key="_benchmark").set_value("mt_bench").run()
    assert errors(at) == []
    assert kept(at, "wish") == "quality"
    assert {"wish_quality", "kinds"}.isdisjoint(at.query_params)
    own = opened("app.py", closely="mmlu", wish="quality", wish_quality="0.7")
    own.selectbox(key="_benchmark").set_value("mt_bench").run()
    assert kept(own, "wish_quality") == "0.7"  # Compare goes on with a benchmark of its own


def test_its_figures_are_those_of_the_core(open_part):
    at = open_part(wish="pgr", wish_pgr="0.7", closely="gsm8k", machine_usd="1")
    known = recommend(
        workspace.store(), "gsm8k", Requirements(Target("pgr", 0.7), usd_per_hour=1.0)
    )
    found = table(at)
    assert found["sentence"] == " ".join(known["sentences"])
    assert [row["usd_per_1000"] for row in found["rows"]] == pytest.approx(
        [row["usd_per_1000"] for row in known["routers"]]
    )


def test_every_choice_is_kept_in_the_link(open_part):
    at = open_part()
    at.segmented_control(key="_wish").select("pgr").run()
    at.number_input(key="_wish_pgr").set_value(60.0).run()
    at.number_input(key="_max_ms").set_value(50.0).run()
    at.number_input(key="_machine_usd").set_value(0.5).run()
    at.multiselect(key="_kinds").select("anatomy").select("astronomy").run()
    assert errors(at) == []
    assert kept(at, "wish") == "pgr"
    assert float(kept(at, "wish_pgr")) == pytest.approx(0.6)
    assert (kept(at, "max_ms"), kept(at, "machine_usd")) == ("50.0", "0.5")
    assert kept(at, "kinds") == "anatomy,astronomy"
    again = open_part(**{name: kept(at, name) for name in at.query_params if name != "look"})
    assert table(again) == table(at)
    at.number_input(key="_max_ms").set_value(None).run()
    assert kept(at, "max_ms") is None


def test_another_benchmark_forgets_kinds_and_numbers_on_its_scale(open_part):
    at = open_part(kinds="anatomy", wish="quality", wish_quality="0.7")
    assert "To reach 70.0% right" in table(at)["sentence"]
    at.selectbox(key="_closely").select("mt_bench").run()
    assert errors(at) == []
    assert (kept(at, "kinds"), kept(at, "wish_quality")) == (None, None)
    assert "72 queries" in table(at)["beside"]
    assert re.search(r"To reach 9\.0\d points", table(at)["sentence"])


def test_inside_one_subject_no_router_is_worth_it(open_part):
    at = open_part(kinds="econometrics")
    assert table(at)["title"] == "No router is worth it"
    assert "is not shown to be better than a random mix of both models" in table(at)["sentence"]
    assert any(b.label.startswith("Open") for b in at.button)


def test_who_does_not_fit_is_named_with_the_reason(open_part):
    at = open_part(max_ms="50")
    text = said(at)
    assert "stacked (its own 390 ms exceed 50 ms)" in text
    assert {row["router"] for row in table(at)["rows"]} == {"bert", "mf", "sw_ranking"}
    at = open_part(max_ms="5")
    assert table(at)["title"] == "No router fits"
    assert not any("Trade" in b.label for b in at.button)


def test_a_time_that_was_typed_counts(open_part):
    at = open_part(router_ms="70@bert-golden")
    assert [r["own"] for r in table(at)["rows"] if r["router"] == "bert"] == ["70"]


@pytest.mark.parametrize("query", [{}, {"wish": "budget"}, {"kinds": "anatomy"}])
def test_the_advised_router_opens_on_the_tradeoff_page_at_its_threshold(
    open_part, monkeypatch, query
):
    switched = []
    monkeypatch.setattr(st, "switch_page", switched.append)
    at = open_part(max_ms="50", **query)
    row = table(at)["rows"][0]
    pressed = next(b for b in at.button if "Trade" in b.label)
    pressed.click().run()
    assert switched[0].endswith("tradeoff.py")
    assert kept(at, "benchmark") == "mmlu"
    assert kept(at, "mode") == ("alpha" if query else "share")
    assert kept(at, "router").startswith(row["router"])
    monkeypatch.undo()
    there = opened("pages/tradeoff.py", **{n: kept(at, n) for n in at.query_params})
    assert errors(there) == []
    choice = drawn(there)[0]
    if "kinds" not in query:
        share = choice["exact"]["share"]
        assert share == pytest.approx(row["strong_call_share"], abs=1e-4)


TIMED = {"closely": "timed", **PRICED}


def test_seconds_stand_where_answers_were_timed_and_can_be_limited(open_part):
    at = open_part(**TIMED)
    found = table(at)
    assert {"mean_s", "p95_s"} <= {column["id"] for column in found["columns"]}
    assert all(row["mean_s_low"] < row["mean_s"] < row["mean_s_high"] for row in found["rows"])
    at = open_part(**TIMED, max_mean_s="1.5")
    assert table(at)["title"] == "No router fits"
    assert "on average, more than 1.5 s" in said(at)
    assert "max_mean_s" not in [n.key for n in open_part(max_mean_s="1.5").number_input]


def test_prices_typed_elsewhere_count_and_without_them_calls_rank(open_part):
    priced = table(open_part(**TIMED, wish="pgr", wish_pgr="0.5"))
    assert "USD per 1,000" in [column["title"] for column in priced["columns"]]
    bare = table(open_part(closely="timed", wish="pgr", wish_pgr="0.5"))
    assert "USD per 1,000" not in [column["title"] for column in bare["columns"]]
    assert (
        "A price of this pair is not known: routers are ranked by strong calls"
        in (bare["sentence"])
    )
    none = table(open_part(closely="timed", wish="budget"))
    assert none["title"] == "No router fits"


def test_hostile_names_are_shown_as_they_are_and_a_comma_survives_the_link(open_part):
    at = open_part(**TIMED)
    at.multiselect(key="_kinds").select(BROKEN).run()
    assert errors(at) == []
    assert kept(at, "kinds") == "%3Ci%3Elaw%3C%2Fi%3E%2C%20%2Ax%2A"
    assert table(at)["beside"].startswith("100 queries")
    again = open_part(**TIMED, kinds=kept(at, "kinds"))
    assert table(again)["beside"].startswith("100 queries")
    assert PAIR.weak not in said(at)


def test_a_ranking_for_a_quality_draws_money_and_keeps_its_digits(rng):
    queries, candidates = world(rng, 2_000, [0.5, 0.5, 3.0], usd=(0.00001, 0.00003))
    found = document(
        candidates_of(queries, *candidates), Requirements(Target("pgr", 0.7), usd_per_hour=0.0)
    )
    data = recommendation_table.table(found)
    picture = next(c for c in data["columns"] if c["id"] == "picture")
    assert picture["figure"] == "usd_per_1000"
    first, *others = data["rows"]
    assert re.fullmatch(r"0\.0\d{3}", first["usd"])
    assert all(row["difference"].removeprefix("? ").startswith("+") for row in others)
    assert data["axis"]["low"] < min(row["usd_per_1000_low"] for row in data["rows"])
    assert len(data["axis"]["labels"]) == len(data["axis"]["ticks"]) >= 2


def test_a_difference_that_is_not_shown_carries_a_question_mark(rng):
    queries, candidates = world(rng, 2_000, [0.5, 0.55, 6.0])
    found = document(candidates_of(queries, *candidates), Requirements(SHARE))
    shown = {r["label"]: r["to_first"]["is_shown"] for r in found["routers"][1:]}
    assert set(shown.values()) == {True, False}
    rows = zip(found["routers"][1:], recommendation_table.table(found)["rows"][1:], strict=True)
    assert all(row["difference"].startswith("? ") != shown[r["label"]] for r, row in rows)


def test_the_csv_has_a_line_for_everything_that_was_looked_at():
    queries = queries_of([0, 0, 1, 0], [1, 1, 1, 0])
    slow = router("slow", [0.1, 0.2, 0.3, 0.4], seconds=np.nan)
    candidates = candidates_of(queries, router("good", [0.9, 0.8, 0.2, 0.1]), slow)
    target = Target("pgr", 0.5)
    lines = recommendation_table.csv_lines(document(candidates, Requirements(target)))
    assert [line["router"] for line in lines] == [
        "good",
        "random mix",
        "always weak",
        "always strong",
        "slow",
    ]
    assert lines[0]["quality_low"] <= lines[0]["quality"] <= lines[0]["quality_high"]
    assert lines[0]["over_bar_verdict"].startswith(("cannot tell", "good costs"))
    assert lines[2]["problem"] == "does not recover as much"
    assert "nobody has measured its own time" in lines[4]["problem"]


def test_the_downloads_are_there(open_part):
    at = open_part()
    labels = [d.proto.label for d in at.get("download_button")]
    assert labels == ["Ranking (CSV)", "All of this (JSON)"]
    assert button(at, "Use it\\: open bert on the Trade\\-off page")
