"""Money that stands in a file is the money of the curve, to six digits; every figure is invented.

The shapes are those of sets that people have: one column a model, a row an answer, tokens without
dollars, another currency, models of any list or none, costs that are known in part.
"""

import numpy as np
import pandas as pd
import pytest

from routellm_core.importing import job
from routellm_core.importing.job import ImportPlan
from routellm_core.metrics.costs import CostKind, pair_costs, routed_cost
from routellm_core.metrics.curve import rank_queries
from routellm_core.metrics.prices import Price, prices_of
from routellm_core.store import Store
from routellm_core.types import ModelPair

N = 24
LISTED = ModelPair(weak="gpt-4o-mini", strong="gpt-4o")
UNLISTED = ModelPair(weak="wren-nano", strong="heron-big")


def usd(side, i):
    """Dollars of one invented call, of seven figures, none like another's."""
    return (0.0501234 + i * 0.0003217) if side == "strong" else (0.0009876 + i * 0.0000123)


def mean_usd(side, kept=range(N)):
    return sum(usd(side, i) for i in kept) / len(kept)


def written(frame, folder, name="outcomes.csv"):
    path = folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    return path


def long_table(pair, **columns):
    """A row an answer; `columns` are of a side and a query's number."""
    return pd.DataFrame(
        {
            "query": f"How long is rope {i}?",
            "model": model,
            "score": 1 if side == "strong" else i % 2,
            **{name.replace("__", " "): of(side, i) for name, of in columns.items()},
        }
        for i in range(N)
        for side, model in (("weak", pair.weak), ("strong", pair.strong))
    )


def wide_table(pair):
    """A row a query, as RouterBench has it: a model's quality, answer and cost in columns."""
    rows = []
    for i in range(N):
        row = {"sample_id": f"ropes.test.{i}", "prompt": f"['How long is rope {i}?']"}
        row |= {"eval_name": "ropes", pair.weak: float(i % 2), pair.strong: 1.0}
        row |= {f"{model}|model_response": f"['{i} m']" for model in pair}
        row |= {
            f"{pair.weak}|total_cost": usd("weak", i),
            f"{pair.strong}|total_cost": usd("strong", i),
        }
        rows.append(row | {"oracle_model_to_route_to": pair.weak})
    return pd.DataFrame(rows)


def money_of(path, pair, **plan):
    """USD a query of always strong and always weak, from the curve, and both sources."""
    with Store() as store:
        (name,) = job.add(store, job.read(ImportPlan((str(path),), **plan)))
        known = store.pair_outcomes(name, pair)
    costs = pair_costs(known, *prices_of(pair))
    cost = routed_cost(rank_queries(np.linspace(0, 1, known.n_queries)), costs)
    return cost[-1], cost[0], costs.strong_source, costs.weak_source


@pytest.mark.parametrize("pair", [LISTED, UNLISTED], ids=["listed", "unlisted"])
@pytest.mark.parametrize("column", ["cost_usd", "cost", "total_cost", "inference_cost"])
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_dollars_of_a_long_table_come_before_any_list_price(tmp_path, pair, column, name):
    path = written(long_table(pair, **{column: usd}), tmp_path, name)
    strong, weak, *sources = money_of(path, pair)
    assert strong == pytest.approx(mean_usd("strong"), rel=1e-9)
    assert weak == pytest.approx(mean_usd("weak"), rel=1e-9)
    assert [source[:3] for source in sources] == [(CostKind.MEASURED, N, N)] * 2


@pytest.mark.parametrize("pair", [LISTED, UNLISTED], ids=["listed", "unlisted"])
def test_dollars_of_one_column_a_model_are_those_of_the_curve(tmp_path, pair):
    strong, weak, *sources = money_of(written(wide_table(pair), tmp_path), pair)
    assert strong == pytest.approx(mean_usd("strong"), rel=1e-9)
    assert weak == pytest.approx(mean_usd("weak"), rel=1e-9)
    assert [source.kind for source in sources] == [CostKind.MEASURED] * 2


def test_dollars_that_are_known_in_part_are_their_mean_and_counted(tmp_path):
    known = range(0, N, 3)
    table = long_table(
        UNLISTED, cost_usd=lambda side, i: usd(side, i) if side == "weak" or i in known else None
    )
    strong, weak, of_strong, of_weak = money_of(written(table, tmp_path), UNLISTED)
    assert strong == pytest.approx(mean_usd("strong", known), rel=1e-9)
    assert weak == pytest.approx(mean_usd("weak"), rel=1e-9)
    assert (of_strong.n_known, of_weak.n_known) == (len(known), N)


def test_each_models_own_tokens_times_its_price_are_the_money_where_no_dollars_stand(tmp_path):
    def prompt(side, i):
        return 169 + i if side == "strong" else 120 + i

    def answer(side, i):
        return 40 + 2 * i if side == "strong" else 31 + i

    path = written(long_table(LISTED, input_tokens=prompt, output_tokens=answer), tmp_path)
    strong, weak, *sources = money_of(path, LISTED)
    price_weak, price_strong = prices_of(LISTED)
    for found, side, price in ((strong, "strong", price_strong), (weak, "weak", price_weak)):
        by_hand = sum(
            prompt(side, i) * price.prompt_usd + answer(side, i) * price.answer_usd
            for i in range(N)
        )
        assert found == pytest.approx(by_hand / N / 1e6, rel=1e-9)
    assert [source[:3] for source in sources] == [(CostKind.TOKENS, N, N)] * 2


def test_yuan_are_dollars_only_at_the_rate_that_the_user_gives(tmp_path):
    path = written(long_table(UNLISTED, cost_cny=usd), tmp_path)
    strong, weak, *_ = money_of(path, UNLISTED)
    assert np.isnan([strong, weak]).all()
    strong, weak, *sources = money_of(path, UNLISTED, rates=(("CNY", 0.125),))
    assert strong == pytest.approx(0.125 * mean_usd("strong"), rel=1e-9)
    assert weak == pytest.approx(0.125 * mean_usd("weak"), rel=1e-9)
    assert [source.kind for source in sources] == [CostKind.MEASURED] * 2


def test_a_typed_price_alone_gives_unlisted_models_money(tmp_path):
    table = long_table(UNLISTED, output_tokens=lambda side, i: 100.0)
    path = written(table, tmp_path)
    assert np.isnan(money_of(path, UNLISTED)[0])
    with Store() as store:
        (name,) = job.add(store, job.read(ImportPlan((str(path),))))
        known = store.pair_outcomes(name, UNLISTED)
    costs = pair_costs(known, Price(0.0, 1.0, "typed"), Price(0.0, 20.0, "typed"))
    assert float(costs.strong.mean()) == pytest.approx(0.002)
    assert float(costs.weak.mean()) == pytest.approx(0.0001)
