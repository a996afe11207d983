"""The command line as scripts use it: exit codes, JSON on stdout, sentences on stderr."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.commands import data, shared
from routellm_core.jobs.progress import Progress
from routellm_core.routers import load_router
from routellm_core.store import Store
from tests.conftest import PAIR
from tests.invented import add_golden, verdicts

ROOT = Path(__file__).resolve().parent.parent
PAIR_OF_PAPER = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview")
MF_ON_MMLU = ("calibrate", "--router", "mf", "--recipe", "golden", "--benchmark", "mmlu")


@pytest.fixture
def run(built_store, capsys):
    """Runs a verb on the built store: exit code, stdout, stderr."""

    def run(*arguments, store=built_store):
        verb, *rest = arguments
        code = main([verb, "--store", str(store), *map(str, rest)])
        return code, *capsys.readouterr()

    return run


def test_evaluate_prints_the_published_end_points_and_reaches_the_bars(run):
    code, out, err = run("evaluate", "--json", "--resamples", 100)
    assert code == 0
    assert err == ""
    reports = {report["benchmark"]: report for report in json.loads(out)}
    points = {
        b: (r["n_queries"], round(r["quality_strong"], 8), round(r["quality_weak"], 8))
        for b, r in reports.items()
        if b not in ("mmlu_pro", "omnisbench")
    }
    assert reports["mmlu_pro"]["quality_strong"] > reports["mmlu_pro"]["quality_weak"]
    assert points == {
        "mmlu": (14_037, 0.80587020, 0.68091473),
        "gsm8k": (1_307, 0.85768936, 0.63733741),
        "mt_bench": (72, 9.21180556, 8.28125),
    }
    assert reports["mmlu"]["oracle"]["apgr"] == pytest.approx(1.285, abs=0.0005)
    assert reports["gsm8k"]["oracle"]["apgr"] == pytest.approx(1.121, abs=0.0005)
    apgr = {
        (b, r["router"]): r["apgr"]
        for b, report in reports.items()
        for r in report["routers"]
        if (r["recipe"], r["view"]) == ("golden", "in_domain")
    }
    assert apgr["mmlu", "sw_ranking"] >= 0.63
    assert apgr["mmlu", "mf"] >= 0.63
    assert apgr["gsm8k", "mf"] >= 0.54


def test_evaluate_has_the_agreed_fields(run):
    _, out, _ = run(
        "evaluate", "--benchmark", "gsm8k", "--router", "mf", "--json", "--resamples", 100
    )
    report = json.loads(out)
    assert report["model_pair"] == {
        "strong": "gpt-4-1106-preview",
        "weak": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    }
    rows = [r for r in report["routers"] if r["recipe"] == "golden"]
    assert {(r["router"], r["view"]) for r in rows} == {
        ("mf", "in_domain"),
        ("mf", "unseen_slices"),
        ("mf", "untouched"),
    }
    router = next(r for r in rows if r["view"] == "in_domain")
    for name in ("apgr", "cpt50", "cpt80"):
        low, high = router[f"{name}_interval"]
        assert low < router[name] < high


def test_calibrate_finds_a_threshold_and_says_what_it_achieves(run):
    code, out, _ = run(*MF_ON_MMLU, "--share", 0.3, "--json")
    found = json.loads(out)
    assert code == 0
    assert 0.2999 < found["strong_call_share"] <= 0.3
    assert 0 < found["threshold"] < 1
    code, out, _ = run(*MF_ON_MMLU, "--budget-usd", 300, "--queries-per-month", 100_000)
    assert re.search(r"budget: wanted 300, achieved 29\d\.", out)


def test_a_typed_price_counts_in_every_verb_of_money(run, tmp_path):
    typed = ("--price", f"{PAIR_OF_PAPER[0]}=0.5/1.5/0.05", "--json")
    where = ("--benchmark", "mmlu")
    _, out, _ = run(*MF_ON_MMLU, "--budget-usd", 300, "--queries-per-month", 100_000, *typed)
    found = json.loads(out)["money"]
    assert found["weak"]["price"]["source"] == found["weak"]["price"]["kind"] == "typed"
    assert found["weak"]["price"]["cache_read_usd"] == 0.05
    assert found["strong"]["price"]["kind"] == "listed"
    # All on the weak model: 264 tokens an answer, and those of the prompts, at the typed price.
    _, out, _ = run("recommend", *where, "--share", 0.0, *typed)
    answer = json.loads(out)
    (weak,) = [row for row in answer["blind"] if row["label"] == "always weak"]
    prompt = 1000 * weak["usd_per_1000"] - 264 * 1.5
    assert prompt / 0.5 == pytest.approx(105, abs=1)
    policy = tmp_path / "policy.json"
    made = ("policy", "--router", "random", *where, "--share", 0.3, "--out", policy)
    _, out, _ = run(*made, *typed)
    price = json.loads(out)["policy"]["prices"]["weak"]
    assert price == {
        **{"prompt_usd": 0.5, "answer_usd": 1.5, "cached_usd": 0.05, "source": "typed"},
        **{"kind": "typed", "prompt_tokens": None, "answer_tokens": None},
        "rests_on": "assumed tokens times price",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*MF_ON_MMLU, "--share", "0.3", "--price", "x=1/2"], r"--price x: the models here are"),
        (["evaluate", "--benchmark", "nope"], r"no benchmark 'nope'; there are: gsm8k, mmlu"),
        (["evaluate", "--benchmark", "mmlu", "--router", "x"], r"no scores of router 'x'"),
        (["evaluate", "--benchmark", "mmlu", "--strong", "gpt-9"], r"no outcomes of 'gpt-9'"),
        (
            [*MF_ON_MMLU, "--quality", "0.99"],
            r"no threshold .* reaches",
        ),
        (
            [*MF_ON_MMLU, "--budget-usd", "0.01", "--queries-per-month", "100000"],
            r"does not pay for",
        ),
        (["data"], "name a source: --checkout, --mmlu-pro, --mt-bench or --omnisbench PATH"),
        (["import", "no/such/file.csv"], r"there is no no/such/file\.csv"),
    ],
)
def test_what_the_user_can_put_right_is_a_sentence_and_exit_code_2(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert re.search(message, err)
    assert err.count("\n") == 1


def test_any_two_models_of_a_benchmark_are_a_pair(run):
    llama = ["Meta-Llama-3_1-70B-Instruct", "--weak", "Meta-Llama-3_1-8B-Instruct"]
    code, out, _ = run("evaluate", "--benchmark", "mmlu_pro", "--strong", *llama, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["n_queries"] == 5_222
    assert round(report["quality_strong"], 6) == 0.598047
    assert round(report["quality_weak"], 6) == 0.432976


def test_an_absent_store_says_how_to_make_one(run, tmp_path):
    code, _, err = run("status", store=tmp_path / "none.duckdb")
    assert code == 2
    assert "python -m routellm_core setup" in err


def test_a_file_that_is_no_store_is_refused_and_left_alone(run, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("shopping list " * 500)
    for verb in ("status", "setup"):
        code, _, err = run(verb, store=path)
        assert code == 2, err
    assert path.read_text().startswith("shopping list")


def test_setup_makes_a_store_and_is_quick_the_second_time(run, tmp_path):
    path = tmp_path / "new" / "explorer.duckdb"
    code, out, _ = run("setup", "--json", store=path)
    assert code == 0
    assert {b["benchmark_id"] for b in json.loads(out)["benchmarks"]} == {
        "mmlu",
        "mmlu_pro",
        "gsm8k",
        "mt_bench",
        "omnisbench",
    }
    before = path.stat().st_mtime_ns
    assert run("setup", store=path)[0] == 0
    assert path.stat().st_mtime_ns == before


def test_a_store_that_a_dashboard_holds_is_said_to_be_in_use(built_store):
    hold = (
        "import sys, time; from pathlib import Path; from routellm_core.store import Store; "
        f"s = Store(Path({str(built_store)!r})); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        done = subprocess.run(
            [sys.executable, "-m", "routellm_core", "status"],
            cwd=ROOT,
            env={**os.environ, "ROUTELLM_STORE": str(built_store)},
            capture_output=True,
            text=True,
            check=False,
        )
        holder.stdin.close()
    assert done.returncode == 2
    assert f"in use by process {holder.pid}" in done.stderr


def test_every_verb_explains_itself(capsys):
    reading = ("setup", "status", "import", "evaluate", "calibrate", "texts", "data")
    for verb in (*reading, "train", "scores"):
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
        assert "--json" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "with 95% intervals." in capsys.readouterr().out


# Battles and training


@pytest.fixture
def tiny(tmp_path, monkeypatch, word_vectors):
    """Path of a store with a golden benchmark and a quiz; what is trained sees bags of words."""
    monkeypatch.setattr(data, "CACHE_DIR", tmp_path / "cache")
    path = tmp_path / "tiny" / "store.duckdb"
    with Store.create(path) as store:
        add_golden(store, "sums")
        add_golden(store, "quiz", [f"guess {i} of the box{i}" for i in range(20)])
    return path


def battles_file(folder, table):
    path = folder / "verdicts.csv"
    table.to_csv(path, index=False)
    return path


def test_a_file_of_battles_is_imported_by_source_and_again_in_its_place(run, tiny, tmp_path):
    table = pd.concat([verdicts(30), verdicts(40, source="forum")])
    code, out, err = run("import", battles_file(tmp_path, table), "--json", store=tiny)
    assert (code, err) == (0, "")
    assert json.loads(out)["imported"] == [
        {"battles": "chat", "n_battles": 30},
        {"battles": "forum", "n_battles": 40, "notes": []},
    ]
    code, out, _ = run("import", battles_file(tmp_path, verdicts(25)), store=tiny)
    said, following = out.splitlines()
    assert (code, said) == (0, "chat: 25 battles imported")
    assert "train mf --battles chat" in following
    with Store(tiny, read_only=True) as store:
        found = store.battle_sources().set_index("source")["n_battles"]
        assert found.to_dict() == {"chat": 25, "forum": 40}


def test_battles_without_a_verdict_are_left_out_when_asked(run, tiny, tmp_path):
    table = verdicts(30)
    table.loc[3, "winner"] = None
    path = battles_file(tmp_path, table)
    code, _, err = run("import", path, store=tiny)
    assert code == 2
    assert re.search(r"column 'winner': no verdict in 1 row \(4\)", err)
    code, out, _ = run("import", path, "--drop-unjudged", store=tiny)
    assert code == 0
    assert out.splitlines()[:-1] == [
        "chat: 29 battles imported",
        "  Rows without a verdict that were left out: 1.",
    ]


def test_a_file_that_holds_neither_leaves_the_store_as_it_was(run, tiny, tmp_path):
    good = battles_file(tmp_path, verdicts(30))
    other = tmp_path / "cats.csv"
    other.write_text("name,colour\nTom,grey\n")
    code, _, err = run("import", good, other, store=tiny)
    assert code == 2
    assert "cats.csv: no format recognises it" in err
    with Store(tiny, read_only=True) as store:
        assert store.battle_sources().empty


def test_train_gives_a_router_that_the_store_keeps_and_evaluate_compares(run, tiny, tmp_path):
    run("import", battles_file(tmp_path, verdicts(60)), store=tiny)
    code, out, err = run(
        *("train", "mf", "--weak", PAIR.weak, "--strong", PAIR.strong, "--golden", "sums"),
        *("--battles", "chat", "--score-on", "quiz", "--views", "in_domain", "unseen_slices"),
        *("--option", "n_epochs=3", "ties=drop", "--json"),
        store=tiny,
    )
    assert code == 0, err
    document = json.loads(out)
    assert document["router_id"] == "mf-chat+sums-mine"
    assert (document["recipe"], document["n_queries"], document["n_battles"]) == (
        "chat+sums",
        120,
        120,
    )
    assert document["n_dropped"] == 0
    assert document["stand_ins"] == {}
    assert any("fewer than 200" in warning for warning in document["warnings"])
    assert load_router(Path(document["checkpoint"])).model_pair == PAIR
    assert Path(document["run"]).parent == tiny.parent / "runs"
    _, out, _ = run("evaluate", "--json", "--resamples", 100, store=tiny)
    reports = {report["benchmark"]: report for report in json.loads(out)}
    views = {b: {r["view"] for r in report["routers"]} for b, report in reports.items()}
    assert views["sums"] == {"in_domain", "within_slice", "unseen_slices"}
    assert "untouched" in views["quiz"]
    code, out, _ = run(
        *("train", "mf", "--weak", PAIR.weak, "--strong", PAIR.strong, "--golden", "sums"),
        *("--battles", "chat", "--option", "n_epochs=1"),
        store=tiny,
    )
    assert code == 0
    assert "kept as mf-chat+sums-mine-2" in out


def test_a_training_may_leave_the_store_as_it_is(run, tiny, tmp_path):
    before = tiny.read_bytes()
    pair = ("--weak", PAIR.weak, "--strong", PAIR.strong)
    code, out, _ = run(
        *("train", "sw_ranking", *pair, "--golden", "sums", "--no-keep"),
        *("--out", tmp_path / "here"),
        store=tiny,
    )
    assert code == 0
    assert (tmp_path / "here" / "checkpoint" / "config.json").exists()
    assert "kept" not in out
    assert tiny.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], r"name a router to train, for example: train mf --golden mmlu"),
        (["train", "mf"], r"nothing to train on: name a benchmark"),
        (["train", "mf", "--golden", "nope"], r"no benchmark 'nope'; there are: quiz, sums"),
        (["train", "mf", "--battles", "nope"], r"no battles of source 'nope'; there are: none"),
        (["train", "mf", "--golden", "sums", "--strong", "huge"], r"no outcomes of '.*' on sums"),
        (
            ["train", "mf", "--golden", "sums", "--option", "n_epochs=0"],
            r"mf: n_epochs is 0; it must be at least 1",
        ),
        (
            ["train", "mf", "--golden", "sums", "--option", "depth=2"],
            r"mf has no option depth; there are: n_factors",
        ),
        (["train", "--plan", "no/such/plan.json"], r"no/such/plan\.json cannot be read"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence_and_exit_code_2(run, tiny, arguments, message):
    code, out, err = run(*arguments, store=tiny)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert re.search(message, err)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scores", "--recipe", "nonsense"], r"invalid choice: 'nonsense' \(choose from .*golden"),
        (["scores", "--router", "nonsense"], r"invalid choice: 'nonsense'"),
        (["train", "random", "--golden", "sums"], r"invalid choice: 'random'"),
        (["train", "mf", "--option", "depth"], r"'depth' is not of the form NAME=VALUE"),
        (["train", "mf", "--views", "untouched"], r"invalid choice: 'untouched'"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_choices(tiny, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main([arguments[0], "--store", str(tiny), *arguments[1:]])
    assert stop.value.code == 2
    assert re.search(message, capsys.readouterr().err)


# Files of the user's own


def run_of(folder, model, scores):
    path = folder / f"{model}.csv"
    texts = [f"How high is tide {i}?" for i in range(len(scores))]
    pd.DataFrame({"query": texts, "score": scores, "model": model}).to_csv(path, index=False)
    return path


def test_two_runs_are_imported_as_one_benchmark_with_what_to_know(run, tiny, tmp_path):
    files = [run_of(tmp_path, "wren", [0, 1, 1]), run_of(tmp_path, "heron", [1, 1, 0])]
    code, out, err = run("import", *files, "--name", "mine", "--json", store=tiny)
    assert (code, err) == (0, "")
    (imported,) = json.loads(out)["imported"]
    assert (imported["benchmark"], imported["n_queries"]) == ("mine", 3)
    assert "3 queries of a table, heron.csv matched by id." in imported["notes"]
    code, out, _ = run("import", files[0], store=tiny)
    assert code == 0
    assert out.startswith(
        "wren: 3 queries imported (wren 0.667)\n  Columns: query 'query', model 'model'"
    )


def test_bare_queries_are_imported_and_evaluate_passes_them_by(run, tiny, tmp_path):
    path = tmp_path / "asked.csv"
    path.write_text("prompt\nWhy do kites fly?\n")
    assert run("import", path, store=tiny)[0] == 0
    code, out, err = run("status", "--json", store=tiny)
    assert {b["benchmark_id"]: b["n_models"] for b in json.loads(out)["benchmarks"]}["asked"] == 0
    code, out, err = run("evaluate", store=tiny)
    assert code == 0, err
    assert "asked" not in out
    code, _, err = run("evaluate", "--benchmark", "asked", store=tiny)
    assert (code, "outcomes of 0 model; routing needs two" in err) == (2, True)


def test_one_file_that_is_off_keeps_all_of_them_out(run, tiny, tmp_path):
    good, bad = run_of(tmp_path, "wren", [0, 1]), run_of(tmp_path, "heron", [1, "?"])
    code, _, err = run("import", good, bad, store=tiny)
    assert code == 2
    assert "heron.csv, column 'score': '?' is no number, right or wrong in 1 row (2)" in err
    code, out, _ = run("status", "--json", store=tiny)
    assert {b["benchmark_id"] for b in json.loads(out)["benchmarks"]} == {"sums", "quiz"}


def test_progress_tells_rate_time_left_and_memory_every_ten_seconds(monkeypatch, capsys):
    now = 1_000.0
    monkeypatch.setattr(shared.time, "time", lambda: now)
    say = shared.say_progress()
    for seconds, done in ((0, 500), (4, 900), (12, 1_100), (18, 1_400), (32, 2_100)):
        now = 1_000.0 + seconds
        say(Progress("scoring", done, 10_000, gpu_gib=1.25))
    say(Progress("laying it ready", 0, 2))
    assert capsys.readouterr().err.splitlines() == [
        "scoring: 500 of 10,000, 1.2 GiB of GPU memory",
        "scoring: 1,100 of 10,000, 50.0 a second, 3 min left, 1.2 GiB of GPU memory",
        "scoring: 2,100 of 10,000, 50.0 a second, 3 min left, 1.2 GiB of GPU memory",
        "laying it ready: 0 of 2",
    ]
