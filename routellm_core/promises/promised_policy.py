"""From a promise to a choice whose policy runs the very checkpoint that the promise is about.

What is promised of a recipe over all folds holds for many queries only, and of none of its
checkpoints. So the promise here rests on the queries of one fold, scored by the one router that
never saw them, and that router is what the policy exports. A router that learned nothing from the
benchmark is taken as it is, on all queries.
"""

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from routellm_core.calibration import Wish
from routellm_core.choosing import Choice, choice_of, outcomes_hash
from routellm_core.costs import UNKNOWN_PRICE, Price, list_price
from routellm_core.errors import UnreachableError
from routellm_core.evaluation import default_pair
from routellm_core.promises.guarantee import DELTA, NEVER, certify_on, split_of
from routellm_core.promises.left_out import LEFT_OUT_FOLD, exact_rows
from routellm_core.promises.promise import Promise
from routellm_core.promises.promised import Promised
from routellm_core.promises.words import ABOUT_CHECKPOINT, about_left_out, promise_words
from routellm_core.store import Store
from routellm_core.types import (
    Benchmark,
    Floats,
    Ints,
    ModelPair,
    PairOutcomes,
    RouterEntry,
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
        DataError: what is wished is no promise, or there are too few distinct queries.
    """
    pair = model_pair or default_pair(store, benchmark_id)
    row = store.router_named(benchmark_id, pair, router_name, recipe)
    where = benchmark_id, pair, row.router_id, row.view
    weak, strong = prices or [list_price(model) or UNKNOWN_PRICE for model in pair]
    return promised_choice(
        store.benchmark(benchmark_id),
        store.pair_outcomes(benchmark_id, pair),
        store.router(row.router_id),
        row.view,
        store.strong_win_rates(*where),
        store.folds(*where),
        (weak, strong),
        promise,
        delta=delta,
        seed=seed,
        n_contaminated=len(store.contaminated_ids(benchmark_id)),
        data_hash=store.data_hash,
    )


def promised_choice(
    benchmark: Benchmark,
    outcomes: PairOutcomes,
    router: RouterEntry,
    view: Literal["in_domain", "unseen_slices", "untouched"],
    strong_win_rate: Floats,
    fold: Ints,
    prices: tuple[Price, Price],
    promise: Promise,
    *,
    delta: float = DELTA,
    seed: int = 0,
    n_contaminated: int,
    data_hash: str,
) -> Choice:
    """The same from what a store holds.

    Args:
        benchmark: its card.
        outcomes: of the pair on all its queries.
        router: who scored them.
        view: how.
        strong_win_rate: (n_queries,)
        fold: (n_queries,) of each score, -1 for none.
        prices: of the weak and the strong model.
        promise: what is to hold.
        delta: chance that a broken promise is given all the same.
        seed: of the split.
        n_contaminated: queries of the benchmark that are left out.
        data_hash: of the store.

    Raises:
        UnreachableError: no threshold carries the promise.
        DataError: what is wished is no promise, there are too few distinct queries, or no
            checkpoint is without them, see `left_out.exact_rows`.
    """
    rows, left_out = exact_rows(router, view, fold)
    outcomes, strong_win_rate = outcomes.of(rows), strong_win_rate[rows]
    found = certify_on(benchmark, outcomes, strong_win_rate, promise, delta=delta, seed=seed)
    words = promise_words(found, benchmark.quality_unit)
    if not found.is_reached:
        raise UnreachableError(words if left_out is None else f"{words}; {_OF_ONE_FOLD}")
    split = split_of(outcomes.cluster_code, seed)
    held_out = np.zeros(outcomes.n_queries, dtype=bool)
    held_out[split.held_out] = True
    is_never = found.threshold == NEVER
    return choice_of(
        benchmark,
        outcomes.of(held_out),
        router,
        view,
        strong_win_rate[held_out],
        prices,
        Wish("share", 0.0) if is_never else Wish("alpha", found.threshold),
        n_contaminated=n_contaminated,
        data_hash=data_hash,
        promised=Promised(
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
