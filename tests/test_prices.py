"""Prices by provider, as gateways spell models; figures of genai-prices 0.2.3."""

import json
import math

import numpy as np
import pytest

from routellm_core.commands import shared
from routellm_core.errors import DataError
from routellm_core.evaluation.money import money_document
from routellm_core.metrics.costs import pair_costs
from routellm_core.metrics.prices import (
    UNKNOWN_PRICE,
    Price,
    list_price,
    price_for,
    prices_of,
)
from routellm_core.types import ModelPair, PairOutcomes


@pytest.mark.parametrize(
    ("model", "prompt_usd", "answer_usd"),
    [
        ("openrouter/mistralai/mixtral-8x7b-instruct", 0.24, 0.24),
        ("groq/mixtral-8x7b-32768", 0.24, 0.24),
        ("groq/llama-3.3-70b-versatile", 0.59, 0.79),
        ("together_ai/mistralai/Mixtral-8x7B-Instruct-v0.1", 0.9, 0.9),
        ("together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", 0.88, 0.88),
        ("openrouter/meta-llama/llama-3.1-70b-instruct", 0.72, 0.72),
        ("fireworks_ai/accounts/fireworks/models/llama-v3p1-8b-instruct", 0.2, 0.2),
        ("perplexity/sonar-pro", 3.0, 15.0),
        ("cerebras/llama3.1-8b", 0.1, 0.1),
        ("vertex_ai/gemini-2.5-pro", 1.25, 10.0),
        ("deepseek/deepseek-chat", 0.27, 1.1),
        ("openai:gpt-4o-mini", 0.15, 0.6),
    ],
)
def test_the_prefix_of_a_name_is_its_provider(model, prompt_usd, answer_usd):
    found = list_price(model)
    assert found[:2] == (prompt_usd, answer_usd)
    assert found.kind == "listed"
    assert not found.is_doubtful


@pytest.mark.parametrize(
    "model",
    [
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "bedrock/us-east-1/anthropic.claude-3-5-sonnet-20241022-v2:0",
        "bedrock/converse/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
    ],
)
def test_bedrock_is_found_by_its_ids_and_inference_profiles(model):
    found = list_price(model)
    assert found[:2] == (3.0, 15.0)
    assert found.source.startswith("genai-prices: aws ")


def test_an_application_profile_hides_its_model_so_that_its_price_is_unknown():
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/z9y8x7"
    assert list_price(arn) is None
    assert list_price(f"bedrock/{arn}") is None


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("ft:gpt-4o-2024-08-06:birds::a1", (3.75, 15.0)),
        ("openai/ft:gpt-4o-2024-08-06:birds::a1", (3.75, 15.0)),
        ("ft:gpt-4o-mini-2024-07-18:birds::a1", (0.3, 1.2)),
        ("ft:gpt-3.5-turbo-0125:birds::a1", (3.0, 6.0)),
    ],
)
def test_a_fine_tuned_model_has_a_price_of_its_own(model, usd):
    assert list_price(model)[:2] == usd
    assert list_price(model).kind == "listed"


def test_a_fine_tuned_model_of_an_unlisted_kind_is_unknown():
    assert list_price("ft:gpt-4.1-2025-04-14:birds::a1") is None


@pytest.mark.parametrize(
    "model",
    [
        "deepseek/deepseek-r1:free",
        "google/gemini-2.0-flash-exp:free",
        "openrouter/deepseek/deepseek-r1:free",
    ],
)
def test_a_free_model_costs_nothing_and_says_so(model):
    found = list_price(model)
    assert found[:2] == (0.0, 0.0)
    assert found.kind == "free"
    assert found.source == f"free of charge: openrouter {model.removeprefix('openrouter/')}"


def test_another_host_gives_nothing_for_free_by_its_name_alone():
    assert list_price("groq/llama-3.3-70b-versatile:free") is None


@pytest.mark.parametrize(
    "model",
    ["hosted_vllm/gpt-4o", "ollama/llama3.1:8b", "ollama:mistral-large", "local/gpt-4o"],
)
def test_a_model_on_your_own_machine_is_unknown_until_its_price_is_typed(model):
    assert list_price(model) is None
    unknown = price_for(model)
    assert math.isnan(unknown.prompt_usd)
    assert math.isnan(unknown.answer_usd)
    assert unknown.kind == "unknown"
    assert "your own machine" in unknown.source
    assert price_for(model, {model: Price(0.0, 0.1, "typed")})[:2] == (0.0, 0.1)


def test_the_price_of_a_neighbour_model_says_that_it_is_one():
    found = list_price("gemini-1.5-flash-8b")
    assert found[:2] == (0.075, 0.3)
    assert found.kind == "neighbour model"
    assert found.is_doubtful
    assert found.source == (
        "genai-prices: google gemini-1.5-flash; a similar model, since gemini-1.5-flash-8b is "
        "not listed"
    )
    distilled = list_price("deepseek/deepseek-r1-distill-llama-70b")
    assert distilled.kind == "neighbour model"


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gemini-1.5-flash-002", (0.075, 0.3)),
        ("claude-3-5-haiku-20241022", (0.8, 4.0)),
        ("anthropic/claude-3-5-sonnet-latest", (3.0, 15.0)),
        ("claude-sonnet-4-20250514", (3.0, 15.0)),
        ("vertex_ai/claude-3-5-sonnet@20240620", (3.0, 15.0)),
        ("gpt-4o-2024-08-06", (2.5, 10.0)),
        ("gpt-4-1106-preview", (10.0, 30.0)),
    ],
)
def test_a_dated_or_latest_name_is_the_model_itself(model, usd):
    assert list_price(model)[:2] == usd
    assert list_price(model).kind == "listed"


def test_an_unlisted_date_takes_the_price_of_the_model_and_says_so():
    found = list_price("gpt-4o-2031-01-31")
    assert found[:2] == (2.5, 10.0)
    assert found.kind == "neighbour model"


def test_the_price_of_another_provider_says_that_it_is_one():
    azure, unheard_of = list_price("azure/gpt-4o"), list_price("birdhouse/gpt-4o")
    assert azure[:2] == unheard_of[:2] == (2.5, 10.0)
    assert azure.kind == unheard_of.kind == "other provider"
    assert azure.source == "genai-prices: gpt-4o at its maker's price; none of azure is listed"
    assert unheard_of.source == "genai-prices: openai gpt-4o; no price of birdhouse is known"


@pytest.mark.parametrize(
    "model", ["azure/our-deployment", "groq/gpt-4o", "cerebras/qwen-3-coder-480b", "llama3.1:8b"]
)
def test_a_provider_that_lists_no_price_of_a_model_has_none(model):
    assert list_price(model) is None
    assert price_for(model) == UNKNOWN_PRICE


def test_cached_tokens_have_the_price_that_is_listed_or_none():
    haiku, gpt, mixtral = map(
        list_price, ("claude-3-5-haiku-latest", "gpt-4o", "groq/mixtral-8x7b-32768")
    )
    assert (haiku.cache_read_usd, haiku.cache_write_usd) == (0.08, 1.0)
    assert gpt.cache_read_usd == 1.25
    assert math.isnan(gpt.cache_write_usd)
    assert math.isnan(mixtral.cache_read_usd)
    assert math.isnan(mixtral.reasoning_usd)


def test_thoughts_have_a_price_where_they_are_priced_apart():
    assert list_price("perplexity/sonar-deep-research").reasoning_usd == 3.0


# On the command line

PAIR = ModelPair(weak="small", strong="gpt-4o")


def outcomes():
    tokens = np.array([10.0, 30.0])
    return PairOutcomes(
        benchmark_id="b",
        model_pair=PAIR,
        query_id=np.array(["q0", "q1"], dtype=object),
        slice_code=np.zeros(2, dtype=int),
        slices=("s",),
        cluster_code=np.arange(2),
        quality_weak=np.zeros(2),
        quality_strong=np.ones(2),
        prompt_tokens=tokens,
        answer_tokens_weak=tokens,
        answer_tokens_strong=tokens,
    )


def parsed(*arguments):
    import argparse

    parser = argparse.ArgumentParser(exit_on_error=False)
    shared.add_prices(parser)
    return parser.parse_args(arguments)


def test_a_typed_price_takes_the_place_of_the_list_price():
    weak, strong = shared.prices_for(parsed("--price", "small=0.1/0.4/0.01"), PAIR)
    assert weak[:3] == (0.1, 0.4, "typed")
    assert weak.cache_read_usd == 0.01
    assert strong == list_price("gpt-4o")


def test_a_typed_price_of_a_model_that_is_not_here_is_refused():
    with pytest.raises(DataError, match=r"--price smal: the models here are small and gpt-4o"):
        shared.prices_for(parsed("--price", "smal=1/2"), PAIR)


@pytest.mark.parametrize("text", ["small=1", "small=-1/2", "small=1/nan", "=1/2", "small=1/2/3/4"])
def test_what_is_no_price_is_refused(text, capsys):
    with pytest.raises(Exception, match="is no price; write MODEL=IN/OUT in USD"):
        parsed("--price", text)


def test_what_money_rests_on_is_said_with_the_prices_that_count():
    document = money_document(PAIR, pair_costs(outcomes(), *prices_of(PAIR)))
    assert shared.money_lines(document) == [
        "Money of gpt-4o: measured tokens, 20 an answer at the mean, times a price "
        "(genai-prices: openai gpt-4o). Money of small: not known: no dollars were measured and no "
        "price is known.",
        "prices of a million tokens, prompt / answer: gpt-4o $2.5 / $10",
    ]
    assert document["strong"]["price"]["kind"] == "listed"
    assert document["weak"]["price"]["kind"] == "unknown"
    json.dumps(document)
