"""The exports in the real gateways, in an environment of their own: make test-gateways builds it.

Both gateways hold packages at other versions than the dashboard. Theirs come first; what only the
router needs, torch and the embedder, is taken from the project's environment.
"""

import json
import os
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from itertools import cycle

import numpy as np
import pytest
from openai import OpenAI

from routellm_core.choosing import ProviderNames, Wish, choose, policy_of
from routellm_core.routers import load_router
from routellm_core.runtime import RoutingPolicy
from routellm_core.store import Store
from routellm_core.targets import export
from tests.conftest import ROOT
from tests.stub_endpoint import Raw, StubEndpoint, well_behaved

BIN = ROOT / ".venv-gateways" / "bin"
KEY = "sk-of-this-test"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BIN / "litellm").exists(), reason="make test-gateways builds it"),
]


def invented(n=200):
    """Queries of several kinds, so that their scores differ."""
    kinds = cycle(
        [
            "How many lids fit on {} kettles if each lid covers {} spouts?",
            "Name the moth that sleeps under bridge {} on day {}.",
            "Prove that rope {} is longer than rope {} without measuring either.",
            "Which of the bells {} and {} rings at noon? Answer in one word.",
            "A tide rises {} hands an hour; when does it reach step {}?",
        ]
    )
    return [next(kinds).format(i, 3 * i + 1) for i in range(n)]


@pytest.fixture(scope="module")
def ready(built_store):
    """A policy of the shipped `mf` whose threshold divides the queries, and what it decides."""
    checkpoint = ROOT / "data" / "routers" / "mf-golden"
    router, queries = load_router(checkpoint), invented()
    alpha = float(np.median(router.strong_win_rate(queries)))
    with Store(built_store, read_only=True) as store:
        choice = choose(store, "mmlu", "mf", Wish("alpha", alpha))
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


def speaks(seen, nth):
    """Says its name, in a stream where that is wanted."""
    if not seen.document.get("stream"):
        return well_behaved(seen, nth)
    words = [f"{seen.model} ", "says ", "so"]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in words]
    chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    lines = [f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n" for choice in chunks]
    return Raw("".join([*lines, "data: [DONE]\n\n"]).encode(), content_type="text/event-stream")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@contextmanager
def running(command, folder, health, **variables):
    """A server in a process of its own, once it answers; its log when it does not."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NO_PROXY": "*"} | variables
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()[-3_000:]
            try:
                with urllib.request.urlopen(health, timeout=5):
                    break
            except OSError:
                time.sleep(0.5)
        else:
            raise AssertionError(log.read_text()[-3_000:])
        yield log
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def proxy(ready, tmp_path_factory):
    """LiteLLM's proxy on loopback with two upstreams: client, weak stub, strong stub, folder."""
    policy, checkpoint, *_ = ready
    folder = tmp_path_factory.mktemp("litellm")
    export(policy, "litellm", folder, checkpoint)
    port = free_port()
    with StubEndpoint(speaks) as weak, StubEndpoint(speaks) as strong:
        variables = {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": KEY,
            "WEAK_API_KEY": "none",
            "WEAK_BASE_URL": weak.url,
            "STRONG_API_KEY": "none",
            "STRONG_BASE_URL": strong.url,
            "ROUTELLM_DECISIONS": str(folder / "decisions.jsonl"),
        }
        command = [str(BIN / "litellm"), "--config", "litellm_config.yaml"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        health = f"http://127.0.0.1:{port}/health/liveliness"
        with running(command, folder, health, **variables):
            client = OpenAI(api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
            yield client, weak, strong, folder


def ask(client, messages, **options):
    """What is said, whether in one piece or in a stream."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    reply = client.chat.completions.create(model="routellm", messages=messages, **options)
    if not options.get("stream"):
        return reply.choices[0].message.content
    deltas = [chunk.choices[0].delta.content for chunk in reply if chunk.choices]
    return "".join(delta or "" for delta in deltas)


def test_litellm_calls_what_the_policy_decides_in_one_piece_and_in_streams(ready, proxy):
    _, _, queries, models = ready
    client, weak, strong, folder = proxy
    for i, (query, model) in enumerate(zip(queries, models, strict=True)):
        assert ask(client, query, stream=i % 2 == 1) == f"{model} says so", query
    assert {seen.model for seen in weak.seen} == {"org/small-v1"}
    assert {seen.model for seen in strong.seen} == {"large-v2"}
    assert len(weak.seen) + len(strong.seen) == len(queries)
    records = [json.loads(line) for line in (folder / "decisions.jsonl").open()]
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


def test_routellms_server_calls_what_the_policy_decides(ready, tmp_path):
    policy, checkpoint, queries, models = ready
    export(policy, "routellm", tmp_path, checkpoint)
    port = free_port()
    command = [str(BIN / "python"), "routellm_server.py", "--port", str(port)]
    health = f"http://127.0.0.1:{port}/openapi.json"
    with StubEndpoint(speaks) as stub:
        command += ["--base-url", stub.url, "--api-key", "none"]
        with running(command, tmp_path, health):
            client = OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
            name = (tmp_path / "routellm_model.txt").read_text().strip()
            for query in queries[:50]:
                client.chat.completions.create(
                    model=name, messages=[{"role": "user", "content": query}]
                )
    assert [seen.model for seen in stub.seen] == models[:50]
