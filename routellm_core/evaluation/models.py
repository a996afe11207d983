"""Models of a benchmark and the pairs that are worth routing, as the JSON object of `models`."""

from collections.abc import Mapping
from typing import Any

from routellm_core.metrics.costs import CostKind
from routellm_core.metrics.model_pairs import (
    ComparedPair,
    ModelOutcomes,
    dominators,
    useful_pairs,
)
from routellm_core.metrics.prices import Price
from routellm_core.statistics.intervals import mean_interval
from routellm_core.store import Store
from routellm_core.store.selection import default_pair, models_of
from routellm_core.types import Floats, Interval, ModelPair
from routellm_core.wording.money import source

_NO_INTERVAL = Interval(float("nan"), float("nan"))


def compare_models(
    store: Store, benchmark_id: str, typed: Mapping[str, Price] | None = None
) -> dict[str, Any]:
    """Every model of a benchmark, the best first, and the undominated pairs, most useful first.

    Args:
        store: open.
        benchmark_id: of the store.
        typed: prices in place of list prices, by model.

    Returns:
        Qualities in the benchmark's scale, USD and seconds an answer, NaN where not known; 95%
        intervals, in which queries of equal text are one draw. `default_pair` is None with fewer
        than two models.

    Raises:
        UnknownNameError: no such benchmark.
    """
    card = store.benchmark(benchmark_id)
    models = models_of(store, benchmark_id, typed)
    dominated = dominators(models)
    default = default_pair(store, benchmark_id)._asdict() if len(models) >= 2 else None
    return {
        "benchmark": benchmark_id,
        "quality_unit": card.quality_unit,
        "models": [
            _model(store, benchmark_id, m) | {"dominated_by": dominated.get(m.model)}
            for m in models
        ],
        "pairs": [_pair(pair) for pair in useful_pairs(models)],
        "default_pair": default,
    }


def _model(store: Store, benchmark_id: str, of: ModelOutcomes) -> dict[str, Any]:
    known = of.outcomes
    itself = ModelPair(of.model, of.model)
    seconds: Floats = store.pair_latencies(benchmark_id, itself, may_be_one=True).strong
    is_timed = seconds == seconds
    timed, cluster = seconds[is_timed], known.cluster_code
    is_assumed = of.source.kind == CostKind.ASSUMED
    return {
        "model": of.model,
        "n_queries": known.n_queries,
        "quality": float(of.quality.mean()),
        "quality_interval": mean_interval(of.quality, cluster),
        "usd": float(of.usd.mean()),
        "usd_interval": _NO_INTERVAL if is_assumed else mean_interval(of.usd, cluster),
        "usd_source": source(of.source),
        "seconds": float(timed.mean()) if len(timed) else float("nan"),
        "seconds_interval": mean_interval(timed, cluster[is_timed]),
        "n_timed": len(timed),
    }


def _pair(pair: ComparedPair) -> dict[str, Any]:
    return {
        **pair.model_pair._asdict(),
        "n_queries": len(pair.gain),
        "gap": pair.gap,
        "gap_interval": mean_interval(pair.gain, pair.cluster_code),
        "price_ratio": pair.price_ratio,
        "oracle_gain": pair.oracle_gain,
        "room": pair.room,
    }
