"""The best of several runs: what the code costs when the machine does nothing else."""

from collections.abc import Callable
from time import perf_counter


def best_seconds(run: Callable[[], object], n_runs: int = 7) -> float:
    times = []
    for _ in range(n_runs):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)
