"""The Evidence page without a browser, on the shipped data and on invented ones with latencies."""

import re

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from routellm_core.evaluation.data_quality import DataFinding, check, effect_of_excluding
from routellm_core.evaluation.overhead.latency import latency_at
from routellm_core.evaluation.overhead.router_cost import break_even
from routellm_core.evaluation.score_calibration.calibration_error import calibration_error
from routellm_core.evaluation.score_calibration.recalibration import fit, judge, mapped_threshold
from routellm_core.evaluation.score_calibration.reliability import brier_score, targets
from routellm_core.metrics.costs import Price, pair_costs
from routellm_core.metrics.curve import calls_strong, rank_queries
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.pages import TIMEOUT_S, emptied_to_a_number, errors, opened, own_store, said, tables
from views.cache import benchmarks, workspace
from views.cache import evidence as evidence_cache
from views.evidence import rows

PAGE = "pages/evidence.py"
PAIR = ModelPair(weak="<b>small</b>", strong="**large**")
BROKEN = "<i>law</i>, *x*"
N = 400
PRICED = {
    f"{side}_usd": f"{usd}@{model}"
    for side, usd, model in (
        ("weak", "1/2", PAIR.weak),
        ("strong", "10/20", PAIR.strong),
    )
}


def add_timed(store, benchmark_id="timed"):
    """Invented outcomes with seconds; the strong model fails on a slice whose name is hostile."""
    rng = np.random.default_rng(5)
    ids = ["<u>q000</u>", *(f"q{i:03}" for i in range(1, N))]
    names = np.array([BROKEN, "moths", "ropes", "tides"], dtype=object)[np.arange(N) % 4]
    broken = names == BROKEN
    weak = (rng.random(N) < np.where(broken, 0.6, 0.4)).astype(float)
    strong = (rng.random(N) < np.where(broken, 0.02, 0.8)).astype(float)
    seconds = np.concatenate([rng.gamma(4, 0.25, N), rng.gamma(4, 1.0, N)])
    seconds[:10] = np.nan
    queries = pd.DataFrame(
        {"query_id": ids, "slice": names, "prompt_tokens": rng.integers(20, 200, N).astype(float)}
    )
    outcomes = pd.DataFrame(
        {
            "query_id": ids * 2,
            "model": [PAIR.weak] * N + [PAIR.strong] * N,
            "quality": np.concatenate([weak, strong]),
            "answer_tokens": rng.integers(20, 400, 2 * N).astype(float),
            "latency_s": seconds,
        }
    )
    card = Benchmark(benchmark_id, "Timed", "", "", "user", 0.0, 1.0, "share right", "", "")
    with store.atomic():
        store.add_benchmark(card, queries, outcomes)
        for router, lean in (("leaning", 0.35), ("blind", 0.0), ("upside_down", -0.35)):
            store.add_router(RouterEntry(router, "mf", router, trained_on="invented"))
            noise = rng.random(N)
            score = np.clip(0.5 + lean * (strong - weak) * noise + 0.1 * (noise - 0.5), 0, 1)
            store.add_strong_win_rates(
                benchmark_id,
                PAIR,
                router,
                "in_domain",
                pd.DataFrame({"query_id": ids, "strong_win_rate": score}),
            )


@pytest.fixture(scope="module")
def timed_store(built_store, tmp_path_factory):
    monkeypatch = pytest.MonkeyPatch()
    path = tmp_path_factory.mktemp("evidence") / "explorer.duckdb"
    with own_store(built_store, path, monkeypatch, add_timed) as path:
        yield path
    monkeypatch.undo()


@pytest.fixture
def open_evidence(timed_store):
    def open_evidence(**query):
        at = opened(PAGE, **query)
        assert errors(at) == []
        return at

    return open_evidence


@pytest.fixture
def known(timed_store):
    """Outcomes, scores and seconds of the invented benchmark."""
    store = workspace.store()
    return (
        store.pair_outcomes("timed", PAIR),
        store.strong_win_rates("timed", PAIR, "leaning", "in_domain"),
        store.pair_latencies("timed", PAIR),
    )


TIMED = {"benchmark": "timed", "router": "leaning.in_domain", "mode": "alpha", "wanted": "0.5"}


def cells(at, caption):
    """The texts of a table, a list a row, notes beside their figures."""
    body = next(t for t in (html.proto.body for html in at.get("html")) if f">{caption}<" in t)
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", body)
    return [
        [re.sub(r"<[^>]+>", " ", part).split() for part in re.split(r"</t[hd]>", row)[:-1]]
        for row in rows
    ]


def figures(at, caption):
    """First words of each row's figures."""
    return [[cell[0] for cell in row[1:]] for row in cells(at, caption)]


HEADLINE = "Figures of the router with and without the queries left out"
SCORES = "How far the scores are from what happens"
JUDGED = "Scores before and after recalibration, on queries that the curve was not fitted to"
LATENCY = "Routers by latency and cost at the same share of strong calls"
BREAK_EVEN = "Up to which share of strong calls routing costs no more than a baseline"


def tiles(at):
    """Value and note of each tile, by label."""
    tile = r"<abbr[^>]*>([^<]*)</abbr><strong>(.*?)</strong><small>(.*?)</small>"
    parts = re.findall(tile, tables(at))
    return {label: (value, note) for label, value, note in parts}


def test_the_first_visit_names_the_broken_slice_and_what_it_does_to_the_router(open_evidence):
    at = open_evidence()
    assert "**2 errors, 2 warnings and 3 notes**] about the outcomes of MMLU (n = 14,037)." in said(
        at
    )
    assert "**Error.** On high_school_mathematics gpt-4-1106-preview reaches 3.0%" in said(at)
    queries, *_, apgr, cpt50, cpt80 = figures(at, HEADLINE)
    assert queries == ["14,037", "13,767"]
    effect = evidence_cache.effect(key_on_mmlu(at), (0, 1))
    assert apgr == [f"{effect.before.apgr:.3f}", f"{effect.after.apgr:.3f}"]
    assert cpt50 == [f"{100 * h.cpt50:.1f}%" for h in (effect.before, effect.after)]
    assert cpt80 == [f"{100 * h.cpt80:.1f}%" for h in (effect.before, effect.after)]
    assert f"**falls by {-effect.apgr_change:.4f}**" in said(at)


def key_on_mmlu(at):
    router_id, view = at.sidebar.selectbox(key="_router").value.split(".")
    version = workspace.version()
    return benchmarks.RouterKey(
        version, "mmlu", benchmarks.usual_pair(version, "mmlu"), router_id, view
    )


def test_leaving_out_changes_the_headline_and_the_link(open_evidence, known):
    outcomes, scores, _ = known
    at = open_evidence(**TIMED)
    box = at.checkbox[0]
    assert box.value
    assert figures(at, HEADLINE)[0] == [f"{N}", "300"]
    effect = effect_of_excluding(check(workspace.store(), "timed", PAIR), outcomes, scores)
    low, high = effect.after.apgr_interval
    assert cells(at, HEADLINE)[4][2] == [
        f"{effect.after.apgr:.3f}",
        "95%",
        f"{low:.3f}",
        "–",
        f"{high:.3f}",
    ]
    box.uncheck().run()
    assert errors(at) == []
    assert at.query_params["out"] in ("", [""])
    assert figures(at, HEADLINE)[0] == [f"{N}"]
    assert "Tick a finding" in said(at)
    at.checkbox[0].check().run()
    assert figures(at, HEADLINE)[0] == [f"{N}", "300"]


def test_what_is_left_out_on_one_benchmark_is_not_on_another(open_evidence):
    at = open_evidence(**TIMED)
    at.checkbox[0].uncheck().run()
    out = at.query_params["out"]
    elsewhere = open_evidence(**TIMED | {"benchmark": "mmlu", "router": ""}, out=out)
    assert figures(elsewhere, HEADLINE)[0] == ["14,037"]
    broken = open_evidence(out="broken_slice-000000,nonsense")
    assert not any(box.value for box in broken.checkbox)


def test_findings_about_every_query_or_none_that_counts_cannot_be_left_out(open_evidence):
    at = open_evidence(benchmark="mt_bench")
    by_help = {box.help for box in at.checkbox if box.disabled}
    assert by_help == {
        "It concerns every query: without them nothing is left.",
        "These queries are left out of every figure already.",
    }
    assert figures(at, HEADLINE)[0] == ["72"]
    assert "**neither clearly better nor clearly worse than guessing**] the average" in said(at)


def test_rows_of_a_finding_are_hostile_texts_shown_as_they_are(timed_store):
    (finding,) = evidence_cache.findings(workspace.version(), "timed", PAIR)
    where = (workspace.version(), "timed", PAIR)
    selection = type("S", (), {"where": where})()
    table = rows.table_of(selection, finding)
    assert list(table["query_id"]) == list(finding.query_id)
    assert len(table) == 100
    assert set(table["slice"]) == {BROKEN}
    shown = rows.shown(benchmarks.benchmark(workspace.version(), "timed"), table)
    assert shown[0][0] == "<u>q000</u>"
    assert len(shown) == rows.N_SHOWN
    assert {row[2] for row in shown} | {row[3] for row in shown} == {"right", "wrong"}
    missing = DataFinding("missing_answers", "note", ("nowhere",))
    assert rows.shown(
        benchmarks.benchmark(workspace.version(), "timed"), rows.table_of(selection, missing)
    ) == [["nowhere", "–", "–", "–"]]


def test_markup_in_names_is_text(open_evidence):
    body = tables(open_evidence(**TIMED, **PRICED))
    assert "<b>small" not in body
    assert "<u>q000" not in body
    assert "**large** ■" in body


def test_the_scores_are_judged_as_the_core_does(open_evidence, known):
    outcomes, scores, _ = known
    at = open_evidence(**TIMED)
    error = calibration_error(scores, targets(outcomes), cluster_code=outcomes.cluster_code)
    brier = brier_score(scores, targets(outcomes), cluster_code=outcomes.cluster_code)
    assert [row[0] for row in figures(at, SCORES)] == [
        f"{error.ece:.2%}",
        f"{error.debiased:.2%}",
        f"{error.if_calibrated:.2%}",
        f"{brier.score:.4f}",
        f"{brier.reference:.4f}",
        f"{brier.skill:.1%}",
    ]
    assert f"**{error.debiased:.1%}** on average" in said(at)


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_recalibration_is_judged_on_others_and_says_what_becomes_of_alpha(
    open_evidence, known, method
):
    outcomes, scores, _ = known
    at = open_evidence(**TIMED, recalibrated=method)
    judged = judge(method, scores, targets(outcomes), cluster_code=outcomes.cluster_code)
    assert figures(at, JUDGED)[:2] == [
        [
            f"{judged.ece_before:.2%}",
            f"{judged.ece_after:.2%}",
            f"{judged.ece_after - judged.ece_before:+.2%}".replace("-", "−"),
        ],
        [
            f"{judged.brier_before:.4f}",
            f"{judged.brier_after:.4f}",
            f"{judged.brier_after - judged.brier_before:+.4f}".replace("-", "−"),
        ],
    ]
    mapped = mapped_threshold(fit(method, scores, targets(outcomes)), scores, 0.5)
    assert f"becomes {mapped.threshold:.3f} on the recalibrated scores" in said(at)
    moved = f"and {mapped.n_moved:,} more of" if mapped.n_moved else "the same queries go"
    assert moved in said(at)


def test_a_curve_that_cannot_be_fitted_is_said_and_the_rest_stands(open_evidence):
    upside_down = TIMED | {"router": "upside_down.in_domain", "recalibrated": "platt"}
    at = opened(PAGE, **upside_down)
    (error,) = at.error
    assert "would turn the order round" in error.value.replace("\\", "")
    assert len(at.get("plotly_chart")) == 2
    assert figures(at, SCORES)[0][0].endswith("%")
    assert "% worse than guessing**] the average" in said(at)
    assert f">{JUDGED}<" not in tables(at)


def test_findings_that_together_concern_every_query_leave_the_figures_as_they_are(timed_store):
    at = AppTest.from_function(_leaving_out_all, default_timeout=TIMEOUT_S)
    at.query_params["benchmark"] = "mt_bench"
    at.run()
    assert errors(at) == []
    assert "Together these findings concern every query" in said(at)
    assert figures(at, HEADLINE)[0] == ["72"]


def _leaving_out_all():
    from routellm_core.evaluation.data_quality import DataFinding
    from views.cache import benchmarks
    from views.evidence import headline
    from views.selection.frame import selection
    from views.selection.point import read

    chosen = selection()
    ids = tuple(benchmarks.outcomes(*chosen.where).query_id)
    found = [DataFinding("off_scale", "note", part) for part in (ids[:40], ids[40:])]
    headline.draw(chosen, read(chosen), found, (0, 1))()


def test_where_nobody_timed_the_answers_the_page_says_how_to_bring_times(open_evidence):
    at = open_evidence(benchmark="gsm8k")
    assert "The times of these answers were not measured" in said(at)
    assert "mean, router included" not in tiles(at)
    assert any(button.label == "Import results on My data" for button in at.button)


def test_seconds_are_those_of_the_called_models_and_the_router(open_evidence, known):
    outcomes, scores, seconds = known
    at = open_evidence(**TIMED, router_ms="250@leaning")
    found = latency_at(scores, seconds, 0.5, router_s=0.25, cluster_code=outcomes.cluster_code)
    called = calls_strong(scores, 0.5)
    by_hand = np.where(called, seconds.strong, seconds.weak)[10:].mean() + 0.25
    assert found.mean_s == pytest.approx(by_hand)
    value, note = tiles(at)["mean, router included"]
    assert value == f"{by_hand:.2f} s"
    assert note.endswith("n 390, 10 without a time left out")
    assert f"{found.mean_interval.low:.2f} – {found.mean_interval.high:.2f} s" in note
    assert tiles(at)["95% are faster than"][0] == f"{found.p95_s:.2f} s"
    assert figures(at, LATENCY)[0][:2] == [f"{by_hand:.2f}", f"{found.p95_s:.2f}"]
    assert "typed by you" in said(at)
    other = open_evidence(**TIMED | {"router": "blind.in_domain"}, router_ms="250@leaning")
    assert "typed by you" not in said(other)


def test_the_routers_time_is_stated_with_its_source_until_it_is_typed(open_evidence):
    at = open_evidence(**TIMED)
    assert at.number_input(key="_router_ms").value == 32.0
    assert "one server core" in said(at)
    at.number_input(key="_router_ms").set_value(80.0).run()
    assert errors(at) == []
    assert at.query_params["router_ms"] in ("80@leaning", ["80@leaning"])
    for nonsense in ("x@leaning", "-1@leaning", "nan@leaning", "inf@leaning", "1e99@leaning"):
        assert open_evidence(**TIMED, router_ms=nonsense).number_input(key="_router_ms").value == 32


def test_an_emptied_number_is_not_nought(open_evidence):
    at = open_evidence(**TIMED, **PRICED, baseline="today", router_ms="80@leaning")
    assert len(at.number_input) > 7
    assert emptied_to_a_number(at) == []
    at.number_input(key="_router_ms").set_value(None).run()
    assert at.number_input(key="_router_ms").value == 32.0
    at.number_input(key="_weak_answer_usd").set_value(None).run()
    assert errors(at) == []
    assert "No list price of both models is known" in said(at)


def test_a_typed_time_is_the_routers_also_beside_another_one(open_evidence):
    at = open_evidence(**TIMED, **PRICED, beside="blind.in_domain", router_ms="80@blind")
    under = [" ".join(row[0]) for row in cells(at, LATENCY)]
    assert [re.search(r"its own (\d+) ms", text)[1] for text in under[:2]] == ["32", "80"], under


def test_money_adds_the_router_and_names_every_baseline(open_evidence, known):
    outcomes, scores, _ = known
    at = open_evidence(
        **TIMED,
        **PRICED,
        router_ms="3600@leaning",
        machine_usd="1",
        queries_per_month="2000",
        baseline="today",
        today_usd="4",
    )
    usd = np.where(
        calls_strong(scores, 0.5),
        (10 * outcomes.prompt_tokens + 20 * outcomes.answer_tokens_strong) / 1e6,
        (1 * outcomes.prompt_tokens + 2 * outcomes.answer_tokens_weak) / 1e6,
    ).mean()
    always = (10 * outcomes.prompt_tokens + 20 * outcomes.answer_tokens_strong).mean() / 1e6
    shown = tiles(at)
    assert shown["for 1,000 queries"][0] == f"${1000 * usd:.2f}"
    assert shown["for 1,000 queries"][1].endswith(f"machine ${1000 * (usd + 0.001):.2f}")
    assert shown["a month"][0] == f"${2000 * usd:.2f}"
    assert shown["saved, against always **large**"][0] == f"{1 - usd / always:.1%}".replace(
        "-", "−"
    )
    both = usd + 0.001
    assert shown["saved, against what you pay today"][0] == f"{1 - both / 0.004:.1%}".replace(
        "-", "−"
    )
    assert "measured tokens, " in said(at)


def test_it_pays_up_to_the_share_that_the_core_finds(open_evidence, known):
    outcomes, scores, _ = known
    at = open_evidence(**TIMED, **PRICED, router_ms="0@leaning", baseline="today", today_usd="3")
    costs = pair_costs(outcomes, Price(1, 2, ""), Price(10, 20, ""))
    rows = figures(at, BREAK_EVEN)
    for row, baseline in zip(rows, (None, 0.003), strict=True):
        found = break_even(
            rank_queries(scores), costs, baseline_usd=baseline, cluster_code=outcomes.cluster_code
        )
        assert row[0] == f"{found.strong_call_share:.1%}"


def test_a_baseline_that_nobody_stated_and_unknown_prices_are_dashes(open_evidence):
    at = open_evidence(**TIMED, **PRICED, baseline="today")
    assert tiles(at)["saved, against what you pay today"] == ("–", "type it above")
    assert figures(at, BREAK_EVEN)[1] == ["–", "–", "–"]
    unpriced = open_evidence(**TIMED)
    assert "No list price of both models is known" in said(unpriced)
    assert "for 1,000 queries" not in tiles(unpriced)
    assert "routing costs" not in said(unpriced)
    assert [row[2] for row in figures(unpriced, LATENCY)] == ["–"] * 3


def test_the_tradeoff_page_announces_errors_in_one_line(timed_store):
    at = opened("pages/tradeoff.py", **TIMED)
    assert "The outcomes of Timed hold 1 error." in said(at)
    assert any(button.label == "See the evidence" for button in at.button)
    sound = opened("pages/tradeoff.py", benchmark="gsm8k")
    assert not any(button.label == "See the evidence" for button in sound.button)
