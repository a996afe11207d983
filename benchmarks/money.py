"""The exact curve in money against the exact curve in calls, in one run.

Both begin with the scores. In calls: quality at every strong-call share. In money: quality and USD
a query at every threshold, the money of each query found from dollars or from tokens and prices.
"""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from routellm_core.metrics.costs import pair_costs, routed_cost
from routellm_core.metrics.curve import rank_queries, routed_mean, routing_curve
from routellm_core.metrics.prices import Price
from routellm_core.types import Floats, ModelPair, PairOutcomes

_PRICES = (Price(0.15, 0.6, "invented"), Price(2.5, 10.0, "invented"))


def in_calls(scores: Floats, known: PairOutcomes) -> object:
    return routing_curve(scores, known.quality_weak, known.quality_strong)


def in_money(scores: Floats, known: PairOutcomes) -> object:
    ranking = rank_queries(scores)
    quality = routed_mean(ranking, known.quality_weak, known.quality_strong)
    return quality, routed_cost(ranking, pair_costs(known, *_PRICES))


def invented(n: int, rng: np.random.Generator, *, has_dollars: bool) -> PairOutcomes:
    tokens = rng.integers(20, 400, (3, n)).astype(np.float64)
    usd_weak, usd_strong = rng.random((2, n)) * [[1e-4], [1e-2]] if has_dollars else (None, None)
    return PairOutcomes(
        benchmark_id="invented",
        model_pair=ModelPair("small", "large"),
        query_id=np.empty(n, dtype=object),
        slice_code=np.zeros(n, dtype=np.int64),
        slices=("all",),
        cluster_code=np.arange(n),
        quality_weak=(rng.random(n) < 0.68).astype(np.float64),
        quality_strong=(rng.random(n) < 0.81).astype(np.float64),
        prompt_tokens=tokens[0],
        answer_tokens_weak=tokens[1],
        answer_tokens_strong=tokens[2],
        cost_usd_weak=usd_weak,
        cost_usd_strong=usd_strong,
    )


def best_of_both(scores: Floats, known: PairOutcomes, n_runs: int) -> tuple[float, float]:
    """Least seconds in calls and in money; taken in turns, so that both meet the same machine."""
    seconds: dict[object, list[float]] = {in_calls: [], in_money: []}
    for _ in range(n_runs):
        for run in (in_calls, in_money):
            start = perf_counter()
            run(scores, known)
            seconds[run].append(perf_counter() - start)
    return min(seconds[in_calls]), min(seconds[in_money])


def measure() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for n in (14_000, 1_000_000):
        scores = rng.random(n, dtype=np.float32)
        for has_dollars in (True, False):
            known = invented(n, rng, has_dollars=has_dollars)
            calls, money = best_of_both(scores, known, 400 if n < 100_000 else 30)
            rests_on = "measured dollars" if has_dollars else "tokens times price"
            yield (
                f"exact curve in money ({rests_on}), {n:,} queries: {1e3 * money:.2f} ms, "
                f"{money / calls:.2f}x the curve in calls ({1e3 * calls:.2f} ms; goal at most 1.5x)"
            )
