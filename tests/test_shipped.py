import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import DataError, StoreError
from routellm_core.release import shipped_data
from routellm_core.release.more_models import MT_BENCH_MODELS
from routellm_core.release.shipped_data import rebuild_outcomes
from routellm_core.store import Store
from routellm_core.store.build import build_store, data_hash, ensure_store
from routellm_core.store.selection import default_pair
from routellm_core.types import ModelPair, RouterEntry
from tests.conftest import PAIR
from tests.test_importers import STRONG, TURNS, WEAK, files, folder_of
from tests.test_more_models import answers, mmlu_pro_folder, ratings_table

DATA = Path(__file__).resolve().parent.parent / "data"
LARGE = ModelPair(weak=WEAK, strong=STRONG)


def card(benchmark_id, **fields):
    low, high, unit = (1, 10, "points") if benchmark_id == "mt_bench" else (0, 1, "share right")
    return {
        "benchmark_id": benchmark_id,
        "title": benchmark_id,
        "description": "",
        "weak_spots": "",
        "quality_low": low,
        "quality_high": high,
        "quality_unit": unit,
        "source": "made up",
        "licence": "none",
    } | fields


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """The invented checkout and the data folder made from it."""
    pytest.importorskip("bpe_openai")
    folder = tmp_path_factory.mktemp("made")
    rebuild_outcomes(folder / "data", folder_of(files(), folder / "checkout"))
    cards = [card(name) for name in ("gsm8k", "mmlu", "mt_bench")]
    (folder / "data" / "benchmarks.json").write_text(json.dumps(cards))
    return folder


@pytest.fixture
def small_data(made_once, tmp_path):
    """A data folder of one's own, beside the checkout it was made from."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "data"


def add_router(data_dir, query_ids=("gsm8k-0000", "gsm8k-0001")):
    class Stub:
        router_name = "mf"

        def save(self, folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "config.json").write_text(json.dumps({"router_name": "mf", "rank": 2}))

    scores = pd.DataFrame(
        {
            "weak_model": WEAK,
            "strong_model": STRONG,
            "benchmark_id": "gsm8k",
            "query_id": list(query_ids),
            "view": "in_domain",
            "strong_win_rate": np.linspace(0.25, 0.75, len(query_ids), dtype=np.float32),
            "fold": np.int16(0),
        }
    )
    return shipped_data.write_router(data_dir, Stub(), "golden", ["mmlu", "gsm8k"], scores)


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# What ships


@pytest.fixture(scope="module")
def shipped_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("shipped") / "store.duckdb"
    build_store(DATA, path)
    with Store(path, read_only=True) as store:
        yield store


@pytest.mark.parametrize(
    ("benchmark_id", "n_queries", "strong", "weak"),
    [
        ("mmlu", 14_037, "80.587020", "68.091473"),
        ("gsm8k", 1_307, "85.768936", "63.733741"),
        ("mt_bench", 72, "9.211806", "8.281250"),
    ],
)
def test_the_end_points_are_those_of_the_published_outcomes(
    shipped_store, benchmark_id, n_queries, strong, weak
):
    got = shipped_store.pair_outcomes(benchmark_id, LARGE)
    percent = 1 if benchmark_id == "mt_bench" else 100
    assert got.n_queries == n_queries
    assert f"{got.quality_strong.mean() * percent:.6f}" == strong
    assert f"{got.quality_weak.mean() * percent:.6f}" == weak


def test_what_the_cards_say_of_mmlu_holds(shipped_store):
    got = shipped_store.pair_outcomes("mmlu", LARGE)
    assert len(got.slices) == 57
    broken = got.slice_code == got.slices.index("high_school_mathematics")
    assert broken.sum() == 270
    assert f"{got.quality_strong[broken].mean():.2%}" == "2.96%"
    everything = shipped_store.pair_outcomes("mmlu", LARGE, contaminated=True)
    assert everything.n_queries == 14_042
    hashes = shipped_store._one(
        "SELECT count(*) - count(DISTINCT text_hash) FROM query WHERE benchmark_id = 'mmlu'"
    )
    assert hashes == (105,)
    assert "105 rows" in shipped_store.benchmark("mmlu").weak_spots


@pytest.mark.parametrize(
    ("benchmark_id", "strong", "weak", "n_queries", "qualities"),
    [
        ("mmlu_pro", "gemini-1.5-pro-002", "gemini-1.5-flash-002", 5_153, (0.7083, 0.6493)),
        (
            "mmlu_pro",
            "Meta-Llama-3_1-70B-Instruct",
            "Meta-Llama-3_1-8B-Instruct",
            5_222,
            (0.5980, 0.4330),
        ),
        (
            "mmlu_pro",
            "Meta-Llama-3_1-70B-Instruct",
            "Mixtral-8x7B-Instruct-v0.1",
            4_121,
            (0.6426, 0.4720),
        ),
        ("mt_bench", "claude-3-opus-20240229", WEAK, 72, (8.7431, 8.2813)),
        ("mt_bench", "claude-3-5-sonnet-20240620", "llama2_chat_7b", 72, (9.3299, 6.2743)),
    ],
)
def test_pairs_that_no_router_learned_from_ship(
    shipped_store, benchmark_id, strong, weak, n_queries, qualities
):
    got = shipped_store.pair_outcomes(benchmark_id, ModelPair(weak=weak, strong=strong))
    assert got.n_queries == n_queries
    means = (got.quality_strong.mean(), got.quality_weak.mean())
    assert means == pytest.approx(qualities, abs=5e-5)


def test_further_models_leave_the_usual_pair_of_mt_bench_as_it_was(shipped_store):
    assert default_pair(shipped_store, "mt_bench") == LARGE


def test_what_the_cards_say_of_mmlu_pro_holds(shipped_store):
    row = shipped_store.benchmarks().set_index("benchmark_id").loc["mmlu_pro"]
    assert (row["n_queries"], row["n_contaminated"]) == (12_032, 6_810)
    models = shipped_store.models("mmlu_pro").set_index("model")["n_queries"]
    assert len(models) == 29
    assert models.idxmin() == "Qwen1.5-7B-Chat"
    llama = ModelPair(weak="Meta-Llama-3_1-8B-Instruct", strong="Meta-Llama-3_1-70B-Instruct")
    got = shipped_store.pair_outcomes("mmlu_pro", llama)
    assert (got.n_queries, len(got.slices)) == (5_222, 9)
    assert np.isnan(got.answer_tokens_strong).all()
    assert (got.prompt_tokens > 0).all()


NEWER = ModelPair(weak="openai/gpt-5-nano", strong="anthropic/claude-opus-5")


def test_omnisbench_ships_with_dollars_tokens_and_seconds_as_measured(shipped_store):
    got = shipped_store.pair_outcomes("omnisbench", NEWER, contaminated=True)
    assert got.n_queries == 364
    assert f"{got.cost_usd_strong.mean() * 1000:.6f}" == "6.251951"
    assert f"{got.cost_usd_weak.mean() * 1000:.6f}" == "0.430905"
    assert (got.quality_strong.sum(), got.quality_weak.sum()) == (361, 344)
    prices = ((got.prompt_tokens_strong, got.answer_tokens_strong, 5, 25, got.cost_usd_strong),)
    prices += ((got.prompt_tokens_weak, got.answer_tokens_weak, 0.05, 0.4, got.cost_usd_weak),)
    for prompt, answer, of_prompt, of_answer, cost in prices:
        np.testing.assert_allclose((prompt * of_prompt + answer * of_answer) / 1e6, cost)
    seconds = shipped_store.pair_latencies("omnisbench", NEWER, contaminated=True)
    assert f"{seconds.strong.mean():.3f} {seconds.weak.mean():.3f}" == "3.347 7.157"


def test_what_the_cards_say_of_omnisbench_holds(shipped_store):
    row = shipped_store.benchmarks().set_index("benchmark_id").loc["omnisbench"]
    assert (row["n_queries"], row["n_contaminated"]) == (364, 200)
    asked = pd.read_parquet(DATA / "outcomes" / "omnisbench.queries.parquet")
    taught = pd.read_parquet(DATA / "outcomes" / "gsm8k.queries.parquet")["text_hash"]
    assert (asked["text_hash"].isin(taught) == asked["contaminated"]).all()
    got = shipped_store.pair_outcomes("omnisbench", NEWER)
    assert (got.n_queries, got.slices) == (164, ("humaneval",))
    assert f"{got.quality_strong.mean():.1%} {got.quality_weak.mean():.1%}" == "98.8% 93.9%"
    answers = pd.read_parquet(DATA / "outcomes" / "omnisbench.outcomes.parquet")
    longest = answers[answers["answer_tokens"] == 4096]
    assert set(longest["model"]) == {NEWER.weak}
    assert longest["quality"].tolist() == [0.0] * 5
    assert longest["query_id"].str.startswith("HumanEval").sum() == 4


def test_the_shipped_checkpoints_score_what_they_never_saw_of_omnisbench(shipped_store):
    routers = shipped_store.routers("omnisbench", NEWER)
    assert sorted(routers["router_id"]) == [
        f"{name}-golden" for name in ("bert", "causal_llm", "mf", "stacked", "sw_ranking")
    ]
    assert set(routers["view"]) == {"untouched"}
    assert (routers["n_scored"] == 164).all()
    assert default_pair(shipped_store, "omnisbench") == NEWER


def test_tokens_ship_where_there_are_answers(shipped_store):
    assert np.isnan(shipped_store.pair_outcomes("mmlu", LARGE).answer_tokens_strong).all()
    for benchmark_id in ("gsm8k", "mt_bench"):
        got = shipped_store.pair_outcomes(benchmark_id, LARGE)
        assert (got.answer_tokens_strong > 0).all()
        assert (got.prompt_tokens > 0).all()


def test_no_sentence_ships_in_the_tables():
    for path in DATA.glob("*/*.parquet"):
        for name, values in pd.read_parquet(path).items():
            if not pd.api.types.is_numeric_dtype(values):
                longest = values.astype(str).str.len().max()
                assert longest <= 48, f"{path.name}, {name}"
                assert not values.astype(str).str.contains(" ").any(), f"{path.name}, {name}"


# Rebuilding data/


def test_rebuilding_gives_the_same_bytes(small_data, tmp_path):
    outcomes = small_data / "outcomes"
    before = {path.name: path.read_bytes() for path in outcomes.iterdir()}
    rebuild_outcomes(small_data, tmp_path / "checkout")
    assert {path.name: path.read_bytes() for path in outcomes.iterdir()} == before
    assert len(before) == 6


def test_only_the_sources_that_are_named_are_rebuilt(small_data, tmp_path):
    outcomes = small_data / "outcomes"
    before = {path.name: path.read_bytes() for path in outcomes.iterdir()}
    mmlu_pro = mmlu_pro_folder(tmp_path / "pro")
    ratings = ratings_table(tmp_path / "ratings.csv", numbers=TURNS)
    rebuild_outcomes(small_data, mmlu_pro=mmlu_pro, mt_bench=ratings)
    after = {path.name: path.read_bytes() for path in outcomes.iterdir()}
    assert before.items() <= after.items()
    assert set(after) - set(before) == {
        "mmlu_pro.queries.parquet",
        "mmlu_pro.outcomes.parquet",
        "mt_bench.more.outcomes.parquet",
    }
    rebuild_outcomes(small_data, mmlu_pro=mmlu_pro, mt_bench=ratings)
    assert {path.name: path.read_bytes() for path in outcomes.iterdir()} == after


def test_omnisbench_is_rebuilt_to_the_same_bytes_and_read_with_its_dollars(small_data, tmp_path):
    answers().to_parquet(tmp_path / "o.parquet")
    outcomes = small_data / "outcomes"
    made = []
    for _ in range(2):
        rebuild_outcomes(small_data, omnisbench=tmp_path / "o.parquet")
        made.append([p.read_bytes() for p in sorted(outcomes.glob("omnisbench.*"))])
    assert made[0] == made[1]
    assert len(made[0]) == 2
    cards = [card("omnisbench")]
    (small_data / "benchmarks.json").write_text(json.dumps(cards))
    build_store(small_data, tmp_path / "s.duckdb")
    with Store(tmp_path / "s.duckdb") as store:
        got = store.pair_outcomes("omnisbench", ModelPair(weak="small", strong="large"))
        assert got.cost_usd_strong.tolist() == [0.02]
        assert got.prompt_tokens_weak.tolist() == [8]


def test_further_models_join_those_of_the_same_benchmark(small_data, tmp_path):
    rebuild_outcomes(small_data, mt_bench=ratings_table(tmp_path / "r.csv", numbers=TURNS))
    build_store(small_data, tmp_path / "s.duckdb")
    with Store(tmp_path / "s.duckdb") as store:
        assert len(store.models("mt_bench")) == 2 + len(MT_BENCH_MODELS)
        pair = ModelPair(weak=WEAK, strong=MT_BENCH_MODELS[0])
        assert store.pair_outcomes("mt_bench", pair).quality_strong.tolist() == [8.5, 8.5]


def test_a_router_written_twice_gives_the_same_bytes_whatever_the_row_order(small_data):
    assert add_router(small_data) == "mf-golden"
    first = data_hash(small_data)
    add_router(small_data)
    assert data_hash(small_data) == first


# Building the store


def test_a_store_holds_what_the_data_folder_holds(small_data, tmp_path):
    add_router(small_data)
    path = tmp_path / "deep" / "store.duckdb"
    build_store(small_data, path)
    with Store(path, read_only=True) as store:
        assert store.benchmarks()["benchmark_id"].tolist() == ["gsm8k", "mmlu", "mt_bench"]
        assert store.data_hash == data_hash(small_data)
        assert store.n_texts("mmlu") == (0, 4)
        row = store.routers("gsm8k", LARGE).iloc[0]
        assert (row["router_id"], row["trained_on"]) == ("mf-golden", "mmlu, gsm8k")
        got = store.strong_win_rates("gsm8k", LARGE, "mf-golden", "in_domain")
        assert got.tolist() == [0.25, 0.75]
        entry = store.router("mf-golden")
        assert (entry.origin, entry.checkpoint) == ("shipped", "routers/mf-golden")
        assert json.loads(entry.config)["rank"] == 2
    assert sorted(p.name for p in path.parent.iterdir()) == ["store.duckdb", "store.duckdb.lock"]


def test_a_store_is_built_only_when_the_data_changes(small_data, tmp_path):
    path = tmp_path / "store.duckdb"
    assert ensure_store(small_data, path)
    assert not ensure_store(small_data, path)
    add_router(small_data)
    assert ensure_store(small_data, path)
    assert not ensure_store(small_data, path)


def test_the_hash_sees_names_as_well_as_bytes(small_data):
    first = data_hash(small_data)
    outcomes = small_data / "outcomes"
    (outcomes / "mmlu.queries.parquet").rename(outcomes / "other.queries.parquet")
    assert data_hash(small_data) != first


def test_progress_runs_from_nothing_to_done(small_data, tmp_path):
    told = []
    build_store(small_data, tmp_path / "s.duckdb", lambda *step: told.append(step))
    assert [done for _, done, _ in told] == [0, 1, 2, 3, 4]
    assert told[-1] == ("done", 4, 4)


def test_what_the_user_added_outlives_a_rebuild(
    small_data, tmp_path, sample_benchmark, sample_texts
):
    path = tmp_path / "store.duckdb"
    build_store(small_data, path)
    with Store(path) as store:
        store.add_benchmark(*sample_benchmark)
        store.add_texts(sample_texts)
        store.add_router(RouterEntry("mine", "mf", "mine", "sample", config='{"a": 1}'))
        scores = pd.DataFrame({"query_id": ["q0", "q1", "q2"], "strong_win_rate": [0.1, 0.2, 0.3]})
        store.add_strong_win_rates("sample", PAIR, "mine", "untouched", scores)
        shipped_scores = pd.DataFrame({"query_id": ["gsm8k-0000"], "strong_win_rate": [0.5]})
        store.add_strong_win_rates("gsm8k", LARGE, "mine", "untouched", shipped_scores)
        mine, entry, version = (
            store.pair_outcomes("sample", PAIR),
            store.router("mine"),
            store.version,
        )
    add_router(small_data)
    assert ensure_store(small_data, path)
    with Store(path, read_only=True) as store:
        again = store.pair_outcomes("sample", PAIR)
        for field in dataclasses.fields(mine):
            np.testing.assert_equal(getattr(again, field.name), getattr(mine, field.name))
        assert store.router("mine") == entry
        assert store.n_texts("sample") == (4, 4)
        got = store.strong_win_rates("sample", PAIR, "mine", "untouched")
        assert got.tolist() == np.float32([0.1, 0.2, 0.3]).tolist()
        assert store.routers("gsm8k", LARGE)["router_id"].tolist() == ["mf-golden", "mine"]
        assert store.version > version


def test_scores_of_a_router_that_no_longer_ships_are_left_behind(
    small_data, tmp_path, sample_benchmark
):
    path = tmp_path / "store.duckdb"
    add_router(small_data)
    build_store(small_data, path)
    with Store(path) as store:
        store.add_benchmark(*sample_benchmark)
        scores = pd.DataFrame({"query_id": ["q0"], "strong_win_rate": [0.1]})
        store.add_strong_win_rates("sample", PAIR, "mf-golden", "untouched", scores)
    (small_data / "routers" / "mf-golden" / "config.json").unlink()
    (small_data / "scores" / "mf-golden.parquet").unlink()
    build_store(small_data, path)
    with Store(path) as store:
        assert store._one("SELECT count(*) FROM strong_win_rate") == (0,)


def test_a_name_of_the_users_that_ships_now_stops_the_build(small_data, tmp_path, sample_benchmark):
    path = tmp_path / "store.duckdb"
    build_store(small_data, path)
    with Store(path) as store:
        store.add_benchmark(*sample_benchmark)
    for table in ("queries", "outcomes"):
        source = small_data / "outcomes" / f"gsm8k.{table}.parquet"
        (small_data / "outcomes" / f"sample.{table}.parquet").write_bytes(source.read_bytes())
    cards = [card("gsm8k"), card("sample")]
    (small_data / "benchmarks.json").write_text(json.dumps(cards))
    with pytest.raises(StoreError, match="a benchmark of yours named sample"):
        build_store(small_data, path)
    with Store(path) as store:
        assert store.benchmark("sample").origin == "user"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "benchmarks.json").unlink(), "there is no benchmarks.json"),
        (lambda d: (d / "benchmarks.json").write_text("{"), r"benchmarks\.json is damaged"),
        (
            lambda d: (d / "benchmarks.json").write_text(json.dumps([card("mmlu", colour="red")])),
            "a card has a field too many or too few .*colour",
        ),
        (
            lambda d: (d / "outcomes" / "mmlu.queries.parquet").unlink(),
            r"mmlu\.queries\.parquet is missing; restore it",
        ),
        (
            lambda d: (d / "outcomes" / "mmlu.outcomes.parquet").write_bytes(b"PAR1 no"),
            r"mmlu\.outcomes\.parquet is damaged",
        ),
        (
            lambda d: (d / "benchmarks.json").write_text(
                json.dumps([card("mt_bench", quality_high=5)])
            ),
            "outcomes of mt_bench, column 'quality': outside 1 to 5",
        ),
    ],
)
def test_data_off_the_form_is_refused_and_the_former_store_stays(
    small_data, tmp_path, change, message
):
    path = tmp_path / "store.duckdb"
    build_store(small_data, path)
    before = path.read_bytes()
    change(small_data)
    with pytest.raises(DataError, match=message):
        ensure_store(small_data, path)
    assert path.read_bytes() == before


def test_a_router_without_its_particulars_is_refused(small_data, tmp_path):
    add_router(small_data)
    config = small_data / "routers" / "mf-golden" / "config.json"
    config.write_text(json.dumps({"router_name": "mf"}))
    with pytest.raises(DataError, match="created_at, recipe, trained_on is missing"):
        build_store(small_data, tmp_path / "s.duckdb")


# Killed, damaged, at once

KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from routellm_core.release.more_models import MT_BENCH_MODELS
from routellm_core.store.build import build_store
def progress(stage, done, total):
    if done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
build_store(Path(sys.argv[1]), Path(sys.argv[2]), progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_killed_build_leaves_the_former_store_and_the_next_one_cleans_up(
    small_data, tmp_path, sample_benchmark, step
):
    path = tmp_path / "s" / "store.duckdb"
    build_store(small_data, path)
    with Store(path) as store:
        store.add_benchmark(*sample_benchmark)
    before = path.read_bytes()

    assert run_python(KILLED_BUILD, small_data, path, step).returncode == -signal.SIGKILL

    assert (path.parent / "store.duckdb.building").exists()
    assert path.read_bytes() == before
    with Store(path, read_only=True) as store:
        assert store.pair_outcomes("sample", PAIR).n_queries == 3
    build_store(small_data, path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["store.duckdb", "store.duckdb.lock"]
    with Store(path, read_only=True) as store:
        assert store.pair_outcomes("sample", PAIR).n_queries == 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_first_build_that_is_killed_leaves_no_store(small_data, tmp_path):
    path = tmp_path / "s" / "store.duckdb"
    assert run_python(KILLED_BUILD, small_data, path, 2).returncode == -signal.SIGKILL
    assert not path.exists()
    assert ensure_store(small_data, path)


@pytest.mark.parametrize("there_is_a_former_store", [False, True])
def test_processes_may_set_up_at_once(small_data, tmp_path, there_is_a_former_store):
    path = tmp_path / "store.duckdb"
    if there_is_a_former_store:
        build_store(small_data, path)
        add_router(small_data)
    code = """
import sys
from pathlib import Path
from routellm_core.store.build import ensure_store
print(ensure_store(Path(sys.argv[1]), Path(sys.argv[2])))
"""
    command = [sys.executable, "-c", code, str(small_data), str(path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=60)[0].strip() for process in running]
    assert sorted(said) == ["False", "False", "True"]
    with Store(path, read_only=True) as store:
        assert store.data_hash == data_hash(small_data)
        assert len(store.benchmarks()) == 3


def test_a_damaged_store_is_not_replaced_behind_the_users_back(small_data, tmp_path):
    path = tmp_path / "store.duckdb"
    path.write_bytes(b"no store" * 1000)
    with pytest.raises(StoreError, match="delete it and run"):
        ensure_store(small_data, path)
    assert path.read_bytes() == b"no store" * 1000


def test_a_store_in_use_elsewhere_stops_the_build(small_data, tmp_path):
    path = tmp_path / "store.duckdb"
    ensure_store(small_data, path)
    add_router(small_data)
    code = """
import sys
from pathlib import Path
from routellm_core.errors import StoreError
from routellm_core.store.build import ensure_store
try:
    ensure_store(Path(sys.argv[1]), Path(sys.argv[2]))
except StoreError as error:
    print(error)
"""
    with Store(path):
        said = run_python(code, small_data, path)
    assert "in use by process" in said.stdout, said
