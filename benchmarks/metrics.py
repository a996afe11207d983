"""The exact curve with APGR against RouteLLM's eleven-point loop and against a bare sort.

The loop is a re-implementation with the same data structures: names of models in an object array,
a Counter over them, a Python sum over the results, a pandas quantile cut for the thresholds.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.timing import best_seconds
from routellm_core.metrics.curve import apgr, routing_curve


def eleven_points(scores: np.ndarray, weak: pd.Series, strong: pd.Series) -> float:
    """APGR as RouteLLM arrives at it."""
    _, thresholds = pd.qcut(scores, 10, retbins=True)
    shares, accuracies = [], []
    for i, threshold in enumerate(thresholds):
        calls = scores > threshold if i == len(thresholds) - 1 else scores >= threshold
        results = np.where(calls, strong, weak)
        models = np.where(calls, "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1")
        counts = Counter(models)
        shares.append(counts["gpt-4-1106-preview"] / len(results))
        accuracies.append(sum(results) / len(results))
    area = np.trapezoid(accuracies[::-1], shares[::-1])
    low, high = sum(weak) / len(weak), sum(strong) / len(strong)
    return (area - low) / (high - low)


def exact_apgr(scores: np.ndarray, weak: np.ndarray, strong: np.ndarray) -> float:
    return apgr(routing_curve(scores, weak, strong))


def measure() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for n in (14_037, 1_000_000, 10_000_000):
        scores = rng.random(n, dtype=np.float32)
        weak = (rng.random(n) < 0.68).astype(np.float64)
        strong = (rng.random(n) < 0.81).astype(np.float64)
        n_runs = 30 if n < 100_000 else 5
        exact = best_seconds(partial(exact_apgr, scores, weak, strong), n_runs)
        sort = best_seconds(partial(np.sort, scores), n_runs)
        line = (
            f"exact curve + APGR, {n:,} queries: {1e3 * exact:.2f} ms, "
            f"{exact / sort:.1f}x a bare float32 sort (goal at most 10x)"
        )
        if n < 10_000_000:
            frame = pd.DataFrame({"weak": weak, "strong": strong})
            run = partial(eleven_points, scores, frame["weak"], frame["strong"])
            loop = best_seconds(run, 3 if n < 1e5 else 1)
            line += f", {loop / exact:.0f}x faster than RouteLLM's loop ({1e3 * loop:.0f} ms)"
        yield line
