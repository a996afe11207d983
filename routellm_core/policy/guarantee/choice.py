"""From a guarantee to a choice whose policy runs the very checkpoint that the guarantee is about.

What is guaranteed of a recipe over all folds holds for many queries only, and of none of its
checkpoints. So the guarantee here rests on the queries of one fold, scored by the one router that
never saw them, and that router is what the policy exports. A router that learned nothing from the
benchmark is taken as it is, on all queries.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import UnreachableError
from routellm_core.metrics.prices import Price
from routellm_core.metrics.thresholds import Target
from routellm_core.policy.choice import (
    ScoredBenchmark,
    SelectedThreshold,
    outcomes_hash,
    read_scored_benchmark,
    threshold_on,
)
from routellm_core.policy.guarantee.certify import (
    DELTA,
    NEVER,
    CheckpointCertificate,
    certify_on,
    split_of,
)
from routellm_core.policy.guarantee.risks import GuaranteeTarget
from routellm_core.policy.guarantee.sentences import OF_ONE_FOLD, certificate_sentence
from routellm_core.routers.fold_checkpoints import exact_rows
from routellm_core.store import Store
from routellm_core.types import (
    Ints,
    ModelPair,
)


def select_with_guarantee(
    store: Store,
    benchmark_id: str,
    router_name: str,
    guarantee: GuaranteeTarget,
    *,
    delta: float = DELTA,
    seed: int = 0,
    recipe: str | None = None,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
) -> SelectedThreshold:
    """Find the cheapest threshold that carries a guarantee about one checkpoint.

    Args:
        store: holds outcomes and scores.
        benchmark_id: on which the threshold is chosen.
        router_name: kind of router.
        guarantee: what is to hold.
        delta: chance that a broken guarantee is given all the same.
        seed: of the split into pilot, calibration and held-out queries.
        recipe: where a router has several.
        model_pair: by default the benchmark's usual one.
        prices: of the weak and the strong model; by default list prices.

    Raises:
        UnknownNameError: there is no such benchmark, model or router.
        UnreachableError: no threshold carries the guarantee; the text says how many queries would.
        DataError: what is given is no guarantee, or there are too few distinct queries.
    """
    basis = read_scored_benchmark(store, benchmark_id, router_name, recipe, model_pair, prices)
    where = benchmark_id, basis.outcomes.model_pair, basis.router.router_id, basis.view
    return certified_threshold(basis, store.folds(*where), guarantee, delta=delta, seed=seed)


def certified_threshold(
    basis: ScoredBenchmark,
    fold: Ints,
    guarantee: GuaranteeTarget,
    *,
    delta: float = DELTA,
    seed: int = 0,
) -> SelectedThreshold:
    """The cheapest threshold that carries a guarantee.

    Args:
        basis: all queries of the benchmark; the choice is about some of them.
        fold: (n_queries,) of each score, -1 for none.
        guarantee: what is to hold.
        delta: chance that a broken guarantee is given all the same.
        seed: of the split.

    Raises:
        UnreachableError: no threshold carries the guarantee.
        DataError: what is given is no guarantee, there are too few distinct queries, or no
            checkpoint is without them, see `left_out.exact_rows`.
    """
    rows, held_out_fold = exact_rows(basis.router, basis.view, fold)
    exact = basis.of(rows)
    outcomes, strong_win_rate = exact.outcomes, exact.strong_win_rate
    found = certify_on(
        basis.benchmark, outcomes, strong_win_rate, guarantee, delta=delta, seed=seed
    )
    if not found.is_reached:
        sentence = certificate_sentence(found, basis.benchmark.quality_unit)
        raise UnreachableError(sentence if held_out_fold is None else f"{sentence}. {OF_ONE_FOLD}")
    split = split_of(outcomes.cluster_code, seed)
    held_out = np.zeros(outcomes.n_queries, dtype=bool)
    held_out[split.held_out] = True
    is_never = found.threshold == NEVER
    return threshold_on(
        exact.of(held_out),
        Target("share", 0.0) if is_never else Target("alpha", found.threshold),
        CheckpointCertificate(
            certificate=found,
            held_out_fold=held_out_fold,
            calibration_sha256=_hash_of(outcomes.query_id[split.calibration]),
            outcomes_sha256=outcomes_hash(outcomes, strong_win_rate),
        ),
    )


def _hash_of(query_ids: NDArray[np.object_]) -> str:
    return hashlib.sha256("\n".join(sorted(query_ids)).encode("utf-8")).hexdigest()
