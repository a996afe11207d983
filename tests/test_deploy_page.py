"""The Deploy page without a browser: words, evidence, replay, files, history."""

import json

import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import DataError
from routellm_core.evaluation.comparison.paper import PAIR
from routellm_core.policy.document import parse_policy
from routellm_core.policy.export import TARGETS
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Benchmark
from tests.invented_policy import MOMENT
from tests.pages import button, opened, own_store, read_store, said, tables
from views.cache import workspace
from views.deploy import evidence, history, replay

MF = {"router": "mf-golden.in_domain"}


@pytest.fixture
def store_path(small_store, tmp_path, monkeypatch):
    with own_store(small_store, tmp_path / "explorer.duckdb", monkeypatch) as path:
        yield path


def _open(**query):
    return opened("pages/deploy.py", **(MF | query))


@pytest.fixture
def open_deploy(store_path):
    """Opens the page on a small store of the test's own."""
    return _open


@pytest.fixture
def open_on_shipped(built_store, tmp_path, monkeypatch):
    """Opens it on a copy of the shipped store."""
    with own_store(built_store, tmp_path / "explorer.duckdb", monkeypatch):
        yield _open


@pytest.fixture
def read_deploy(built_store, monkeypatch):
    """Opens the page where nothing is written."""
    with read_store(built_store, monkeypatch):
        yield _open


def kept(at):
    button(at, "Keep this policy in the store").click().run()
    assert not at.exception
    table = workspace.store().policies()
    return parse_policy(table["document"].iloc[0].encode(), "kept")


def test_the_policy_is_that_of_the_selected_point(open_on_shipped):
    at = open_on_shipped(mode="share", wanted="0.25")
    assert not at.exception
    assert "of the queries of MMLU go to gpt-4-1106" in said(at)
    policy = kept(at)
    assert policy.chosen_by.wanted == 0.25
    assert policy.evidence.strong_call_share.value == pytest.approx(0.25, abs=1e-3)
    assert policy.evidence.n_queries == 14_037
    assert policy.router.router_id == "mf-golden"
    assert "80.6%" in tables(at)
    assert "68.1%" in tables(at)


def test_a_router_without_weights_is_said_to_have_none(read_deploy):
    at = read_deploy(router="mf-chat.untouched")
    assert any("weights of mf" in error.value for error in at.error)
    assert not any(b.label == "Keep this policy in the store" for b in at.button)


def test_a_target_that_cannot_be_met_is_no_policy(read_deploy):
    at = read_deploy(mode="quality", wanted="0.99")
    assert any("no threshold" in warning.value for warning in at.warning)
    assert not at.exception


def test_dollars_of_a_target_that_cannot_be_met_are_no_formula(read_deploy):
    (warning,) = read_deploy(mode="budget", wanted="1").warning
    assert warning.value.startswith("\\$1\\.00 a month")


@pytest.mark.parametrize("name", list(TARGETS))
def test_each_target_shows_its_files_or_why_it_refuses(read_deploy, name):
    at = read_deploy()
    at.selectbox(key="_target").set_value(name).run()
    assert not at.exception
    assert at.code or any("cannot express" in info.value for info in at.info)


def test_names_that_would_break_out_are_refused(read_deploy):
    at = read_deploy(**{"weak_called@mistralai/Mixtral-8x7B-Instruct-v0.1": "x: {y}\n- z"})
    assert any("say how its provider calls it" in error.value for error in at.error)


def test_replay_covers_every_set_that_the_router_scored(read_deploy):
    body = tables(read_deploy(mode="share", wanted="0.3"))
    for title in (
        *("MMLU", "MMLU, unseen slices", "GSM8K", "MT-Bench, untouched"),
        "MMLU-Pro, Meta-Llama-3_1-70B ■ over Meta-Llama-3_1-8B ●, untouched",
    ):
        assert f"{title}</th>" in body


def test_replay_uses_intervals_of_clusters(open_on_shipped):
    at = open_on_shipped(mode="share", wanted="0.3")
    policy = kept(at)
    store = workspace.store()
    known = store.pair_outcomes("mmlu", PAIR)
    rates = store.strong_win_rates("mmlu", PAIR, "mf-golden", "unseen_slices")
    routed = np.where(rates >= policy.threshold, known.quality_strong, known.quality_weak)
    assert len(np.unique(known.cluster_code)) < len(routed)
    low, high = mean_interval(routed, known.cluster_code)
    assert f"95% {100 * low:.1f} – {100 * high:.1f}" in tables(at)
    own = policy.evidence.quality
    assert f"95% {100 * own.low:.1f} – {100 * own.high:.1f}" in tables(at)


def test_two_policies_are_compared_and_one_is_gone_back_to(open_on_shipped):
    first = kept(open_on_shipped(mode="share", wanted="0.2"))
    at = open_on_shipped(mode="share", wanted="0.4")
    assert any("What is different now" in block.label for block in at.expander)
    at.selectbox(key="_present_policy").set_value(first.policy_id).run()
    assert "decided otherwise by" in tables(at)
    button(at, "Go back to it").click().run()
    assert not at.exception
    assert "20.0% of the queries" in said(at)
    button(at, "Delete it").click().run()
    assert workspace.store().policies().empty


def test_an_edited_file_and_one_that_is_no_policy_are_refused(open_deploy):
    policy = kept(open_deploy())
    document = policy.document()
    document["evidence"]["quality"]["value"] = 0.99
    for content, message in (
        (json.dumps(document).encode(), "was edited by hand"),
        (b"{}", "is not a policy"),
        (b"\x80\x04pickle", "is not JSON"),
    ):
        at = open_deploy()
        at.file_uploader(key="_policy_file").upload("p.json", content).run()
        assert not at.exception
        assert any(message in error.value for error in at.error)


def test_the_page_to_hand_on_is_of_the_policy_on_screen(open_deploy):
    at = open_deploy(mode="share", wanted="0.3")
    assert "What is not known" in said(at)
    assert "Your own traffic: all figures are of MMLU" in said(at)
    labels = [b.proto.label for b in at.get("download_button")]
    assert "A page to hand on (HTML)" in labels


def test_a_gateways_log_is_held_against_the_evidence(open_on_shipped):
    policy = kept(open_on_shipped(mode="share", wanted="0.3"))
    names = [f"r{i:03}" for i in range(200)]
    card = Benchmark("log", "Log", "", "", "user", 0.0, 1.0, "share right", "gateway", "mine")
    queries = pd.DataFrame({"query_id": names, "slice": "all"})
    called = ["gpt-4-1106-preview" if i % 10 < 6 else PAIR.weak for i in range(200)]
    usage = pd.DataFrame({"query_id": names, "model": called, "cost_usd": 0.003})
    store = workspace.store()
    with store.open_for_writing():
        store.add_benchmark(card, queries, None, usage)
    rates = pd.DataFrame({"query_id": names, "strong_win_rate": np.linspace(0.9, 0.99, 200)})
    with store.open_for_writing():
        store.add_strong_win_rates("log", PAIR, policy.router.router_id, "untouched", rates)
    at = open_on_shipped(mode="share", wanted="0.3")
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
    threshold = float(at.query_params["wanted"])
    assert threshold > 0.96  # no query of MMLU has such a score
    assert kept(at).threshold == threshold


@pytest.fixture
def log_of(store_path):
    """Adds a gateway's log with given names of models, and scores of it if there are any."""

    def add(called, rates=None):
        names = [f"r{i:03}" for i in range(len(called))]
        card = Benchmark("log", "Log", "", "", "user", 0.0, 1.0, "share right", "gateway", "mine")
        usage = pd.DataFrame({"query_id": names, "model": called, "cost_usd": 0.003})
        store = workspace.store()
        with store.open_for_writing():
            store.add_benchmark(
                card, pd.DataFrame({"query_id": names, "slice": "all"}), None, usage
            )
            for view, rate in (rates or {}).items():
                frame = pd.DataFrame({"query_id": names, "strong_win_rate": rate})
                store.add_strong_win_rates("log", PAIR, "mf-golden", view, frame)

    return add


def test_no_alpha_is_offered_that_would_never_call_the_strong_model(open_deploy, log_of):
    log_of(["gpt-4-1106-preview", PAIR.weak], {"untouched": [0.5, 0.5]})
    at = open_deploy(mode="share", wanted="0.3")
    assert not at.exception
    assert "The log beside the evidence" in tables(at)
    assert not any(b.label.startswith("Set α to") for b in at.button)
    assert "No α sends any query of this log" in said(at)


def test_a_log_without_the_policys_models_gets_no_verdict_until_somebody_names_them(
    open_deploy, log_of
):
    log_of(["wren-2", "wren-1", "wren-1"])
    at = open_deploy(mode="share", wanted="0.3")
    assert not at.exception
    assert at.selectbox(key="_log_strong_log").value is None
    assert at.selectbox(key="_log_weak_log").value is None
    assert "Say which of the log's models" in said(at)
    assert "The log beside the evidence" not in tables(at)
    at.selectbox(key="_log_strong_log").set_value("wren-2").run()
    assert "The log beside the evidence" not in tables(at)
    at.selectbox(key="_log_weak_log").set_value("wren-1").run()
    assert "strong calls, n = 3" in tables(at)


def test_a_logs_scores_are_those_of_the_policys_view(open_deploy, log_of):
    log_of(
        ["gpt-4-1106-preview", PAIR.weak] * 30,
        {"in_domain": np.linspace(0.2, 0.3, 60), "untouched": np.linspace(0.8, 0.9, 60)},
    )
    at = open_deploy(mode="share", wanted="0.3")
    (anew,) = (b for b in at.button if b.label.startswith("Set α to"))
    assert anew.label.startswith("Set α to 0.2")


def test_a_drift_that_is_undefined_is_no_good_news():
    from routellm_core.policy.monitoring import drift_of_scores
    from views.deploy import monitor

    nothing = drift_of_scores(np.array([]), np.array([0.5]))
    assert monitor._verdict(nothing) == "cannot tell"


def test_never_on_the_trade_off_page_is_a_policy_that_never_calls(open_deploy):
    at = open_deploy(mode="alpha", wanted="2")
    assert not at.exception
    assert kept(at).threshold == "never"


# What is private, and what cannot be read


def test_a_policy_of_a_private_set_is_not_kept_and_tells_others_nothing(open_deploy, monkeypatch):
    policy = kept(open_deploy())
    store = workspace.store()
    with store.open_for_writing():
        store.delete_policy(policy.policy_id)
        store._write("UPDATE benchmark SET owner = 'ada' WHERE benchmark_id = 'mmlu'")
    monkeypatch.setattr(workspace, "owner", lambda: "ada")
    at = open_deploy(benchmark="mmlu")
    assert button(at, "Keep this policy in the store").disabled
    assert "save the set on My data first" in said(at)
    history._keep(policy)
    assert store.policies().empty

    def told(name):
        monkeypatch.setattr(workspace, "owner", lambda: "bob")
        document = policy.document()
        document["evidence"]["benchmark_id"] = name
        unsigned = json.dumps(document).encode()
        raw = parse_policy(unsigned, name, accept_edited=True).signed().as_bytes()
        at = open_deploy(benchmark="gsm8k")
        at.file_uploader(key="_policy_file").upload("p.json", raw).run()
        assert not at.exception
        (warning,) = (w.value.replace("\\", "") for w in at.warning if "made of" in w.value)
        return warning.replace(name, "…")

    assert told("mmlu") == told("no-such-set")


def test_a_kept_policy_that_cannot_be_read_can_be_deleted_and_blocks_nothing(open_deploy):
    store = workspace.store()
    with store.open_for_writing():
        store.add_policy("broken", MOMENT, '{"policy_version": 9}')
    at = open_deploy()
    assert not at.exception
    assert any("newer version" in error.value for error in at.error)
    assert "MMLU</th>" in tables(at)
    assert at.file_uploader(key="_policy_file")
    button(at, "Delete it").click().run()
    assert store.policies().empty
    assert not open_deploy().error


def test_a_part_that_cannot_be_drawn_leaves_the_others(read_deploy, monkeypatch):
    def refuse(*_):
        raise DataError("the replay is out of order")

    monkeypatch.setattr(replay, "draw", refuse)
    at = read_deploy()
    assert [e.value for e in at.error] == ["the replay is out of order"]
    assert button(at, "Keep this policy in the store")
    assert at.code


def test_going_back_restores_providers_names_and_prices(open_deploy):
    weak, strong = PAIR
    first = kept(
        open_deploy(
            **{
                f"weak_provider@{weak}": "mistral",
                f"weak_called@{weak}": "open-mixtral-8x7b",
                "weak_usd": f"0.5/0.75@{weak}",
                "mode": "share",
                "wanted": "0.2",
            }
        )
    )
    assert first.model_pair.weak.provider == "mistral"
    assert first.model_pair.strong.provider == "openai"
    at = open_deploy(
        **{
            f"strong_provider@{strong}": "azure",
            f"strong_called@{strong}": "my-deployment",
            "strong_usd": f"1.0/2.0@{strong}",
            "mode": "share",
            "wanted": "0.4",
        }
    )
    assert "It says the same as the policy above." not in said(at)
    button(at, "Go back to it").click().run()
    assert not at.exception
    assert "It says the same as the policy above." in said(at)
    assert "strong_usd" not in at.query_params
    at.text_input(key=f"_weak_provider@{weak}").set_value("groq").run()
    assert kept(at).model_pair.weak.provider == "groq"
    assert at.query_params[f"weak_provider@{weak}"] == "groq"


def test_what_it_costs_is_said_either_way(open_deploy):
    policy = kept(open_deploy(mode="share", wanted="0.3"))

    def words(usd):
        figures = policy.evidence.model_copy(
            update={"usd_per_query": usd, "usd_per_query_strong": 1.0}
        )
        return evidence.in_words(policy.model_copy(update={"evidence": figures}))

    assert "for 20% less money than always" in words(0.8)
    assert "for 20% more money than always" in words(1.2)
    assert "for about as much money as always" in words(1.001)
    assert "-" not in words(1.2).split(", for ")[1].split(" always")[0]


def test_a_promise_is_deployed_with_the_checkpoint_that_it_is_about(open_on_shipped):
    at = open_on_shipped(mode="promise", promise="lose", wanted="0.02", confidence="0.95")
    assert not at.exception
    assert "at most 2 points are lost against always strong" in said(at)
    assert "never saw fold 0" in said(at)
    assert "α here is the one certified for that checkpoint" in said(at)
    policy = kept(at)
    assert policy.chosen_by.mode == "promise"
    assert policy.router.checkpoint == "mf-golden-without-fold-0"
    assert policy.evidence.n_queries == policy.guarantee.n_held_out < 14_037
    button(at, "Go back to it").click().run()
    assert not at.exception
    assert "at most 2 points are lost" in said(at)


def test_a_promise_without_its_checkpoint_is_said_to_need_one(read_deploy):
    at = read_deploy(
        router="stacked-golden.in_domain", mode="promise", promise="lose", wanted="0.02"
    )
    assert any("choose one of its members" in error.value for error in at.error)
    assert not any(b.label == "Keep this policy in the store" for b in at.button)
