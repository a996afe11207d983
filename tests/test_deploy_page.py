"""The Deploy page without a browser: words, evidence, replay, files, history."""

import json

import numpy as np
import pandas as pd
import pytest

from routellm_core.paper import PAIR
from routellm_core.policy import parse_policy
from routellm_core.targets import TARGETS
from routellm_core.types import Benchmark
from tests.pages import button, opened, own_store, said, tables
from views import cached
from views.deploy import evidence

MF = {"router": "mf-golden.in_domain"}


@pytest.fixture
def store_path(built_store, tmp_path, monkeypatch):
    with own_store(
        built_store, tmp_path / "explorer.duckdb", monkeypatch, lambda store: None
    ) as path:
        yield path


@pytest.fixture
def open_deploy(store_path):
    return lambda **query: opened("pages/deploy.py", **(MF | query))


def kept(at):
    button(at, "Keep this policy in the store").click().run()
    assert not at.exception
    table = cached.store().policies()
    return parse_policy(table["document"].iloc[0].encode(), "kept")


def test_the_policy_is_that_of_the_selected_point(open_deploy):
    at = open_deploy(mode="share", wanted="0.25")
    assert not at.exception
    assert "of the queries of MMLU do" in said(at)
    policy = kept(at)
    assert policy.chosen_by.wanted == 0.25
    assert policy.evidence.strong_call_share.value == pytest.approx(0.25, abs=1e-3)
    assert policy.evidence.n_queries == 14_037
    assert policy.router.router_id == "mf-golden"
    assert "80.6%" in tables(at)
    assert "68.1%" in tables(at)


def test_a_router_without_weights_is_said_to_have_none(open_deploy):
    at = open_deploy(router="mf-chat.untouched")
    assert any("weights of mf" in error.value for error in at.error)
    assert not any(b.label == "Keep this policy in the store" for b in at.button)


def test_a_wish_that_cannot_be_met_is_no_policy(open_deploy):
    at = open_deploy(mode="quality", wanted="0.99")
    assert any("no threshold" in warning.value for warning in at.warning)
    assert not at.exception


@pytest.mark.parametrize("name", list(TARGETS))
def test_each_target_shows_its_files_or_why_it_refuses(open_deploy, name):
    at = open_deploy()
    at.selectbox(key="_target").set_value(name).run()
    assert not at.exception
    assert at.code or any("cannot express" in info.value for info in at.info)


def test_names_that_would_break_out_are_refused(open_deploy):
    at = open_deploy(**{"weak_called@mistralai/Mixtral-8x7B-Instruct-v0.1": "x: {y}\n- z"})
    assert any("say how its provider calls it" in error.value for error in at.error)


def test_replay_covers_every_set_that_the_router_scored(open_deploy):
    body = tables(open_deploy(mode="share", wanted="0.3"))
    for title in ("MMLU", "GSM8K", "MT-Bench", "MMLU-Pro, another pair"):
        assert f"{title}</th>" in body


def test_two_policies_are_compared_and_one_is_gone_back_to(open_deploy):
    first = kept(open_deploy(mode="share", wanted="0.2"))
    at = open_deploy(mode="share", wanted="0.4")
    assert any("What is different now" in block.label for block in at.expander)
    at.selectbox(key="_present_policy").set_value(first.policy_id).run()
    assert "decided otherwise by" in tables(at)
    button(at, "Go back to it").click().run()
    assert not at.exception
    assert "20.0% of the queries" in said(at)
    button(at, "Delete it").click().run()
    assert cached.store().policies().empty


def test_an_edited_file_and_one_that_is_no_policy_are_refused(open_deploy):
    policy = kept(open_deploy())
    document = policy.document()
    document["evidence"]["quality"]["value"] = 0.99
    for content, message in (
        (json.dumps(document).encode(), "was edited by hand"),
        (b"{}", "is no policy"),
        (b"\x80\x04pickle", "is no JSON"),
    ):
        at = open_deploy()
        at.file_uploader(key="_policy_file").upload("p.json", content).run()
        assert not at.exception
        assert any(message in error.value for error in at.error)


def test_the_printed_page_escapes_what_it_shows(open_deploy):
    policy = kept(open_deploy())
    hostile = policy.model_copy(
        update={"evidence": policy.evidence.model_copy(update={"title": "<script>x</script>"})}
    )
    page = evidence.page(hostile)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_gateways_log_is_held_against_the_evidence(open_deploy, store_path):
    policy = kept(open_deploy(mode="share", wanted="0.3"))
    names = [f"r{i:03}" for i in range(200)]
    card = Benchmark("log", "Log", "", "", "user", 0.0, 1.0, "share right", "gateway", "mine")
    queries = pd.DataFrame({"query_id": names, "slice": "all"})
    called = ["gpt-4-1106-preview" if i % 10 < 6 else "mixtral" for i in range(200)]
    usage = pd.DataFrame({"query_id": names, "model": called, "cost_usd": 0.003})
    store = cached.store()
    with store.open_for_writing():
        store.add_benchmark(card, queries, None, usage)
    rates = pd.DataFrame({"query_id": names, "strong_win_rate": np.linspace(0.9, 0.99, 200)})
    with store.open_for_writing():
        store.add_strong_win_rates("log", PAIR, policy.router.router_id, "untouched", rates)
    at = open_deploy(mode="share", wanted="0.3")
    assert not at.exception
    body = tables(at)
    assert "strong calls, n = 200" in body
    assert "60.0%" in body
    assert body.count("ALARM") == 2  # the share and the scores; the cost is as expected
    assert "as expected" in body
    anew = next(b for b in at.button if b.label.startswith("Set α to"))
    assert "29.5% strong calls" in anew.label  # 59 of 200: never more than wanted
    anew.click().run()
    assert not at.exception
