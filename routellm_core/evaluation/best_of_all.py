"""Best single model of all models of a benchmark that costs no more than a routed mix.

Each model is compared on the queries that it answered, with the routed answers to the same queries.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.metrics.costs import CostKind, PairCosts, costs_of_model
from routellm_core.metrics.prices import Price, by_choice, choice_of, price_for
from routellm_core.statistics.intervals import mean_interval
from routellm_core.store import Store
from routellm_core.types import Benchmark, Estimate, Floats, Interval, Ints, PairOutcomes
from routellm_core.wording import standing as words

_PER = 1_000
LEAST_ANSWERED = 0.95
"""Share of the queries that a model must have answered to be compared: few are chosen by chance."""


class ComparedModel(NamedTuple):
    """Quality and money of one model."""

    model: str
    quality: Floats
    """(n_queries,) NaN where it did not answer."""
    usd: Floats
    """(n_queries,) NaN there too, and all over where it is not known."""
    usd_from: CostKind


class AllModels(NamedTuple):
    """All models of a benchmark on the queries of a pair."""

    models: Sequence[ComparedModel]
    """Those that answered at least `LEAST_ANSWERED` of the queries, the pair's own first."""
    n_incomplete: int
    """Others: their figures would be of other queries."""

    @property
    def pair_usd_from(self) -> str:
        """Source of the money of the pair."""
        return " and ".join(dict.fromkeys(m.usd_from for m in self.models[:2]))

    def of(self, kept: NDArray[np.bool_]) -> "AllModels":
        """The same for some of the queries: `kept` is (n_queries,)."""
        cut = [m._replace(quality=m.quality[kept], usd=m.usd[kept]) for m in self.models]
        return self._replace(models=cut)


class BestOfAll(NamedTuple):
    """The best model that is not dearer than the routed answers; qualities as of the benchmark."""

    model: str | None
    """None: every model of known money is dearer, or the money of the routed answers is unknown."""
    quality: Estimate
    usd_per_query: Estimate
    usd_from: CostKind
    routed_usd_from: str
    gain: Estimate
    """Quality of the routed answers above that of the model, paired."""
    n_queries: int
    """That it answered."""
    n_models: int
    n_unknown: int
    """Of them those whose money is not known."""
    n_incomplete: int
    is_money_known: bool
    """Of the routed answers."""


def all_models(
    store: Store, outcomes: PairOutcomes, costs: PairCosts, prices: tuple[Price, Price]
) -> AllModels | None:
    """All models on the queries of a pair; None where there are no more than its two.

    Args:
        store: open.
        outcomes: of the pair.
        costs: of its queries.
        prices: of the pair: the others' money is by the same choice.
    """
    if len(store.models(outcomes.benchmark_id)) <= 2:
        return None
    saved, money = store.typed_prices(outcomes.benchmark_id), choice_of(prices)
    weak, strong = outcomes.model_pair
    found = [
        ComparedModel(weak, outcomes.quality_weak, costs.weak, costs.weak_source.kind),
        ComparedModel(strong, outcomes.quality_strong, costs.strong, costs.strong_source.kind),
    ]
    n_incomplete = 0
    for model, columns in store.outcomes_by_model(outcomes.benchmark_id):
        if model in outcomes.model_pair:
            continue
        at = pd.Index(columns.pop("query_id")).get_indexer(pd.Index(outcomes.query_id))
        is_there = at >= 0
        if is_there.mean() < LEAST_ANSWERED:
            n_incomplete += 1
            continue
        own = {name: values[at[is_there]] for name, values in columns.items()}
        price = by_choice(price_for(model, saved), money)
        quality, usd = np.full((2, len(at)), np.nan)
        quality[is_there] = own.pop("quality")
        usd[is_there], source = costs_of_model(own.pop("of_query"), price, **own)
        found.append(ComparedModel(model, quality, usd, source.kind))
    return AllModels(found, n_incomplete)


def best_not_dearer(
    known: AllModels, routed_quality: Floats, routed_usd: Floats, clusters: Ints, card: Benchmark
) -> BestOfAll:
    """The best model whose mean money is at most that of the routed answers to its queries.

    Args:
        known: the models.
        routed_quality: (n_queries,) of the answers of the called models.
        routed_usd: (n_queries,) of them, without the router.
        clusters: (n_queries,) equal for queries of one text.
        card: of the benchmark, for the scale of its quality.

    Returns:
        Of models of equal quality the cheapest.
    """
    fits = []
    for model in known.models:
        own = np.isfinite(model.quality)
        usd = float(model.usd[own].mean())
        if usd <= float(routed_usd[own].mean()) * (1 + 1e-9):
            lead = float((model.quality - routed_quality)[own].mean())
            fits.append((-lead, usd, model.model, model, own))
    counts = (
        len(known.models),
        sum(m.usd_from == CostKind.UNKNOWN for m in known.models),
        known.n_incomplete,
        bool(np.isfinite(routed_usd).all()),
    )
    if not fits:
        nothing = Estimate(np.nan, Interval(np.nan, np.nan))
        nobody = None, nothing, nothing, CostKind.UNKNOWN, known.pair_usd_from, nothing, 0
        return BestOfAll(*nobody, *counts)
    *_, best, own = min(fits, key=lambda fit: fit[:3])
    quality = _mean(best.quality[own], clusters[own])
    low, high = np.clip(quality.interval, card.quality_low, card.quality_high).tolist()
    return BestOfAll(
        best.model,
        Estimate(quality.value, Interval(low, high)),
        _mean(best.usd[own], clusters[own]),
        best.usd_from,
        known.pair_usd_from,
        _mean((routed_quality - best.quality)[own], clusters[own]),
        int(own.sum()),
        *counts,
    )


def best_document(found: BestOfAll, unit: str) -> dict[str, Any]:
    """The best model as a JSON object, money in USD for 1,000 queries, and in words."""
    low, high = found.usd_per_query.interval
    return {
        "model": found.model,
        "quality": found.quality.value,
        "quality_interval": found.quality.interval,
        "usd_per_1000": _PER * found.usd_per_query.value,
        "usd_per_1000_interval": (_PER * low, _PER * high),
        "usd_from": found.usd_from,
        "routed_usd_from": found.routed_usd_from,
        "gain": found.gain.value,
        "gain_interval": found.gain.interval,
        "n_queries": found.n_queries,
        "n_models": found.n_models,
        "n_unknown_money": found.n_unknown,
        "n_incomplete": found.n_incomplete,
        "words": words.best_of_all(found, unit),
    }


def _mean(values: Floats, clusters: Ints) -> Estimate:
    return Estimate(float(values.mean()), mean_interval(values, clusters))
