"""A guarantee on the pages: certified by the core, carried by the link, never moved by a digit."""

import pytest

from routellm_core.policy.guarantee.certify import certify
from routellm_core.policy.guarantee.risks import GuaranteeTarget
from routellm_core.policy.guarantee.sentences import CHOOSE_EXACT, about, certificate_sentence
from routellm_core.store import Store
from routellm_core.types import ModelPair
from tests.pages import drawn, errors, opened, read_store, said

PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")


@pytest.fixture
def open_page(built_store, monkeypatch):
    with read_store(built_store, monkeypatch):
        yield lambda script="pages/tradeoff.py", **query: opened(
            script, **{"mode": "promise", **query}
        )


def curve_data(at):
    """What the live curve was given."""
    return next(data for data in drawn(at) if "points" in data)


def certificate(path, promise, *, benchmark="mmlu", router="stacked", delta=0.05):
    with Store(path, read_only=True) as store:
        row = store.router_named(benchmark, PAIR, router, None)
        known = store.pair_outcomes(benchmark, PAIR)
        card = store.benchmark(benchmark)
        return certify(
            store.strong_win_rates(benchmark, PAIR, row.router_id, row.view),
            known.quality_weak,
            known.quality_strong,
            promise,
            quality_low=card.quality_low,
            quality_high=card.quality_high,
            cluster_code=known.cluster_code,
            delta=delta,
        )


@pytest.mark.parametrize(
    ("query", "promise", "delta"),
    [
        ({}, GuaranteeTarget("keep", 0.95), 0.05),
        ({"promise": "lose"}, GuaranteeTarget("lose", 0.02), 0.05),
        ({"promise": "miss", "wanted": "0.12"}, GuaranteeTarget("miss", 0.12), 0.05),
        (
            {"promise": "keep", "wanted": "0.9", "confidence": "0.99"},
            GuaranteeTarget("keep", 0.9),
            0.01,
        ),
        (
            {"promise": "what", "wanted": "nan", "confidence": "0.5"},
            GuaranteeTarget("keep", 0.95),
            0.05,
        ),
    ],
)
def test_a_promise_sets_alpha_to_the_certified_threshold(
    open_page, built_store, query, promise, delta
):
    found = certificate(built_store, promise, delta=delta)
    at = open_page(**query)
    assert errors(at) == []
    data = curve_data(at)
    assert data["choice"]["alpha"] == data["exact"]["alpha"] == found.threshold
    assert (
        data["choice"]
        | {
            "mode": "promise",
            "promise": promise.kind,
            "wanted": promise.limit,
            "confidence": 1 - delta,
            "problem": None,
        }
        == data["choice"]
    )
    assert data["promised"]["words"] == certificate_sentence(found, "share right")
    assert data["promised"]["about"] == f"{about('method')}. {CHOOSE_EXACT}"
    # The exported threshold is the tested one, not one midway between other scores.
    assert f"router-stacked-{found.threshold!r}" in said(at)


def test_a_promise_for_which_nothing_need_be_called_never_calls(open_page):
    data = curve_data(open_page(promise="lose", wanted="0.3"))
    assert "The strong model is never called" in data["promised"]["words"]
    assert data["exact"]["share"] == 0
    assert data["choice"]["alpha"] == 2


def test_a_promise_out_of_reach_says_what_would_do_and_marks_nothing(open_page):
    data = curve_data(open_page(benchmark="mt_bench"))
    assert data["choice"]["mode"] == "promise"
    assert "32 calibration queries are too few to guarantee 95%" in data["choice"]["problem"]
    assert data["promised"] is None
    assert data["exact"]["share"] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"promise": "keep", "wanted": "1.5"}, "keeping 150% of the quality is no guarantee"),
        ({"promise": "lose", "wanted": "-0.01"}, "losing at most -1 points is no guarantee"),
        ({"promise": "miss", "wanted": "1"}, "missing at most 100% is no guarantee"),
        ({"promise": "keep", "wanted": "0.1", "benchmark": "mt_bench"}, "name more than 10%"),
        ({"promise": "lose", "wanted": "9", "benchmark": "mt_bench"}, "from 0, below 9"),
    ],
)
def test_what_is_no_promise_is_said_in_the_unit_it_was_typed_in(open_page, query, problem):
    at = open_page(**query)
    assert errors(at) == []
    assert problem in curve_data(at)["choice"]["problem"]


def test_every_offered_promise_is_one_on_every_scale(open_page):
    for benchmark in ("mmlu", "mt_bench"):
        for form in curve_data(open_page(benchmark=benchmark))["promises"]:
            limit = str(form["usual"])
            data = curve_data(open_page(benchmark=benchmark, promise=form["id"], wanted=limit))
            assert "no guarantee" not in (data["choice"]["problem"] or "")
    factors = [
        {form["id"]: form["factor"] for form in curve_data(open_page(benchmark=name))["promises"]}
        for name in ("mmlu", "mt_bench")
    ]
    assert factors == [
        {"keep": 100, "lose": 100, "miss": 100},
        {"keep": 100, "lose": 1, "miss": 100},
    ]


def test_another_router_is_held_to_the_same_promise(open_page, built_store):
    at = open_page()
    at.sidebar.selectbox(key="_router").set_value("sw_ranking-golden.in_domain").run()
    found = certificate(built_store, GuaranteeTarget("keep", 0.95), router="sw_ranking")
    assert curve_data(at)["choice"]["alpha"] == found.threshold
    assert curve_data(at)["promised"]["about"] == about("method")


def test_a_promised_loss_becomes_the_usual_one_on_another_scale(open_page):
    at = open_page(promise="lose", wanted="0.05", confidence="0.9")
    at.sidebar.selectbox[0].select("mt_bench").run()
    choice = curve_data(at)["choice"]
    assert (choice["mode"], choice["promise"], choice["confidence"]) == ("promise", "lose", 0.9)
    assert choice["wanted"] == 0.2
    kept = open_page(promise="keep", wanted="0.9")
    kept.sidebar.selectbox[0].select("mt_bench").run()
    assert curve_data(kept)["choice"]["wanted"] == 0.9


def test_the_queries_are_those_behind_the_promised_threshold(open_page, built_store):
    threshold = certificate(built_store, GuaranteeTarget("keep", 0.95)).threshold
    queries = open_page("pages/queries.py")
    assert errors(queries) == []
    assert f"At α = {threshold:.4f}" in said(queries).replace(":primary[**", "").replace("**]", "")


def test_what_is_out_of_reach_is_not_deployed(open_page):
    at = open_page("pages/deploy.py", benchmark="mt_bench")
    assert errors(at) == []
    assert "are too few to guarantee" in said(at)


def test_every_figure_of_the_curve_has_its_interval(open_page):
    data = curve_data(open_page())
    for part, get in (("points", lambda x: x[500]), ("exact", lambda x: x)):
        figures = {name: get(values) for name, values in data[part].items()}
        saving = 1 - figures["cost"] / data["strong"]["cost"]
        for value, name in ((figures["quality"], ""), (figures["share"], "share_")):
            assert figures[f"{name}low"] < value < figures[f"{name}high"]
        assert figures["cost_low"] < figures["cost"] < figures["cost_high"]
        assert figures["saving_low"] < saving < figures["saving_high"]
    exact = data["exact"]
    assert exact["pgr_low"] < exact["pgr"] < exact["pgr_high"]
    unpriced = {"strong": "claude-3-5-sonnet-20240620", "weak": "llama2_chat_7b"}
    exact = curve_data(open_page(benchmark="mt_bench", mode="share", wanted="0.3", **unpriced))[
        "exact"
    ]
    assert exact["cost_low"] is exact["saving_high"] is None
    assert exact["share_low"] < 0.3 < exact["share_high"]
