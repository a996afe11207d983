"""Explanations: does the win rate follow the words, and how long does it take to explain?

For 200 queries of MMLU (drawn with a seed) words are deleted and inserted in the order of an
explanation and in a random one, and the shipped checkpoints score what is left. The gain is in win
rate; a router whose weights were shuffled shows how alike explanations look that know nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.faithfulness_areas import Areas, areas, order_of, probes, summary
from benchmarks.shuffled_router import shuffled
from routellm_core.explain import explain
from routellm_core.explain.explanation import Explanation
from routellm_core.routers import load_router
from routellm_core.store import Store
from routellm_core.types import Interval

ROUTERS = ("sw_ranking", "mf", "bert", "causal_llm", "stacked")
_ROOT = Path(__file__).parent.parent
_N_QUERIES = 200
_MOST_WORDS = 120
_SEED = 0


class Found(NamedTuple):
    explanations: list[Explanation]
    seconds: list[float]


def measure(names: Sequence[str] = ROUTERS) -> Iterator[str]:
    queries = _queries()
    for name in names:
        router: Any = load_router(_ROOT / "data" / "routers" / f"{name}-golden")
        explain(router, queries[0])  # loads the model
        found = _explained(router, queries)
        rng = np.random.default_rng(_SEED)
        orders = [order_of(one) for one in found.explanations]
        at_random = [rng.permutation(len(order)) for order in orders]
        gain = summary(
            _areas(router, found.explanations, orders),
            _areas(router, found.explanations, at_random),
        )
        gaps = np.abs([one.gap for one in found.explanations])
        alike = _alike(found.explanations, _explained(shuffled(router, _SEED), queries[:40]))
        yield (
            f"{name}: deletion {gain.deletion_gain:+.4f} {_span(gain.deletion_interval)}, "
            f"insertion {gain.insertion_gain:+.4f} {_span(gain.insertion_interval)} better than a "
            f"random order (n = {gain.n_queries}); rank correlation with shuffled weights "
            f"{alike:+.2f}; largest completeness gap "
            f"{'–' if np.isnan(gaps).all() else f'{np.nanmax(gaps):.1e}'}; "
            f"{np.median(found.seconds):.2f} s an explanation (95%: "
            f"{np.quantile(found.seconds, 0.95):.2f} s)"
        )


def _queries() -> list[str]:
    """Of a length that a person would read word by word."""
    with Store(_ROOT / ".store" / "explorer.duckdb", read_only=True) as store:
        texts = sorted(store.query_texts("mmlu").values())
    fitting = [text for text in texts if 5 <= len(text.split()) <= _MOST_WORDS]
    drawn = np.random.default_rng(_SEED).choice(len(fitting), _N_QUERIES, replace=False)
    return [fitting[i] for i in drawn]


def _explained(router: Any, queries: Sequence[str]) -> Found:
    explanations, seconds = [], []
    for query in queries:
        start = perf_counter()
        explanations.append(explain(router, query))
        seconds.append(perf_counter() - start)
    return Found(explanations, seconds)


def _areas(router: Any, found: Sequence[Explanation], orders: Sequence[Any]) -> list[Areas]:
    texts = [probes(one, order) for one, order in zip(found, orders, strict=True)]
    rates = router.strong_win_rate([text for of_query in texts for text in of_query])
    return [areas(of_query) for of_query in rates.reshape(len(texts), -1)]


def _alike(found: Sequence[Explanation], other: Found) -> float:
    """Mean rank correlation of the words' attributions by two routers."""
    from scipy.stats import spearmanr

    values = [
        spearmanr(*([word.attribution for word in one.words] for one in pair), nan_policy="omit")[0]
        for pair in zip(found, other.explanations, strict=False)
    ]
    return float(np.nanmean(values))


def _span(interval: Interval) -> str:
    return f"[{interval.low:+.4f}, {interval.high:+.4f}]"
