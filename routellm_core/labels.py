"""Battles to train on, made from what is known about models' answers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.types import Floats, Ints, ModelPair, PairOutcomes


class Battles(NamedTuple):
    """Verdicts between two models' answers to the same query; arrays of shape (n_battles,)."""

    models: tuple[str, ...]
    query_code: Ints
    """Position of the query, in the order in which queries are embedded."""
    model_a: Ints
    """Position in `models`."""
    model_b: Ints
    """Position in `models`."""
    win_a: Floats
    """1 where model_a won, 1/2 in a tie, 0 where model_b won."""


def golden_battles(outcomes: PairOutcomes) -> Battles:
    """One battle a query from known qualities: the better answer wins, equal ones tie.

    The paper's golden-label augmentation (arXiv 2406.18665, section 4.1): both right or both
    wrong is a tie. model_a is the weak model, model_b the strong one.
    """
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    return Battles(
        models=tuple(outcomes.model_pair),
        query_code=np.arange(outcomes.n_queries),
        model_a=np.zeros(outcomes.n_queries, dtype=np.int64),
        model_b=np.ones(outcomes.n_queries, dtype=np.int64),
        win_a=np.where(weak > strong, 1.0, np.where(weak < strong, 0.0, 0.5)),
    )


def join_battles(parts: list[Battles], n_queries: list[int]) -> Battles:
    """Battles of several query sets as one; the sets' queries follow one another.

    Args:
        parts: each with the same models in the same order.
        n_queries: queries of each part, so that positions can be moved on.

    Raises:
        ValueError: the parts name different models.
    """
    models = parts[0].models
    if any(part.models != models for part in parts):
        raise ValueError(f"battles of different models cannot be joined: {models}")
    starts = np.concatenate(([0], np.cumsum(n_queries)[:-1]))
    return Battles(
        models=models,
        query_code=np.concatenate([p.query_code + s for p, s in zip(parts, starts, strict=True)]),
        model_a=np.concatenate([p.model_a for p in parts]),
        model_b=np.concatenate([p.model_b for p in parts]),
        win_a=np.concatenate([p.win_a for p in parts]),
    )


def battles_of(battles: Battles, queries: NDArray[np.bool_]) -> Battles:
    """The battles on the chosen queries, positions renumbered to those queries alone.

    Args:
        battles: from this module.
        queries: (n_queries,) true for the queries to keep.
    """
    kept = queries[battles.query_code]
    new_code = np.cumsum(queries) - 1
    return Battles(
        models=battles.models,
        query_code=new_code[battles.query_code[kept]],
        model_a=battles.model_a[kept],
        model_b=battles.model_b[kept],
        win_a=battles.win_a[kept],
    )


def pair_codes(battles: Battles, model_pair: ModelPair) -> tuple[int, int]:
    """Positions of (weak, strong) among the models of the battles."""
    return battles.models.index(model_pair.weak), battles.models.index(model_pair.strong)
