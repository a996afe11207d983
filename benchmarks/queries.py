"""A million queries with texts: a filtered page and a text search, beside a full scan.

The scans of the same run read every row once: of the joined figures and of the texts.
"""

import math
from collections.abc import Iterator
from functools import partial
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.timing import best_seconds
from routellm_core.evaluation.regret import near_ranks
from routellm_core.metrics.costs import Price, UsualCall
from routellm_core.metrics.curve import rank_queries
from routellm_core.store import Decisions, Listing, Store
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark, ModelPair, RouterEntry

PAIR = ModelPair(weak="small", strong="large")
ALPHA = 0.7


def measure(n: int = 1_000_000) -> Iterator[str]:
    with Store() as store:
        _fill(store, n)
        start = perf_counter()
        queries = store.routed_queries("million", PAIR, "a", "in_domain", ("b", "in_domain"))
        joined = perf_counter() - start
        at = Decisions(
            alpha=ALPHA,
            n_strong=int((queries["strong_win_rate"].to_numpy() >= ALPHA).sum()),
            near=near_ranks(rank_queries(queries["strong_win_rate"].to_numpy()), ALPHA),
            weak=UsualCall(100.0, 200.0, math.nan, Price(0.2, 0.2, "")),
            strong=UsualCall(100.0, 300.0, math.nan, Price(10.0, 30.0, "")),
            other_alpha=ALPHA,
        )
        every, lost = Listing(sort="spread"), Listing(("lost", "disagree"))
        scan = best_seconds(partial(store.regret, queries, at, every))
        page = partial(store.listed_queries, queries, at, lost, limit=50, text_length=640)
        first, late = best_seconds(page), best_seconds(partial(page, offset=50_000))
        counts = best_seconds(partial(store.n_listed, queries, at, lost))
        yield (
            f"a million queries: a filtered and sorted page of 50 in {1e3 * first:.0f} ms, page "
            f"1,000 in {1e3 * late:.0f} ms, all counts in {1e3 * counts:.0f} ms; "
            f"{first / scan:.1f}x, {late / scan:.1f}x and {counts / scan:.1f}x one sum over all"
        )
        yield f"a million queries: joined and ranked, once a router, in {joined:.1f} s"
        texts = pd.Series(store.query_texts("million").values(), dtype="str")
        search = best_seconds(partial(store.queries_with_text, queries, "Word12 word2"), 3)
        by_pandas = best_seconds(
            lambda: texts.str.contains("word12 word2", case=False, regex=False), 3
        )
        yield (
            f"a million texts ({texts.str.len().sum() / 1e6:.0f} MB) searched in "
            f"{1e3 * search:.0f} ms, {search / by_pandas:.1f}x pandas' scan of the same "
            "texts held in memory"
        )


def _fill(store: Store, n: int) -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(3_000)])
    ids = [f"q{i:07d}" for i in range(n)]
    drawn = words[rng.integers(0, len(words), (n, 15))]
    texts = [f"{' '.join(row)} {i}" for i, row in enumerate(drawn)]
    hashes = [text_hash(text) for text in texts]
    queries = pd.DataFrame(
        {
            "query_id": ids,
            "slice": rng.integers(0, 50, n).astype(str),
            "prompt_tokens": rng.integers(5, 300, n).astype(float),
            "text_hash": hashes,
        }
    )
    outcomes = pd.DataFrame(
        {
            "query_id": ids * 2,
            "model": np.repeat(PAIR, n),
            "quality": rng.integers(0, 2, 2 * n).astype(float),
        }
    )
    card = Benchmark("million", "A million", "", "", "user", 0, 1, "share right", "", "")
    store.add_benchmark(card, queries, outcomes)
    store.add_texts(pd.DataFrame({"text_hash": hashes, "text": texts}))
    for router_id in ("a", "b"):
        store.add_router(RouterEntry(router_id, "mf", router_id, trained_on="drawn at random"))
        scores = pd.DataFrame({"query_id": ids, "strong_win_rate": rng.random(n)})
        store.add_strong_win_rates("million", PAIR, router_id, "in_domain", scores)
