"""Training sets by recipe; all benchmarks, models and verdicts are invented."""

import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import DataError, TextsError, UnknownNameError
from routellm_core.schemas import BATTLE_COLUMNS
from routellm_core.training.recipes import (
    RECIPES,
    Recipe,
    benchmark_part,
    in_tiers,
    leaks,
    recipe_of,
    tier_table,
    training_set,
    without,
)
from routellm_core.types import ModelPair
from tests.conftest import PAIR
from tests.invented import WordVectors, add_golden, verdicts

GOLDEN = Recipe("golden", ("sums", "rivers"), ())
CHAT = Recipe("chat", (), ("chat",))
MIXED = Recipe("mixed", ("sums",), ("chat",))
MANY = tuple(f"m{i:02}" for i in range(14))


def named(battles, queries):
    """Battles as (query, model_a, model_b, win_a)."""
    return [
        (queries[q], battles.models[a], battles.models[b], w)
        for q, a, b, w in zip(*battles[1:5], strict=True)
    ]


# What goes in


def test_golden_labels_are_one_battle_a_query_benchmark_after_benchmark(fresh_store):
    texts = add_golden(fresh_store, "sums") + add_golden(fresh_store, "rivers")
    got = training_set(fresh_store, GOLDEN, PAIR)
    assert got.queries == texts
    assert got.n_golden == len(texts)
    assert [part.benchmark_id for part in got.parts] == ["sums", "rivers"]
    hard = [text.startswith("prove") for text in texts]
    assert named(got.battles, got.queries) == [
        (text, "small", "large", 0.0 if h else 0.5) for text, h in zip(texts, hard, strict=True)
    ]
    assert (got.proxy_models, got.warnings) == ({}, ())
    assert got.ratings[1] > got.ratings[0]
    assert got.recipe.trained_on == ["sums", "rivers"]


def test_contaminated_queries_teach_nothing(fresh_store, sample_benchmark, sample_texts):
    fresh_store.add_benchmark(*sample_benchmark)
    fresh_store.add_texts(sample_texts)
    part = benchmark_part(fresh_store, "sample", PAIR)
    assert part.outcomes.query_id.tolist() == ["q0", "q1", "q2"]
    assert part.queries == sample_texts["text"].tolist()[:3]


def test_verdicts_in_both_orders_are_one_battle_between_any_of_the_models(fresh_store):
    table = verdicts(60, ("small", "middling", "large"))
    turned = table.iloc[[0]].rename(columns={"model_a": "model_b", "model_b": "model_a"})
    # It said model_b both times: once for each.
    fresh_store.add_battles(pd.concat([table, turned]))
    got = training_set(fresh_store, CHAT, PAIR)
    assert got.parts == ()
    assert set(got.battles.models) == {"small", "middling", "large"}
    assert len(got.battles.win_a) == len(got.queries) == 60
    of_first = [b for b in named(got.battles, got.queries) if b[0] == table["query"][0]]
    assert [win for *_, win in of_first] == [0.5]
    (warning,) = got.warnings
    assert warning.startswith("Only 61 battles")


def test_golden_labels_and_verdicts_share_one_list_of_models_and_golden_ones_come_first(
    fresh_store,
):
    texts = add_golden(fresh_store, "sums")
    fresh_store.add_battles(verdicts(60, ("small", "middling", "large")))
    got = training_set(fresh_store, MIXED, PAIR)
    assert got.queries[: got.n_golden] == texts
    assert len(got.queries) == len(texts) + 60
    rows = named(got.battles, got.queries)
    assert {row[1:3] for row in rows[: len(texts)]} == {("small", "large")}
    assert {row[0] for row in rows[len(texts) :]} == set(got.queries[len(texts) :])
    assert len(got.ratings) == 3


def test_a_proxy_model_takes_the_place_of_a_model_that_never_battled_and_is_shown(fresh_store):
    fresh_store.add_battles(verdicts(60, ("wren", "heron", "hawk")))
    pair = ModelPair(weak="wren", strong="eagle")
    got = training_set(fresh_store, CHAT, pair, {"eagle": "hawk"})
    assert got.proxy_models == {"eagle": "hawk"}
    assert set(got.battles.models) == {"wren", "heron", "eagle"}
    assert set(tier_table(got)["model"]) == set(got.battles.models)


def test_several_sources_are_all_learned_from(fresh_store):
    table = verdicts(30)
    other = verdicts(30, source="forum")
    fresh_store.add_battles(pd.concat([table, other]))
    got = training_set(fresh_store, Recipe("both", (), ("chat", "forum")), PAIR)
    assert set(got.queries) == set(table["query"]) | set(other["query"])


def test_a_recipe_is_known_by_its_parts_or_named_after_them():
    assert recipe_of(("gsm8k", "mmlu"), ()) is RECIPES["golden"]
    assert recipe_of(("mmlu", "gsm8k"), ("vicuna_bench", "oasst")) is RECIPES["chat+golden"]
    assert recipe_of(("mmlu",), ("mine",)) == Recipe("mine+mmlu", ("mmlu",), ("mine",))
    with pytest.raises(DataError, match="nothing to train on"):
        recipe_of((), ())


# What cannot teach, said before any training


def test_missing_texts_are_counted_and_the_remedy_named(fresh_store):
    texts = add_golden(fresh_store, "sums")
    fresh_store.add_battles(verdicts())
    fresh_store._write("DELETE FROM query_text WHERE text = $text", text=texts[0])
    with pytest.raises(TextsError, match=r"1 of 60 query texts of 'sums' .*make texts"):
        training_set(fresh_store, MIXED, PAIR)
    fresh_store._write("DELETE FROM query_text")
    with pytest.raises(TextsError, match="the texts of 60 of 60 battles"):
        training_set(fresh_store, CHAT, PAIR)


def table_of(*rows):
    return pd.DataFrame([(*row, "owl", "chat") for row in rows], columns=list(BATTLE_COLUMNS))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (verdicts(30).assign(model_a="small", model_b="small"), "'small' is the only model"),
        (
            pd.concat([verdicts(30), table_of(("Go.", "small", "small", "tie"))]),
            r"a model battles itself in 1 row \(31\)",
        ),
        (
            pd.concat([verdicts(30), table_of(("Go.", "small", "large", "both"))]),
            r"no known verdict in 1 row \(31\), for example 'both'",
        ),
        (verdicts(30).assign(winner="tie"), "all 30 battles are ties"),
        (verdicts(19), "19 battles are too few"),
        (verdicts(40, ("wren", "heron")), "no battle of 'small' nor of a proxy model"),
        (
            pd.concat([verdicts(20), verdicts(20, ("wren", "heron"))]),
            "no chain of battles links 2 of 4 models",
        ),
        (verdicts(40, ("large", "small")), "'large' is not rated above 'small'"),
    ],
    ids=["one model", "itself", "winner", "ties", "few", "no pair", "islands", "turned round"],
)
def test_battles_that_cannot_teach_the_pair_are_refused_with_a_sentence(
    fresh_store, table, message
):
    with pytest.raises((DataError, UnknownNameError), match=message):
        fresh_store.add_battles(table)
        training_set(fresh_store, CHAT, PAIR)


def test_golden_labels_that_are_all_ties_are_refused(fresh_store):
    add_golden(fresh_store, "sums", texts=[f"prove it {i}" for i in range(30)], slices=("a",) * 30)
    with pytest.raises(DataError, match="all 30 battles have the same result"):
        training_set(fresh_store, Recipe("x", ("sums",), ()), PAIR)


def test_an_unknown_source_names_those_that_are_there(fresh_store):
    fresh_store.add_battles(verdicts(30, source="forum"))
    with pytest.raises(UnknownNameError, match="no battles of source 'chat'; there are: forum"):
        training_set(fresh_store, CHAT, PAIR)


# Tiers


@pytest.fixture
def many_models(fresh_store):
    fresh_store.add_battles(verdicts(91 * 4, MANY))
    return fresh_store


def test_the_tier_table_counts_battles_and_puts_the_best_first(many_models):
    table = tier_table(training_set(many_models, CHAT, ModelPair("m02", "m11")), 5)
    assert table.columns.tolist() == ["model", "rating", "tier", "n_battles"]
    assert table["model"].iloc[0] == "m13"
    assert table["rating"].is_monotonic_decreasing
    assert table["tier"].is_monotonic_decreasing
    assert set(table["tier"]) == {1, 2, 3, 4, 5}
    assert set(table["n_battles"]) == {13 * 4}


def test_tiers_of_the_pair_keep_its_names_and_neighbours_speak_for_it(many_models):
    pair = ModelPair("m01", "m12")
    training = training_set(many_models, CHAT, pair)
    tier = tier_table(training, 3).set_index("model")["tier"]
    between = in_tiers(training, 3)
    assert len(between.models) == 3
    assert set(pair) < set(between.models)
    expected = [
        (query, tier[a], tier[b], win)
        for query, a, b, win in named(training.battles, training.queries)
        if tier[a] != tier[b]
    ]
    name_of = {tier[pair.weak]: pair.weak, tier[pair.strong]: pair.strong}
    other = ({1, 2, 3} - set(name_of)).pop()
    name_of[other] = f"tier {other}"
    assert named(between, training.queries) == [
        (query, name_of[a], name_of[b], win) for query, a, b, win in expected
    ]
    direct = sum({a, b} == set(pair) for _, a, b, _ in named(training.battles, training.queries))
    assert sum({row[1], row[2]} == set(pair) for row in named(between, training.queries)) > direct


def test_two_models_of_one_tier_cannot_be_told_apart(many_models):
    training = training_set(many_models, CHAT, ModelPair("m05", "m06"))
    with pytest.raises(DataError, match="'m05' and 'm06' are in one tier of 2"):
        in_tiers(training, 2)


def test_no_more_models_than_tiers_stay_as_they_are(fresh_store):
    fresh_store.add_battles(verdicts(60, ("small", "middling", "large")))
    training = training_set(fresh_store, CHAT, PAIR)
    assert in_tiers(training) is training.battles


# Leaks

NEAR = "which of the seven old bridges over the grey river was built before all the others here"


@pytest.fixture
def leaking(fresh_store):
    """Verdicts on 40 queries; 0 is a golden query in another spelling, 1 nearly one of a quiz."""
    golden = add_golden(fresh_store, "sums")
    quiz = add_golden(fresh_store, "quiz", texts=[NEAR, golden[3]])
    table = verdicts(40)
    planted = [golden[7].upper().replace(" ", "  "), NEAR.replace("grey", "gray")]
    table["query"] = planted + table["query"].tolist()[2:]
    fresh_store.add_battles(table)
    training = training_set(fresh_store, MIXED, PAIR)
    planted_at = [training.queries.index(text) for text in planted]
    return fresh_store, training, planted_at, quiz


def found(store, training, *benchmark_ids):
    parts = [benchmark_part(store, name, PAIR) for name in benchmark_ids]
    embed = WordVectors().embed
    scored = [(part, embed(part.queries)) for part in parts]
    return np.flatnonzero(leaks(training, embed(training.queries), scored)).tolist()


def test_a_planted_leak_in_another_spelling_and_a_near_copy_are_found(leaking):
    store, training, (respelled, near), _ = leaking
    assert found(store, training, "sums") == [respelled]
    # The quiz shares a query with the golden benchmark, which is a leak as well.
    assert found(store, training, "sums", "quiz") == sorted([3, respelled, near])


def test_an_equal_text_leaks_whatever_the_embedder_makes_of_it(leaking, rng):
    store, training, (respelled, _), _ = leaking
    part = benchmark_part(store, "sums", PAIR)
    embeddings = rng.normal(size=(len(training.queries), 64))
    mask = leaks(training, embeddings, [(part, rng.normal(size=(60, 64)))])
    assert np.flatnonzero(mask).tolist() == [respelled]


def test_golden_queries_of_a_benchmark_are_no_leaks_of_itself(fresh_store):
    add_golden(fresh_store, "sums")
    training = training_set(fresh_store, Recipe("x", ("sums",), ()), PAIR)
    assert found(fresh_store, training, "sums") == []


def test_what_leaks_is_dropped_and_the_queries_keep_their_positions(leaking):
    _, training, planted, _ = leaking
    dropped = np.isin(np.arange(len(training.queries)), planted)
    left = without(training, dropped)
    assert left.queries == training.queries
    assert named(left.battles, left.queries) == [
        row
        for row in named(training.battles, training.queries)
        if row[0] not in {training.queries[i] for i in planted}
    ]


def test_a_training_set_of_nothing_but_leaks_is_refused(fresh_store):
    fresh_store.add_battles(verdicts(60))
    training = training_set(fresh_store, CHAT, PAIR)
    with pytest.raises(DataError, match="no battle of 'small' is left"):
        without(training, np.ones(60, dtype=bool))
    with pytest.raises(DataError, match="10 battles are too few"):
        without(training, np.arange(60) >= 10)
