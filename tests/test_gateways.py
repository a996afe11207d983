"""The exports in the real gateways, in an environment of their own: make test-gateways builds it.

Both gateways hold packages at other versions than the dashboard. Theirs come first; what only the
router needs, torch and the embedder, is taken from the project's environment.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openai
import pytest

from routellm_core.metrics.thresholds import Target
from routellm_core.policy.build import ProviderNames, policy_of
from routellm_core.policy.choice import select_threshold
from routellm_core.policy.circuit_breaker import COOL_DOWN_S, TIMEOUTS_TO_OPEN
from routellm_core.policy.export import export
from routellm_core.policy.export.litellm import PLUGIN_TIMEOUT_MS
from routellm_core.policy.runtime import TIME_LIMIT_S, RoutingPolicy
from routellm_core.routers import load_router
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from tests.conftest import ROOT
from tests.gateway_servers import (
    BIN,
    BREAKS_OFF,
    STALLS,
    Upstream,
    ask,
    decisions,
    free_port,
    invented,
    litellm_proxy,
    running,
    speaks,
)
from tests.stub_endpoint import StubEndpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BIN / "litellm").exists(), reason="make test-gateways builds it"),
]


@pytest.fixture(scope="module")
def ready(built_store):
    """A policy of the shipped `mf` whose threshold divides the queries, and what it decides."""
    checkpoint = ROOT / "data" / "routers" / "mf-golden"
    router, queries = load_router(checkpoint), invented()
    alpha = float(np.median(router.strong_win_rate(queries)))
    with Store(built_store, read_only=True) as store:
        choice = select_threshold(store, "mmlu", "mf", Target("alpha", alpha))
    policy = policy_of(
        choice,
        checkpoint,
        n_resamples=100,
        weak=ProviderNames("openai", "org/small-v1"),
        strong=ProviderNames("openai", "large-v2"),
    )
    decided = RoutingPolicy(policy, router, time_limit_s=60.0).route_batch(queries)
    assert 50 < sum(d.calls_strong for d in decided) < 150
    return policy, checkpoint, queries, [d.model for d in decided]


@pytest.fixture(scope="module")
def proxy(ready, tmp_path_factory):
    """LiteLLM's proxy with two upstreams: client, weak stub, strong stub, folder."""
    policy, checkpoint, *_ = ready
    folder = tmp_path_factory.mktemp("litellm")
    export(policy, "litellm", folder, checkpoint)
    with StubEndpoint(speaks) as weak, StubEndpoint(speaks) as strong:
        with litellm_proxy(folder, weak.url, strong.url) as client:
            yield client, weak, strong, folder


def test_litellm_calls_what_the_policy_decides_in_one_piece_and_in_streams(ready, proxy):
    _, _, queries, models = ready
    client, weak, strong, folder = proxy
    for i, (query, model) in enumerate(zip(queries, models, strict=True)):
        assert ask(client, query, stream=i % 2 == 1) == f"{model} says so", query
    assert {seen.model for seen in weak.seen} == {"org/small-v1"}
    assert {seen.model for seen in strong.seen} == {"large-v2"}
    assert len(weak.seen) + len(strong.seen) == len(queries)
    records = decisions(folder)
    assert [record["model"] for record in records] == models
    assert not any(record["fallback_reason"] for record in records)


def test_litellm_reads_the_users_last_text_whatever_is_around_it(ready, proxy):
    _, _, queries, models = ready
    client = proxy[0]
    for side in ("org/small-v1", "large-v2"):
        query = queries[models.index(side)]
        other = queries[models.index("large-v2" if side == "org/small-v1" else "org/small-v1")]
        chat = [
            {"role": "system", "content": other},
            {"role": "user", "content": other},
            {"role": "assistant", "content": other},
            {"role": "user", "content": [{"type": "text", "text": query}]},
        ]
        assert ask(client, chat) == f"{side} says so"


def test_litellm_calls_strong_where_there_is_no_text_of_the_user(proxy):
    assert ask(proxy[0], [{"role": "system", "content": "be brief"}]) == "large-v2 says so"


def test_litellm_neither_escalates_by_a_phrase_nor_changes_the_request(ready, proxy):
    policy, checkpoint, queries, _ = ready
    client, weak, _, _ = proxy
    phrased = [f"{query} LITELLM ESCALATE" for query in queries]
    decided = RoutingPolicy(policy, load_router(checkpoint), time_limit_s=60.0).route_batch(phrased)
    query = next(q for q, d in zip(phrased, decided, strict=True) if not d.calls_strong)
    assert ask(client, query, max_tokens=77) == "org/small-v1 says so"
    assert weak.seen[-1].document["max_tokens"] == 77


def test_fifty_clients_at_once_get_what_the_exported_checkpoint_scores(ready, proxy):
    policy, _, queries, _ = ready
    client, weak, strong, folder = proxy
    rates = load_router(folder / policy.router.checkpoint).strong_win_rate(queries)
    expected = [
        "large-v2" if r >= policy.threshold else "org/small-v1" for r in rates.astype(float)
    ]
    for stub in (weak, strong):
        stub.seen.clear()
    n_before = len(decisions(folder))
    with ThreadPoolExecutor(50) as clients:
        said = list(
            clients.map(lambda i: ask(client, queries[i], stream=i % 2 == 1), range(len(queries)))
        )
    assert said == [f"{model} says so" for model in expected]
    called = {seen.text: seen.model for seen in [*weak.seen, *strong.seen]}
    assert called == dict(zip(queries, expected, strict=True))
    records = {record["query_hash"]: record for record in decisions(folder)[n_before:]}
    assert len(records) == len(queries)
    of_query = [records[text_hash(query)] for query in queries]
    assert not any(record["fallback_reason"] for record in of_query)
    np.testing.assert_allclose([r["strong_win_rate"] for r in of_query], rates, atol=1e-6)


def test_a_killed_model_is_a_clear_error_and_the_other_goes_on(ready, tmp_path):
    policy, checkpoint, queries, models = ready
    export(policy, "litellm", tmp_path, checkpoint)
    small = [q for q, model in zip(queries, models, strict=True) if model == "org/small-v1"]
    large = [q for q, model in zip(queries, models, strict=True) if model == "large-v2"]
    with (
        Upstream() as weak,
        StubEndpoint(speaks) as strong,
        litellm_proxy(tmp_path, weak.url, strong.url) as client,
        ThreadPoolExecutor(1) as another,
    ):
        assert ask(client, small[0]) == "org/small-v1 says so"
        with pytest.raises(openai.APIError):  # not half an answer that looks whole
            ask(client, small[0], stream=True, max_tokens=BREAKS_OFF)

        in_flight = another.submit(ask, client, small[0], max_tokens=STALLS)
        time.sleep(1.0)
        weak.kill()
        died = time.monotonic()
        for failing in (in_flight.result, lambda: ask(client, small[1])):
            with pytest.raises(openai.APIStatusError, match="onnect") as caught:
                failing()
            assert caught.value.status_code >= 500
        with pytest.raises(openai.APIStatusError):
            ask(client, small[2], stream=True)
        for i, query in enumerate(large[:10]):
            assert ask(client, query, stream=i % 2 == 1) == "large-v2 says so"
        assert time.monotonic() < died + 15.0

        weak.start()
        back = time.monotonic()
        while True:
            try:
                assert ask(client, small[3]) == "org/small-v1 says so"
                break
            except openai.APIStatusError:
                assert time.monotonic() < back + 15.0
                time.sleep(0.5)
        for i, (query, model) in enumerate(zip(queries[:20], models[:20], strict=True)):
            assert ask(client, query, stream=i % 2 == 1) == f"{model} says so"
    assert not any(record["fallback_reason"] for record in decisions(tmp_path))


N_STUCK = 20
STUCK_PLUGIN = """
import time
from pathlib import Path

from routellm_plugin import HERE, Classifier
from routellm_core.policy.document import read_policy
from routellm_core.routers import load_router
from routellm_core.policy.runtime import RoutingPolicy


class Stuck:
    def __init__(self, policy):
        self.router = load_router(HERE / policy.router.checkpoint)
        self.router.strong_win_rate(["warm"])

    def strong_win_rate(self, queries):
        while (HERE / "stuck").exists():
            time.sleep(0.02)
        return self.router.strong_win_rate(queries)


policy = read_policy(HERE)
classifier = Classifier(RoutingPolicy(policy, Stuck(policy)), HERE / "decisions.jsonl")
"""
"""The exported plugin, its router hanging as long as a file of that name lies beside it."""


def test_a_stuck_router_costs_its_time_limit_once_and_stalls_nobody_else(ready, tmp_path):
    policy, checkpoint, queries, models = ready
    export(policy, "litellm", tmp_path, checkpoint)
    config, stuck = tmp_path / "litellm_config.yaml", tmp_path / "stuck"
    (tmp_path / "stuck_plugin.py").write_text(STUCK_PLUGIN)
    config.write_text(config.read_text().replace("routellm_plugin.", "stuck_plugin."))
    query = queries[models.index("org/small-v1")]

    def timed(**options):
        started = time.monotonic()
        return ask(client, query, **options), time.monotonic() - started

    with (
        StubEndpoint(speaks) as weak,
        StubEndpoint(speaks) as strong,
        litellm_proxy(tmp_path, weak.url, strong.url) as client,
        ThreadPoolExecutor(N_STUCK) as clients,
    ):
        assert timed()[0] == "org/small-v1 says so"
        stuck.touch()
        waiting = [clients.submit(timed, stream=i % 2 == 1) for i in range(N_STUCK)]
        time.sleep(0.3)
        assert timed(model="weak")[0] == "org/small-v1 says so"  # a request beside the policy
        assert not any(one.done() for one in waiting)
        for said, took in (one.result() for one in waiting):
            assert said == "large-v2 says so"
            assert TIME_LIMIT_S <= took < 3 * TIME_LIMIT_S
        for _ in range(20):
            said, took = timed()
            assert said == "large-v2 says so"
            assert took < TIME_LIMIT_S
        stuck.unlink()
        deadline = time.monotonic() + COOL_DOWN_S + 5.0
        while timed()[0] != "org/small-v1 says so":
            assert time.monotonic() < deadline
            time.sleep(0.5)
        for query, model in zip(queries[:20], models[:20], strict=True):
            assert ask(client, query) == f"{model} says so"
        assert "the router is stuck" in (tmp_path / "server.log").read_text()
    first, *others = decisions(tmp_path)
    assert first["fallback_reason"] is None
    while_stuck = others[: N_STUCK + 20]
    in_vain, at_once = (
        [record["latency_s"] for record in while_stuck if record["fallback_reason"] == reason]
        for reason in (
            f"no score within {TIME_LIMIT_S:g} s",
            "the router is stuck and was not asked",
        )
    )
    assert len(in_vain) + len(at_once) == len(while_stuck)
    assert TIMEOUTS_TO_OPEN <= len(in_vain) <= N_STUCK
    assert all(TIME_LIMIT_S <= latency < PLUGIN_TIMEOUT_MS / 1e3 for latency in in_vain)
    assert max(at_once) < 0.5
    assert not any(record["fallback_reason"] for record in others[-20:])


def test_routellms_server_calls_what_the_policy_decides(ready, tmp_path):
    policy, checkpoint, queries, models = ready
    export(policy, "routellm", tmp_path, checkpoint)
    port = free_port()
    command = [str(BIN / "python"), "routellm_server.py", "--port", str(port)]
    health = f"http://127.0.0.1:{port}/openapi.json"
    with StubEndpoint(speaks) as stub:
        command += ["--base-url", stub.url, "--api-key", "none"]
        with running(command, tmp_path, health):
            client = openai.OpenAI(
                api_key="none", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
            )
            name = (tmp_path / "routellm_model.txt").read_text().strip()
            for query in queries[:50]:
                client.chat.completions.create(
                    model=name, messages=[{"role": "user", "content": query}]
                )
    assert [seen.model for seen in stub.seen] == models[:50]
