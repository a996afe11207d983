"""The page docs/own-set.md: its commands lead from two files to a routed query."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/own-set.md").read_text(encoding="utf-8")
WAY, _, WATCHING = (
    block.strip().splitlines() for block in re.findall(r"```\n(.*?)```", PAGE, flags=re.S)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands are typed: the two files lie there."""
    folder = tmp_path_factory.mktemp("own")
    for file in (ROOT / "tests/fixtures/own_set").glob("*.csv"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def typed(folder, built_store):
    """Runs a line of the page on a fresh store; gives what it says."""
    environment = os.environ | {"ROUTELLM_STORE": str(folder / "fresh.duckdb")}
    environment["PYTHONPATH"] = str(ROOT)
    shutil.copy(built_store, folder / "fresh.duckdb")

    def typed(line, *more):
        program, *arguments = shlex.split(line)
        assert program == "python"
        done = subprocess.run(
            [sys.executable, *arguments, *more],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return typed


@pytest.fixture(scope="module")
def said(typed):
    """What each line of the way says."""
    return [typed(line) for line in WAY]


def test_at_most_eight_commands_lead_from_files_to_a_routed_query(said):
    assert len(WAY) <= 8
    decision = json.loads(said[-1])
    assert decision["model"] in ("small", "large")
    assert 0 <= decision["strong_win_rate"] <= 1
    assert decision["calls_strong"] == (decision["strong_win_rate"] >= decision["threshold"])


def test_each_command_ends_with_the_next_one_to_type(said):
    verbs = [line.split()[3] for line in WAY[:-1]]
    nexts = [text.splitlines()[-1].removeprefix("next: ").split()[3] for text in said[:-1]]
    assert verbs == ["import", "score", "shift", "recommend", "certify", "policy", "export"]
    # The log has no grades: after `shift` it may be labelled. MMLU's texts are not on this machine.
    assert nexts == ["score", "recommend", "label", "certify", "policy", "export", "monitor"]


def test_figures_of_the_way_are_those_of_the_files(said):
    assert "graded: 240 queries imported (small 0.575, large 0.892)" in said[0]
    assert "graded: 240 of 240 queries scored" in said[1]
    assert "n = 60 and 240 different texts" in said[2]


def test_a_log_whose_strong_calls_are_too_few_is_an_alarm(said, typed):
    score, monitor = WATCHING
    before = json.loads(typed(monitor, "--json"))
    assert before["scores"]["verdict"] == "cannot tell"
    assert "score --benchmark log --router mf-golden" in before["next"]
    typed(score)
    found = json.loads(typed(monitor, "--json"))
    assert found["models"] == {"strong": "large", "weak": "small"}
    assert (found["strong_call_share"]["value"], found["strong_call_share"]["n"]) == (0.5, 60)
    assert found["strong_call_share"]["verdict"] == "ALARM"  # the evidence has 96%
    assert found["usd_per_query"]["value"] == pytest.approx((0.002 + 0.0001) / 2)
    assert found["scores"]["n"] == 60
    assert found["is_alarm"] is True
    assert "shift --benchmark log --against graded" in found["next"]
