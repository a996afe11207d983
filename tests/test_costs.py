import numpy as np
import pytest

from routellm_core.metrics.costs import (
    UNKNOWN_PRICE,
    Price,
    list_price,
    pair_costs,
    routed_cost,
    saving,
)
from routellm_core.metrics.curve import rank_queries
from routellm_core.types import ModelPair, PairOutcomes

CHEAP = Price(0.24, 0.24, "test")
DEAR = Price(10.0, 30.0, "test")


def outcomes(prompt, answer_weak, answer_strong):
    n = len(prompt)
    return PairOutcomes(
        benchmark_id="b",
        model_pair=ModelPair("small", "large"),
        query_id=np.array([str(i) for i in range(n)], dtype=object),
        slice_code=np.zeros(n, dtype=int),
        slices=("s",),
        cluster_code=np.arange(n),
        quality_weak=np.zeros(n),
        quality_strong=np.ones(n),
        prompt_tokens=np.array(prompt, dtype=float),
        answer_tokens_weak=np.array(answer_weak, dtype=float),
        answer_tokens_strong=np.array(answer_strong, dtype=float),
    )


def test_tokens_times_prices_is_money():
    costs = pair_costs(outcomes([100, 200], [10, 20], [30, 40]), CHEAP, DEAR)
    assert costs.strong == pytest.approx([(100 * 10 + 30 * 30) / 1e6, (200 * 10 + 40 * 30) / 1e6])
    assert costs.weak == pytest.approx([110 * 0.24 / 1e6, 220 * 0.24 / 1e6])
    assert costs.tokens.answer.startswith("measured")


def test_without_any_count_the_papers_average_stands_in_and_says_so():
    nothing = [np.nan, np.nan]
    costs = pair_costs(outcomes(nothing, nothing, nothing), CHEAP, DEAR)
    # arXiv 2406.18665, appendix D: $24.7 and $0.24 a million tokens of 95 in and 264 out.
    assert costs.strong[0] / (95 + 264) * 1e6 == pytest.approx(24.7, abs=0.01)
    assert costs.weak[0] / (95 + 264) * 1e6 == pytest.approx(0.24)
    assert costs.tokens == ("the paper's average, 95", "the paper's average, 264")


def test_a_missing_count_is_replaced_by_the_mean_of_the_others():
    costs = pair_costs(outcomes([100, np.nan, 200], [1, 1, 1], [1, 1, 1]), CHEAP, CHEAP)
    assert costs.weak[1] == pytest.approx((150 + 1) * 0.24 / 1e6)
    assert costs.tokens.prompt == "measured for 67%, mean 150"


def test_the_papers_pair_has_the_papers_prices():
    assert list_price("gpt-4-1106-preview")[:2] == (10.0, 30.0)
    assert list_price("mistralai/Mixtral-8x7B-Instruct-v0.1")[:2] == (0.24, 0.24)


def test_a_price_is_that_of_a_usual_query_not_of_a_long_context():
    # genai-prices knows two tiers for this model; the dearer one starts at 200,000 tokens.
    assert list_price("gemini-2.5-pro")[:2] == (1.25, 10.0)


def test_an_unknown_model_has_no_price():
    assert list_price("nobody/never-heard-of-it") is None


def test_without_a_price_there_is_no_cost_anywhere():
    known = outcomes([100.0, 200.0], [10.0, 10.0], [20.0, 20.0])
    costs = pair_costs(known, UNKNOWN_PRICE, Price(1.0, 2.0, "typed"))
    assert not costs.are_known
    assert np.isnan(costs.weak).all()
    assert np.isfinite(costs.strong).all()
    cost = routed_cost(rank_queries(np.array([0.2, 0.8])), costs)
    assert cost.shape == (3,)
    assert np.isnan(cost).all()
    assert np.isnan(saving(float("nan"), 1.0))


def test_models_of_public_leaderboards_are_priced_by_their_own_name():
    for size in ("70B", "8B"):
        assert "llama-3.1" in list_price(f"Meta-Llama-3_1-{size}-Instruct").source


def test_a_saving_names_what_is_saved_of_the_baseline():
    assert saving(2.0, 8.0) == 0.75
    assert saving(10.0, 8.0) == pytest.approx(-0.25)
    assert np.isnan(saving(1.0, 0.0))
