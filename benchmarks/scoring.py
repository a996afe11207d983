"""Scoring with the shipped routers: queries a second, how near to the device's own limits, and what
its short floats change.

Queries are those of MMLU whose texts are on this machine, otherwise invented ones.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks.routers import invented_sentences
from benchmarks.timing import best_seconds
from routellm_core.embedders.devices import PRECISION_VARIABLE, Device, device
from routellm_core.routers import load_router
from routellm_core.routers.sharing import shared
from routellm_core.scoring.engine import score
from routellm_core.store import Store

STORE = Path(".store/explorer.duckdb")
CHECKPOINTS = Path("data/routers")
ROUTERS = ("mf", "sw_ranking", "bert", "causal_llm", "stacked")
_N_QUERIES = {"cpu": 192}
_N_ON_GPU = 14_042
_N_COMPARED = {"cpu": 192}
_N_COMPARED_ON_GPU = 2_048


def measure() -> Iterator[str]:
    queries = known_queries()
    chosen = device()
    n = _N_QUERIES.get(chosen.name, _N_ON_GPU)
    ceiling = matmul_rate(chosen)
    yield (
        f"{chosen.reason}, {chosen.precision}: a large matrix product runs at "
        f"{ceiling / 1e12:,.2f} TFLOP/s"
    )
    for name, router in _loaded().items():
        yield _line(name, router, queries[:n], ceiling)
    yield from _agreement(queries[: _N_COMPARED.get(chosen.name, _N_COMPARED_ON_GPU)])


def known_queries() -> list[str]:
    """Texts of MMLU in an order of chance, or invented ones."""
    texts: Sequence[str] = ()
    if STORE.exists():
        with Store(STORE, read_only=True) as store:
            texts = list(store.query_texts("mmlu").values())
    if not texts:
        return invented_sentences(_N_ON_GPU)
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts[i] for i in order]


def matmul_rate(chosen: Device) -> float:
    """Operations a second of a large product of random matrices in the device's precision."""
    size = 1_024 if chosen.name == "cpu" else 8_192
    options: dict[str, Any] = {"device": chosen.name, "dtype": chosen.dtype}
    a, b = (torch.randn(size, size, **options) for _ in range(2))

    def multiply() -> None:
        torch.matmul(a, b)
        if chosen.name == "cuda":
            torch.cuda.synchronize()

    return 2.0 * size**3 / best_seconds(multiply, 10)


def _line(name: str, router: Any, queries: Sequence[str], ceiling: float) -> str:
    score({name: router}, queries[: max(len(queries) // 8, 1)])  # loads the weights
    budgets = [found._budget for found in _leaves(router) if hasattr(found, "_budget")]
    before = sum(budget.waited_s for budget in budgets)
    started = perf_counter()
    score({name: router}, queries)
    seconds = perf_counter() - started
    waited = sum(budget.waited_s for budget in budgets) - before
    operations = sum(_n_operations(found, queries) for found in _leaves(router))
    few = queries[: min(len(queries), 16)]
    started = perf_counter()
    for query in few:
        score({name: router}, [query])
    alone = len(few) / (perf_counter() - started)
    rate, used = len(queries) / seconds, device().memory_used()
    return (
        f"{name}: {rate:,.0f} queries a second (n {len(queries):,}), {rate / alone:.1f}x one at a "
        f"time ({alone:,.0f}); the device waits for tokens {waited / seconds:.1%} of "
        f"the time; {operations / seconds / ceiling:.1%} of the matrix product's rate"
        + ("" if np.isnan(used) else f"; {used:.2f} GiB")
    )


def _leaves(router: Any) -> list[Any]:
    """Each different embedder that a router asks, and what of it reads tokens itself."""
    found: dict[int, Any] = {}

    def visit(part: Any) -> None:
        embedder = getattr(part, "embedder", part)
        if embedder is not part and hasattr(part, "trained"):
            found[id(part)] = part
        for inner in [*getattr(embedder, "members", {}).values(), *getattr(embedder, "parts", ())]:
            visit(inner)
        if not hasattr(embedder, "members") and not hasattr(embedder, "parts"):
            found[id(embedder)] = embedder

    visit(router)
    return list(found.values())


def _n_operations(reader: Any, queries: Sequence[str]) -> float:
    """Multiplications and additions of its linear layers over all tokens, padding left out."""
    kind = type(reader).__name__
    if kind == "SentenceEmbedder":
        return 2.0 * _n_weights(reader._model) * sum(map(len, reader._rows(queries)))
    if kind == "TokenStates":
        n_tokens = sum(map(len, reader._rows(queries)))
        return 2.0 * _n_weights(reader.lower_layers) * n_tokens
    if kind == "BertRouter":
        n_tokens = sum(map(len, reader.embedder._rows(queries)))
        return 2.0 * _n_weights(reader.trained.layers) * n_tokens
    if kind == "CausalStates":
        return 2.0 * _n_weights(reader.model) * sum(map(len, reader._rows(queries)))
    return 0.0


def _n_weights(module: Any) -> int:
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, torch.nn.Linear))


def _loaded() -> dict[str, Any]:
    """The shipped routers; those that read alike share their model."""
    known: dict[tuple[Any, ...], Any] = {}
    routers: dict[str, Any] = {
        name: load_router(CHECKPOINTS / f"{name}-golden") for name in ROUTERS
    }
    for router in routers.values():
        router.embedder = shared(router.embedder, known)
    return routers


def _agreement(queries: Sequence[str]) -> Iterator[str]:
    """The same queries in float32 and in bfloat16: how far apart, and how much quicker."""
    found = {name: _in(name, queries) for name in ("float32", "bfloat16")}
    for name in ROUTERS:
        (exact, slow), (short, quick) = (found[precision][name] for precision in found)
        alpha = np.median(exact)
        yield (
            f"{name} in bfloat16 against float32 (n {len(queries):,}): {slow / quick:.1f}x the "
            f"rate; win rates differ by {np.abs(exact - short).max():.4f} at the most, "
            f"{np.abs(exact - short).mean():.5f} on average over a range of {np.ptp(exact):.2f}; "
            f"at the median {np.mean((exact >= alpha) != (short >= alpha)):.2%} of the choices "
            "differ"
        )


def _in(precision: str, queries: Sequence[str]) -> dict[str, tuple[Any, float]]:
    """Each router's win rates in a precision, and the seconds it took once it was warm."""
    found = {}
    with _precision(precision):
        for name, router in _loaded().items():
            score({name: router}, queries[: max(len(queries) // 8, 1)])
            started = perf_counter()
            rates = score({name: router}, queries)[name].astype(np.float64)
            found[name] = rates, perf_counter() - started
    return found


@contextmanager
def _precision(name: str) -> Iterator[None]:
    before = os.environ.get(PRECISION_VARIABLE)
    os.environ[PRECISION_VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[PRECISION_VARIABLE]
        else:
            os.environ[PRECISION_VARIABLE] = before
