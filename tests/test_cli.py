"""The command line as scripts use it: exit codes, JSON on stdout, sentences on stderr."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from routellm_core.__main__ import main

ROOT = Path(__file__).resolve().parent.parent


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
        if b != "mmlu_pro"
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
        if r["view"] in ("in_domain", "untouched")
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
    views = [(r["router"], r["recipe"], r["view"]) for r in report["routers"]]
    assert views == [("mf", "golden", "in_domain"), ("mf", "golden", "unseen_slices")]
    router = report["routers"][0]
    for name in ("apgr", "cpt50", "cpt80"):
        low, high = router[f"{name}_interval"]
        assert low < router[name] < high


def test_calibrate_finds_a_threshold_and_says_what_it_achieves(run):
    code, out, _ = run(
        "calibrate", "--router", "mf", "--benchmark", "mmlu", "--share", 0.3, "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert 0.2999 < found["strong_call_share"] <= 0.3
    assert 0 < found["threshold"] < 1
    code, out, _ = run("calibrate", "--router", "mf", "--benchmark", "mmlu", "--budget-usd", 300)
    assert re.search(r"budget: wanted 300, achieved 29\d\.", out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--benchmark", "nope"], r"no benchmark 'nope'; there are: gsm8k, mmlu"),
        (["evaluate", "--benchmark", "mmlu", "--router", "x"], r"no scores of router 'x'"),
        (["evaluate", "--benchmark", "mmlu", "--strong", "gpt-9"], r"no outcomes of 'gpt-9'"),
        (
            ["calibrate", "--router", "mf", "--benchmark", "mmlu", "--quality", "0.99"],
            r"no threshold .* reaches",
        ),
        (
            ["calibrate", "--router", "mf", "--benchmark", "mmlu", "--budget-usd", "0.01"],
            r"does not pay for",
        ),
        (["data"], "name a source: --checkout, --mmlu-pro or --mt-bench PATH"),
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
    for verb in ("setup", "status", "import", "evaluate", "calibrate", "texts", "data", "scores"):
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
        assert "--json" in capsys.readouterr().out
