"""What the Compare page says about figures, and how it lays them out."""

import re

import pytest

from routellm_core.errors import StoreError
from routellm_core.evaluation.comparison.claimed_saving import savings
from routellm_core.evaluation.comparison.paper import PAIR as PAPER_PAIR
from routellm_core.types import Benchmark, Interval
from tests.pages import drawn, errors, opened, read_store, said
from tests.pages import tables as tables_of
from views.cache import comparison as comparison_cache
from views.compare import (
    controls,
    costs,
    one_benchmark,
    sentences,
    tables,
)
from views.compare import decomposition as gain_view
from views.compare import (
    verdicts as compare_verdicts,
)


def figures(*routers, ahead=(), random_high=0.52, **more):
    return {
        "benchmark": "b",
        "model_pair": {"weak": "small", "strong": "large"},
        "n_queries": 900,
        "quality_weak": 0.6,
        "quality_strong": 0.8,
        "oracle": {"apgr": 1.2, "cpt50": 0.1, "cpt80": 0.2},
        "random": {"apgr": 0.5, "apgr_interval": Interval(0.48, random_high)},
        "routers": list(routers),
        "ahead": list(ahead),
        **more,
    }


def row(router, apgr, view="in_domain", recipe="golden", width=0.02):
    interval = Interval(apgr - width, apgr + width)
    figures = {"cpt50": 0.3, "cpt50_interval": interval, "cpt80": 0.6, "cpt80_interval": interval}
    figures |= {"oracle_gap": 0.1, "oracle_gap_interval": (-0.02, 0.2)}
    names = {"router": router, "recipe": recipe, "view": view, "n_queries": 900}
    return names | {"apgr": apgr, "apgr_interval": interval} | figures


def gain(router, over, value, low, high, view="in_domain"):
    names = {"router": router, "recipe": "golden", "view": view}
    other = {"over": over, "over_recipe": "golden"}
    return names | other | {"gain": value, "gain_interval": Interval(low, high)}


def test_no_router_is_called_best_where_the_strong_model_is_the_worse_one():
    known = figures(row("mf", 0.6), row("bert", 0.65), quality_strong=0.5)
    (said,) = sentences.about(known)
    assert "the worse one here" in said
    assert "bert" not in said


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (0.004, "It is ahead of mf (0.600) by 0.050 (95% +0.004 – +0.090, paired)."),
        (
            -0.004,
            "Its lead over mf (0.600) is not clear: 0.050 (95% −0.004 – +0.090",
        ),
    ],
)
def test_the_best_router_is_compared_with_the_next_on_the_same_resamples(low, said):
    ahead = [gain("bert", "mf", 0.05, low, 0.09)]
    text = " ".join(sentences.about(figures(row("mf", 0.6), row("bert", 0.65), ahead=ahead)))
    assert text.startswith("Out of fold, bert has the highest APGR, 0.650 (95% 0.630 – 0.670).")
    assert said in text
    assert "clearly better than a random router" in text


def test_a_router_inside_the_random_range_is_said_to_be():
    text = " ".join(sentences.about(figures(row("mf", 0.52, view="untouched"))))
    assert text == (
        "On queries that no router learned from, mf has the highest APGR, 0.520 (95% 0.500 – "
        "0.540). On 900 queries it is not clearly better than a random router."
    )


def test_the_view_that_most_routers_have_is_compared():
    known = [row("mf", 0.9, recipe="own-pair"), *(row(n, 0.6, "untouched") for n in ("mf", "bert"))]
    assert {r["view"] for r in sentences.comparable(known)} == {"untouched"}
    text = " ".join(sentences.about(figures(*known)))
    assert "Trained on this pair's own outcomes, mf reaches 0.900" in text
    assert "out of fold: knowing the pair is worth +0.300." in text
    alone = " ".join(sentences.about(figures(*known[:1])))
    assert "out of fold." in alone
    assert "knowing the pair" not in alone


def test_what_is_left_inside_slices_is_said():
    known = [row("mf", 0.7), row("mf", 0.53, view="within_slice")]
    assert "most of its lead over random is between slices" in " ".join(
        sentences.about(figures(*known))
    )


def test_a_router_is_a_row_and_a_view_a_column():
    table = tables.of_routers(
        figures(
            row("mf", 0.6),
            row("mf", 0.55, view="unseen_slices"),
            row("mf", 0.5, view="within_slice"),
            row("bert", 0.58, view="untouched"),
            row("random", 0.5),
        )
    )
    mf, bert, _ = table["rows"]
    assert (mf["in_domain"], mf["unseen_slices"], mf["within_slice"]) == (0.6, 0.55, 0.5)
    assert (mf["apgr"], bert["apgr"], bert["untouched"]) == (0.6, 0.58, 0.58)
    assert "in_domain" not in bert
    assert (mf["recipe"], bert["recipe"]) == ("golden", "golden, untouched")
    ids = [column["id"] for column in table["columns"]]
    assert ids[3:7] == ["apgr", "untouched", "unseen_slices", "within_slice"]


def test_one_view_needs_no_column_of_its_own():
    columns = tables.of_routers(figures(row("mf", 0.6, view="untouched")))["columns"]
    assert "untouched" not in [column["id"] for column in columns]


def test_the_csv_has_a_line_a_router_and_view():
    lines = tables.csv_lines(figures(row("mf", 0.6), row("mf", 0.5, view="within_slice")))
    assert [(line["router"], line["view"]) for line in lines] == [
        ("oracle", "knows the answers"),
        ("random range", "95% of random mixes"),
        ("mf", "in domain"),
        ("mf", "within slice"),
    ]
    assert lines[2]["apgr_low"] == pytest.approx(0.58)
    assert (lines[2]["oracle_gap"], lines[2]["oracle_gap_low"]) == (0.1, -0.02)
    assert lines[0]["oracle_gap"] == 1.0


def verdict(router, over, gain, n_more=0.0, p_value=0.001):
    pair = f"`{router}` is ahead of `{over}` by {gain:.3f} APGR"
    if n_more:
        pair = f"cannot tell `{router}` from `{over}`: about {n_more:,.0f} more queries would be "
        pair += "needed"
    ends = Interval(gain - 0.01, gain + 0.01)
    return {
        "labels": [router, over],
        "is_ahead": not n_more,
        "words": pair,
        "gain": gain,
        "gain_interval": ends,
        "quality_gain": gain / 5,
        "quality_gain_interval": Interval(gain / 5 - 0.002, gain / 5 + 0.002),
        "is_gap_clear": True,
        "amount": gain,
        "amount_interval": ends,
        "p_value": p_value,
        "adjusted_p_value": p_value,
        "n_more": n_more,
        "n_queries": 900,
        "at_share": {
            "strong_call_share": 0.5,
            "gain": 0.01,
            "gain_interval": ends,
            "n_only_router": 30,
            "n_only_over": 10,
            "p_value": float("nan"),
            "adjusted_p_value": float("nan"),
        },
    }


def compared(router, apgr, over_prior=0.0, kind="router", recipe="golden", **more):
    parts = {
        "apgr": apgr,
        "recognising": apgr - 0.52,
        "ranking": 0.02,
        "over_prior": over_prior,
        "aiq": 0.7,
        "deferral_area": 0.69,
        "quality_neutral_cost": 0.8,
        "quality_neutral_cost_usd": 0.002,
        "quality_neutral_share": 0.75,
    }
    ends = {f"{k}_interval": Interval(v - 0.01, v + 0.01) for k, v in parts.items()}
    control = {
        "apgr": apgr,
        "band": Interval(0.48, 0.52),
        "p_value": 0.001,
        "n_queries": 900,
    }
    return {
        "router": router,
        "recipe": recipe,
        "label": f"{router} ({recipe})" if recipe != "golden" else router,
        "kind": kind,
        "control": control,
        "score_entropy": 9.8,
        "n_scores": 900,
        "share_at_half": 0.5,
        "choice_entropy": 1.0,
        "prior": 0.6,
        "prior_interval": Interval(0.58, 0.62),
        **parts,
        **ends,
        **more,
    }


def found(*routers, verdicts=(), **more):
    return {
        "benchmark": "mmlu",
        "model_pair": {"weak": "small", "strong": "large"},
        "view": "in_domain",
        "n_queries": 900,
        "n_slices": 3,
        "quality_weak": 0.6,
        "quality_strong": 0.8,
        "routers": list(routers),
        "verdicts": list(verdicts),
        **more,
    }


THREE = found(
    compared("stacked", 0.7),
    compared("bert", 0.69),
    compared("mf", 0.6),
    verdicts=[
        verdict("stacked", "bert", 0.01, n_more=2_960_000, p_value=0.8),
        verdict("stacked", "mf", 0.1),
        verdict("bert", "mf", 0.09),
    ],
)


def test_the_gist_of_the_verdicts_names_the_best_and_over_whom_it_has_no_clear_lead():
    assert compare_verdicts.sentence(THREE) == (
        "2 of 3 pairs have a clear winner. stacked is ahead of 1 of the 2 others. It has no clear "
        "lead over bert (about 3,000,000 more queries would show it)."
    )
    ahead = found(compared("a", 0.7), compared("b", 0.6), verdicts=[verdict("a", "b", 0.1)])
    assert compare_verdicts.sentence(ahead) == (
        "1 of 1 pairs has a clear winner. a is ahead of every other router."
    )
    assert compare_verdicts.sentence(found(compared("a", 0.7))).startswith("There is one router: ")


def test_each_pair_is_one_cell_above_the_diagonal_and_says_it_in_words():
    data = compare_verdicts.matrix(THREE)
    assert [router["router"] for router in data["routers"]] == ["stacked", "bert", "mf"]
    assert [(c["row"], c["column"]) for c in data["cells"]] == [(0, 1), (0, 2), (1, 2)]
    unknown, ahead, _ = data["cells"]
    assert (unknown["short"], unknown["under"]) == ("?", "+3M more")
    assert (ahead["short"], ahead["under"]) == ("+0.100", "ahead")
    assert ahead["words"] == "stacked is ahead of mf by 0.100 APGR"
    assert unknown["words"].startswith("Cannot tell stacked from bert: about 2,960,000 more")
    assert "n 900); p = 0.001, p = 0.001 by Holm over 3 pairs" in ahead["details"][0]
    assert "McNemar" not in ahead["details"][1]


@pytest.mark.parametrize(
    ("n_more", "short"),
    [
        (98, "+98 more"),
        (900, "+900 more"),
        (997, "+1k more"),
        (19_300, "+19k more"),
        (float("inf"), "no number"),
        (float("nan"), "no gap"),
    ],
)
def test_further_queries_are_short_in_a_cell(n_more, short):
    data = compare_verdicts.matrix(
        found(compared("a", 0.7), compared("b", 0.6), verdicts=[verdict("a", "b", 0.1, n_more)])
    )
    assert data["cells"][0]["under"] == short


def test_who_knows_less_than_the_subject_alone_is_said_first():
    said = gain_view.sentence(
        found(
            compared("stacked", 0.7, over_prior=0.03),
            compared("bert", 0.69, over_prior=0.005),
            compared("mf", 0.55, over_prior=-0.05),
            compared("mf", 0.56, over_prior=-0.04, recipe="chat"),
            compared("random", 0.5, over_prior=-0.1),
        ),
        "MMLU",
    )
    assert said == (
        "mf knows less than the subject alone: a prior that knows only a query's subject has APGR "
        "0.600 (95% 0.580 – 0.620). Only stacked knows more. bert does not clearly differ from it."
    )


def test_the_two_parts_lead_from_one_half_to_the_figure():
    table = gain_view.table(found(compared("mf", 0.64)))
    (row,) = table["rows"]
    assert row["until_slice"] == pytest.approx(0.5 + row["recognising"])
    assert row["until_slice"] + row["ranking"] == pytest.approx(row["apgr"])
    assert (table["axis"]["prior"], table["axis"]["prior_low"]) == (0.6, 0.58)
    assert table["axis"]["low"] < 0.5 < 0.62 < table["axis"]["high"]


def test_without_slices_all_of_the_gain_is_within_one():
    one = found(compared("mf", 0.64), n_slices=1)
    assert gain_view.sentence(one, "GSM8K").startswith("GSM8K has no slices: ")
    assert gain_view.table(one)["columns"] == []


def test_what_each_one_is_stands_in_words_and_beside_its_own_scores_shuffled():
    three = found(
        compared("bert", 0.7),
        compared("mf", 0.4, kind="reversed", share_at_half=1.0, choice_entropy=0.0),
        compared("random", 0.5, kind="chance"),
    )
    said = controls.sentence(three)
    assert said.startswith("1 of 3 does better than its own scores shuffled. random cannot be told")
    assert "mf ranks queries the wrong way round: its own scores shuffled do better." in said
    assert said.endswith(
        "At α = 0.5 mf sends nearly every query to one model: without a "
        "calibrated α that is no routing."
    )
    rows = controls.table(three)["rows"]
    assert [row["what"] for row in rows] == ["✓ router", "⇄ reversed", "≈ chance"]
    assert rows[0]["shuffled"] == "0.480 – 0.520"
    assert (rows[0]["band_low"], rows[0]["band_high"]) == (0.48, 0.52)


def test_other_measures_have_intervals_and_a_dash_without_a_price():
    (row,) = costs.table(found(compared("bert", 0.7)))["rows"]
    assert (row["usd"], row["aiq_low"], row["aiq_high"]) == (2.0, 0.69, 0.71)
    nan = float("nan")
    unpriced = compared("bert", 0.7, aiq=nan, quality_neutral_cost=nan)
    assert costs.table(found(unpriced))["rows"][0]["aiq"] is None
    assert costs.sentence(found(unpriced)).startswith("What one of the models costs is not known")
    assert "80.0% of its cost (95% 79.0 – 81.0)" in costs.sentence(found(compared("bert", 0.7)))


def test_the_papers_ratios_come_out_of_its_own_tables_to_the_last_printed_digit():
    for saving in savings():
        assert round(saving.fewer_calls, 2) == saving.printed
    half = {s.benchmark_id: s for s in savings() if s.wanted_pgr == 0.5}
    assert [round(half[b].over_strong, 1) for b in ("mt_bench", "mmlu", "gsm8k")] == [7.0, 2.8, 2.9]
    assert half["mt_bench"].over_random == pytest.approx(3.48, abs=0.005)


WAIT_S = 600  # for a comparison; on a busy machine it takes long


@pytest.fixture
def comparisons(monkeypatch):
    """Those begun, in their order."""
    begun = []

    class Followed(comparison_cache.Comparing):
        def __init__(self, *asked):
            begun.append(self)
            super().__init__(*asked)

    monkeypatch.setattr(comparison_cache, "Comparing", Followed)
    return begun


@pytest.fixture
def none_before():
    """What was worked out for another test is forgotten."""
    comparison_cache.comparing.clear()


@pytest.fixture
def open_page(built_store, monkeypatch, comparisons):
    """Runs the Compare page on the built store; query parameters as keywords."""
    with read_store(built_store, monkeypatch):
        yield lambda **query: opened("pages/compare.py", **query)
        for comparing in comparisons:
            comparing.result(WAIT_S)


def by_title(at):
    return {data["title"]: data for data in drawn(at)}


def test_one_benchmark_closely_says_how_far_it_is_and_then_shows_all_four_parts(
    open_page, comparisons, none_before
):
    at = open_page(look="closely", closely="mt_bench")
    assert len(at.get("progress")) == 1
    comparisons[0].result(WAIT_S)
    at.run()
    assert errors(at) == []
    assert len(comparisons) == 1  # the second drawing reads what the first one began
    assert len(at.get("progress")) == 0
    parts = by_title(at)
    assert list(parts) == [
        "Are they different?",
        "Is it a router at all?",
        "Where the gain comes from",
        "By other measures",
    ]
    verdicts = parts["Are they different?"]
    assert len(verdicts["cells"]) == 36
    assert verdicts["sentence"].startswith("None of 36 pairs have a clear winner.")
    assert {r["what"] for r in parts["Is it a router at all?"]["rows"]} >= {
        "≈ chance",
        "⇄ reversed",
    }
    assert "category alone" in parts["Where the gain comes from"]["sentence"]
    assert "n 72 queries (72 texts)" in said(at)


def test_a_comparison_that_failed_begins_anew_at_the_next_look(
    open_page, comparisons, none_before, monkeypatch
):
    def broken(*args, **kwargs):
        raise StoreError("the store is held by another process")

    with monkeypatch.context() as patch:
        patch.setattr(comparison_cache, "compare_routers", broken)
        at = open_page(look="closely", closely="mt_bench").run()
        assert [e.replace("\\", "") for e in errors(at)] == ["the store is held by another process"]
    comparisons.clear()
    at.run()
    comparisons[0].result(WAIT_S)
    assert errors(at.run()) == []
    assert "Are they different?" in by_title(at)


def test_another_benchmark_of_the_closer_look_is_kept_in_the_link(open_page):
    at = open_page(look="closely", closely="mt_bench")
    at.selectbox(key="_closely").select("gsm8k").run()
    assert at.query_params["closely"] in ("gsm8k", ["gsm8k"])
    assert errors(at) == []


def test_prices_of_the_link_count_closely(open_page, comparisons, none_before):
    typed = {"weak_usd": f"1/2@{PAPER_PAIR.weak}", "strong_usd": f"30/40@{PAPER_PAIR.strong}"}
    at = open_page(look="closely", closely="mt_bench", **typed)
    money = comparisons[-1].result(WAIT_S)["money"]
    assert (money["weak"]["price"]["prompt_usd"], money["strong"]["price"]["answer_usd"]) == (1, 40)
    assert money["weak"]["price"]["source"] == "edited by you"
    shown = said(at.run()).replace("\\", "")
    assert money["words"].replace("$", "") in shown.replace("$", "")
    assert "list prices" not in shown


def test_the_choice_of_money_counts_closely(open_page, comparisons, none_before):
    open_page(look="closely", closely="mt_bench", money="list")
    assert comparisons[-1].result(WAIT_S)["money"]["choice"] == "list"


def test_a_table_leads_to_its_benchmark_closely(open_page):
    at = open_page(compare="gsm8k")
    next(b for b in at.button if b.label.startswith("Verdicts")).click().run()
    assert at.query_params["look"] in ("closely", ["closely"])
    assert at.selectbox(key="_closely").value == "gsm8k"


def test_the_papers_claim_stands_beside_both_baselines(open_page):
    at = open_page(compare="mt_bench")
    text = said(at)
    assert "3.66×" in text
    assert "random router" in text
    assert "7.0×" in text
    assert "always GPT-4" in text
    body = tables_of(at)
    assert "mf, Arena + judge" in body
    assert "7.02×" in body
    assert re.search(r"<td[^>]*>\d\.\d\d× \(\d+\.\d\d – \d+\.\d\d\)</td>", body)  # ours


@pytest.mark.slow
def test_on_mmlu_mf_and_sw_ranking_are_said_to_know_less_than_the_subject_alone(
    open_page, comparisons, none_before
):
    at = open_page(look="closely", closely="mmlu")
    comparisons[0].result(WAIT_S)
    parts = by_title(at.run())
    assert parts["Where the gain comes from"]["sentence"].startswith(
        "mf and sw_ranking know less than the subject alone: a prior that knows only a "
        "query's subject has APGR 0.681 (95% 0.66"
    )
    assert "stacked is ahead of 8 of the 9 others" in parts["Are they different?"]["sentence"]


@pytest.mark.parametrize(
    ("gap", "said"), [((0.1, 0.2), ""), ((-0.1, 0.2), "may be none"), ((-0.2, -0.1), "worse one")]
)
def test_a_gap_that_is_none_or_reversed_is_warned_of(monkeypatch, gap, said):
    warned = []
    monkeypatch.setattr(one_benchmark.st, "warning", warned.append)
    document = found(compared("a", 0.7), n_texts=900, n_resamples=9, seed=0, gap_interval=gap)
    one_benchmark._draw_heading(
        document, Benchmark("b", "b", "", "", "user", 0, 1, "share right", "", "")
    )
    assert len(warned) == bool(said)
    assert said in " ".join(warned)


def test_without_a_clear_gap_the_matrix_tells_quality():
    ahead = verdict("a", "b", -0.515) | {
        "is_gap_clear": False,
        "amount": 0.103,
        "amount_interval": Interval(0.08, 0.12),
    }
    (cell,) = compare_verdicts.matrix(
        found(compared("a", 0.2), compared("b", 0.7), verdicts=[ahead])
    )["cells"]
    assert cell["short"] == "+0.103"
    assert cell["details"][0].startswith("Mean quality +0.103 (95% +0.080 – +0.120, paired")
