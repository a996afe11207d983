"""What is printed of money: a missing value is a dash or null, never a number and never "nan"."""

import contextlib
import io
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routellm_core.__main__ import main
from routellm_core.commands.shared import money_lines
from routellm_core.evaluation.money import money_document
from routellm_core.metrics.costs import pair_costs
from routellm_core.metrics.curve import curve_of, rank_queries
from routellm_core.metrics.prices import UNKNOWN_PRICE, Price
from routellm_core.statistics.bootstrap import curve_intervals
from routellm_core.statistics.curve_bands import ratio_band
from routellm_core.statistics.routed_point import money_estimates, point_figures, saving_over_mix
from routellm_core.types import Benchmark, ModelPair, PairOutcomes
from routellm_core.wording.numbers import DASH, both_ends, percent, usd_text
from tests.pages import drawn, opened, own_store, said, tables
from views.components.live_curve import payload

PAIR = ModelPair(weak="wren-nano", strong="heron-big")
PRICE = Price(1.0, 2.0, "a list")
PRICES = (PRICE, PRICE._replace(replaces_measured=True), UNKNOWN_PRICE)
NOT_A_NUMBER = re.compile(r"(?i)\bnan\b|\$nan|\binf\b|\$–")

maybe = st.one_of(st.just(math.nan), st.floats(0, 10))
a_row = st.tuples(*[maybe] * 5, st.booleans(), st.booleans(), st.sampled_from([0.1, 0.5, 0.9]))


def outcomes_of(rows):
    usd_weak, usd_strong, prompt, weak, strong, *_ = (
        np.array(column, float) for column in zip(*rows, strict=True)
    )
    n = len(rows)
    return PairOutcomes(
        "b",
        PAIR,
        np.array([f"q{i}" for i in range(n)], dtype=object),
        np.zeros(n, int),
        ("all",),
        np.arange(n),
        np.array([float(row[5]) for row in rows]),
        np.array([float(row[6]) for row in rows]),
        prompt,
        weak,
        strong,
        cost_usd_weak=usd_weak,
        cost_usd_strong=usd_strong,
    )


def money_texts(figures, over_mix):
    """The money of a point as the screens write it."""
    mix_usd, over = over_mix
    return [
        usd_text(1_000 * figures.usd_per_query.value),
        both_ends((1_000 * end for end in figures.usd_per_query.interval), usd_text),
        percent(figures.saving.value),
        both_ends(figures.saving.interval, percent),
        usd_text(mix_usd),
        percent(over.value),
        both_ends(over.interval, percent),
    ]


@settings(deadline=None, max_examples=60)
@given(st.lists(a_row, min_size=2, max_size=8), *[st.sampled_from(PRICES)] * 2)
def test_no_missing_value_makes_a_printed_number(rows, price_weak, price_strong):
    known = outcomes_of(rows)
    scores = np.array([row[7] for row in rows])
    costs = pair_costs(known, price_weak, price_strong)
    ranking = rank_queries(scores)
    found = curve_intervals(
        ranking, known.quality_weak, known.quality_strong, n_resamples=100, n_grid=5
    )
    called = scores >= 0.5
    figures = point_figures(called, known, costs, found)
    texts = money_texts(figures, saving_over_mix(called, known, costs))
    assert not NOT_A_NUMBER.search(" ".join(texts))
    document = money_document(PAIR, costs)
    assert not NOT_A_NUMBER.search(" ".join(money_lines(document)))
    band, curve = (
        ratio_band(ranking, costs.weak, costs.strong),
        curve_of(ranking, known.quality_weak, known.quality_strong),
    )
    drawn_money = payload.numbers(band.low) + payload.numbers(band.high)
    assert all(value is None or math.isfinite(value) for value in drawn_money)
    line = payload.drawn_line(curve, payload.routed_cost(ranking, costs))
    json.dumps(line, allow_nan=False)
    if not costs.are_known:
        assert texts == [DASH] * 7
        assert drawn_money == [None] * len(drawn_money)
        assert set(line["cost"]) == {None}
        assert "not known" in document["words"]
    else:
        assert texts[0] != DASH
        assert None not in line["cost"]


@given(st.lists(a_row, min_size=2, max_size=6), st.floats(0, 1))
def test_one_unknown_side_leaves_no_money_at_any_share_of_calls(rows, share):
    known = outcomes_of([(math.nan, *row[1:]) for row in rows])
    costs = pair_costs(known, UNKNOWN_PRICE, PRICE)
    for estimate in money_estimates(np.full(len(rows), share), costs, known.cluster_code):
        assert np.isnan([estimate.value, *estimate.interval]).all()


BENCHMARK = "unpriced"


def add_unpriced(store):
    """A set of which the dollars of one model are known, and of the other nothing."""
    n, rng = 60, np.random.default_rng(3)
    ids = [f"q{i:02}" for i in range(n)]
    store.add_benchmark(
        Benchmark(BENCHMARK, "Unpriced", "", "", "user", 0.0, 1.0, "share right", "", ""),
        pd.DataFrame({"query_id": ids, "slice": "all"}),
        pd.DataFrame(
            {
                "query_id": ids * 2,
                "model": [PAIR.weak] * n + [PAIR.strong] * n,
                "quality": np.concatenate([rng.random(n) < 0.5, rng.random(n) < 0.9]).astype(float),
                "cost_usd": [math.nan] * n + [0.05] * n,
            }
        ),
    )
    rates = pd.DataFrame({"query_id": ids, "strong_win_rate": rng.random(n).astype(np.float32)})
    store.add_strong_win_rates(BENCHMARK, PAIR, "mf-golden", "untouched", rates)


@pytest.fixture(scope="module")
def store_path(small_store, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("unpriced")
        with own_store(small_store, folder / "explorer.duckdb", patch, add_unpriced) as path:
            yield path


def printed(*options):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(list(options)) == 0
    return out.getvalue()


def money_of(found, path=""):
    """Every number of a JSON object whose name says that it is money."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from money_of(value, f"{path}.{name}")
    elif isinstance(found, list):
        for value in found:
            yield from money_of(value, path)
    elif re.search(r"(answers_)?usd_per|saving|quality_neutral_cost\b|aiq|deferral", path):
        yield path, found


STRONG_ALONE = re.compile(
    r"usd_per_query_strong|\.blind\.|\.options\.|machine_usd|\.wish|\.best_single\.|\.deciding\."
)


@pytest.mark.parametrize("verb", ["recommend", "compare", "calibrate", "policy", "report"])
def test_a_verb_prints_dashes_and_null_where_one_models_money_is_not_known(
    store_path, tmp_path, verb
):
    options = [verb, "--benchmark", BENCHMARK, "--share", "0.4", "--store", str(store_path)]
    if verb not in ("recommend", "compare"):
        options += ["--router", "mf"]
    if verb in ("policy", "report"):
        options += ["--out", str(tmp_path / f"{verb}.out")]
    if verb == "compare":
        options += ["--resamples", "100"]
    assert not NOT_A_NUMBER.search(printed(*options))
    text = printed(*options, "--json")
    assert "NaN" not in text
    figures = [(name, value) for name, value in money_of(json.loads(text))]
    assert figures
    made = [item for item in figures if item[1] is not None and not STRONG_ALONE.search(item[0])]
    assert made == []
    if verb == "report":
        page = (tmp_path / "report.out").read_text(encoding="utf-8")
        assert not re.search(r"(?i)\$nan|>nan|nan%", page)
        assert "what it costs is not known" in page


@pytest.mark.parametrize("page", ["tradeoff", "queries", "evidence", "deploy", "compare"])
def test_a_page_shows_no_money_that_nobody_knows(store_path, page):
    link = {"benchmark": BENCHMARK, "router": "mf-golden.untouched", "closely": BENCHMARK}
    at = opened(f"pages/{page}.py", **link, look="suited")
    assert not at.exception
    shown = f"{said(at)} {re.sub('<style.*?</style>', '', tables(at), flags=re.DOTALL)}"
    assert not re.search(r"(?i)\$nan|\bnan\b|\$–|\$0\.00(?!\d)", shown)
    assert "NaN" not in json.dumps(drawn(at))
