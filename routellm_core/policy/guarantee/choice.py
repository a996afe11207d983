"""From a promise to a choice whose policy runs the very checkpoint that the promise is about.

What is promised of a recipe over all folds holds for many queries only, and of none of its
checkpoints. So the promise here rests on the queries of one fold, scored by the one router that
never saw them, and that router is what the policy exports. A router that learned nothing from the
benchmark is taken as it is, on all queries.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import UnreachableError
from routellm_core.metrics.costs import Price
from routellm_core.metrics.thresholds import Target
from routellm_core.policy.choice import Basis, Choice, choice_of, outcomes_hash, read_basis
from routellm_core.policy.guarantee.certify import DELTA, NEVER, Promised, certify_on, split_of
from routellm_core.policy.guarantee.promise import Promise
from routellm_core.policy.guarantee.sentences import ABOUT_CHECKPOINT, about_left_out, promise_words
from routellm_core.routers.fold_checkpoints import LEFT_OUT_FOLD, exact_rows
from routellm_core.store import Store
from routellm_core.types import (
    Ints,
    ModelPair,
)

_OF_ONE_FOLD = (
    f"only queries of fold {LEFT_OUT_FOLD} count here, since a policy's promise is about the one "
    "checkpoint that never saw them"
)


def choose_by_promise(
    store: Store,
    benchmark_id: str,
    router_name: str,
    promise: Promise,
    *,
    delta: float = DELTA,
    seed: int = 0,
    recipe: str | None = None,
    model_pair: ModelPair | None = None,
    prices: tuple[Price, Price] | None = None,
) -> Choice:
    """Find the cheapest threshold that carries a promise about one checkpoint.

    Args:
        store: holds outcomes and scores.
        benchmark_id: on which the threshold is chosen.
        router_name: kind of router.
        promise: what is to hold.
        delta: chance that a broken promise is given all the same.
        seed: of the split into pilot, calibration and held-out queries.
        recipe: where a router has several.
        model_pair: by default the benchmark's usual one.
        prices: of the weak and the strong model; by default list prices.

    Raises:
        UnknownNameError: there is no such benchmark, model or router.
        UnreachableError: no threshold carries the promise; the text says how many queries would.
        DataError: what is given is no promise, or there are too few distinct queries.
    """
    basis = read_basis(store, benchmark_id, router_name, recipe, model_pair, prices)
    where = benchmark_id, basis.outcomes.model_pair, basis.router.router_id, basis.view
    return promised_choice(basis, store.folds(*where), promise, delta=delta, seed=seed)


def promised_choice(
    basis: Basis, fold: Ints, promise: Promise, *, delta: float = DELTA, seed: int = 0
) -> Choice:
    """The cheapest threshold that carries a promise.

    Args:
        basis: all queries of the benchmark; the choice is about some of them.
        fold: (n_queries,) of each score, -1 for none.
        promise: what is to hold.
        delta: chance that a broken promise is given all the same.
        seed: of the split.

    Raises:
        UnreachableError: no threshold carries the promise.
        DataError: what is given is no promise, there are too few distinct queries, or no
            checkpoint is without them, see `left_out.exact_rows`.
    """
    rows, left_out = exact_rows(basis.router, basis.view, fold)
    outcomes, strong_win_rate = basis.outcomes.of(rows), basis.strong_win_rate[rows]
    found = certify_on(basis.benchmark, outcomes, strong_win_rate, promise, delta=delta, seed=seed)
    words = promise_words(found, basis.benchmark.quality_unit)
    if not found.is_reached:
        raise UnreachableError(words if left_out is None else f"{words}; {_OF_ONE_FOLD}")
    split = split_of(outcomes.cluster_code, seed)
    held_out = np.zeros(outcomes.n_queries, dtype=bool)
    held_out[split.held_out] = True
    is_never = found.threshold == NEVER
    return choice_of(
        basis._replace(outcomes=outcomes.of(held_out), strong_win_rate=strong_win_rate[held_out]),
        Target("share", 0.0) if is_never else Target("alpha", found.threshold),
        Promised(
            certificate=found,
            left_out_fold=left_out,
            calibration_sha256=_hash_of(outcomes.query_id[split.calibration]),
            outcomes_sha256=outcomes_hash(outcomes, strong_win_rate),
            words=words,
            about=ABOUT_CHECKPOINT if left_out is None else about_left_out(left_out),
        ),
    )


def _hash_of(query_ids: NDArray[np.object_]) -> str:
    return hashlib.sha256("\n".join(sorted(query_ids)).encode("utf-8")).hexdigest()
