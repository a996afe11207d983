"""The best of all models that costs no more than the routed answers, beside every choice."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.__main__ import main
from routellm_core.evaluation.best_of_all import (
    AllModels,
    ComparedModel,
    all_models,
    best_document,
    best_not_dearer,
)
from routellm_core.metrics.costs import CostKind, pair_costs
from routellm_core.metrics.prices import Price
from routellm_core.store import Store
from tests.conftest import PAIR
from tests.test_pair_standing import POINTS, SHARES

N = 20
MEASURED, ASSUMED = CostKind.MEASURED, CostKind.ASSUMED
ROUTED, USD = np.array([1.0, 0.0] * 10), np.full(N, 0.002)
CLUSTERS = np.arange(N)
PRICES = Price(1.0, 2.0, "typed"), Price(10.0, 20.0, "typed")


def model(name, n_right, usd, kind=MEASURED, n=N):
    quality = np.where(np.arange(N) < n_right, 1.0, 0.0)
    quality[n:] = math.nan
    return ComparedModel(name, quality, np.where(np.isnan(quality), math.nan, usd), kind)


WREN, HERON = model("wren", 4, 0.001), model("heron", 18, 0.009)


def best(*others, usd=USD, n_incomplete=0):
    known = AllModels([WREN, HERON, *others], n_incomplete)
    return best_not_dearer(known, ROUTED, usd, CLUSTERS, SHARES)


def test_a_dearer_model_is_passed_over_however_good_it_is():
    found = best(model("crane", 20, 0.0021), model("stork", 15, 0.002), model("egret", 12, 0.001))
    assert (found.model, found.quality.value, found.n_queries) == ("stork", 0.75, 20)
    assert found.usd_per_query.value == pytest.approx(0.002)
    assert found.gain.value == -0.25
    assert found.gain.interval.low < -0.25 < found.gain.interval.high


def test_of_equally_good_models_the_cheapest_is_named():
    assert best(model("stork", 15, 0.002), model("egret", 15, 0.001)).model == "egret"


def test_a_model_of_unknown_cost_is_never_cheap_and_is_counted():
    found = best(model("crane", 20, math.nan, CostKind.UNKNOWN))
    assert (found.model, found.n_unknown, found.n_models) == ("wren", 1, 3)
    assert "left out: 1 of unknown cost" in best_document(found, "points")["words"]


def test_where_every_model_is_dearer_none_is_named():
    document = best_document(best(usd=np.full(N, 0.0005)), "points")
    assert document["model"] is None
    assert math.isnan(document["usd_per_1000"])
    assert document["words"] == (
        "of all 2 models: none of known cost is as cheap as the routed answers"
    )


def test_unknown_money_of_the_routed_answers_names_no_model():
    document = best_document(best(usd=np.full(N, math.nan)), "points")
    assert document["model"] is None
    assert "since that is not known" in document["words"]


def test_a_model_with_some_answers_missing_is_compared_on_those_it_gave():
    found = best(model("crane", 15, 0.0015, n=19), n_incomplete=2)
    assert (found.model, found.n_queries, found.n_incomplete) == ("crane", 19, 2)
    assert found.quality.value == pytest.approx(15 / 19)
    assert found.gain.value == pytest.approx(10 / 19 - 15 / 19)
    words = best_document(found, "points")["words"]
    assert words.startswith(
        "best of all 5 models that costs no more than the routed answers: crane"
    )
    assert "n = 19" in words
    assert words.endswith("left out: 2 that answered too few of the queries")


def test_money_of_another_kind_than_that_of_the_routed_answers_is_said():
    words = best_document(best(model("crane", 15, 0.001, ASSUMED)), "points")["words"]
    assert (
        "by assumed tokens times price (the routed answers: by measured dollars), n = 20" in words
    )


@given(st.data())
def test_it_is_what_a_loop_over_the_models_finds(data):
    grade, usd = st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.001, 0.002, 0.5])
    n = data.draw(st.integers(2, 6))
    column = st.lists(grade, min_size=n, max_size=n)
    models = [
        ComparedModel(
            f"m{i}", np.array(data.draw(column)), np.full(n, data.draw(usd)), CostKind.MEASURED
        )
        for i in range(data.draw(st.integers(2, 6)))
    ]
    routed, money = np.array(data.draw(column)), np.full(n, data.draw(usd))
    found = best_not_dearer(AllModels(models, 0), routed, money, np.arange(n), POINTS)
    top = None
    for one in models:
        if sum(one.usd) / n <= sum(money) / n:
            mean = sum(one.quality) / n, -sum(one.usd) / n
            if top is None or mean > top:
                top = mean
    assert (found.model is None) == (top is None)
    if top is not None:
        assert found.quality.value == pytest.approx(top[0])
        assert found.usd_per_query.value == pytest.approx(-top[1])


def test_the_store_gives_every_model_in_the_order_of_the_pairs_queries(
    fresh_store, sample_benchmark
):
    card, queries, outcomes = sample_benchmark
    third = (
        outcomes[outcomes["model"] == PAIR.weak]
        .iloc[::-1]
        .assign(model="stork", quality=[1.0, 0.75, 0.5, 0.25], cost_usd=[0.4, 0.3, 0.2, 0.1])
    )
    few = third.iloc[-1:].assign(model="crane")
    fresh_store.add_benchmark(card, queries, pd.concat([outcomes, third, few]))
    known = fresh_store.pair_outcomes("sample", PAIR)
    found = all_models(fresh_store, known, pair_costs(known, *PRICES), PRICES)
    assert [m.model for m in found.models] == [*PAIR, "stork"]
    assert found.n_incomplete == 1
    stork = found.models[-1]
    assert stork.quality.tolist() == [0.25, 0.5, 0.75]  # q3 is contaminated
    assert stork.usd.tolist() == [0.1, 0.2, 0.3]
    assert stork.usd_from == CostKind.MEASURED
    cut = found.of(np.array([True, False, True]))
    assert cut.models[-1].quality.tolist() == [0.25, 0.75]


def test_a_benchmark_of_two_models_has_no_further_one(fresh_store, sample_benchmark):
    fresh_store.add_benchmark(*sample_benchmark)
    known = fresh_store.pair_outcomes("sample", PAIR)
    assert all_models(fresh_store, known, pair_costs(known, *PRICES), PRICES) is None


def test_calibrate_policy_report_and_recommend_name_the_same_model(built_store, tmp_path, capsys):
    store = ("--store", str(built_store), "--json", "--benchmark", "mt_bench", "--share", "0.3")
    named = []
    for verb, *out in (("calibrate",), ("policy", "p.json"), ("report", "r.html")):
        written = [arg for name in out for arg in ("--out", str(tmp_path / name))]
        assert main([verb, "--router", "mf", *store, *written]) == 0
        named.append(json.loads(capsys.readouterr().out)["standing"]["best_of_all"])
    assert named[0] == named[1] == named[2]
    assert (named[0]["model"], named[0]["n_models"]) == ("claude-3-5-sonnet-20240620", 6)
    with Store(built_store, read_only=True) as opened:
        mean = opened.models("mt_bench").set_index("model")["quality"][named[0]["model"]]
    assert named[0]["quality"] == pytest.approx(mean)
    assert named[0]["words"].split("; ")[0][1:] in (tmp_path / "r.html").read_text("utf-8").replace(
        "<span class=word>", ""
    ).replace("</span>", "")
    assert main(["recommend", *store]) == 0
    recommended = json.loads(capsys.readouterr().out)["standing"]["best_of_all"]
    assert recommended["model"] == named[0]["model"]
    assert recommended["quality"] == named[0]["quality"]
