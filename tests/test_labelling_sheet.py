"""Sheets for people, the verb `label`, and what of both is kept in the store."""

import csv
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from routellm_core.__main__ import main
from routellm_core.errors import DataError
from routellm_core.labelling import into_store
from routellm_core.labelling.journal import FILE_NAME
from routellm_core.labelling.sheet import (
    drawn_at_random,
    read_sheet,
    read_texts,
    worth_labelling,
    write_sheet,
)
from routellm_core.store import Store
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.stub_endpoint import Stall, StubEndpoint, well_behaved
from tests.test_labelling import ENVIRON, KEY, plan_at

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("Why do kettles whistle?", "=Name a slow tide.", "Count the bells.", "Does chalk float?")
SUFFIXES = (".csv", ".xlsx")


def queries_of(*slices):
    return pd.DataFrame(
        {
            "query_id": [f"q{i}" for i in range(len(slices))],
            "slice": list(slices),
            "text": [f"Is pebble {i} round?" for i in range(len(slices))],
        }
    )


def filled(path, rows, **columns):
    """A sheet as people send it back: columns of words, by query_id where a dict is given."""
    write_sheet(path, rows, "winner" if "winner" in columns else "qualities")
    if path.suffix == ".xlsx":
        book = load_workbook(path)
        sheet = book.active
        names = [cell.value for cell in sheet[1]]
        for name, values in columns.items():
            for row, value in enumerate(values, start=2):
                sheet.cell(row, names.index(name) + 1).value = value
        book.save(path)
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = pd.DataFrame(list(csv.DictReader(file)))
        for name, values in columns.items():
            table[name] = list(values)
        table.to_csv(path, index=False, sep=";", encoding="utf-8-sig")  # as Excel does in Europe
    return path


# Which queries first


def test_slices_take_turns_and_the_nearest_score_comes_first():
    queries = queries_of("a", "a", "a", "b", "b", "c")
    scores = np.array([0.9, 0.52, 0.4, 0.1, 0.45, np.nan])
    rows = worth_labelling(queries, scores, 0.5)
    assert rows["query_id"].tolist() == ["q1", "q4", "q5", "q2", "q3", "q0"]
    assert rows["strong_win_rate"].iloc[0] == 0.52
    assert worth_labelling(queries, scores, 0.5, n=2)["query_id"].tolist() == ["q1", "q4"]


def test_a_draw_that_is_cut_short_is_a_random_sample():
    """A rare slice has its share at the front too, where slices in turn would give it half."""
    queries = queries_of(*["rare"] * 10, *["common"] * 90)
    front = [drawn_at_random(queries, 100, seed).head(10) for seed in range(300)]
    share = np.mean([(rows["slice"] == "rare").mean() for rows in front])
    assert abs(share - 0.1) < 0.02  # its standard error is 0.005
    assert (worth_labelling(queries).head(10)["slice"] == "rare").mean() == 0.5


def test_a_larger_draw_of_the_same_seed_goes_on_where_the_smaller_ended():
    queries = queries_of(*["a", "b", "c"] * 10)
    few, many = (drawn_at_random(queries, n, 7) for n in (5, 20))
    assert few["query_id"].tolist() == many["query_id"].tolist()[:5]
    assert many["query_id"].is_unique
    assert drawn_at_random(queries, 5, 8)["query_id"].tolist() != few["query_id"].tolist()
    assert len(drawn_at_random(queries, 99)) == 30
    for refused in (queries.head(0), queries):
        with pytest.raises(DataError):
            drawn_at_random(refused, 5, -1)


def test_without_scores_the_order_is_random_and_seeded():
    queries = queries_of(*["a"] * 30, *["b"] * 30)
    first, again = worth_labelling(queries, seed=1), worth_labelling(queries, seed=1)
    pd.testing.assert_frame_equal(first, again)
    assert first["query_id"].tolist() != worth_labelling(queries, seed=2)["query_id"].tolist()
    assert first["query_id"].tolist() != queries["query_id"].tolist()
    assert (first["slice"].iloc[:20].value_counts() == 10).all()
    assert set(first["query_id"]) == set(queries["query_id"])


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda q: worth_labelling(q[:0]), "no query"),
        (lambda q: worth_labelling(q, np.array([0.1])), "both the threshold"),
        (lambda q: worth_labelling(q, threshold=0.1), "both the threshold"),
        (lambda q: worth_labelling(q, n=0), "at least 1"),
    ],
)
def test_a_sheet_that_cannot_be_made_is_refused(call, says):
    with pytest.raises(DataError, match=says):
        call(queries_of("a"))


# There and back


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
risky = st.tuples(
    st.sampled_from(
        ["=", "+", "-", "@", "\t", "\r", "'", "''=", "_x0041_", "\r\n", '"', ";", "\x00"]
    ),
    texts,
).map("".join)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cells=st.lists(risky | texts, min_size=1, max_size=8))
def test_every_text_comes_back_exactly(tmp_path, suffix, cells):
    path = tmp_path / f"sheet{suffix}"
    rows = pd.DataFrame({"query_id": cells, "slice": cells, "query": cells, "strong_win_rate": 0.5})
    write_sheet(path, rows)
    back, _ = read_texts(path)
    for column in ("query_id", "slice", "query"):
        assert back[column].tolist() == cells


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(tmp_path, suffix, start):
    path = tmp_path / f"sheet{suffix}"
    cell = f"{start}cmd|' /C calc'!A0"
    rows = pd.DataFrame(
        {"query_id": [cell], "slice": [cell], "query": [cell], "strong_win_rate": [np.nan]}
    )
    write_sheet(path, rows)
    if suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = list(csv.reader(file))[1]
        assert cells[3:] == ["", "", ""]
    else:
        row = load_workbook(path).active[2]
        assert {c.data_type for c in row[:3]} == {"s"}
        cells = [c.value for c in row]
    assert all(c.startswith("'") for c in cells[:3])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_query_is_cut_in_excel_only(tmp_path, suffix):
    path = tmp_path / f"sheet{suffix}"
    rows = worth_labelling(queries_of("a").assign(text="tide " * 10_000))
    write_sheet(path, rows)
    back = read_texts(path)[0]["query"].iloc[0]
    if suffix == ".csv":
        assert back == "tide " * 10_000
    else:
        assert back.endswith("(cut)")
        with pytest.raises(DataError, match="does not fit a cell"):
            write_sheet(path, rows.assign(query_id="q" * 40_000))


# Labels


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_qualities_come_back_and_empty_rows_are_fine(tmp_path, suffix):
    rows = worth_labelling(queries_of("a", "a", "b", "b")).sort_values("query_id")
    path = filled(
        tmp_path / f"sheet{suffix}",
        rows,
        quality_weak=["0", "1", None, "0.25"],
        quality_strong=["right", "1", None, None],
    )
    labels = read_sheet(path, {"q0", "q1", "q2", "q3"})
    assert labels.n_rows == 4
    found = labels.qualities.set_index("query_id")
    assert found.index.tolist() == ["q0", "q1", "q3"]
    assert found["quality_weak"].tolist() == [0.0, 1.0, 0.25]
    np.testing.assert_array_equal(found["quality_strong"], [1.0, 1.0, np.nan])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_winners_are_halves_and_wholes(tmp_path, suffix):
    rows = worth_labelling(queries_of("a", "a", "b", "b")).sort_values("query_id")
    path = filled(tmp_path / f"sheet{suffix}", rows, winner=["weak", " Strong ", "TIE", None])
    found = read_sheet(path, {"q0", "q1", "q2", "q3"}).qualities
    assert found["winner"].tolist() == ["weak", "strong", "tie"]
    assert found["quality_weak"].tolist() == [1.0, 0.0, 0.5]
    assert found["quality_strong"].tolist() == [0.0, 1.0, 0.5]


@pytest.mark.parametrize(
    "table, says",
    [
        ("query,winner\nx,weak\n", "'query_id' is missing"),
        ("query_id,winner\nq0,weak\nq9,tie\n", r"unknown ids, for example 'q9', in 1 row \(2\)"),
        ("query_id,winner\nq0,weak\nq1,tie\nq0,tie\n", r"occurs twice in 2 rows \(1, 3\)"),
        ("query_id,winner\nq0,weak\nq1,both\n", r"'both' is no winner in 1 row \(2\)"),
        ("query_id,winner\n,weak\nq1,tie\n", r"no query_id in 1 row \(1\)"),
        ("query_id,quality_weak\nq0,1\nq1,2\n", r"outside 0 to 1 in 1 row \(2\)"),
        ("query_id,quality_weak\nq0,1\nq1,hm\n", r"'hm' is no number.*in 1 row \(2\)"),
        (
            "query_id,quality_weak,winner\nq0,1,weak\n",
            r"both a winner and a quality in 1 row \(1\)",
        ),
        ("query_id,quality_weak,winner\nq0,,\nq1,,\n", "no row has a label"),
        ("query_id\nq0\n", "no row has a label"),
    ],
)
def test_a_wrong_sheet_is_refused_with_its_rows(tmp_path, table, says):
    path = tmp_path / "sheet.csv"
    path.write_text(table)
    with pytest.raises(DataError, match=says):
        read_sheet(path, {"q0", "q1"})


def test_another_scale(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text("query_id,quality_weak,quality_strong\nq0,3,9\n")
    found = read_sheet(path, {"q0"}, 1.0, 10.0).qualities
    assert found["quality_strong"].tolist() == [9.0]
    path.write_text("query_id,winner\nq0,weak\n")
    with pytest.raises(DataError, match="does not fit a scale from 1 to 10"):
        read_sheet(path, {"q0"}, 1.0, 10.0)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a sheet is a .csv or .xlsx"):
        write_sheet(tmp_path / "sheet.ods", worth_labelling(queries_of("a")))
    with pytest.raises(DataError, match="cannot be written"):
        write_sheet(tmp_path / "nowhere" / "sheet.csv", worth_labelling(queries_of("a")))
    with pytest.raises(DataError, match="there is no file"):
        read_sheet(tmp_path / "none.csv", {"q0"})


# The command line, and the store


@pytest.fixture
def store_path(tmp_path):
    """A store with a set of bare queries."""
    path = tmp_path / "store" / "explorer.duckdb"
    card = Benchmark("mine", "Mine", "", "", "user", 0.0, 1.0, "share right", "", "")
    with Store.create(path) as store:
        store.add_benchmark(
            card,
            pd.DataFrame(
                {
                    "query_id": [f"q{i}" for i in range(4)],
                    "slice": ["kitchen", "sea", "sea", "school"],
                    "cluster_id": [group_key(text) for text in TEXTS],
                    "text_hash": [text_hash(text) for text in TEXTS],
                }
            ),
            None,
        )
        store.add_texts(pd.DataFrame({"text_hash": map(text_hash, TEXTS), "text": list(TEXTS)}))
    return path


@pytest.fixture
def run(store_path, capsys):
    def run(*arguments):
        code = main(
            ["label", "--store", str(store_path), "--benchmark", "mine", *map(str, arguments)]
        )
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def stub():
    with StubEndpoint() as running:
        yield running


@pytest.fixture
def plan_path(tmp_path, stub, monkeypatch):
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(asdict(plan_at(stub))))
    return path


PAIR = ModelPair(weak="small", strong="large")


def test_label_asks_endpoints_and_keeps_a_benchmark(run, stub, plan_path, store_path):
    code, out, err = run("--plan", plan_path, "--json")
    assert code == 0
    assert f"the texts of 4 queries are sent to {stub.url}" in err
    document = json.loads(out)
    assert document["benchmark"] == "mine-labelled"
    assert document["n_queries"] == 4
    assert document["usd"] == pytest.approx(16 * 0.03)
    assert KEY not in out + err
    with Store(store_path, read_only=True) as store:
        outcomes = store.pair_outcomes("mine-labelled", PAIR)
        assert outcomes.quality_weak.tolist() == [0.0] * 4
        assert outcomes.quality_strong.tolist() == [1.0] * 4
        assert outcomes.slices == ("kitchen", "school", "sea")
        assert store.query_texts("mine-labelled") == store.query_texts("mine")
        battles = store.battles(["mine-labelled"])
        assert sorted(battles["query"]) == sorted(TEXTS)
        assert set(battles["winner"]) == {"model_b"}
        card = store.benchmark("mine-labelled")
        assert (card.origin, card.quality_unit) == ("user", "share right")


def test_label_refuses_a_taken_name_before_it_spends(run, stub, plan_path, store_path):
    assert run("--plan", plan_path)[0] == 0
    n_seen = len(stub.seen)
    code, _, err = run("--plan", plan_path)
    assert code == 2
    assert "--replace" in err
    assert len(stub.seen) == n_seen
    assert run("--plan", plan_path, "--replace")[0] == 0
    assert run("--plan", plan_path, "--name", "other")[0] == 0
    assert len(stub.seen) == n_seen  # all was said already
    with Store(store_path, read_only=True) as store:
        assert {"mine-labelled", "other"} <= set(store.benchmarks()["benchmark_id"])


def test_label_estimates_and_sends_nothing(run, stub, plan_path, store_path):
    code, out, _ = run("--plan", plan_path, "--estimate", "--answer-tokens", 20, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["n_calls"] == [16, 24]
    assert 0 < document["usd"][0] < document["usd"][1]
    assert document["answer_tokens_assumed"] == 20
    code, out, _ = run("--plan", plan_path, "--estimate")
    assert "4 texts to ask about, 16 calls (at worst 24): $" in out
    assert not stub.seen
    with Store(store_path, read_only=True) as store:
        assert store.benchmarks()["benchmark_id"].tolist() == ["mine"]


def test_a_corrected_price_or_key_asks_nothing_again(run, stub, plan_path, store_path, monkeypatch):
    assert run("--plan", plan_path)[0] == 0
    assert len(stub.seen) == 16
    plan = json.loads(plan_path.read_text())
    for role in ("weak", "strong", "judge"):
        plan[role] |= {"prompt_usd": 3.0, "key_variable": "OTHER_KEY"}
    plan_path.write_text(json.dumps(plan))
    monkeypatch.setenv("OTHER_KEY", "sk-another-key-of-theirs")
    assert run("--plan", plan_path, "--replace")[0] == 0
    assert len(stub.seen) == 16


def test_what_was_said_lies_with_the_set(run, stub, plan_path, store_path):
    code, out, _ = run("--plan", plan_path, "--json")
    folder = store_path.parent / "sets" / "mine" / "labelling" / "record"
    assert code == 0
    assert json.loads(out)["folder"] == str(folder)
    told = [p for p in store_path.parent.rglob("calls.jsonl") if p.is_file()]
    assert told == [folder / "calls.jsonl"]


def test_a_sheet_of_a_negative_seed_is_a_sentence(run, tmp_path):
    code, _, err = run("--sheet", tmp_path / "sheet.csv", "--seed", -1)
    assert code == 2
    assert "a seed of -1 draws nothing" in err


def test_label_goes_on_under_a_higher_cap(run, stub, plan_path):
    code, out, _ = run("--plan", plan_path, "--cap-calls", 9)
    assert code == 0
    assert len(stub.seen) == 9
    assert "a higher one goes on" in out
    assert run("--plan", plan_path, "--cap-calls", 90, "--replace")[0] == 0
    assert len(stub.seen) == 16


def test_label_with_no_outcome_at_all_keeps_nothing(run, plan_path, store_path):
    code, _, err = run("--plan", plan_path, "--cap-calls", 1)
    assert code == 2
    assert "no query has outcomes of both models; mostly: not asked yet" in err
    with Store(store_path, read_only=True) as store:
        assert store.benchmarks()["benchmark_id"].tolist() == ["mine"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sheet_goes_out_and_comes_back(run, tmp_path, store_path, suffix):
    path = tmp_path / f"sheet{suffix}"
    code, out, _ = run("--sheet", path, "--winner", "--n", 3)
    assert (code, "3 queries to label" in out) == (0, True)
    rows = read_texts(path)[0]
    filled(path, rows.assign(strong_win_rate=None), winner=["strong", "tie", None])
    arguments = ("--from-sheet", path, "--weak", "small", "--strong", "large")
    code, out, _ = run(*arguments, "--json")
    assert code == 0
    assert json.loads(out) == {
        "benchmark": "mine-labelled",
        "n_queries": 2,
        "n_rows": 3,
        "n_one_quality_only": 0,
        "n_battles": 2,
    }
    with Store(store_path, read_only=True) as store:
        outcomes = store.pair_outcomes("mine-labelled", PAIR)
        by_id = dict(zip(outcomes.query_id, outcomes.quality_strong, strict=True))
        assert by_id == {rows["query_id"][0]: 1.0, rows["query_id"][1]: 0.5}
        assert set(store.battles(["mine-labelled"])["judge"]) == {"people"}
    assert run(*arguments)[0] == 2
    filled(
        path, rows.assign(strong_win_rate=None), quality_weak=[1, 0, 1], quality_strong=[1, 1, ""]
    )
    code, out, _ = run(*arguments, "--replace")
    assert code == 0
    assert "1 row with one quality only is left out" in out
    with Store(store_path, read_only=True) as store:
        assert "mine-labelled" not in set(store.battle_sources()["source"])


def test_a_sheet_near_the_threshold_of_a_router(run, tmp_path, store_path):
    with Store(store_path) as store:
        store.add_router(RouterEntry("mf-golden", "mf", "golden", "made up"))
        scores = pd.DataFrame(
            {"query_id": ["q0", "q1", "q2", "q3"], "strong_win_rate": [0.9, 0.1, 0.45, 0.5]}
        )
        store.add_strong_win_rates("mine", PAIR, "mf-golden", "untouched", scores)
    path = tmp_path / "sheet.csv"
    assert run("--sheet", path, "--router", "mf", "--alpha", 0.5)[0] == 0
    assert read_texts(path)[0]["query_id"].tolist() == ["q3", "q2", "q0", "q1"]
    code, _, err = run("--sheet", path, "--router", "bert", "--alpha", 0.5)
    assert (code, "no scores of router 'bert'" in err) == (2, True)
    assert run("--sheet", path, "--alpha", 0.5)[0] == 2


def test_writes_are_all_or_nothing(store_path):
    with Store(store_path) as store:
        queries = store.queries("mine")
        card = Benchmark("new", "New", "", "", "user", 0.0, 1.0, "share right", "", "")
        outcomes = pd.DataFrame({"query_id": ["q0", "q0"], "model": PAIR, "quality": [0.0, 1.0]})
        wrong = pd.DataFrame({"text_hash": ["no hash"], "text": ["x"]})
        found = into_store.Gathered(card, queries.drop(columns="text"), wrong, outcomes, None)
        with pytest.raises(DataError, match="another hash"):
            into_store.keep(store, found)
        assert store.benchmarks()["benchmark_id"].tolist() == ["mine"]
        with pytest.raises(DataError, match="--replace"):
            into_store.check_name(store, "mine", replace=False)


def n_kept(folder):
    """Calls whose end is in a record somewhere in a folder."""
    return sum(path.read_text().count('"ended"') for path in folder.rglob(FILE_NAME))


def test_a_killed_command_goes_on_where_it_was(stub, plan_path, store_path):
    """As a process of its own: interrupted while one query stalls, then run again."""
    is_stalled = [True]

    def behave(seen, nth):
        if is_stalled[0] and "bells" in seen.text:
            return Stall(60)
        return well_behaved(seen, nth)

    stub.behave = behave
    line = ["label", "--store", store_path, "--benchmark", "mine", "--plan", plan_path]
    command = [sys.executable, "-m", "routellm_core", *map(str, line)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has it ignored, here and in what is begun here.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 60
    # All but the stalled one are answered, and the answers kept: none is asked for again.
    while n_kept(store_path.parent) < 12 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "cancelled" in err
    assert KEY not in err
    is_stalled[0] = False
    n_stalled = sum(seen.model == "small" and "bells" in seen.text for seen in stub.seen)
    assert len(stub.seen) == 12 + n_stalled
    assert main(["label", *map(str, line[1:])]) == 0
    assert len(stub.seen) == 16 + n_stalled
