import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.errors import DataError
from routellm_core.evaluation.overhead.router_cost import (
    PRICE_FACTORS,
    break_even,
    price_sensitivity,
    router_cost_usd,
)
from routellm_core.metrics.costs import PairCosts, TokenSource
from routellm_core.metrics.curve import rank_queries


def costs_of(weak, strong):
    return PairCosts(
        np.asarray(weak, float), np.asarray(strong, float), TokenSource("typed", "typed")
    )


@st.composite
def priced(draw):
    n = draw(st.integers(1, 30))
    lists = [
        draw(st.lists(kind, min_size=n, max_size=n))
        for kind in (
            st.sampled_from([0.0, 0.1, 0.4, 0.7, 1.0]),
            st.integers(0, 20).map(lambda x: x / 100),
            st.integers(0, 200).map(lambda x: x / 100),
        )
    ]
    return np.array(lists[0]), costs_of(lists[1], lists[2])


def test_a_machines_hour_is_shared_by_its_queries():
    assert router_cost_usd(0.5, 7.2) == pytest.approx(0.001)
    assert router_cost_usd(0.0, 7.2) == 0.0
    for bad in ((-1.0, 1.0), (1.0, math.nan), (math.inf, 1.0)):
        with pytest.raises(DataError, match="give two numbers from 0 up"):
            router_cost_usd(*bad)


@given(priced(), st.sampled_from([0.0, 0.05, 3.0]), st.sampled_from([None, 0.0, 0.3]))
def test_break_even_is_where_a_loop_first_finds_routing_dearer(data, router_usd, baseline_usd):
    score, costs = data
    found = break_even(
        rank_queries(score), costs, router_usd=router_usd, baseline_usd=baseline_usd, n_resamples=5
    )
    baseline = costs.strong.mean() if baseline_usd is None else baseline_usd
    last = (math.nan, math.nan)
    for threshold in [math.inf, *sorted(set(score), reverse=True)]:
        called = score >= threshold
        cost = np.where(called, costs.strong, costs.weak).mean() + router_usd
        if cost > baseline * (1 + 1e-9):
            break
        last = called.mean(), cost
    assert (found.strong_call_share, found.cost_usd) == pytest.approx(last, nan_ok=True)
    assert found.baseline_usd == pytest.approx(baseline)
    assert found.n_queries == len(score)


def test_equal_costs_break_even_at_the_closed_form():
    n = 1000
    ranking = rank_queries(np.arange(n) / n)
    costs = costs_of(np.full(n, 1.0), np.full(n, 5.0))
    found = break_even(ranking, costs, router_usd=1.0)  # 1 - router / (strong - weak)
    assert found.strong_call_share == 0.75
    assert found.cost_usd == pytest.approx(5.0)
    assert found.threshold == pytest.approx(0.25)
    half = break_even(ranking, costs, router_usd=1.0, baseline_usd=3.0)
    assert half.strong_call_share == 0.25
    free = break_even(ranking, costs)
    assert free.strong_call_share == 1.0
    assert free.interval == (1.0, 1.0)


def test_a_router_dearer_than_it_can_save_never_breaks_even():
    ranking = rank_queries(np.array([0.1, 0.9]))
    found = break_even(ranking, costs_of([1, 1], [5, 5]), router_usd=4.5)
    assert math.isnan(found.strong_call_share)
    assert math.isnan(found.interval.low)
    assert found.baseline_usd == 5.0
    unknown = break_even(ranking, costs_of([1, 1], [math.nan, math.nan]))
    assert math.isnan(unknown.strong_call_share)


def test_the_break_even_interval_covers_the_truth():
    def drawn(seed, n):
        rng = np.random.default_rng(seed)
        weak = rng.gamma(2, 1, n)
        return rank_queries(rng.random(n)), costs_of(weak, 4 * weak + rng.gamma(2, 3, n))

    truth = break_even(*drawn(0, 400_000), router_usd=2.0, baseline_usd=9.0, n_resamples=1)
    covered = []
    for seed in range(1, 301):
        found = break_even(
            *drawn(seed, 400), router_usd=2.0, baseline_usd=9.0, n_resamples=300, seed=seed
        )
        covered.append(found.interval.low <= truth.strong_call_share <= found.interval.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 300))


def test_other_prices_change_the_saving_at_the_same_calls(rng):
    score = rng.random(200)
    costs = costs_of(rng.gamma(2, 0.1, 200), rng.gamma(2, 3.0, 200))
    table = price_sensitivity(score, costs, 0.7, router_usd=0.05)
    assert table["model"].tolist() == ["weak"] * 5 + ["strong"] * 5
    assert table["factor"].tolist() == [*PRICE_FACTORS] * 2
    for row in table.itertuples():
        weak = costs.weak * (row.factor if row.model == "weak" else 1)
        strong = costs.strong * (row.factor if row.model == "strong" else 1)
        cost = np.where(score >= 0.7, strong, weak).mean() + 0.05
        assert row.cost_usd == pytest.approx(cost)
        assert row.saving == pytest.approx(1 - cost / strong.mean())
        assert row.saving_low < row.saving < row.saving_high
    unchanged = table[table["factor"] == 1.0]["saving"]
    assert unchanged.iloc[0] == unchanged.iloc[1]
    by_model = {m: rows["saving"].to_numpy() for m, rows in table.groupby("model")}
    assert (np.diff(by_model["weak"]) < 0).all()
    assert (np.diff(by_model["strong"]) > 0).all()


def test_the_savings_interval_covers_the_truth():
    def drawn(seed, n):
        rng = np.random.default_rng(seed)
        weak = rng.gamma(2, 1, n)
        return rng.random(n), costs_of(weak, 4 * weak + rng.gamma(2, 3, n))

    truth = price_sensitivity(*drawn(0, 400_000), 0.6, factors=[1.25])["saving"]
    tables = pd.concat(
        price_sensitivity(*drawn(seed, 300), 0.6, factors=[1.25]) for seed in range(1, 501)
    )
    for model, rows in tables.groupby("model"):
        true = truth[0] if model == "weak" else truth[1]
        covered = ((rows["saving_low"] <= true) & (true <= rows["saving_high"])).mean()
        assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 500))


def test_an_unknown_price_has_no_saving():
    table = price_sensitivity(np.array([0.1, 0.9]), costs_of([1, 1], [math.nan] * 2), 0.5)
    assert table[["saving", "saving_low", "saving_high"]].isna().all(axis=None)
