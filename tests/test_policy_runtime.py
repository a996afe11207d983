"""A policy as a document, and at work: every decision is the threshold law, or says why not."""

import dataclasses
import json
import math
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.errors import DataError, NotTrainedError, UnknownNameError
from routellm_core.metrics.curve import point_index, rank_queries, routing_curve
from routellm_core.metrics.prices import Price, list_price
from routellm_core.metrics.thresholds import Target, between_scores
from routellm_core.policy.build import ProviderNames, changes_since, keep_policy, policy_of
from routellm_core.policy.choice import select_threshold
from routellm_core.policy.document import (
    MAX_BYTES,
    Policy,
    content_hash,
    diff,
    json_schema,
    link_state,
    parse_policy,
    read_policy,
)
from routellm_core.policy.fields import ModelPrice
from routellm_core.policy.runtime import RoutingPolicy, text_of
from routellm_core.routers import load_router
from routellm_core.statistics.bootstrap import curve_intervals
from routellm_core.statistics.curve_bands import Band, clustered_share_band
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from tests.conftest import ROOT
from tests.invented import WordVectors
from tests.invented_policy import BENCHMARK, MOMENT, NAMED, made, some_queries
from views.components.live_curve import payload


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Store, checkpoint, choice and policy; not to be written to."""
    found = made(tmp_path_factory.mktemp("policy"), **NAMED)
    with found.store:
        yield found


@pytest.fixture
def folder(here):
    """Where policy and checkpoint lie side by side."""
    folder = here.checkpoint.parent
    (folder / "policy.json").write_bytes(here.policy.as_bytes())
    return folder


def loaded(folder, **options):
    return RoutingPolicy.load(folder, embedder=WordVectors(), **options)


def changed(policy, **fields):
    """The policy's bytes with other top-level fields, signed anew where that is possible."""
    document = policy.document() | fields
    try:
        document["content_sha256"] = content_hash(Policy.model_validate(document))
    except ValueError:
        pass
    return json.dumps(document).encode()


# The document


def test_a_policy_says_what_the_choice_achieves(here):
    policy, choice = here.policy, here.choice
    evidence = policy.evidence
    assert policy.threshold == choice.threshold
    assert evidence.n_queries == 60
    assert evidence.strong_call_share.value == choice.point.strong_call_share <= 0.4
    assert evidence.quality.value == choice.point.quality
    for name in ("strong_call_share", "quality", "pgr", "quality_weak"):
        figure = getattr(evidence, name)
        assert figure.low < figure.value < figure.high
    assert evidence.quality_strong.value == 1.0
    assert evidence.quality_random.low < evidence.quality_random.value < evidence.quality.value
    assert "learned nothing" in evidence.meaning
    assert policy.model_pair.weak.provider_name == "org/small-v1"
    assert math.isnan(evidence.usd_per_query)
    assert policy.document()["evidence"]["usd_per_query"] is None


def test_a_fixed_thresholds_interval_is_that_of_the_bootstrap(here):
    n = here.choice.outcomes.n_queries
    share = here.policy.evidence.strong_call_share
    wide = 2 * 1.96 * math.sqrt(share.value * (1 - share.value) / n)
    assert 0.7 * wide < share.high - share.low < 1.3 * wide


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_its_intervals_are_those_that_the_trade_off_page_draws_there(here, share):
    """At one seed: of the strong calls, the routed quality, the recovered gap and both models."""
    choice = select_threshold(here.store, BENCHMARK, "mf", Target("share", share))
    evidence = policy_of(choice, here.checkpoint, created_at=MOMENT).evidence
    outcomes, ranking = choice.outcomes, rank_queries(choice.strong_win_rate)
    n = outcomes.n_queries
    along = payload.Along(
        curve=choice.curve,
        n_queries=n,
        share_band=None,  # all texts differ
        cost=choice.cost,
        cost_band=Band(choice.cost, choice.cost),
        part_band=Band(choice.cost, choice.cost),
        intervals=curve_intervals(
            ranking,
            outcomes.quality_weak,
            outcomes.quality_strong,
            cluster_code=outcomes.cluster_code,
        ),
    )
    drawn = payload.exact_point(choice.point, along)
    figures = [
        ("", evidence.quality),
        ("share_", evidence.strong_call_share),
        ("pgr_", evidence.pgr),
    ]
    for name, figure in figures:
        for end in ("low", "high"):
            assert drawn[name + end] == payload.number(getattr(figure, end))
    for figure, i in ((evidence.quality_weak, 0), (evidence.quality_strong, -1)):
        assert (figure.low, figure.high) == (
            along.intervals.quality_low[i],
            along.intervals.quality_high[i],
        )


def test_where_texts_repeat_its_share_has_the_interval_of_clusters(here):
    choice = here.choice
    code = np.arange(60) // 2
    outcomes = dataclasses.replace(choice.outcomes, cluster_code=code)
    twice = dataclasses.replace(choice, outcomes=outcomes)
    found = policy_of(twice, here.checkpoint, created_at=MOMENT, n_resamples=100).evidence
    band = clustered_share_band(rank_queries(choice.strong_win_rate), code)
    i = point_index(choice.curve, choice.point.threshold)
    share = found.strong_call_share
    assert (share.low, share.high) == (band.low[i], band.high[i])


def test_pgr_has_no_interval_where_the_gap_may_be_nothing(here):
    outcomes = here.choice.outcomes
    quality = np.arange(60) % 2 * 1.0
    fields = vars(outcomes) | {"quality_weak": quality, "quality_strong": quality[::-1].copy()}
    level = type(outcomes)(**fields)
    choice = type(here.choice)(**vars(here.choice) | {"outcomes": level})
    found = policy_of(choice, here.checkpoint, created_at=MOMENT, n_resamples=100).evidence
    assert math.isnan(found.pgr.low)
    assert math.isnan(found.pgr.high)


def test_a_policy_comes_back_from_its_file_bit_for_bit(here, folder):
    again = read_policy(folder)
    assert again.threshold == here.policy.threshold
    assert again.as_bytes() == here.policy.as_bytes()
    assert read_policy(folder / "policy.json").created_at == MOMENT


def test_the_same_choice_is_the_same_policy_and_another_seed_is_not(here):
    def again(seed):
        return policy_of(
            here.choice, here.checkpoint, created_at=MOMENT, n_resamples=100, seed=seed, **NAMED
        )

    assert again(0).as_bytes() == here.policy.as_bytes()
    assert again(1).policy_id != here.policy.policy_id


def test_the_schema_that_ships_is_current_and_holds_for_a_policy(here):
    path = ROOT / "data" / "policy.schema.json"
    assert path.read_text() == json_schema(), "python -m routellm_core.policy.document > that file"
    validator = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    validator.validate(here.policy.document())
    assert not validator.is_valid(here.policy.document() | {"threshold": 1.5})
    assert not validator.is_valid(here.policy.document() | {"more": 1})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"policy_version": 4}, r"newer version of this project \(policy version 4"),
        ({"threshold": 1.5}, r"threshold 1.5 is neither a number in \[0, 1\]"),
        ({"threshold": -0.1}, r"threshold -0.1 is neither"),
        ({"threshold": True}, r"threshold True is neither"),
        ({"threshold": "0.5"}, r"threshold '0.5' is neither"),
        ({"threshold": "sometimes"}, r"'sometimes' is neither"),
        ({"surprise": 1}, r"a field 'surprise' that this version does not know"),
        ({"created_at": "yesterday"}, r"created_at is 'yesterday'"),
        ({"policy_id": "../../etc"}, r"policy_id is '../../etc'"),
        ({"policy_version": "1"}, r"policy_version is '1'"),
    ],
)
def test_what_a_field_cannot_mean_is_refused(here, fields, message):
    with pytest.raises(DataError, match=message):
        parse_policy(changed(here.policy, **fields), "p.json")


def test_a_missing_threshold_is_said_to_be_missing_and_nothing_else_is_printed(here):
    document = here.policy.document()
    del document["threshold"]
    with pytest.raises(DataError) as caught:
        parse_policy(json.dumps(document).encode(), "p.json")
    assert str(caught.value) == "p.json is refused: it lacks the field 'threshold'"


@pytest.mark.parametrize("fields", [{"threshold": "x" * 900}, {"y" * 900: 1}])
def test_what_is_shown_of_a_wrong_field_is_cut(here, fields):
    with pytest.raises(DataError) as caught:
        parse_policy(changed(here.policy, **fields), "p.json")
    assert len(str(caught.value)) < 200
    assert "..." in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "small\nmaster_key: x",
        "small\u2028x",
        "a\x00b",
        "\u202elarge",
        "a: b",
        "x #y",
        "&a",
        "$(id)",
        "",
        "*",
        "o" * 201,
    ],
)
def test_a_name_that_could_break_out_of_a_file_is_refused(here, name):
    pair = here.policy.document()["model_pair"]
    pair["weak"] = pair["weak"] | {"provider_name": name}
    with pytest.raises(DataError, match=r"model_pair\.weak\.provider_name"):
        parse_policy(changed(here.policy, model_pair=pair), "p.json")


def test_a_checkpoint_name_cannot_leave_the_folder(here):
    router = here.policy.document()["router"]
    for name in ("../other", "/etc", "a/b", ".."):
        with pytest.raises(DataError, match=r"router\.checkpoint"):
            parse_policy(changed(here.policy, router=router | {"checkpoint": name}), "p.json")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no policy_version"),
        (b"{}", "no policy_version"),
        (b'{"policy_version": 1, "threshold": NaN}', "NaN is no number"),
        (b'{"policy_version": 1, "threshold": 0.1, "threshold": 0.9}', "'threshold' stands.*twice"),
        (b'{"policy_version": 1}', "lacks the field 'policy_id'"),
        (b'{"policy_version": 1, "%s": 1}' % (b"x" * 500), "lacks the field"),
        (b" " * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_policy_is_refused_with_a_sentence(raw, message):
    with pytest.raises(DataError, match=message):
        parse_policy(raw, "p.json")


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_policy(tmp_path / "nope.json")


def test_a_threshold_edited_by_hand_is_noticed_and_can_be_accepted(here):
    raw = json.dumps(here.policy.document() | {"threshold": 0.123}).encode()
    with pytest.raises(DataError, match=r"edited by hand.*--accept-edited"):
        parse_policy(raw, "p.json")
    assert parse_policy(raw, "p.json", accept_edited=True).threshold == 0.123


def test_another_layout_of_the_same_content_is_no_edit(here):
    document = json.loads(here.policy.as_bytes(), parse_int=float)
    backwards = dict(reversed(document.items()))
    for name in ("policy_version",):
        backwards[name] = int(backwards[name])
    for name in ("n_queries", "n_contaminated", "n_resamples", "seed"):
        backwards["evidence"][name] = int(backwards["evidence"][name])
    raw = json.dumps(backwards, indent=7).encode()
    assert parse_policy(raw, "p.json").as_bytes() == here.policy.as_bytes()


def test_diff_names_what_changed_and_nothing_else(here):
    other = policy_of(
        select_threshold(here.store, BENCHMARK, "mf", Target("share", 0.2)),
        here.checkpoint,
        n_resamples=100,
        **NAMED,
    )
    lines = diff(here.policy, other)
    assert f"threshold: {here.policy.threshold} → {other.threshold}" in lines
    assert "chosen by, wanted: 0.4 → 0.2" in lines
    assert not any(
        line.startswith(("router", "model pair", "created", "policy id")) for line in lines
    )
    assert diff(here.policy, here.policy) == []


def test_the_link_leads_back_to_where_it_was_made(here):
    assert link_state(here.policy) == {
        "benchmark": BENCHMARK,
        "strong": "large",
        "weak": "small",
        "router": "mf-words.untouched",
        "mode": "share",
        "wanted": "0.4",
        "strong_provider@large": "openai",
        "strong_called@large": "large-v2",
        "weak_provider@small": "openai",
        "weak_called@small": "org/small-v1",
        "strong_usd": None,
        "weak_usd": None,
        "strong_tokens": None,
        "weak_tokens": None,
        "money": None,
        "warm_share": None,
    }


def test_the_link_carries_a_typed_price_and_no_list_price(here):
    listed, typed = list_price("gpt-4-1106-preview"), Price(0.5, math.nan, "edited by you")
    pair = here.policy.model_pair
    names = pair.model_copy(
        update={"strong": pair.strong.model_copy(update={"name": "gpt-4-1106-preview"})}
    )
    prices = here.policy.prices.model_copy(
        update={
            "weak": ModelPrice.of(typed),
            "strong": ModelPrice.of(listed),
        }
    )
    state = link_state(here.policy.model_copy(update={"model_pair": names, "prices": prices}))
    assert state["weak_usd"] == "0.5/@small"
    assert state["strong_usd"] is None


def test_the_link_carries_typed_tokens_a_cached_price_and_the_choice_of_money(here):
    typed = Price(0.5, 1.0, "typed", cache_read_usd=0.1, answer_tokens=300.0)
    prices = here.policy.prices.model_copy(
        update={"weak": ModelPrice.of(typed), "money": "list", "warm_share": 0.4}
    )
    state = link_state(here.policy.model_copy(update={"prices": prices}))
    assert state["weak_usd"] == "0.5/1.0/0.1@small"
    assert state["weak_tokens"] == "/300.0@small"
    assert (state["money"], state["warm_share"]) == ("list", "0.4")


def test_a_policy_from_before_version_3_has_no_more_fields_than_it_had(here):
    prices = here.policy.prices
    bare = {"kind": None, "rests_on": None, "cached_usd": math.nan}
    old = prices.model_copy(
        update={s: getattr(prices, s).model_copy(update=bare) for s in ("weak", "strong")}
    )
    former = here.policy.model_copy(update={"policy_version": 1, "prices": old}).signed()
    assert set(former.document()["prices"]["weak"]) == {"prompt_usd", "answer_usd", "source"}
    assert "money" not in former.document()["prices"]
    again = parse_policy(former.as_bytes(), "p.json")
    assert again.as_bytes() == former.as_bytes()


# A given α


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 0.123456789, 0.96875, 1.0])
def test_a_given_alpha_is_the_policys_threshold_whatever_scores_there_are(here, alpha):
    choice = select_threshold(here.store, BENCHMARK, "mf", Target("alpha", alpha))
    policy = policy_of(choice, here.checkpoint, n_resamples=100)
    assert policy.threshold == choice.threshold == alpha
    share = float((choice.strong_win_rate >= alpha).mean())
    assert policy.evidence.strong_call_share.value == share
    assert policy.evidence.quality.value == pytest.approx(
        np.where(
            choice.strong_win_rate >= alpha,
            choice.outcomes.quality_strong,
            choice.outcomes.quality_weak,
        ).mean()
    )


def test_an_alpha_beyond_the_scores_still_asks_the_router(here):
    choice = select_threshold(here.store, BENCHMARK, "mf", Target("alpha", 0.999))
    assert choice.point.strong_call_share == 0.0
    policy = policy_of(choice, here.checkpoint, n_resamples=100)
    working = RoutingPolicy(policy, Scripted(lambda query: 0.9995))
    assert working.route("a query unlike any of the benchmark").calls_strong


@pytest.mark.parametrize("alpha", [-0.1, 1.1, 2.0, math.inf, math.nan])
def test_an_alpha_outside_0_to_1_is_no_target(here, alpha):
    with pytest.raises(DataError, match=r"\[0, 1\]"):
        select_threshold(here.store, BENCHMARK, "mf", Target("alpha", alpha))


def test_a_changed_outcome_is_noticed(tmp_path):
    fresh = made(tmp_path)
    assert changes_since(fresh.store, fresh.policy) == []
    other = Store()
    assert "not here" in changes_since(other, fresh.policy)[0]
    rates = fresh.store.scored_queries(
        BENCHMARK, fresh.choice.outcomes.model_pair, "mf-words", "untouched"
    )
    rates = rates[["query_id", "strong_win_rate"]].assign(strong_win_rate=0.5)
    fresh.store.add_strong_win_rates(
        BENCHMARK, fresh.choice.outcomes.model_pair, "mf-words", "untouched", rates
    )
    assert "have changed since 2026-03-01" in changes_since(fresh.store, fresh.policy)[0]


def test_nothing_is_told_of_a_set_that_is_private_to_another_session(tmp_path):
    fresh = made(tmp_path)
    fresh.store._write("UPDATE benchmark SET owner = 'ada', origin = 'user'")
    assert changes_since(fresh.store, fresh.policy, "ada") == []
    assert changes_since(fresh.store, fresh.policy, "bob") == changes_since(Store(), fresh.policy)
    assert changes_since(fresh.store, fresh.policy) == changes_since(Store(), fresh.policy)


def test_a_policy_of_a_private_set_is_not_kept(tmp_path):
    fresh = made(tmp_path)
    fresh.store._write("UPDATE benchmark SET owner = 'ada', origin = 'user'")
    with pytest.raises(DataError, match="save the set first"):
        keep_policy(fresh.store, fresh.policy)
    assert fresh.store.policies().empty
    fresh.store.save_benchmark(BENCHMARK)
    keep_policy(fresh.store, fresh.policy)
    assert fresh.store.policies()["policy_id"].tolist() == [fresh.policy.policy_id]


def test_a_negative_seed_draws_nothing(here):
    with pytest.raises(DataError, match="seed of -1"):
        policy_of(here.choice, here.checkpoint, n_resamples=100, seed=-1)


def test_a_model_whose_name_no_provider_takes_must_be_named(here):
    with pytest.raises(DataError, match="say how its provider calls it"):
        policy_of(here.choice, here.checkpoint, weak=ProviderNames("openai", "my model"))


def test_the_store_keeps_policies(here):
    with Store() as store:
        text = here.policy.as_bytes().decode()
        store.add_policy(here.policy.policy_id, here.policy.created_at, text)
        assert store.policy(here.policy.policy_id) == text
        assert store.policies()["policy_id"].tolist() == [here.policy.policy_id]
        with pytest.raises(DataError, match="kept already"):
            store.add_policy(here.policy.policy_id, MOMENT, text)
        store.delete_policy(here.policy.policy_id)
        with pytest.raises(UnknownNameError, match="there are: none yet"):
            store.policy(here.policy.policy_id)


# At work


def test_decisions_are_the_threshold_law_for_200_queries(here, folder):
    queries = some_queries(200)
    scores = load_router(here.checkpoint, WordVectors()).strong_win_rate(queries)
    choice = select_threshold(
        here.store, BENCHMARK, "mf", Target("alpha", float(np.median(scores)))
    )
    (folder / "policy.json").write_bytes(
        policy_of(choice, here.checkpoint, n_resamples=100, **NAMED).as_bytes()
    )
    policy = loaded(folder)
    expected = (scores.astype(np.float64) >= policy.policy.threshold).tolist()
    assert 20 < sum(expected) < 180
    one_by_one = [policy.route(query) for query in queries]
    together = policy.route_batch(queries)
    for decisions in (one_by_one, together):
        assert [d.calls_strong for d in decisions] == expected
        assert [d.query_hash for d in decisions] == [text_hash(query) for query in queries]
        assert {d.model for d in decisions if d.calls_strong} == {"large-v2"}
        assert {d.model for d in decisions if not d.calls_strong} == {"org/small-v1"}
        assert not any(d.fallback_reason for d in decisions)
        np.testing.assert_allclose([d.strong_win_rate for d in decisions], scores, atol=1e-6)


def test_fifty_threads_at_once_decide_as_one_does(folder):
    queries = some_queries(400)
    policy = loaded(folder, time_limit_s=60.0)
    alone = [d.calls_strong for d in policy.route_batch(queries)]
    with ThreadPoolExecutor(50) as threads:
        decisions = list(threads.map(policy.route, queries))
    assert [d.calls_strong for d in decisions] == alone
    assert [d.query_hash for d in decisions] == [text_hash(q) for q in queries]
    assert not any(d.fallback_reason for d in decisions)


class Scripted:
    """A router that does what it is told and counts how many ask it at once."""

    def __init__(self, behave):
        self.behave, self.at_once, self.most = behave, 0, 0

    def strong_win_rate(self, queries):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            return [self.behave(query) for query in queries]
        finally:
            self.at_once -= 1


def test_the_router_is_asked_by_one_thread_at_a_time(here):
    router = Scripted(lambda query: time.sleep(0.001) or 0.0)
    policy = RoutingPolicy(here.policy, router, time_limit_s=60.0)
    with ThreadPoolExecutor(50) as threads:
        list(threads.map(policy.route, some_queries(100)))
    assert router.most == 1


def test_a_slow_router_is_not_waited_for(here):
    gate = threading.Event()
    policy = RoutingPolicy(
        here.policy, Scripted(lambda query: gate.wait() and 0.0), time_limit_s=0.05
    )
    decision = policy.route("say kettles")
    assert decision.calls_strong
    assert decision.model == "large-v2"
    assert decision.fallback_reason == "no score within 0.05 s"
    assert math.isnan(decision.strong_win_rate)
    assert [d.calls_strong for d in policy.route_batch(["a", "b"])] == [True, True]
    gate.set()


def test_whoever_no_longer_waits_is_passed_over(here):
    gate, seen = threading.Event(), []
    policy = RoutingPolicy(
        here.policy,
        Scripted(lambda query: float(gate.wait() and (seen.append(query) or 0))),
        time_limit_s=0.05,
    )
    for query in ("first", "second"):
        assert policy.route(query).fallback_reason
    gate.set()
    policy.time_limit_s = 60.0
    assert policy.route("third").fallback_reason is None
    assert seen == ["first", "third"]


def raises(query):
    raise RuntimeError(f"cannot read {query}")


@pytest.mark.parametrize("behave", [raises, lambda q: math.nan, lambda q: 1.5, lambda q: None])
def test_a_router_that_fails_costs_a_strong_call_and_tells_no_text(here, behave):
    policy = RoutingPolicy(here.policy, Scripted(behave))
    decision = policy.route("a secret kettle")
    assert decision.calls_strong
    assert decision.fallback_reason.startswith("the router failed: ")
    assert "secret" not in decision.as_json()


def test_one_failing_query_does_not_harm_the_batch(here):
    policy = RoutingPolicy(here.policy, Scripted(lambda q: raises(q) if q == "bad" else 0.0))
    decisions = policy.route_batch(["good", "bad", "fine"])
    assert [d.calls_strong for d in decisions] == [False, True, False]
    assert [bool(d.fallback_reason) for d in decisions] == [False, True, False]


def test_a_decision_is_one_line_of_json_without_the_text(folder):
    policy = loaded(folder)
    line = policy.route("prove secrets\nand ropes").as_json()
    assert "\n" not in line
    record = json.loads(line)
    assert "secrets" not in line
    assert record["query_hash"] == text_hash("prove secrets\nand ropes")
    assert set(record) == {
        *("policy_id", "query_hash", "strong_win_rate", "threshold", "calls_strong", "model"),
        *("latency_s", "fallback_reason"),
    }
    assert 0 < record["latency_s"]


@pytest.mark.parametrize(
    ("share", "word", "strong"), [(0.0, "never", False), (1.0, "always", True)]
)
def test_never_and_always_ask_no_router(here, share, word, strong):
    choice = select_threshold(here.store, BENCHMARK, "mf", Target("share", share))
    policy = policy_of(choice, here.checkpoint, n_resamples=100, **NAMED)
    assert policy.threshold == word
    working = RoutingPolicy(policy, Scripted(raises))
    decisions = [working.route("x"), *working.route_batch(["y"]), working.route_messages([])]
    assert {d.calls_strong for d in decisions} == {strong}
    assert not any(d.fallback_reason for d in decisions)
    assert json.loads(decisions[0].as_json())["threshold"] == (0.0 if strong else None)


def test_hostile_texts_get_a_decision(folder):
    policy = loaded(folder)
    for text in ("", " ", "\x00", "\ud800", "🙂" * 10_000, "\u202e"):
        assert policy.route(text).fallback_reason is None


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], None),
        ([{"role": "system", "content": "be brief"}], None),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "a"),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "b"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}],
            "a",
        ),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}] * 2}], "a\na"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], None),
        ([{"role": "user", "content": None}], None),
        ([{"role": "user"}], None),
    ],
)
def test_the_text_of_a_chat_is_the_users_last(messages, text):
    assert text_of(messages) == text


def test_a_chat_without_a_text_of_the_user_goes_to_strong(folder):
    decision = loaded(folder).route_messages([{"role": "system", "content": "be brief"}])
    assert decision.calls_strong
    assert decision.fallback_reason == "no text of the user to score"


def test_a_missing_or_another_checkpoint_is_refused(here, folder, tmp_path):
    (tmp_path / "policy.json").write_bytes(here.policy.as_bytes())
    with pytest.raises(NotTrainedError, match="is missing: put the folder mf-words"):
        loaded(tmp_path)
    assert loaded(tmp_path, checkpoint_dir=here.checkpoint).route("say").fallback_reason is None
    other = tmp_path / "mf-words"
    load_router(here.checkpoint, WordVectors()).save(other)
    (other / "config.json").write_text((other / "config.json").read_text() + " ")
    with pytest.raises(DataError, match="another checkpoint"):
        loaded(tmp_path)


def test_no_time_is_no_limit(here):
    with pytest.raises(DataError, match="no time to score"):
        RoutingPolicy(here.policy, Scripted(raises), time_limit_s=0.0)


def test_a_policy_that_nobody_holds_takes_its_thread_along(here):
    before = threading.active_count()
    policy = RoutingPolicy(here.policy, Scripted(lambda query: 0.0))
    policy.route("say")
    assert threading.active_count() == before + 1
    thread = policy._worker._thread
    del policy
    thread.join(10)
    assert not thread.is_alive()


def test_a_forked_process_routes_too(folder, tmp_path):
    code = f"""
import os, sys
from tests.invented import WordVectors
from routellm_core.policy.runtime import RoutingPolicy
policy = RoutingPolicy.load({str(folder)!r}, embedder=WordVectors())
assert policy.route("say").fallback_reason is None
child = os.fork()
if child == 0:
    os._exit(0 if policy.route("say").fallback_reason is None else 7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_runtime_needs_no_screen_and_no_store():
    code = "import sys, routellm_core.policy.runtime as r; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    loaded_modules = set(done.stdout.split())
    assert "routellm_core.policy.document" in loaded_modules
    assert not loaded_modules & {"streamlit", "duckdb", "torch", "plotly", "routellm_core.store"}


# The threshold between two scores

scores32 = st.lists(
    st.floats(0, 1, width=32, allow_subnormal=False), min_size=2, max_size=12, unique=True
)


@given(scores32, st.data())
def test_the_midpoint_decides_as_the_score_did_after_a_round_trip(scores, data):
    rates = np.array(scores, dtype=np.float32)
    curve = routing_curve(rates, np.zeros(len(rates)), np.arange(len(rates)) * 1.0)
    alpha = float(data.draw(st.sampled_from(sorted(scores)[1:])))
    middle = json.loads(json.dumps(between_scores(curve, alpha)))
    wanted = rates.astype(np.float64) >= alpha
    assert 0.0 <= middle <= 1.0
    assert ((rates.astype(np.float64) >= middle) == wanted).all()
    below = np.float32(rates[~wanted].max())
    if np.nextafter(below, np.float32(2)) < np.float32(alpha):  # a float32 lies between
        assert ((rates >= np.float32(middle)) == wanted).all()
