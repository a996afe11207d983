import dataclasses
import os
import signal
import subprocess
import sys
import threading

import duckdb
import numpy as np
import pandas as pd
import pytest

from routellm_core import schemas
from routellm_core.errors import DataError, StoreError, UnknownNameError
from routellm_core.store import Store
from routellm_core.store import database as store_module
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import ModelPair, RouterEntry
from tests.conftest import PAIR, TEXTS

ROUTER = RouterEntry("mf-x", "mf", "x", trained_on="sample")


def scores(**columns):
    frame = {"query_id": ["q0", "q1", "q2"], "strong_win_rate": [0.25, 0.5, 0.75]} | columns
    return pd.DataFrame(frame)


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# Readings


def test_a_benchmark_comes_back_as_it_went_in(sample_store, sample_benchmark):
    card, _, _ = sample_benchmark
    assert sample_store.benchmark("sample") == card
    row = sample_store.benchmarks().iloc[0]
    assert (row["n_queries"], row["n_contaminated"]) == (4, 1)


def test_pair_outcomes_are_aligned_and_ordered_by_query(sample_store):
    got = sample_store.pair_outcomes("sample", PAIR)
    assert got.query_id.tolist() == ["q0", "q1", "q2"]
    assert got.quality_weak.tolist() == [0.0, 1.0, 0.0]
    assert got.quality_strong.tolist() == [1.0, 1.0, 0.5]
    assert got.slices == ("birds", "kitchen")
    assert got.slice_code.tolist() == [1, 0, 1]
    np.testing.assert_equal(got.prompt_tokens, [8.0, 7.0, np.nan])
    np.testing.assert_equal(got.answer_tokens_strong, [9.0, 10.0, np.nan])
    assert got.quality_weak.dtype == got.answer_tokens_weak.dtype == np.float64


def test_queries_that_say_the_same_share_a_cluster_code(sample_store):
    code = sample_store.pair_outcomes("sample", PAIR).cluster_code
    assert code[0] == code[2] != code[1]


def test_contaminated_queries_are_left_out_unless_asked_for(sample_store):
    assert sample_store.pair_outcomes("sample", PAIR).n_queries == 3
    assert sample_store.pair_outcomes("sample", PAIR, contaminated=True).n_queries == 4
    assert sample_store.models("sample").iloc[0].to_list() == ["large", 3, pytest.approx(2.5 / 3)]


def test_only_queries_that_both_models_answered_are_paired(fresh_store, sample_benchmark):
    card, queries, outcomes = sample_benchmark
    fresh_store.add_benchmark(card, queries, outcomes.drop(index=[1, 6]))
    assert fresh_store.pair_outcomes("sample", PAIR).query_id.tolist() == ["q0"]


def test_a_pair_without_a_common_query_is_an_error(fresh_store, sample_benchmark):
    card, queries, outcomes = sample_benchmark
    fresh_store.add_benchmark(card, queries, outcomes.loc[[0, 5]])
    with pytest.raises(DataError, match="no query of sample has outcomes of both"):
        fresh_store.pair_outcomes("sample", PAIR)


def test_pair_outcomes_equal_a_plain_pandas_join_on_random_data(fresh_store, sample_benchmark, rng):
    card, _, _ = sample_benchmark
    ids = [f"id{i}" for i in rng.permutation(500)]
    queries = pd.DataFrame(
        {
            "query_id": ids,
            "slice": rng.choice(["a", "b"], 500),
            "contaminated": rng.random(500) < 0.1,
        }
    )
    every = pd.MultiIndex.from_product([ids, ["small", "large", "third"]])
    outcomes = every.to_frame(index=False, name=["query_id", "model"])
    outcomes["quality"] = rng.random(len(outcomes))
    outcomes = outcomes[rng.random(len(outcomes)) < 0.8]
    fresh_store.add_benchmark(card, queries, outcomes)

    got = fresh_store.pair_outcomes("sample", PAIR)

    clean = queries[~queries["contaminated"]].set_index("query_id")
    wide = outcomes.pivot(index="query_id", columns="model", values="quality")
    wide = wide.loc[wide.index.intersection(clean.index), ["small", "large"]].dropna().sort_index()
    assert got.query_id.tolist() == wide.index.tolist()
    assert got.quality_weak.tolist() == wide["small"].tolist()
    assert got.quality_strong.tolist() == wide["large"].tolist()
    assert [got.slices[i] for i in got.slice_code] == clean["slice"][wide.index].tolist()
    assert len(set(got.cluster_code)) == len(wide)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.benchmark("nope"), "no benchmark 'nope'; there are: sample"),
        (lambda s: s.models("nope"), "no benchmark 'nope'"),
        (lambda s: s.pair_outcomes("nope", PAIR), "no benchmark 'nope'"),
        (
            lambda s: s.pair_outcomes("sample", ModelPair("small", "huge")),
            "no outcomes of 'huge' on sample; there are: large, small",
        ),
        (lambda s: s.router("nope"), "no router 'nope'; there are: none yet"),
        (lambda s: s.strong_win_rates("sample", PAIR, "nope", "in_domain"), "no router 'nope'"),
        (lambda s: s.router_named("sample", PAIR, "mf"), "no scores of router 'mf' on sample"),
        (lambda s: s.delete_benchmark("nope"), "no benchmark 'nope'"),
        (lambda s: s.n_texts("nope"), "no benchmark 'nope'"),
    ],
)
def test_an_unknown_name_lists_what_there_is(sample_store, call, message):
    with pytest.raises(UnknownNameError, match=message):
        call(sample_store)


def test_a_model_cannot_be_paired_with_itself(sample_store):
    with pytest.raises(DataError, match="both 'small'"):
        sample_store.pair_outcomes("sample", ModelPair("small", "small"))


# Scores


def test_scores_come_back_aligned_with_the_outcomes(sample_store):
    sample_store.add_router(ROUTER)
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", scores()[::-1])
    got = sample_store.strong_win_rates("sample", PAIR, "mf-x", "in_domain")
    assert got.dtype == np.float32
    assert got.tolist() == [0.25, 0.5, 0.75]
    row = sample_store.router_named("sample", PAIR, "mf")
    assert (row.router_id, row.view, row.n_scored) == ("mf-x", "in_domain", 3)
    assert sample_store.scored_pairs("sample") == [PAIR]


def test_scoring_again_replaces_the_same_queries_only(sample_store):
    sample_store.add_router(ROUTER)
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", scores())
    again = scores(strong_win_rate=[1.0, 1.0, 1.0]).iloc[:1]
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", again)
    got = sample_store.strong_win_rates("sample", PAIR, "mf-x", "in_domain")
    assert got.tolist() == [1.0, 0.5, 0.75]


def test_missing_scores_are_counted(sample_store):
    sample_store.add_router(ROUTER)
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", scores().iloc[:2])
    with pytest.raises(DataError, match="1 of 3 queries of sample have no score"):
        sample_store.strong_win_rates("sample", PAIR, "mf-x", "in_domain")
    with pytest.raises(DataError, match="3 of 3"):
        sample_store.strong_win_rates("sample", PAIR, "mf-x", "untouched")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            scores(strong_win_rate=[0.1, 1.5, 0.2]),
            r"'strong_win_rate': outside 0 to 1 in 1 row \(2\)",
        ),
        (scores(strong_win_rate=[0.1, np.nan, 0.2]), r"no value in 1 row \(2\)"),
        (scores(query_id=["q0", "q0", "q1"]), r"earlier row in 1 row \(2\), for example 'q0'"),
        (
            scores(query_id=["q0", "zz", "q1"]),
            r"not among the queries in 1 row \(2\), for example 'zz'",
        ),
        (scores(fold=[0.5, 1, 2]), "'fold': holds float64, not whole numbers"),
        (scores().iloc[:0], "there is no row"),
    ],
)
def test_scores_off_the_form_are_refused(sample_store, frame, message):
    sample_store.add_router(ROUTER)
    with pytest.raises(DataError, match=message):
        sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", frame)


def test_an_unknown_view_and_a_router_named_twice_are_refused(sample_store):
    sample_store.add_router(ROUTER)
    with pytest.raises(DataError, match="already"):
        sample_store.add_router(ROUTER)
    with pytest.raises(UnknownNameError, match="no view 'sideways'"):
        sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "sideways", scores())


def test_several_recipes_have_to_be_told_apart(sample_store):
    for recipe in ("x", "y"):
        entry = dataclasses.replace(ROUTER, router_id=f"mf-{recipe}", recipe=recipe)
        sample_store.add_router(entry)
        sample_store.add_strong_win_rates("sample", PAIR, entry.router_id, "untouched", scores())
    with pytest.raises(DataError, match="several recipes"):
        sample_store.router_named("sample", PAIR, "mf")
    assert sample_store.router_named("sample", PAIR, "mf", "y").router_id == "mf-y"


# Writes that are refused


def with_column(frame, name, values):
    return frame.assign(**{name: values})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda q, o: (q.drop(columns="slice"), o), "queries of sample: column 'slice' is missing"),
        (lambda q, o: (q.iloc[:0], o), "queries of sample: there is no row"),
        (lambda q, o: (q, o.iloc[:0]), "outcomes of sample: there is no row"),
        (
            lambda q, o: (with_column(q, "query_id", ["q0", "q1", "q1", "q3"]), o),
            r"column 'query_id': the name of an earlier row in 1 row \(3\), for example 'q1'",
        ),
        (
            lambda q, o: (with_column(q, "query_id", [0, 1, 2, 3]), o),
            r"column 'query_id': no text in 4 rows \(1, 2, 3, 4\)",
        ),
        (
            lambda q, o: (with_column(q, "slice", ["a", "", "b", "c"]), o),
            r"'slice': empty in 1 row",
        ),
        (
            lambda q, o: (
                with_column(q, "slice", pd.Series(["a", "\ud800", "b", "c"], dtype=object)),
                o,
            ),
            r"'slice': no text in 1 row \(2\)",
        ),
        (
            lambda q, o: (with_column(q, "contaminated", ["no", "no", "no", "yes"]), o),
            "'contaminated': holds .*; use True and False",
        ),
        (lambda q, o: (with_column(q, "prompt_tokens", -1.0), o), "outside 0 and up in 4 rows"),
        (
            lambda q, o: (q, with_column(o, "quality", [0.0] * 6 + [np.nan] * 2)),
            r"outcomes of sample, column 'quality': no value in 2 rows \(7, 8\)",
        ),
        (
            lambda q, o: (q, with_column(o, "quality", [0.0] * 7 + [np.inf])),
            r"'quality': an infinite value in 1 row \(8\)",
        ),
        (
            lambda q, o: (q, with_column(o, "quality", [0.0] * 7 + [7.5])),
            r"'quality': outside 0 to 1 in 1 row \(8\), for example 7.5",
        ),
        (
            lambda q, o: (q, with_column(o, "quality", ["good"] * 8)),
            "'quality': holds .*not numbers",
        ),
        (lambda q, o: (q, with_column(o, "quality", [True] * 8)), "map True to 1 and False to 0"),
        (
            lambda q, o: (q, with_column(o, "model", "small")),
            r"column 'query_id' \+ 'model': the name of an earlier row in 4 rows",
        ),
        (
            lambda q, o: (q.iloc[:3], o),
            r"column 'query_id': not among the queries in 2 rows \(4, 8\), for example 'q3'",
        ),
    ],
)
def test_tables_off_the_form_are_refused_and_leave_no_trace(
    fresh_store, sample_benchmark, change, message
):
    card, queries, outcomes = sample_benchmark
    before = fresh_store.version
    with pytest.raises(DataError, match=message):
        fresh_store.add_benchmark(card, *change(queries, outcomes))
    assert fresh_store.benchmarks().empty
    assert fresh_store.version == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("benchmark_id", "no spaces"),
        ("benchmark_id", ""),
        ("origin", "elsewhere"),
        ("quality_unit", "percent"),
        ("quality_high", 0.0),
        ("quality_high", np.inf),
    ],
)
def test_a_card_refuses_illegal_values_at_birth(sample_benchmark, field, value):
    with pytest.raises(DataError):
        dataclasses.replace(sample_benchmark[0], **{field: value})


def test_a_benchmark_of_the_same_name_is_refused(sample_store, sample_benchmark):
    with pytest.raises(DataError, match="there is a benchmark 'sample' already"):
        sample_store.add_benchmark(*sample_benchmark)


def test_optional_columns_may_be_absent(fresh_store, sample_benchmark):
    card, queries, outcomes = sample_benchmark
    fresh_store.add_benchmark(
        card, queries[["query_id", "slice"]], outcomes[["query_id", "model", "quality"]]
    )
    got = fresh_store.pair_outcomes("sample", PAIR)
    assert got.n_queries == 4
    assert np.isnan(got.prompt_tokens).all()
    assert got.cluster_code.tolist() == [0, 1, 2, 3]
    assert fresh_store.n_texts("sample") == (0, 4)


# Texts


def test_texts_are_found_by_hash_and_by_query(sample_store):
    assert sample_store.n_texts("sample") == (4, 4)
    assert sample_store.missing_texts("sample") == set()
    assert sample_store.query_texts("sample") == dict(
        zip(["q0", "q1", "q2", "q3"], TEXTS, strict=True)
    )
    key = text_hash(TEXTS[1])
    assert sample_store.texts([key, "unknown"]) == {key: TEXTS[1]}
    assert sample_store.texts([]) == {}


def test_adding_texts_twice_changes_nothing(sample_store, sample_texts):
    sample_store.add_texts(sample_texts)
    assert sample_store.n_texts("sample") == (4, 4)


def test_a_text_with_a_foreign_hash_is_refused(fresh_store, sample_texts):
    swapped = sample_texts.assign(text=sample_texts["text"].tolist()[::-1])
    with pytest.raises(DataError, match="4 texts have another hash"):
        fresh_store.add_texts(swapped)


def test_text_keys_tell_the_exact_text_from_what_it_says():
    assert text_hash("a b") != text_hash("A  b")
    assert group_key("ﬁne\tDay ") == group_key("fine day")
    assert len(text_hash("")) == 32
    with pytest.raises(DataError, match="surrogate"):
        text_hash("\ud800")


# Deleting


def test_deleting_a_benchmark_leaves_no_row_of_it(sample_store):
    sample_store.add_router(ROUTER)
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", scores())
    sample_store.delete_benchmark("sample")
    for table in ("benchmark", "query", "outcome", "strong_win_rate", "query_text"):
        assert sample_store._one(f"SELECT count(*) FROM {table}") == (0,)


def test_texts_that_another_benchmark_uses_outlive_a_deletion(sample_store, sample_benchmark):
    card, queries, outcomes = sample_benchmark
    other = dataclasses.replace(card, benchmark_id="other")
    sample_store.add_benchmark(other, queries.iloc[:2], outcomes.loc[[0, 1, 4, 5]])
    sample_store.delete_benchmark("sample")
    assert sample_store.n_texts("other") == (2, 2)
    assert sample_store._one("SELECT count(*) FROM query_text") == (2,)


# Battles


def battles_of(rows, source="chat"):
    columns = ["query", "model_a", "model_b", "winner", "judge"]
    return pd.DataFrame(rows, columns=columns).assign(source=source)


CHAT = [
    ("Which kite flies higher?", "heron", "wren", "model_a", "owl"),
    ("Which kite flies higher?", "wren", "heron", "tie", "people"),
    ("Fold the sail.", "wren", "finch", "model_b", "owl"),
    ("Fold the sail.", "wren", "finch", "model_b", "owl"),
]


def in_order(table):
    return table.sort_values(list(schemas.BATTLE_COLUMNS), ignore_index=True)


def test_battles_come_back_in_the_agreed_form(fresh_store):
    chat, forum = battles_of(CHAT), battles_of(CHAT[:1], "forum")
    fresh_store.add_battles(pd.concat([forum, chat]).assign(note="not kept"))
    got = fresh_store.battles(["chat"])
    assert got.columns.tolist() == list(schemas.BATTLE_COLUMNS)
    pd.testing.assert_frame_equal(in_order(got), in_order(chat), check_dtype=False)
    assert len(fresh_store.battles(["chat", "forum"])) == 5
    pd.testing.assert_frame_equal(schemas.checked_battles(got), got, check_dtype=False)


def test_a_source_says_how_much_it_holds(fresh_store):
    fresh_store.add_battles(battles_of(CHAT))
    fresh_store._write("DELETE FROM query_text WHERE text = 'Fold the sail.'")
    (row,) = fresh_store.battle_sources().to_dict("records")
    assert row == {
        "source": "chat",
        "judge": "owl, people",
        "n_battles": 4,
        "n_queries": 2,
        "n_models": 3,
        "n_texts": 1,
    }


def test_adding_a_source_again_replaces_it_with_its_texts_and_leaves_the_others(fresh_store):
    fresh_store.add_battles(pd.concat([battles_of(CHAT), battles_of(CHAT[:1], "forum")]))
    again = battles_of([("Name a mast.", "wren", "heron", "tie", "owl")])
    fresh_store.add_battles(again)
    got = fresh_store.battles(["chat"])
    pd.testing.assert_frame_equal(got, again, check_dtype=False)
    assert fresh_store.battles(["forum"])["query"].tolist() == ["Which kite flies higher?"]
    texts = fresh_store._frame("SELECT text FROM query_text ORDER BY text")["text"].tolist()
    assert texts == ["Name a mast.", "Which kite flies higher?"]


def test_deleting_battles_keeps_the_texts_that_others_use(sample_store):
    used = [(TEXTS[0], "heron", "wren", "tie", "owl"), (TEXTS[3], "heron", "wren", "tie", "owl")]
    chat = battles_of([*CHAT, *used])
    sample_store.add_battles(pd.concat([chat, battles_of(CHAT[:1], "forum")]))
    sample_store.delete_battles("chat")
    assert sample_store.battle_sources()["source"].tolist() == ["forum"]
    assert sample_store.n_texts("sample") == (4, 4)
    assert sample_store.battles(["forum"])["query"].tolist() == ["Which kite flies higher?"]
    assert sample_store.texts([text_hash("Fold the sail.")]) == {}
    with pytest.raises(UnknownNameError, match="no battles of source 'chat'; there are: forum"):
        sample_store.delete_battles("chat")


def test_deleting_a_benchmark_keeps_the_texts_of_battles(sample_store):
    sample_store.add_battles(battles_of([(TEXTS[1], "heron", "wren", "tie", "owl")]))
    sample_store.delete_benchmark("sample")
    assert sample_store.battles(["chat"])["query"].tolist() == [TEXTS[1]]
    assert sample_store._one("SELECT count(*) FROM query_text") == (1,)


def test_battles_off_the_form_leave_the_former_ones(fresh_store):
    fresh_store.add_battles(battles_of(CHAT))
    with pytest.raises(DataError, match="no known verdict"):
        fresh_store.add_battles(battles_of(CHAT).assign(winner="both"))
    assert len(fresh_store.battles(["chat"])) == 4


# Routers of the user's, and folds


def test_deleting_a_router_takes_its_scores_and_no_others(sample_store):
    for name in ("mine", "other"):
        sample_store.add_router(dataclasses.replace(ROUTER, router_id=name))
        sample_store.add_strong_win_rates("sample", PAIR, name, "in_domain", scores())
    sample_store.delete_router("mine")
    assert sample_store.own_routers()["router_id"].tolist() == ["other"]
    assert sample_store.routers("sample", PAIR)["router_id"].tolist() == ["other"]
    assert sample_store._one("SELECT count(*) FROM strong_win_rate") == (3,)
    with pytest.raises(UnknownNameError, match="no router 'mine'"):
        sample_store.delete_router("mine")


def test_a_router_that_ships_is_not_deleted(sample_store):
    sample_store.add_router(dataclasses.replace(ROUTER, origin="shipped"))
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", scores())
    with pytest.raises(DataError, match="'mf-x' ships with the project and stays"):
        sample_store.delete_router("mf-x")
    assert sample_store.own_routers().empty
    assert len(sample_store.strong_win_rates("sample", PAIR, "mf-x", "in_domain")) == 3


def test_folds_are_aligned_with_the_scores_and_minus_one_without(sample_store):
    sample_store.add_router(ROUTER)
    given = scores(fold=[2, 0, 1])[::-1]
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "in_domain", given)
    sample_store.add_strong_win_rates("sample", PAIR, "mf-x", "untouched", scores())
    assert sample_store.folds("sample", PAIR, "mf-x", "in_domain").tolist() == [2, 0, 1]
    assert sample_store.folds("sample", PAIR, "mf-x", "untouched").tolist() == [-1, -1, -1]
    with pytest.raises(UnknownNameError, match="no router 'nope'"):
        sample_store.folds("sample", PAIR, "nope", "in_domain")


# Transactions and threads


def test_every_write_raises_the_version_by_one(fresh_store, sample_benchmark, sample_texts):
    versions = [fresh_store.version]
    fresh_store.add_benchmark(*sample_benchmark)
    versions.append(fresh_store.version)
    fresh_store.add_texts(sample_texts)
    versions.append(fresh_store.version)
    with fresh_store.atomic():
        fresh_store.add_router(ROUTER)
        fresh_store.delete_benchmark("sample")
    versions.append(fresh_store.version)
    assert np.diff(versions).tolist() == [1, 1, 1]


def test_an_error_undoes_the_whole_outer_transaction(fresh_store, sample_benchmark):
    with pytest.raises(RuntimeError), fresh_store.atomic():
        fresh_store.add_benchmark(*sample_benchmark)
        with fresh_store.atomic():
            fresh_store.add_router(ROUTER)
        raise RuntimeError
    assert fresh_store.benchmarks().empty
    with pytest.raises(UnknownNameError):
        fresh_store.router("mf-x")


def test_other_threads_see_a_transaction_only_when_it_has_ended(fresh_store, sample_benchmark):
    seen = []

    def look():
        seen.append(len(fresh_store.benchmarks()))

    with fresh_store.atomic():
        fresh_store.add_benchmark(*sample_benchmark)
        watcher = threading.Thread(target=look)
        watcher.start()
        watcher.join()
    look()
    assert seen == [0, 1]


def test_many_threads_read_and_write_at_once(sample_store, sample_benchmark):
    card, queries, outcomes = sample_benchmark
    failures = []

    def work(number):
        try:
            for i in range(10):
                copy = dataclasses.replace(card, benchmark_id=f"b{number}-{i}")
                sample_store.add_benchmark(copy, queries, outcomes)
                got = sample_store.pair_outcomes("sample", PAIR)
                assert got.quality_strong.tolist() == [1.0, 1.0, 0.5]
                assert sample_store.benchmark(copy.benchmark_id) == copy
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(sample_store.benchmarks()) == 81


# Files


def test_a_store_on_disk_keeps_what_was_written(tmp_path, sample_benchmark):
    path = tmp_path / "a" / "store.duckdb"
    with Store.create(path) as store:
        store.add_benchmark(*sample_benchmark)
    with Store(path, read_only=True) as store:
        assert store.benchmark("sample") == sample_benchmark[0]
        with pytest.raises(StoreError, match="reading only"):
            store.delete_benchmark("sample")


def test_an_absent_store_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match="run `python -m routellm_core setup`"):
        Store(tmp_path / "none.duckdb")


def test_creating_over_a_file_is_refused(tmp_path):
    Store.create(tmp_path / "s.duckdb").close()
    with pytest.raises(StoreError, match="exists already"):
        Store.create(tmp_path / "s.duckdb")


def test_reading_beside_a_writer_of_the_same_process_works(tmp_path):
    path = tmp_path / "s.duckdb"
    with Store.create(path), Store(path, read_only=True) as reader:
        assert reader.benchmarks().empty
        with pytest.raises(StoreError, match="reading only"), reader.atomic():
            pass


def test_a_store_held_by_another_process_names_it(tmp_path):
    path = tmp_path / "s.duckdb"
    with Store.create(path):
        code = """
import sys
from pathlib import Path
from routellm_core.store import Store
from routellm_core.errors import StoreError
try:
    Store(Path(sys.argv[1]), read_only=True)
except StoreError as error:
    print(error)
"""
        said = run_python(code, path).stdout
    assert f"in use by process {os.getpid()}" in said
    assert "close it there" in said


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "scribbled"])
def test_a_damaged_store_is_refused_with_the_remedy(tmp_path, sample_benchmark, damage):
    path = tmp_path / "s.duckdb"
    with Store.create(path) as store:
        store.add_benchmark(*sample_benchmark)
    whole = path.read_bytes()
    broken = {
        "garbage": b"no database " * 500,
        "empty": b"",
        "cut": whole[: len(whole) // 3],
        "scribbled": whole[:4096] + bytes(len(whole) - 4096),
    }[damage]
    path.write_bytes(broken)
    with pytest.raises(StoreError, match=r"delete it and run `python -m routellm_core setup`"):
        with Store(path) as store:
            store.pair_outcomes("sample", PAIR)


def test_a_foreign_database_is_refused(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE cats (name VARCHAR)")
    with pytest.raises(StoreError, match="not a store of this project"):
        Store(path)


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "s.duckdb"
    Store.create(path).close()
    with duckdb.connect(path) as raw:
        raw.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(StoreError, match="written by a newer version of this project"):
        Store(path)


def test_an_old_schema_migrates_and_keeps_its_rows(tmp_path, monkeypatch, sample_benchmark):
    path = tmp_path / "s.duckdb"
    with Store.create(path) as store:
        store.add_benchmark(*sample_benchmark)

    def add_a_column(cursor):
        cursor.execute("ALTER TABLE query ADD COLUMN language VARCHAR DEFAULT 'en'")

    newest = len(store_module.MIGRATIONS) + 1
    monkeypatch.setattr(store_module, "MIGRATIONS", [*store_module.MIGRATIONS, add_a_column])
    with pytest.raises(StoreError, match="older version"):
        Store(path, read_only=True)
    with Store(path) as store:
        assert store.pair_outcomes("sample", PAIR).n_queries == 3
        assert store._one("SELECT count(*) FROM query WHERE language = 'en'") == (4,)
        assert store._one("SELECT schema_version FROM meta") == (newest,)
    with Store() as fresh:
        assert fresh._one("SELECT schema_version FROM meta") == (newest,)


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path, monkeypatch):
    path = tmp_path / "s.duckdb"
    Store.create(path).close()

    def half_done(cursor):
        cursor.execute("ALTER TABLE query ADD COLUMN language VARCHAR")
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "MIGRATIONS", [*store_module.MIGRATIONS, half_done])
        with pytest.raises(ZeroDivisionError):
            Store(path)
    with Store(path) as store:
        assert "language" not in store._frame("SELECT * FROM query").columns


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_process_killed_inside_an_import_leaves_the_store_as_it_was(tmp_path, sample_benchmark):
    path = tmp_path / "s.duckdb"
    with Store.create(path) as store:
        store.add_benchmark(*sample_benchmark)
        version = store.version
    code = """
import dataclasses, os, signal, sys
from pathlib import Path
import pandas as pd
from routellm_core.store import Store
store = Store(Path(sys.argv[1]))
card = dataclasses.replace(store.benchmark("sample"), benchmark_id="second")
ids = [f"q{i}" for i in range(50_000)]
with store.atomic():
    store.add_benchmark(
        card,
        pd.DataFrame({"query_id": ids, "slice": "s"}),
        pd.DataFrame({"query_id": ids, "model": "small", "quality": 1.0}),
    )
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, path).returncode == -signal.SIGKILL
    with Store(path) as store:
        assert store.benchmarks()["benchmark_id"].tolist() == ["sample"]
        assert store.version == version
        assert store.pair_outcomes("sample", PAIR).n_queries == 3


def test_bare_queries_need_no_outcomes(fresh_store, sample_benchmark, sample_texts):
    card, queries, _ = sample_benchmark
    fresh_store.add_benchmark(card, queries, None)
    fresh_store.add_texts(sample_texts)
    row = fresh_store.benchmarks().iloc[0]
    assert (row["n_queries"], row["n_models"]) == (4, 0)
    assert fresh_store.n_texts("sample") == (4, 4)
