"""Money of a set: what was measured before any estimate; every figure is invented."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.importing import job
from routellm_core.importing.job import ImportPlan
from routellm_core.metrics.costs import (
    UNKNOWN_PRICE,
    CostKind,
    Price,
    pair_costs,
    routed_cost,
    usual_calls,
)
from routellm_core.metrics.curve import rank_queries
from routellm_core.store import Store
from routellm_core.types import ModelPair, PairOutcomes
from routellm_core.wording.money import of_pair
from routellm_core.wording.numbers import usd_text
from tests import oracles

PAIR = ModelPair(weak="wren", strong="heron")
PRICE = Price(1.0, 2.0, "a list")
AT_LIST = PRICE._replace(replaces_measured=True)


def outcomes(weak=None, strong=None, tokens=(10.0, 20.0, 30.0), **more):
    n = next(len(a) for a in (weak, strong, *more.values(), [0, 0, 0]) if a is not None)

    def column(value):
        return np.full(n, value, float) if np.isscalar(value) else np.asarray(value, float)

    return PairOutcomes(
        "b",
        PAIR,
        np.array([f"q{i}" for i in range(n)], dtype=object),
        np.zeros(n, int),
        ("all",),
        np.arange(n),
        np.zeros(n),
        np.ones(n),
        *map(column, tokens),
        cost_usd_weak=None if weak is None else np.asarray(weak, float),
        cost_usd_strong=None if strong is None else np.asarray(strong, float),
        **{name: np.asarray(value, float) for name, value in more.items()},
    )


def test_dollars_that_were_measured_come_before_tokens_and_prices():
    costs = pair_costs(outcomes([0.1, 0.2, 0.3], [1, 2, 3]), PRICE, PRICE)
    assert costs.weak.tolist() == [0.1, 0.2, 0.3]
    assert costs.strong.tolist() == [1, 2, 3]
    assert costs.weak_source == (CostKind.MEASURED, 3, 3, PRICE, 20.0)


def test_the_mean_of_the_measured_stands_for_the_others_and_is_counted():
    costs = pair_costs(outcomes([0.1, math.nan, 0.3], [1, 2, 3]), PRICE, UNKNOWN_PRICE)
    assert costs.weak.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert (costs.weak_source.kind, costs.weak_source.n_known) == (CostKind.MEASURED, 2)
    assert "as measured on 2 of 3 queries" in of_pair(
        "wren", costs.weak_source, "heron", costs.strong_source
    )


def test_a_typed_price_or_todays_list_counts_instead_where_it_is_asked_for():
    costs = pair_costs(outcomes([0.1, 0.2, 0.3], [1, 2, 3]), AT_LIST, PRICE)
    assert costs.weak.tolist() == pytest.approx([50e-6] * 3)
    assert costs.weak_source.kind is CostKind.TOKENS
    assert "rest on different things" in of_pair(
        "wren", costs.weak_source, "heron", costs.strong_source
    )


def test_tokens_that_nobody_counted_are_said_to_be_assumed_and_a_missing_price_is_unknown():
    nan = math.nan
    costs = pair_costs(outcomes(tokens=(nan, nan, nan)), PRICE, UNKNOWN_PRICE)
    assert costs.weak_source.kind is CostKind.ASSUMED
    assert costs.weak.tolist() == pytest.approx([(95 + 2 * 264) / 1e6] * 3)
    assert costs.strong_source.kind is CostKind.UNKNOWN
    assert np.isnan(costs.strong).all()
    ranking = rank_queries(np.array([0.1, 0.5, 0.9]))
    assert np.isnan(routed_cost(ranking, costs)).all()
    assert usd_text(float(routed_cost(ranking, costs)[0])) == "–"


def test_each_models_own_tokenizer_counts_its_prompt():
    costs = pair_costs(outcomes(prompt_tokens_weak=[20, 20, math.nan]), PRICE, PRICE)
    assert costs.weak.tolist() == pytest.approx([60e-6, 60e-6, 50e-6])
    assert costs.strong.tolist() == pytest.approx([70e-6] * 3)


maybe = st.one_of(st.just(math.nan), st.floats(0, 10))


@given(
    st.lists(st.tuples(maybe, maybe), min_size=1, max_size=12),
    st.sampled_from([PRICE, AT_LIST, UNKNOWN_PRICE]),
    st.sampled_from([PRICE, AT_LIST, UNKNOWN_PRICE]),
)
def test_no_figure_is_ever_made_by_a_missing_value(rows, price_weak, price_strong):
    weak, strong = (np.array(side) for side in zip(*rows, strict=True))
    known = outcomes(weak, strong, tokens=(10.0, 20.0, 30.0))
    costs = pair_costs(known, price_weak, price_strong)
    for found, measured, source in (
        (costs.weak, weak, costs.weak_source),
        (costs.strong, strong, costs.strong_source),
    ):
        if source.kind is CostKind.UNKNOWN:
            assert np.isnan(found).all()
        elif source.kind is CostKind.MEASURED:
            seen = np.isfinite(measured)
            assert found[seen].tolist() == measured[seen].tolist()
            assert found[~seen] == pytest.approx(measured[seen].mean())
        else:
            assert len(set(found)) == 1
            assert found[0] > 0
    curve = routed_cost(rank_queries(np.arange(len(rows)) / len(rows)), costs)
    assert np.isfinite(curve).all() == costs.are_known
    calls = usual_calls(known, price_weak, price_strong)
    for call, source in zip(calls, (costs.weak_source, costs.strong_source), strict=True):
        assert math.isnan(call.measured_usd) == (source.kind is not CostKind.MEASURED)


def test_dollars_of_a_file_are_those_of_the_curve_to_six_digits(tmp_path):
    frame = pd.DataFrame(
        [
            {"query": f"How tall is mast {i}?", "model": m, "score": s, "cost_usd": usd}
            for i in range(20)
            for m, s, usd in (("heron", 1, 0.05 + i / 1e4), ("wren", i % 2, 0.001 + i / 1e6))
        ]
    )
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    with Store() as store:
        (name,) = job.add(store, job.read(ImportPlan((str(path),))))
        known = store.pair_outcomes(name, PAIR)
    costs = pair_costs(known, UNKNOWN_PRICE, UNKNOWN_PRICE)
    by_model = frame.groupby("model")["cost_usd"].mean()
    assert float(costs.strong.mean()) == pytest.approx(by_model["heron"], abs=1e-6)
    assert float(costs.weak.mean()) == pytest.approx(by_model["wren"], abs=1e-6)
    curve = routed_cost(rank_queries(np.linspace(0, 1, 20)), costs)
    assert curve.min() == pytest.approx(by_model["wren"])
    assert curve.max() == pytest.approx(by_model["heron"])


@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.4, 0.4, 0.9]), maybe, maybe, maybe, maybe),
        min_size=1,
        max_size=9,
    )
)
def test_the_curve_in_money_is_its_slow_twins(rows):
    scores, weak, strong, prompt, answer = (np.array(c) for c in zip(*rows, strict=True))
    costs = pair_costs(outcomes(weak, strong, tokens=(prompt, answer, answer)), PRICE, AT_LIST)
    slow = oracles.curve(scores, costs.weak, costs.strong)
    assert routed_cost(rank_queries(scores), costs) == pytest.approx([usd for _, _, usd in slow])
    tokens = [
        np.where(
            np.isfinite(counts), counts, np.nanmean(counts) if np.isfinite(counts).any() else usual
        )
        for counts, usual in ((prompt, 95.0), (answer, 264.0))
    ]
    assert costs.strong == pytest.approx((tokens[0] * 1.0 + tokens[1] * 2.0) / 1e6)
