"""Each page alone and through the navigation, on the shipped data, without a browser."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from routellm_core.shipped import ensure_store
from routellm_core.store import Store

ROOT = Path(__file__).resolve().parent.parent
PAGES = re.findall(r'st\.Page\("(pages/\w+\.py)"', (ROOT / "app.py").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "explorer.duckdb"
    ensure_store(ROOT / "data", path)
    return path


@pytest.fixture
def open_page(built_store, monkeypatch):
    """Runs a script of the project on the built store; query parameters as keywords."""
    from views import cached

    monkeypatch.setenv("ROUTELLM_STORE", str(built_store))
    cached.store.clear()

    def run(script="app.py", **query):
        at = AppTest.from_file(str(ROOT / script), default_timeout=30)
        for name, value in query.items():
            at.query_params[name] = value
        return at.run()

    yield run
    cached.store().close()
    cached.store.clear()


def curve_data(at):
    """What the live curve was given to draw."""
    drawn = [json.loads(component.proto.json) for component in at.get("bidi_component")]
    return next(data for data in drawn if "points" in data)


def errors(at):
    return [e.value for e in at.error] + [e.value for e in at.exception]


@pytest.mark.parametrize("script", ["app.py", *PAGES])
def test_a_page_opens_complete_alone_and_through_the_navigation(open_page, script):
    at = open_page(script)
    assert errors(at) == []
    assert at.sidebar.selectbox[0].label == "Benchmark"


def test_switching_to_each_page_draws_it(open_page):
    at = open_page("app.py")
    for page in PAGES:
        at.switch_page(page).run()
        assert errors(at) == []
        assert len(at.sidebar.selectbox) >= 3


def test_the_first_visit_shows_mmlu_with_its_published_end_points(open_page):
    data = curve_data(open_page())
    assert data["n"] == 14_037
    assert round(100 * data["strong"]["quality"], 6) == 80.587020
    assert round(100 * data["weak"]["quality"], 6) == 68.091473
    assert len(data["points"]["share"]) <= 1002


def test_a_link_restores_what_was_chosen(open_page):
    at = open_page(benchmark="gsm8k", mode="pgr", wanted="0.8", x="cost", y="pgr", pin="0.6")
    data = curve_data(at)
    assert data["n"] == 1_307
    assert data["axes"] == {"x": "cost", "y": "pgr"}
    assert data["choice"]["mode"] == "pgr"
    assert data["exact"]["pgr"] >= 0.8
    assert data["pin"]["alpha"] == 0.6


def test_nonsense_in_a_link_falls_back_to_what_is_usual(open_page):
    at = open_page(
        benchmark="nope", strong="<b>", router="x", mode="magic", wanted="nan", pin="inf", x="?"
    )
    assert errors(at) == []
    data = curve_data(at)
    assert data["n"] == 14_037
    assert data["choice"]["mode"] == "share"
    assert data["pin"] is None


def test_choosing_another_benchmark_changes_figures_and_link(open_page):
    at = open_page()
    at.sidebar.selectbox[0].select("mt_bench").run()
    assert errors(at) == []
    assert curve_data(at)["n"] == 72
    assert at.query_params["benchmark"] == "mt_bench"


def test_another_router_keeps_the_share_of_a_threshold_set_by_hand(open_page):
    at = open_page(mode="alpha", wanted="0.6")
    before = curve_data(at)["exact"]["share"]
    other = next(option for option in at.sidebar.radio[0].options if "sw_ranking" in option)
    at.sidebar.radio[0].set_value("sw_ranking-golden.in_domain").run()
    assert "sw_ranking" in other
    after = curve_data(at)
    assert after["router"] == "sw_ranking"
    assert after["exact"]["share"] == pytest.approx(before, abs=0.01)


def test_a_wish_that_cannot_be_met_is_said_and_a_curve_still_shown(open_page):
    data = curve_data(open_page(mode="budget", wanted="1", queries_per_month="1000000"))
    assert "does not pay for" in data["choice"]["problem"]
    assert data["choice"]["mode"] == "budget"
    assert len(data["points"]["share"]) > 100


def test_an_edited_price_moves_the_cost(open_page):
    usual = curve_data(open_page())["strong"]["cost"]
    dearer = open_page(strong_usd="10/60@gpt-4-1106-preview")
    assert curve_data(dearer)["strong"]["cost"] > 1.8 * usual
    assert any("edited by you" in caption.value for caption in dearer.caption)


@pytest.mark.parametrize(
    "price", ["10/60@another-model", "10/x@gpt-4-1106-preview", "nan/1", "-1/2"]
)
def test_a_price_of_another_model_or_none_at_all_is_not_taken(open_page, price):
    usual = curve_data(open_page())["strong"]["cost"]
    assert curve_data(open_page(strong_usd=price))["strong"]["cost"] == usual


def test_the_page_says_where_its_token_counts_come_from(open_page):
    assert any("264" in c.value for c in open_page(benchmark="mmlu").caption)
    assert any("measured" in c.value for c in open_page(benchmark="gsm8k").caption)


def test_broken_outcomes_are_pointed_at(open_page):
    (warning,) = open_page(benchmark="mmlu").warning
    assert "high_school_mathematics" in warning.value
    assert "3.0%" in warning.value


def test_a_store_of_a_newer_version_is_a_sentence_not_a_traceback(tmp_path, monkeypatch):
    import duckdb

    from views import cached

    path = tmp_path / "explorer.duckdb"
    Store.create(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    monkeypatch.setenv("ROUTELLM_STORE", str(path))
    cached.store.clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    cached.store.clear()
    assert not at.exception
    assert "newer version" in at.error[0].value
