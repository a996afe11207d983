"""Money as typed: prices, tokens and the choice of money, on one call and saved with a set."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.errors import DataError
from routellm_core.metrics.costs import CostKind, Price, pair_costs, usual_calls
from routellm_core.metrics.prices import by_choice, choice_of, list_price, prices_of, typed_over
from routellm_core.store import Store
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.test_money import outcomes

PAIR = ModelPair(weak="wren", strong="heron")
TYPED = Price(1.0, 2.0, "typed", replaces_measured=True)
NONE = (math.nan, math.nan, math.nan)


# Tokens that were typed


def test_typed_tokens_take_the_place_of_the_papers_average():
    price = TYPED._replace(prompt_tokens=500.0, answer_tokens=1_000.0)
    costs = pair_costs(outcomes(tokens=NONE), price, TYPED)
    assert costs.weak.tolist() == pytest.approx([2500e-6] * 3)
    assert costs.strong.tolist() == pytest.approx([(95 + 2 * 264) / 1e6] * 3)
    assert costs.weak_source.kind is CostKind.TYPED
    assert costs.strong_source.kind is CostKind.ASSUMED
    assert costs.tokens.prompt == "typed, 500 (weak), the paper's average, 95 (strong)"
    assert costs.tokens.answer == "typed, 1,000 (weak), the paper's average, 264 (strong)"


def test_counted_tokens_are_truer_than_typed_ones():
    price = TYPED._replace(prompt_tokens=500.0, answer_tokens=1_000.0)
    costs = pair_costs(outcomes(tokens=(10.0, [20.0, math.nan, 40.0], 30.0)), price, price)
    assert costs.weak.tolist() == pytest.approx([50e-6, 70e-6, 90e-6])
    assert costs.weak_source.kind is CostKind.TOKENS


def test_a_usual_call_has_the_typed_tokens_too():
    price = TYPED._replace(prompt_tokens=500.0, answer_tokens=1_000.0)
    weak, _ = usual_calls(outcomes(tokens=NONE), price, TYPED)
    assert weak[:2] == (500.0, 1_000.0)


# Kinds of tokens


def test_each_kind_of_token_has_its_own_price():
    price = TYPED._replace(cache_read_usd=0.1, cache_write_usd=1.5, reasoning_usd=3.0)
    known = outcomes(
        tokens=(100.0, 50.0, 50.0),
        cached_tokens_weak=[60.0, math.nan, 0.0],
        cache_write_tokens_weak=[20.0, math.nan, 0.0],
        reasoning_tokens_weak=[30.0, math.nan, 0.0],
    )
    costs = pair_costs(known, price, price)
    fresh, answer = 20 * 1.0 + 60 * 0.1 + 20 * 1.5, 20 * 2.0 + 30 * 3.0
    assert costs.weak.tolist() == pytest.approx([(fresh + answer) / 1e6, 200e-6, 200e-6])
    assert costs.strong.tolist() == pytest.approx([200e-6] * 3)


def test_a_kind_without_a_price_costs_what_any_token_costs():
    known = outcomes(tokens=(100.0, 50.0, 50.0), cached_tokens_weak=[60.0, 60.0, 60.0])
    assert pair_costs(known, TYPED, TYPED).weak.tolist() == pytest.approx([200e-6] * 3)


def test_no_part_of_a_prompt_is_more_than_the_prompt():
    price = TYPED._replace(cache_read_usd=0.0)
    known = outcomes(tokens=(100.0, 50.0, 50.0), cached_tokens_weak=[900.0, 100.0, 0.0])
    assert pair_costs(known, price, price).weak.tolist() == pytest.approx([100e-6, 100e-6, 200e-6])


# The choice of money


def test_measured_dollars_come_first_or_last_as_chosen():
    known, listed = outcomes([0.5] * 3, [0.9] * 3), TYPED._replace(kind="listed")
    listed = listed._replace(replaces_measured=False)
    for price, money, usd in (
        (listed, None, 0.5),
        (listed, "list", 50e-6),
        (TYPED, None, 50e-6),
        (TYPED, "measured", 0.5),
    ):
        costs = pair_costs(known, by_choice(price, money), listed)
        assert costs.weak.tolist() == pytest.approx([usd] * 3)
        assert choice_of([by_choice(price, money)]) == money


def test_what_is_typed_goes_over_what_is_saved_part_by_part():
    saved = {"wren": TYPED._replace(source="saved", answer_tokens=70.0)}
    only_tokens = Price(math.nan, math.nan, "typed", prompt_tokens=9.0)
    found = typed_over({"wren": only_tokens, "heron": only_tokens}, saved)
    assert found["wren"][:3] == (1.0, 2.0, "saved")
    assert (found["wren"].prompt_tokens, found["wren"].answer_tokens) == (9.0, 70.0)
    _, gpt = prices_of(ModelPair("wren", "gpt-4o"), {"gpt-4o": only_tokens})
    assert gpt == list_price("gpt-4o")._replace(prompt_tokens=9.0)


# On the command line and in the store


@pytest.fixture
def store_path(tmp_path):
    """A set of one's own with measured dollars, no tokens, and a router's scores."""
    path = tmp_path / "s.duckdb"
    n, rng = 120, np.random.default_rng(0)
    ids = [f"q{i:03}" for i in range(n)]
    need = rng.random(n)
    with Store.create(path) as store:
        store.add_benchmark(
            Benchmark("own", "Own", "", "", "user", 0.0, 1.0, "share right", "", ""),
            pd.DataFrame({"query_id": ids, "slice": "s"}),
            pd.DataFrame(
                {
                    "query_id": ids * 2,
                    "model": ["wren"] * n + ["heron"] * n,
                    "quality": [*(rng.random(n) > need), *(rng.random(n) > 0.1)],
                    "cost_usd": [0.001] * n + [0.05] * n,
                }
            ).astype({"quality": float}),
        )
        store.add_router(RouterEntry("mf-own", "mf", "golden", "invented"))
        rates = pd.DataFrame({"query_id": ids, "strong_win_rate": np.float32(need)})
        store.add_strong_win_rates("own", PAIR, "mf-own", "untouched", rates)
    return path


@pytest.fixture
def verb(store_path, capsys):
    """Runs a verb; gives the object it prints."""

    def run(name, *options):
        where = ["--benchmark", "own", "--store", str(store_path), "--json"]
        asked = ["--share", "0.5"] + (["--router", "mf"] if name == "calibrate" else [])
        code = main([name, *asked, *where, *options])
        out, err = capsys.readouterr()
        return json.loads(out) if code == 0 else err

    return run


BOTH = ("--price", "wren=1/2", "--price", "heron=10/20")


@pytest.mark.parametrize("name", ["calibrate", "recommend", "compare"])
def test_every_verb_of_money_takes_the_same_choice(verb, name):
    assert verb(name)["money"]["strong"]["kind"] == "measured dollars"
    listed = verb(name, *BOTH)["money"]
    assert (listed["strong"]["kind"], listed["choice"]) == ("assumed tokens times price", None)
    measured = verb(name, *BOTH, "--money", "measured")["money"]
    assert (measured["strong"]["kind"], measured["choice"]) == ("measured dollars", "measured")
    unknown = verb(name, "--money", "list")["money"]
    assert (unknown["strong"]["kind"], unknown["choice"]) == ("unknown", "list")


def test_typed_tokens_are_of_one_model_or_of_all(verb):
    money = verb("recommend", *BOTH, "--answer-tokens", "1000", "--prompt-tokens", "heron=7")
    assert money["money"]["strong"]["kind"] == "typed tokens times price"
    always = {row["label"]: row["usd_per_1000"] for row in money["blind"]}
    assert always["always strong"] == pytest.approx((7 * 10 + 1000 * 20) / 1e3, rel=1e-3)
    assert always["always weak"] == pytest.approx((95 * 1 + 1000 * 2) / 1e3, rel=1e-3)


def test_a_saved_price_counts_in_every_later_call_until_one_is_typed(verb, store_path):
    saved = verb("calibrate", *BOTH, "--answer-tokens", "heron=500", "--save-prices")["money"]
    later = verb("recommend")["money"]
    assert later["strong"]["price"]["source"] == "typed, saved with the set"
    assert later["strong"]["price"]["prompt_usd"] == saved["strong"]["price"]["prompt_usd"] == 10
    assert later["strong"]["kind"] == "typed tokens times price"
    once = verb("compare", "--price", "heron=3/4")["money"]["strong"]["price"]
    assert (once["prompt_usd"], once["source"], once["answer_tokens"]) == (3.0, "typed", 500.0)
    with Store(store_path, read_only=True) as store:
        assert store.typed_prices("own")["heron"][:2] == (10.0, 20.0)
        assert store.typed_prices("own")["wren"].replaces_measured


def test_saving_needs_something_typed_and_a_model_that_is_there(verb):
    assert "--save-prices: nothing is typed to save" in verb("calibrate", "--save-prices")
    assert "--answer-tokens owl: the models here" in verb("calibrate", "--answer-tokens", "owl=3")


@pytest.mark.parametrize("text", ["wren=", "=5", "wren=0", "-3", "wren=nan", "many"])
def test_what_is_no_number_of_tokens_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        main(["calibrate", f"--answer-tokens={text}"])
    assert "is no number of tokens; write MODEL=N" in capsys.readouterr().err


def test_saved_prices_go_with_their_set_and_over_to_a_new_store(store_path, tmp_path):
    with Store(store_path) as store:
        store.save_prices("own", {"wren": TYPED})
    with Store.create(tmp_path / "new.duckdb") as new:
        new.carry_user_rows(store_path)
        assert new.typed_prices("own")["wren"][:2] == (1.0, 2.0)
        with pytest.raises(DataError, match="own has no model 'owl'"):
            new.save_prices("own", {"owl": TYPED})
        new.delete_benchmark("own")
        assert new.typed_prices("own") == {}


def test_no_price_is_saved_with_a_set_that_ships(fresh_store):
    card = Benchmark("b", "b", "", "", "shipped", 0.0, 1.0, "share right", "", "")
    fresh_store.add_benchmark(card, pd.DataFrame({"query_id": ["q"], "slice": "s"}), None)
    with pytest.raises(DataError, match="b ships with the project, so prices cannot be saved"):
        fresh_store.save_prices("b", {"wren": TYPED})


def test_import_saves_the_prices_that_are_typed_with_it(tmp_path, capsys):
    path, where = tmp_path / "t.csv", tmp_path / "s.duckdb"
    pd.DataFrame(
        {
            "query": ["Where do newts sleep?"] * 2 + ["Sum 4, 9"] * 2,
            "model": ["wren", "heron"] * 2,
            "score": [0, 1, 1, 1],
        }
    ).to_csv(path, index=False)
    Store.create(where).close()
    options = ["--store", str(where), "--name", "t", "--json"]
    typed = ["--price", "heron=1/2/0.1", "--answer-tokens", "300"]
    assert main(["import", str(path), *typed, *options]) == 0
    with Store(where, read_only=True) as store:
        found = store.typed_prices("t")
    assert (found["heron"].cache_read_usd, found["heron"].answer_tokens) == (0.1, 300.0)
    assert found["wren"].has_only_tokens
    capsys.readouterr()
    assert main(["import", str(path), "--price", "owl=1/2", *options]) != 0
    assert "--price owl: the models here are" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["calibrate", "recommend", "compare"])
def test_what_a_warm_cache_forfeits_is_said_where_it_is_asked_for(verb, name):
    typed = ("--price", "wren=1/2/0.1", "--price", "heron=10/20/1", "--warm-share", "0.4")

    def found(answer):
        return answer if name == "calibrate" else answer["routers"][0]

    assert "cache" not in found(verb(name, *typed[:4]))
    cache = found(verb(name, *typed))["cache"]
    half = 0.4 * 0.5 * (0.5 * 95 * 9e-6 + 0.5 * 95 * 0.9e-6)
    assert cache["forfeited_usd_per_1000"] == pytest.approx(1_000 * half, rel=0.02)
    unknown = found(verb(name, *BOTH, "--warm-share", "0.4"))["cache"]
    assert unknown["words"].startswith("What switches of model forfeit in cache is not known (–)")


def test_a_share_of_warm_prompts_is_a_share(verb, capsys):
    with pytest.raises(SystemExit):
        verb("calibrate", "--warm-share", "1.5")
    assert "1.5 is no share between 0 and 1" in capsys.readouterr().err
