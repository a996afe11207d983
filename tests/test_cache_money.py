"""What switches of model forfeit in cache; every figure is invented."""

import math

import numpy as np
import pytest

from routellm_core.evaluation.money import cache_document
from routellm_core.metrics.cache import forfeited_cache
from routellm_core.metrics.costs import Price, pair_costs
from tests.test_money import outcomes

WEAK = Price(1.0, 2.0, "a list", cache_read_usd=0.1)
STRONG = Price(10.0, 20.0, "a list", cache_read_usd=1.0)
CALLED = np.array([True, False, False, False])


def known(**more):
    return outcomes(tokens=(1_000.0, 100.0, 100.0), **{"prompt_tokens_weak": [1_000.0] * 4} | more)


def test_a_warm_prompt_is_forfeited_when_the_call_before_went_to_the_other_model():
    found, costs = known(), pair_costs(known(), WEAK, STRONG)
    # 1/4 strong calls save 9 $/M of 1,000 tokens each, of which 3/4 follow a weak call.
    strong, weak = 0.25 * 0.75 * 9e-3, 0.75 * 0.25 * 0.9e-3
    forfeited = forfeited_cache(found, costs, CALLED, 0.4)
    assert forfeited.usd_per_query == pytest.approx(0.4 * (strong + weak))
    saved = 0.75 * (12e-3 - 1.2e-3)
    assert forfeited.share_of_saving == pytest.approx(0.4 * (strong + weak) / saved)
    assert forfeited_cache(found, costs, CALLED, 0.0).usd_per_query == 0.0


@pytest.mark.parametrize("called", [np.zeros(4, bool), np.ones(4, bool)])
def test_one_model_alone_forfeits_nothing_even_where_no_cached_price_is_known(called):
    no_price = WEAK._replace(cache_read_usd=math.nan)
    costs = pair_costs(known(), no_price, STRONG)
    assert forfeited_cache(known(), costs, called, 0.9).usd_per_query == 0.0


def test_without_a_price_of_cached_prompts_it_is_a_dash_and_says_of_which_model():
    costs = pair_costs(known(), WEAK._replace(cache_read_usd=math.nan), STRONG)
    document = cache_document(known(), costs, CALLED, 0.4)
    assert math.isnan(document["forfeited_usd_per_1000"])
    assert document["words"] == (
        "What switches of model forfeit in cache is not known (–): no price of cached prompts is "
        "known of wren. Type one."
    )


def test_it_stands_beside_the_saving_and_only_where_it_is_asked_for():
    costs = pair_costs(known(), WEAK, STRONG)
    assert cache_document(known(), costs, CALLED, None) is None
    document = cache_document(known(), costs, CALLED, 0.4)
    assert document["forfeited_usd_per_1000"] == pytest.approx(0.7425)
    assert document["words"] == (
        "At 40% warm prompts, switches of model forfeit $0.743 of cache for 1,000 queries, 9.2% "
        "of the saving against always heron. The saving itself leaves caches out."
    )


def test_where_nothing_is_saved_there_is_no_share_of_it():
    costs = pair_costs(known(), STRONG, WEAK)
    document = cache_document(known(), costs, CALLED, 0.4)
    assert math.isnan(document["share_of_saving"])
    assert "nothing is saved against always heron" in document["words"]
