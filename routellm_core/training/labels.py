"""Battles to train on, made from what is known about models' answers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.schemas import WIN_A
from routellm_core.types import Battles, Floats, ModelPair, PairOutcomes

PROXY_MODELS: Mapping[str, str] = {
    "gpt-4-1106-preview": "gpt-4",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "gpt-3.5-turbo",
}
"""A model of the same tier that older battles hold, by the name of the routed one."""


def golden_battles(outcomes: PairOutcomes, bad_below: float = 0.5) -> Battles:
    """One battle a query from known qualities: the better answer wins, equal ones tie.

    The paper's golden-label augmentation (arXiv 2406.18665, section 4.1): both right or both
    wrong is a tie. model_a is the weak model, model_b the strong one.

    Args:
        outcomes: of both models.
        bad_below: quality under which an answer is bad, in the benchmark's scale.
    """
    weak, strong = outcomes.quality_weak, outcomes.quality_strong
    return Battles(
        models=tuple(outcomes.model_pair),
        query_code=np.arange(outcomes.n_queries),
        model_a=np.zeros(outcomes.n_queries, dtype=np.int64),
        model_b=np.ones(outcomes.n_queries, dtype=np.int64),
        win_a=np.where(weak > strong, 1.0, np.where(weak < strong, 0.0, 0.5)),
        both_bad=np.maximum(weak, strong) < bad_below,
    )


def judge_battles(table: pd.DataFrame) -> tuple[Battles, list[str]]:
    """Battles from verdicts of people or a judge; both orders of a pair count as one battle.

    Args:
        table: in the agreed form of `routellm_core.importing.battles`.

    Returns:
        The battles, models by name, and the distinct queries in the order of `query_code`.
    """
    averaged = both_orders_averaged(table)
    query_code, queries = pd.factorize(averaged["query"])
    sides = averaged[["model_a", "model_b"]].to_numpy(object)
    models, codes = np.unique(sides.ravel(), return_inverse=True)
    model_a, model_b = codes.reshape(-1, 2).T
    return Battles(
        models=tuple(models.tolist()),
        query_code=np.asarray(query_code, dtype=np.int64),
        model_a=model_a,
        model_b=model_b,
        win_a=averaged["win_a"].to_numpy(np.float64),
    ), list(queries)


def with_proxy_models(
    battles: Battles,
    ratings: Floats,
    model_pair: ModelPair,
    proxy_models: Mapping[str, str] = PROXY_MODELS,
) -> tuple[Battles, dict[str, str]]:
    """The battles with the routed pair among their models, under the names of the pair.

    A routed model that never battled takes the place of its proxy model, a model of the same tier.

    Args:
        battles: from this module.
        ratings: (n_models,) overall ratings of `battles.models`, from `tiers.overall_ratings`.
        model_pair: the routed pair.
        proxy_models: name of the proxy model by name of the routed model.

    Returns:
        The battles, and the proxy models: {routed model: proxy model}, empty where none did.

    Raises:
        UnknownNameError: a routed model has no battle and no proxy model that has one.
        DataError: one model would stand for both, or the strong one is not rated above the weak.
    """
    place = {name: _battled_name(battles.models, name, proxy_models) for name in model_pair}
    weak, strong = (battles.models.index(place[name]) for name in model_pair)
    if weak == strong:
        raise DataError(
            f"{place[model_pair.weak]!r} would stand for both {model_pair.weak!r} and "
            f"{model_pair.strong!r}; name two different proxy models"
        )
    if not ratings[strong] > ratings[weak]:
        raise DataError(
            f"{_in_place(place, model_pair.strong)} is not rated above "
            f"{_in_place(place, model_pair.weak)} "
            f"({ratings[strong]:.2f} against {ratings[weak]:.2f}); name other proxy models or turn "
            "the pair round"
        )
    models = list(battles.models)
    models[weak], models[strong] = model_pair.weak, model_pair.strong
    used = {name: other for name, other in place.items() if name != other}
    return battles._replace(models=tuple(models)), used


def _in_place(place: Mapping[str, str], name: str) -> str:
    """The model, or its proxy model and whose place it takes."""
    other = place[name]
    return repr(name) if other == name else f"{other!r}, in the place of {name!r},"


def _battled_name(models: tuple[str, ...], name: str, proxy_models: Mapping[str, str]) -> str:
    """The model itself when it battled, otherwise its proxy model."""
    if name in models:
        return name
    if proxy_models.get(name) in models:
        return proxy_models[name]
    named = (
        f"its proxy model {proxy_models[name]!r}" if name in proxy_models else "a proxy model of it"
    )
    raise UnknownNameError(
        f"no battle of {name!r} nor of {named}; name a proxy model of the same tier among: "
        f"{', '.join(models)}"
    )


def over_models(battles: Battles, models: tuple[str, ...]) -> Battles:
    """The same battles with positions in another list of models, so that parts can be joined.

    Raises:
        ValueError: the list lacks one of the battles' models.
    """
    moved = np.array([models.index(name) for name in battles.models])
    return battles._replace(
        models=models, model_a=moved[battles.model_a], model_b=moved[battles.model_b]
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
        both_bad=np.concatenate(
            [np.zeros(len(p.win_a), bool) if p.both_bad is None else p.both_bad for p in parts]
        ),
    )


def battles_of(battles: Battles, queries: NDArray[np.bool_]) -> Battles:
    """The battles on the chosen queries, positions renumbered to those queries alone.

    Args:
        battles: from this module.
        queries: (n_queries,) true for the queries to keep.
    """
    kept = battles.at(queries[battles.query_code])
    new_code = np.cumsum(queries) - 1
    return kept._replace(query_code=new_code[kept.query_code])


FEW_BATTLES = 200


def both_orders_averaged(battles: pd.DataFrame) -> pd.DataFrame:
    """One battle for each query and pair of models, whichever answer was shown first.

    A judge that favours the first answer it reads is evened out when both orders were judged:
    once for each model then makes 1/2.

    Args:
        battles: in the agreed form.

    Returns:
        One row a query and pair, in the order of their first verdicts: query, model_a and model_b
        (by name), win_a (mean of 1, 1/2 and 0 over the verdicts, so 1/4 may occur), n_verdicts.
    """
    first, second = battles["model_a"].to_numpy(object), battles["model_b"].to_numpy(object)
    swapped = first > second
    win_a = battles["winner"].map(WIN_A).to_numpy(dtype=np.float64)
    by_pair = pd.DataFrame(
        {
            "query": battles["query"].to_numpy(object),
            "model_a": np.where(swapped, second, first),
            "model_b": np.where(swapped, first, second),
            "win_a": np.where(swapped, 1.0 - win_a, win_a),
        }
    ).groupby(["query", "model_a", "model_b"], sort=False)
    averaged: pd.DataFrame = by_pair["win_a"].agg(win_a="mean", n_verdicts="size").reset_index()
    return averaged


def warnings_about(battles: pd.DataFrame) -> list[str]:
    """Cautions before training on these battles, a sentence each.

    Args:
        battles: in the agreed form.
    """
    n, n_ties = len(battles), int((battles["winner"] == "tie").sum())
    found = []
    if n_ties == n:
        found.append(f"All {n:,} battles are ties: no model can be told from another.")
    elif n_ties == 0:
        found.append(
            f"None of the {n:,} battles is a tie: if ties were left out, "
            "queries that both models answer well teach nothing."
        )
    if n < FEW_BATTLES:
        found.append(
            f"Only {n:,} battles, fewer than {FEW_BATTLES}: win rates will be little better than "
            "the overall ratings."
        )
    return found
