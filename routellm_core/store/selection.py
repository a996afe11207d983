"""Readings of the store that choose: the usual pair, the main view, the complete routers."""

from collections.abc import Sequence

import pandas as pd

from routellm_core.errors import UnknownNameError
from routellm_core.store import Store
from routellm_core.types import VIEWS, ModelPair, PairOutcomes


def default_pair(store: Store, benchmark_id: str) -> ModelPair:
    """The pair that most routers were scored for; without scores the best and the next model.

    Raises:
        UnknownNameError: the benchmark has fewer than two models.
    """
    scored = store.scored_pairs(benchmark_id)
    if scored:
        return scored[0]
    models = store.models(benchmark_id)["model"].tolist()
    if len(models) < 2:
        raise UnknownNameError(
            f"benchmark {benchmark_id!r} has outcomes of {len(models)} model; routing needs two"
        )
    return ModelPair(weak=models[1], strong=models[0])


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
