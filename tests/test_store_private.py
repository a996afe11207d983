"""Benchmarks of one browser session: seen by it alone, saved, deleted without a trace."""

from dataclasses import replace

import pandas as pd
import pytest

from routellm_core.errors import DataError, StoreError, UnknownNameError
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import RouterEntry
from tests.conftest import PAIR

SECRET = "Which of the seven lighthouses keeps the ferryman's violin?"


@pytest.fixture
def store(tmp_path, sample_benchmark):
    with Store.create(tmp_path / "store.duckdb") as store:
        store.add_benchmark(*sample_benchmark)
        yield store


def add_private(store, sample_benchmark, owner="ada", name="mine", text=SECRET):
    card, queries, outcomes = sample_benchmark
    card = replace(card, benchmark_id=name, origin="user", owner=owner)
    queries = queries.assign(text_hash=None)
    queries.loc[queries.index[0], "text_hash"] = text_hash(text)
    store.add_benchmark(card, queries, outcomes)
    store.add_texts(pd.DataFrame({"text_hash": [text_hash(text)], "text": [text]}))


def ids(store, owner=None):
    return store.benchmarks(owner)["benchmark_id"].tolist()


def test_a_private_benchmark_is_listed_for_its_session_alone(store, sample_benchmark):
    add_private(store, sample_benchmark)
    assert ids(store) == ids(store, "eve") == ["sample"]
    assert set(ids(store, "ada")) == {"sample", "mine"}
    assert store.benchmark("mine").owner == "ada"
    with pytest.raises(UnknownNameError) as raised:
        store.benchmark("nothing")
    assert "mine" not in str(raised.value)


def test_texts_of_a_private_benchmark_show_no_outcomes_to_others(store, sample_benchmark):
    add_private(store, sample_benchmark)
    assert store.labelled([text_hash(SECRET)], PAIR).empty
    store.save_benchmark("mine")
    assert store.labelled([text_hash(SECRET)], PAIR)["text"].tolist() == [SECRET]


def test_a_saved_benchmark_is_everybodys_and_outlives_its_session(store, sample_benchmark):
    add_private(store, sample_benchmark)
    store.save_benchmark("mine")
    assert store.delete_private("ada") == []
    assert set(ids(store)) == {"sample", "mine"}
    with pytest.raises(UnknownNameError):
        store.save_benchmark("nothing")


def test_a_session_that_ends_takes_its_own_benchmarks_only(store, sample_benchmark):
    add_private(store, sample_benchmark, "ada", "mine")
    add_private(store, sample_benchmark, "eve", "hers", text="another text")
    assert store.delete_private("ada") == ["mine"]
    assert set(ids(store, "eve")) == {"sample", "hers"}
    assert store.texts([text_hash(SECRET)]) == {}
    assert store.delete_private() == ["hers"]


def test_a_rebuild_leaves_private_benchmarks_behind(store, tmp_path, sample_benchmark):
    add_private(store, sample_benchmark)
    add_private(store, sample_benchmark, "eve", "kept", text="another text")
    store.save_benchmark("kept")
    store.close()
    with Store.create(tmp_path / "new.duckdb") as new:
        new.carry_user_rows(tmp_path / "store.duckdb")
        assert "mine" not in ids(new, "ada")
        assert "kept" in ids(new)
        assert new.texts([text_hash(SECRET)]) == {}


def test_a_rewritten_file_holds_no_byte_of_what_was_deleted(store, tmp_path, sample_benchmark):
    path = tmp_path / "store.duckdb"
    add_private(store, sample_benchmark)
    store._checkpoint()
    assert SECRET.encode() in path.read_bytes()
    store.delete_benchmark("mine")
    before = store.pair_outcomes("sample", PAIR)
    store.rewrite()
    assert SECRET.encode() not in path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["store.duckdb"]
    after = store.pair_outcomes("sample", PAIR)
    assert after.query_id.tolist() == before.query_id.tolist()
    assert after.quality_strong.tolist() == before.quality_strong.tolist()


def test_a_rewritten_file_has_the_same_tables_and_checks(store, tmp_path):
    tables = "SELECT table_name, sql FROM duckdb_tables() ORDER BY table_name"
    before = store._rows(tables).to_pylist()
    store.rewrite()
    assert store._rows(tables).to_pylist() == before
    store.close()
    with Store(tmp_path / "store.duckdb", read_only=True) as reader:
        assert ids(reader) == ["sample"]


def test_a_dashboard_rewrites_what_it_only_reads(store, tmp_path, sample_benchmark):
    add_private(store, sample_benchmark)
    store.close()
    with Store(tmp_path / "store.duckdb", read_only=True) as reader:
        with reader.open_for_writing():
            reader.delete_private("ada")
        reader.rewrite()
        assert ids(reader, "ada") == ["sample"]
        with pytest.raises(StoreError, match="reading only"):
            reader.delete_private("ada")


def test_usage_of_ungraded_answers_is_averaged_where_it_is_known(store, sample_benchmark):
    card, queries, _ = sample_benchmark
    card = replace(card, benchmark_id="traffic", origin="user")
    names = queries["query_id"].tolist()
    usage = pd.DataFrame(
        {
            "query_id": names[:3],
            "model": ["big", "big", "tiny"],
            "answer_tokens": [10.0, 30.0, None],
            "cost_usd": [0.5, None, None],
        }
    )
    store.add_benchmark(card, queries, None, usage)
    found = store.usage("traffic").set_index("model")
    assert found.index.tolist() == ["big", "tiny"]
    assert found.loc["big", ["n_answers", "answer_tokens", "cost_usd"]].tolist() == [2, 20.0, 0.5]
    assert found.loc["tiny"][["answer_tokens", "cost_usd", "latency_s"]].isna().all()
    store.delete_benchmark("traffic")
    assert store._one("SELECT count(*) FROM usage") == (0,)
    with pytest.raises(DataError, match="not among the queries"):
        store.add_benchmark(
            card, queries, None, usage.assign(query_id=[f"stranger {i}" for i in range(3)])
        )


def test_bare_queries_are_scored_for_any_pair(sample_store, sample_benchmark):
    card, queries, _ = sample_benchmark
    bare = replace(card, benchmark_id="bare", origin="user")
    sample_store.add_benchmark(bare, queries, None)
    router = "mf-x"
    sample_store.add_router(RouterEntry(router, "mf", "x", trained_on="sample"))
    names = queries["query_id"].tolist()
    rates = pd.DataFrame({"query_id": names, "strong_win_rate": 0.25})
    sample_store.add_strong_win_rates("bare", PAIR, router, "untouched", rates)
    scored = sample_store.scored_queries("bare", PAIR, router, "untouched")
    kept = queries[~queries["contaminated"].fillna(False).astype(bool)]["query_id"].tolist()
    assert scored["query_id"].tolist() == sorted(kept)
    assert sample_store.scorings("bare")["n_scored"].tolist() == [len(names)]
    with pytest.raises(UnknownNameError, match="no outcomes of 'nobody'"):
        sample_store.add_strong_win_rates(
            "sample", PAIR._replace(weak="nobody"), router, "untouched", rates
        )
    one = sample_store.one_models_outcomes("sample", PAIR.weak)
    assert set(one["query_id"]) <= set(kept)
    assert one["quality"].notna().all()
