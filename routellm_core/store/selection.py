"""Readings of the store that choose: the usual pair, the main view, the complete routers."""

from collections.abc import Mapping, Sequence

import pandas as pd

from routellm_core.errors import UnknownNameError
from routellm_core.metrics.costs import pair_costs
from routellm_core.metrics.model_pairs import ModelOutcomes, useful_pairs
from routellm_core.metrics.prices import Price, price_for
from routellm_core.store import Store
from routellm_core.types import VIEWS, ModelPair, PairOutcomes


def default_pair(store: Store, benchmark_id: str) -> ModelPair:
    """The pair that is meant where none is named.

    Of a shipped benchmark the one that most routers were scored for. Of a set of the user's own the
    one that most routers learned from it, then the most useful one (`metrics.model_pairs`), then
    the best and the next model.

    Raises:
        UnknownNameError: the benchmark has fewer than two models.
    """
    is_own = store.benchmark(benchmark_id).origin == "user"
    models = store.models(benchmark_id)["model"].tolist()
    scored = store.scored_pairs(benchmark_id, out_of_fold=is_own and len(models) >= 2)
    if scored:
        return scored[0]
    if len(models) < 2:
        raise UnknownNameError(
            f"benchmark {benchmark_id!r} has outcomes of {len(models)} model; routing needs two"
        )
    useful = useful_pairs(models_of(store, benchmark_id)) if len(models) > 2 else []
    return useful[0].model_pair if useful else ModelPair(weak=models[1], strong=models[0])


def models_of(
    store: Store, benchmark_id: str, typed: Mapping[str, Price] | None = None
) -> list[ModelOutcomes]:
    """All models of a benchmark with what each did and costs, the best first.

    Args:
        store: open.
        benchmark_id: of the store.
        typed: prices in place of list prices, by model.
    """
    found = []
    for model in store.models(benchmark_id)["model"]:
        outcomes = store.pair_outcomes(benchmark_id, ModelPair(model, model), may_be_one=True)
        price = price_for(model, typed)
        costs = pair_costs(outcomes, price, price)
        found.append(ModelOutcomes(model, outcomes, costs.strong, costs.strong_source))
    return found


def main_view(views: Sequence[str]) -> str:
    """The stored view that most of some routers have: their figures may be compared.

    Of equally many the first of `types.VIEWS`.
    """
    return max(VIEWS, key=lambda view: (views.count(view), -VIEWS.index(view)))


def complete_routers(store: Store, outcomes: PairOutcomes) -> pd.DataFrame:
    """The rows of `Store.routers` with scores for all queries of the outcomes.

    A router that was stopped half way must not keep the others from being compared.
    """
    routers = store.routers(outcomes.benchmark_id, outcomes.model_pair)
    return routers[routers["n_scored"] >= outcomes.n_queries].reset_index(drop=True)
