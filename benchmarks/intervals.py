"""Bootstrap intervals: seconds for 1,000 resamples, against one exact curve a resample."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.metrics import exact_apgr
from benchmarks.timing import best_seconds
from routellm_core.metrics.curve import rank_queries
from routellm_core.statistics.bootstrap import curve_intervals


def measure() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for n in (72, 14_037, 1_000_000):
        scores = rng.random(n, dtype=np.float32)
        weak = (rng.random(n) < 0.68).astype(np.float64)
        strong = (rng.random(n) < 0.81).astype(np.float64)
        ranking = rank_queries(scores)
        once = best_seconds(partial(exact_apgr, scores, weak, strong))
        spent = best_seconds(partial(curve_intervals, ranking, weak, strong, n_resamples=1000), 2)
        yield (
            f"1,000 resamples of {n:,} queries: {spent:.2f} s, "
            f"{1000 * once / spent:.1f}x faster than 1,000 exact curves"
        )
