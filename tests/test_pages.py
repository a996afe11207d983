"""Each page alone and through the navigation, on the shipped data, without a browser."""

import os
import re
import shutil
from pathlib import Path

import pytest

from routellm_core.store import Store
from tests.pages import drawn, errors, opened, read_store

ROOT = Path(__file__).resolve().parent.parent
COMPARE = "pages/compare.py"
QUERIES = "pages/queries.py"
PAGES = re.findall(r'st\.Page\("(pages/\w+\.py)"', (ROOT / "app.py").read_text(encoding="utf-8"))


@pytest.fixture
def open_page(built_store, monkeypatch):
    """Runs a script of the project on the built store; query parameters as keywords."""
    with read_store(built_store, monkeypatch):
        yield lambda script="app.py", **query: opened(script, **query)


def curve_data(at):
    """What the live curve was given."""
    return next(data for data in drawn(at) if "points" in data)


def router_tables(at):
    """What the tables of the Compare page were given, by caption."""
    return {data["caption"]: data for data in drawn(at) if "columns" in data}


def query_table(at):
    """What the table of the Queries page was given."""
    return next(data for data in drawn(at) if data.get("caption") == "The listed queries")


def listed(at):
    return [row["id"] for row in query_table(at)["rows"]]


def shows_the_tradeoff(at):
    return at.sidebar.selectbox[0].label == "Benchmark" and curve_data(at)["n"] > 0


def shows_the_comparison(at):
    in_paper = ("GSM8K", "MMLU", "MT-Bench")
    return {f"Routers on {name}" for name in (*in_paper, "MMLU-Pro", "OmnisBench")} | {
        f"Published figures and ours on {name}" for name in in_paper
    } == set(router_tables(at))


def shows_the_training(at):
    return [button.label for button in at.main.button][:1] == ["Start training"]


def shows_the_own_data(at):
    return len(at.get("file_uploader")) == 1 and "Bring what you have" in at.main.markdown[0].value


def shows_the_queries(at):
    return len(listed(at)) == 50 and len(at.get("plotly_chart")) == 1


def shows_the_scoring(at):
    return [area.label for area in at.text_area] == ["Query", "Queries"]


def shows_the_deployment(at):
    return any("otherwise to" in block.value for block in at.markdown)


def shows_the_evidence(at):
    return [block.value for block in at.subheader] == [
        "What is odd about this data",
        "Does the score mean what it says",
        "How long do answers take",
        "What does it cost",
    ]


SHOWS = {
    "pages/tradeoff.py": shows_the_tradeoff,
    "pages/queries.py": shows_the_queries,
    "pages/compare.py": shows_the_comparison,
    "pages/evidence.py": shows_the_evidence,
    "pages/my_data.py": shows_the_own_data,
    "pages/score.py": shows_the_scoring,
    "pages/train.py": shows_the_training,
    "pages/deploy.py": shows_the_deployment,
}


@pytest.mark.parametrize("script", ["app.py", *PAGES])
def test_a_page_opens_complete_alone_and_through_the_navigation(open_page, script):
    at = open_page(script)
    assert errors(at) == []
    assert SHOWS[PAGES[0] if script == "app.py" else script](at)


def test_switching_to_each_page_draws_it_and_keeps_the_link(open_page):
    at = open_page("app.py", benchmark="gsm8k")
    for page in [*PAGES[1:], PAGES[0]]:
        at.switch_page(page).run()
        assert errors(at) == []
        assert SHOWS[page](at)
        assert at.query_params["benchmark"] in ("gsm8k", ["gsm8k"])
    assert curve_data(at)["n"] == 1_307


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


def test_routers_are_named_as_they_are_and_those_of_the_same_recipe_are_drawn(open_page):
    at = open_page()
    offered = at.sidebar.selectbox(key="_router").options
    assert any(re.fullmatch(r"causal_llm \(golden\) · 0\.\d{3}", label) for label in offered)
    drawn = [line["name"] for line in curve_data(at)["lines"]]
    assert set(drawn) == {"causal_llm (golden)", "bert", "mf (golden)", "sw_ranking (golden)"}


def test_another_router_keeps_the_share_of_a_threshold_set_by_hand(open_page):
    at = open_page(mode="alpha", wanted="0.6")
    before = curve_data(at)["exact"]["share"]
    at.sidebar.selectbox(key="_router").set_value("sw_ranking-golden.in_domain").run()
    after = curve_data(at)
    assert after["router"] == "sw_ranking (golden)"
    assert after["exact"]["share"] == pytest.approx(before, abs=0.01)


def test_a_target_that_cannot_be_met_is_said_and_a_curve_still_shown(open_page):
    data = curve_data(open_page(mode="budget", wanted="1", queries_per_month="1000000"))
    assert "does not pay for" in data["choice"]["problem"]
    assert data["choice"]["mode"] == "budget"
    assert len(data["points"]["share"]) > 100


def test_an_edited_price_moves_the_cost(open_page):
    usual = curve_data(open_page())["strong"]["cost"]
    dearer = open_page(strong_usd="10/60@gpt-4-1106-preview")
    assert curve_data(dearer)["strong"]["cost"] > 1.8 * usual
    assert any("edited by you" in caption.value for caption in dearer.caption)


@pytest.mark.parametrize("price", ["10/60@x", "10/x@M", "nan/1@M", "1/nan@M", "-1/2@M", "1/inf@M"])
def test_a_price_of_another_model_or_none_at_all_is_not_taken(open_page, price):
    usual = curve_data(open_page())["strong"]["cost"]
    price = price.replace("@M", "@gpt-4-1106-preview")
    assert curve_data(open_page(strong_usd=price))["strong"]["cost"] == usual


def test_a_given_quality_becomes_a_share_on_a_benchmark_with_another_scale(open_page):
    at = open_page(mode="quality", wanted="0.75")
    share = curve_data(at)["exact"]["share"]
    at.sidebar.selectbox[0].select("mt_bench").run()
    choice = curve_data(at)["choice"]
    assert choice["mode"] == "share"
    assert choice["wanted"] == pytest.approx(share)


def test_no_queries_a_month_is_no_hundred_thousand(open_page):
    data = curve_data(open_page(mode="budget", wanted="500", queries_per_month="0"))
    assert "how many queries" in data["choice"]["problem"]


def test_a_quality_out_of_reach_is_said_in_the_unit_it_was_typed_in(open_page):
    problem = curve_data(open_page(mode="quality", wanted="0.95"))["choice"]["problem"]
    assert "reaches a quality of 95.0%; the best is 8" in problem


def test_a_pair_that_nobody_scored_is_said_with_the_way_back(open_page):
    at = open_page(strong="mistralai/Mixtral-8x7B-Instruct-v0.1", weak="gpt-4-1106-preview")
    assert "no router has been run for this pair" in at.error[0].value
    said = at.error[0].value.replace("\\", "")
    assert "Pairs with results: gpt-4-1106 / Mixtral-8x7B. Choose one in the sidebar." in said
    at.sidebar.button[0].click().run()
    assert errors(at) == []
    assert curve_data(at)["n"] == 14_037


def test_a_benchmark_that_no_router_scored_is_said(
    open_page, built_store, tmp_path, sample_benchmark
):

    path = tmp_path / "explorer.duckdb"
    shutil.copy(built_store, path)
    with Store(path) as store:
        store.add_benchmark(*sample_benchmark)
    os.environ["ROUTELLM_STORE"] = str(path)  # put back by `open_page`
    at = open_page(benchmark="sample")
    assert "no router has been run on all of Sample" in at.error[0].value
    assert [button.label for button in at.sidebar.button] == ["Score it on My data"]
    at = open_page(COMPARE, compare="sample")
    assert errors(at) == []
    assert router_tables(at)["Routers on Sample"]["sentence"] == (
        "No router has a figure here yet."
    )


def test_models_of_one_short_name_are_told_apart(open_page):
    strong = open_page(benchmark="mmlu_pro").sidebar.selectbox[1]
    assert len(strong.options) == len(set(strong.options)) == 29
    assert "Mixtral-8x7B-v0.1" in strong.options
    assert "Mixtral-8x7B" in open_page(benchmark="mt_bench").sidebar.selectbox[1].options


def test_the_page_says_where_its_token_counts_come_from(open_page):
    assert any("264" in c.value for c in open_page(benchmark="mmlu").caption)
    assert any("measured" in c.value for c in open_page(benchmark="gsm8k").caption)


def test_broken_outcomes_are_pointed_at(open_page):
    (warning,) = open_page(benchmark="mmlu").warning
    said = warning.value.replace("\\", "")
    assert "high_school_mathematics" in said
    assert "3.0%" in said


def test_the_comparison_is_read_aloud_as_far_as_the_intervals_allow(open_page):
    said = {name: data["sentence"] for name, data in router_tables(open_page(COMPARE)).items()}
    gsm8k, mmlu, mt_bench = (said[f"Routers on {name}"] for name in ("GSM8K", "MMLU", "MT-Bench"))
    for sentence in (gsm8k, mmlu, mt_bench):
        assert re.search(r"has the highest APGR, 0\.\d{3} \(95% 0\.\d{3} – 0\.\d{3}\)", sentence)
        assert "paired)" in sentence
    assert "clearly better than a random router" in mmlu
    assert re.search(r"Within slices alone it reaches 0\.5\d\d", mmlu)
    assert "Without high school mathematics" in mmlu
    assert "Within slices" not in gsm8k + mt_bench


def test_every_router_has_a_row_under_the_two_bounds_and_a_column_a_view(open_page):
    table = router_tables(open_page(COMPARE))["Routers on MMLU"]
    assert [row["router"] for row in table["pinned"]] == ["oracle", "random range"]
    rows = {(row["router"], row["recipe"]): row for row in table["rows"]}
    assert len(rows) == len(table["rows"])
    for name in ("mf", "sw_ranking", "causal_llm"):
        row = rows[name, "golden"]
        assert row["apgr_low"] < row["apgr"] < row["apgr_high"]
        assert row["apgr"] == row["in_domain"]
        assert row["within_slice"] < row["unseen_slices"] < row["in_domain"]
    assert {"apgr", "untouched", "unseen_slices", "within_slice"} <= {
        column["id"] for column in table["columns"]
    }


def test_pairs_that_no_router_was_trained_on_have_tables_of_their_own(open_page):
    captions = router_tables(open_page(COMPARE, compare="mt_bench,mmlu_pro", pairs="all"))
    assert sum(caption.startswith("Routers on MT-Bench") for caption in captions) == 3
    assert sum(caption.startswith("Routers on MMLU-Pro") for caption in captions) == 3
    assert any("claude-3-opus" in caption for caption in captions)


def test_the_papers_rows_stand_beside_ours_of_the_same_method(open_page):
    rows = router_tables(open_page(COMPARE))["Published figures and ours on MMLU"]["rows"]
    assert len(rows) == 9
    best = next(r for r in rows if (r["router"], r["trained_on"]) == ("sw_ranking", "Arena + gold"))
    assert (best["paper_cpt50"], best["paper_cpt80"], best["paper_apgr"]) == (0.354, 0.7155, 0.603)
    assert best["apgr"] == pytest.approx(0.638, abs=0.0005)


@pytest.mark.parametrize(("compare", "n_tables"), [("mmlu", 2), ("nope,gsm8k", 2), ("", 0)])
def test_a_link_restores_which_benchmarks_are_compared(open_page, compare, n_tables):
    at = open_page(COMPARE, compare=compare)
    assert errors(at) == []
    assert len(router_tables(at)) == n_tables
    assert len(at.info) == (n_tables == 0)


def sentence(at):
    return re.sub(r"\\|:primary\[|\*\*\]?", "", at.main.markdown[0].value)


def chips(at):
    """How many queries each filter would leave, by its label."""
    labels = at.main.button_group(key="_only").options
    return {name: int(n.replace(",", "")) for name, n in (x.split(" · ") for x in labels)}


def test_the_queries_are_read_aloud_and_agree_with_the_curve(open_page):
    at = open_page(QUERIES)
    said = re.match(
        r"At α = (0\.\d+), ([\d,]+) of 14,037 queries lost quality: Mixtral-8x7B ● was called and "
        r"gpt-4-1106 ■ would have been right\. ([\d,]+) calls of gpt-4-1106 were wasted, \$\d",
        sentence(at),
    )
    n_lost, n_wasted = (int(said[i].replace(",", "")) for i in (2, 3))
    assert chips(at)["lost quality"] == n_lost
    assert chips(at)["wasted money"] == n_wasted
    assert chips(at)["near the threshold"] == 702
    exact = curve_data(open_page())["exact"]
    assert float(said[1]) == pytest.approx(exact["alpha"], abs=0.001)
    for nobody in ({"mode": "share", "wanted": "0"}, {"mode": "alpha", "wanted": "1.5"}):
        never = sentence(open_page(QUERIES, **nobody))
        assert never.startswith("At α = ∞, 2,496 of 14,037")  # strong is better on so many
        assert never.endswith("No call of gpt-4-1106 was wasted.")


UNPRICED = {
    "benchmark": "mt_bench",
    "strong": "claude-3-5-sonnet-20240620",
    "weak": "llama2_chat_7b",  # which genai-prices does not know
}


def test_an_unknown_price_is_a_dash_and_never_nothing(open_page):
    at = open_page(**UNPRICED, x="cost")
    data = curve_data(at)
    assert data["exact"]["cost"] is data["weak"]["cost"] is None
    assert set(data["points"]["cost"]) == {None}
    assert data["axes"]["x"] == "share"
    assert any("Money of both models is not known" in caption.value for caption in at.caption)
    assert at.sidebar.number_input(key="_weak_prompt_usd").value is None
    asked = open_page(**UNPRICED, mode="budget", wanted="400")
    assert "a price of this pair is not known" in curve_data(asked)["choice"]["problem"]
    assert "$" not in sentence(open_page(QUERIES, **UNPRICED))


def test_a_price_that_is_typed_makes_money_known(open_page):
    at = open_page(**UNPRICED)
    at.sidebar.number_input(key="_weak_prompt_usd").set_value(0.2).run()
    assert curve_data(at)["exact"]["cost"] is None  # an answer has no price yet
    assert at.sidebar.number_input(key="_weak_prompt_usd").value == 0.2
    at.sidebar.number_input(key="_weak_answer_usd").set_value(0.3).run()
    assert curve_data(at)["exact"]["cost"] > 0


def test_tokens_that_are_typed_take_the_place_of_the_papers_average(open_page):
    weak = "mistralai/Mixtral-8x7B-Instruct-v0.1"  # $0.24 a million tokens
    usual = open_page(benchmark="mmlu")
    assert usual.sidebar.number_input(key="_weak_answer_tokens").value is None
    typed = open_page(benchmark="mmlu", weak_tokens=f"/528@{weak}")
    assert typed.sidebar.number_input(key="_weak_answer_tokens").value == 528
    more = curve_data(typed)["weak"]["cost"] - curve_data(usual)["weak"]["cost"]
    assert more == pytest.approx(264 * 0.24 / 1e3)
    of_another = open_page(benchmark="mmlu", weak_tokens="/528@somebody-else")
    assert curve_data(of_another)["weak"]["cost"] == curve_data(usual)["weak"]["cost"]


def test_a_link_restores_filters_order_and_page_of_the_queries(open_page):
    asked = {"only": "lost,near", "slice": "professional_law", "sort": "id"}
    at = open_page(QUERIES, **asked)
    assert errors(at) == []
    rows = query_table(at)["rows"]
    assert rows
    assert all(row["goes_second"] == "lost" and row["goes"] == "weak" for row in rows)
    assert all(row["id"].startswith("professional_law") for row in rows)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    first, second = (listed(open_page(QUERIES, only="lost", page=n)) for n in ("1", "2"))
    assert not set(first) & set(second)
    assert listed(open_page(QUERIES, only="lost", page="99999")) != first
    nonsense = open_page(QUERIES, only="x,lost", slice="?", sort="!", page="-3", other="<b>")
    assert errors(nonsense) == []
    assert listed(nonsense) == first


def test_another_filter_goes_back_to_the_first_page(open_page):
    at = open_page(QUERIES, page="3", query="anatomy-0000")
    at.main.selectbox(key="_slice").select("anatomy").run()
    assert errors(at) == []
    assert "page" not in at.query_params
    assert at.query_params["slice"] in ("anatomy", ["anatomy"])
    assert all(name.startswith("anatomy") for name in listed(at))
    at.sidebar.selectbox[0].select("mt_bench").run()
    assert errors(at) == []
    assert not {"slice", "query"} & set(at.query_params)


def test_flips_are_offered_where_a_point_is_pinned_and_disagreement_where_a_router_is(open_page):
    assert "flips between A and B" not in chips(open_page(QUERIES))
    at = open_page(QUERIES, pin="0.6", mode="alpha", wanted="0.55", only="flips")
    rows = query_table(at)["rows"]
    assert rows
    assert all(0.55 <= row["score"] < 0.6 for row in rows)
    alone = open_page(QUERIES, beside="")
    assert "routers disagree" not in chips(alone)
    assert errors(alone) == []
    assert any("beside this one" in caption.value for caption in alone.main.caption)


def test_contaminated_queries_are_listed_only_when_asked_for_and_scored(open_page):
    at = open_page(QUERIES, benchmark="mt_bench", only="contaminated")
    assert "No contaminated query" in at.info[0].value
    at.main.button[0].click().run()
    assert len(listed(at)) == 50
    random = {"benchmark": "mt_bench", "router": "random-none.untouched", "only": "contaminated"}
    at = open_page(QUERIES, **random)
    assert len(listed(at)) == 8
    assert " of 72 queries " in sentence(at)
    at = open_page(QUERIES, **random, query=listed(at)[0])
    assert errors(at) == []


def test_queries_without_texts_have_their_ids_and_say_how_to_get_texts(open_page):
    at = open_page(QUERIES)
    assert all(row["text"] == row["id"] for row in query_table(at)["rows"])
    assert any("make texts" in caption.value for caption in at.main.caption)
    assert at.main.text_input(key="_search").disabled
    assert "No query has all of this" in open_page(QUERIES, search="anything").info[0].value


def test_calls_whose_tokens_were_counted_have_a_cost_and_others_none(open_page):
    counted = query_table(open_page(QUERIES, benchmark="gsm8k", sort="dearest"))
    dearest = [row["usd"] for row in counted["rows"]]
    assert dearest == sorted(dearest, reverse=True)
    at = open_page(QUERIES, sort="dearest")
    assert "usd" in [column["id"] for column in counted["columns"]]
    assert "usd" not in [column["id"] for column in query_table(at)["columns"]]
    assert all(row["usd"] is None for row in query_table(at)["rows"])
    assert "most expensive call" not in at.main.selectbox(key="_sort").options
    assert any(
        "Neither dollars nor tokens of these calls" in caption.value for caption in at.main.caption
    )


def test_one_query_is_opened_by_its_link_and_left_by_a_button(open_page):
    at = open_page(QUERIES, only="wasted")
    second = listed(at)[1]
    at = open_page(QUERIES, only="wasted", query=second)
    assert errors(at) == []
    words = " ".join(m.value for m in at.main.markdown).replace("\\", "")
    assert re.search(r"■ Goes to gpt-4-1106, and the call is wasted: .* for \$0\.\d+ less\.", words)
    assert re.search(
        r"Expected of the strong call: [+−]\d+\.\d percentage points of quality \(95%", words
    )
    assert any(re.match(r"2 of [\d,]+ listed", caption.value) for caption in at.main.caption)
    at.main.button[0].click().run()
    assert at.query_params["query"] in (listed(at)[0], [listed(at)[0]])
    assert at.main.button[0].disabled
    at.main.button[2].click().run()
    assert "query" not in at.query_params
    assert errors(at) == []


def test_a_query_that_is_not_there_is_said_above_the_list(open_page):
    at = open_page(QUERIES, query="<script>")
    assert "no query" in at.error[0].value
    assert len(listed(at)) == 50


def test_a_store_of_a_newer_version_is_a_sentence_not_a_traceback(tmp_path, monkeypatch):
    import duckdb

    path = tmp_path / "explorer.duckdb"
    Store.create(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    monkeypatch.setenv("ROUTELLM_STORE", str(path))
    at = opened("app.py")
    assert not at.exception
    assert "newer version" in at.error[0].value
