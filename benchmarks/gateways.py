"""What a policy costs in front of a model: LiteLLM's real proxy with it and without, and alone.

One proxy holds both: the alias that asks the policy, and the models by their fixed names. Each
query goes to the alias and to the model that the policy means, in turns, at the same endpoints,
which answer at once: the difference is the policy's. Clients and endpoints share the machine with
the proxy.
"""

import http.client
import json
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from time import perf_counter
from urllib.parse import urlsplit

import numpy as np

from routellm_core.metrics.thresholds import Target
from routellm_core.policy.build import ProviderNames, policy_of
from routellm_core.policy.choice import select_threshold
from routellm_core.policy.document import Policy
from routellm_core.policy.export import export
from routellm_core.policy.runtime import Decision, RoutingPolicy
from routellm_core.routers import load_router
from routellm_core.store import Store
from tests.gateway_servers import BIN, KEY, Upstream, decisions, invented, litellm_proxy

N_CLIENTS = (1, 50)
N_QUERIES = 400
_ROOT = Path(__file__).parent.parent
_STORE = _ROOT / ".store" / "explorer.duckdb"
_CHECKPOINT = _ROOT / "data" / "routers" / "mf-golden"


def measure() -> Iterator[str]:
    queries = invented(N_QUERIES)
    policy, decided = _policy(queries)
    n_strong = sum(decision.calls_strong for decision in decided)
    yield (
        f"the policy alone, warm, {N_QUERIES} queries one by one on the CPU: "
        f"{_spread([decision.latency_s for decision in decided])}; {n_strong} strong"
    )
    if not (BIN / "litellm").exists():
        yield "SKIPPED the proxy: make .venv-gateways/.ready sets it up"
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(policy, "litellm", folder, _CHECKPOINT)
        with (
            Upstream() as weak,
            Upstream() as strong,
            litellm_proxy(folder, weak.url, strong.url) as client,
        ):
            ask = _Asking(str(client.base_url))
            fixed = ["strong" if decision.calls_strong else "weak" for decision in decided]
            for n_clients in N_CLIENTS:
                yield _overhead(ask, queries, fixed, n_clients)
        fallbacks = sum(record["fallback_reason"] is not None for record in decisions(folder))
        yield f"queries without a score in time, of all that asked the policy: {fallbacks}"


def _policy(queries: Sequence[str]) -> tuple[Policy, list[Decision]]:
    """Of the shipped `mf`, its threshold in the middle of the queries; what it decides, warm."""
    router = load_router(_CHECKPOINT)
    alpha = float(np.median(router.strong_win_rate(queries)))
    with Store(_STORE, read_only=True) as store:
        choice = select_threshold(store, "mmlu", "mf", Target("alpha", alpha))
    policy = policy_of(
        choice,
        _CHECKPOINT,
        n_resamples=100,
        weak=ProviderNames("openai", "small"),
        strong=ProviderNames("openai", "large"),
    )
    working = RoutingPolicy(policy, router, time_limit_s=60.0)
    return policy, [working.route(query) for query in queries]


class _Asking:
    """A plain client that keeps its connection; each thread has its own."""

    def __init__(self, base_url: str) -> None:
        self._address, self._own = urlsplit(base_url), local()

    def __call__(self, model: str, query: str) -> float:
        """Seconds from the request to the last byte of its answer."""
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._address.netloc, timeout=60)
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": query}]})
        head = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        started = perf_counter()
        self._own.connection.request("POST", "/v1/chat/completions", body, head)
        reply = self._own.connection.getresponse()
        said = reply.read()
        took = perf_counter() - started
        if reply.status != 200:
            raise RuntimeError(f"{model}: {reply.status} {said[:200]!r}")
        return took


def _overhead(ask: _Asking, queries: Sequence[str], fixed: Sequence[str], n_clients: int) -> str:
    """Both ways in blocks that take turns; a block is a request of each client, all at once."""
    routed: list[float] = []
    plain: list[float] = []
    with ThreadPoolExecutor(n_clients) as clients:
        list(clients.map(ask, fixed[:n_clients], queries))  # connections are made
        for start in range(0, len(queries), n_clients):
            block = slice(start, start + n_clients)
            routed += clients.map(ask, ["routellm"] * n_clients, queries[block])
            plain += clients.map(ask, fixed[block], queries[block])
    ratios = np.percentile(routed, [50, 95]) / np.percentile(plain, [50, 95])
    return (
        f"proxy, {n_clients} client{'s' * (n_clients > 1)}: with the policy {_spread(routed)}, a "
        f"fixed model {_spread(plain)}; {ratios[0]:.2f}x and {ratios[1]:.2f}x"
    )


def _spread(seconds: Sequence[float]) -> str:
    p50, p95 = 1e3 * np.percentile(seconds, [50, 95])
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms"
