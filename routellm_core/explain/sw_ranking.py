"""`sw_ranking`: the battles behind the win rate and what each of them is worth.

The ratings r of a query solve sum_j w_j (win_j - p_j) d_j = ridge W r, with d_j the two models of
battle j, p_j = sigmoid(d_j . r) and W the sum of the weights w_j. By the implicit function theorem
dr/dw_j = H^-1 ((win_j - p_j) d_j - ridge r), with H = sum_j w_j p_j (1 - p_j) d_j d_j' + ridge W I.
"""

from typing import NamedTuple

import numpy as np

from routellm_core.explain import word_spans
from routellm_core.explain.explanation import BattleEvidence, Explanation
from routellm_core.explain.pooled import token_shares
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.statistics.bradley_terry import RIDGE, fit_ratings, sum_by_cell
from routellm_core.types import Floats

_N_SHOWN = 40


class Influence(NamedTuple):
    """Battles behind a query's win rate; arrays are (n_battles,), in the router's order."""

    weight: Floats
    """Of each battle in the fit."""
    of_weight: Floats
    """Derivative of the win rate by the battle's weight."""
    rating: Floats
    """(n_models,) log-odds, with a mean of 0."""
    win_rate: float


def explain(router: SimilarityWeightedRouter, query: str) -> Explanation:
    """The battles that moved the win rate most, and the words to first order.

    A word counts by how the win rate would change if its share of the embedding grew. Only the
    direction of an embedding matters to this router, so the words' attributions sum to about 0.
    """
    shares, places = token_shares(router.embedder, query)
    embedding = shares.sum(axis=0)
    found = influence(router, embedding)
    battles = router.battles
    code = battles.query_code
    cosine = (router.embeddings @ embedding)[code]
    of_words, _ = word_spans.merged(query, places, shares @ _by_embedding(router, embedding, found))
    moved = found.weight * found.of_weight
    most = np.argsort(-np.abs(moved), kind="stable")[:_N_SHOWN]
    return Explanation(
        router_name=router.router_name,
        query=query,
        strong_win_rate=found.win_rate,
        method=(
            "The slope of the win rate over the embedding, split by what each token gives to it: "
            "first order, and the words sum to about 0."
        ),
        words=of_words,
        base=float("nan"),
        rest=float("nan"),
        gap=float("nan"),
        ratings=tuple(
            (battles.models[i], float(found.rating[i])) for i in np.argsort(-found.rating)
        ),
        evidence=tuple(
            BattleEvidence(
                text_hash=router.text_hash_of(int(code[j])),
                similarity=float(cosine[j]),
                weight_share=float(found.weight[j] / found.weight.sum()),
                influence=float(moved[j]),
                model_a=battles.models[battles.model_a[j]],
                model_b=battles.models[battles.model_b[j]],
                win_a=float(battles.win_a[j]),
            )
            for j in most
        ),
        n_evidence=len(moved),
    )


def influence(router: SimilarityWeightedRouter, embedding: Floats) -> Influence:
    """Weight of every battle for a query, and the derivative of its win rate by that weight.

    Args:
        router: holds the battles.
        embedding: (dimension,) of the query.
    """
    battles, cells = router.battles, router.cells
    weight = router.battle_weight(embedding[None])
    rating = fit_ratings(cells, sum_by_cell(cells, weight), len(battles.models))[0]
    weight = weight[0].astype(np.float64)
    models = np.arange(len(battles.models))
    faced = (battles.model_a[:, None] == models).astype(np.float64)
    faced -= battles.model_b[:, None] == models
    expected = _sigmoid(faced @ rating)
    curvature = weight * expected * (1 - expected)
    hessian = (faced * curvature[:, None]).T @ faced
    hessian += RIDGE * weight.sum() * np.eye(len(models))
    weak, strong = (battles.models.index(name) for name in router.model_pair)
    contrast = (models == strong).astype(np.float64) - (models == weak)
    solved = np.linalg.solve(hessian, contrast)
    of_log_odds = (battles.win_a - expected) * (faced @ solved) - RIDGE * (solved @ rating)
    win_rate = float(_sigmoid(rating[strong] - rating[weak]))
    return Influence(weight, win_rate * (1 - win_rate) * of_log_odds, rating, win_rate)


def _by_embedding(router: SimilarityWeightedRouter, embedding: Floats, found: Influence) -> Floats:
    """(dimension,) gradient of the win rate by the query's embedding.

    A weight is 10^(s_j / m), with s_j the cosine and m the largest one.
    """
    rows = router.embeddings
    cosine = rows @ embedding
    nearest = int(cosine.argmax())
    largest = float(cosine[nearest])
    if largest <= 0:
        return np.zeros_like(embedding)
    of_battle = found.of_weight * found.weight * np.log(10.0)
    of_row = np.bincount(router.battles.query_code, weights=of_battle, minlength=len(rows))
    return np.asarray(
        of_row @ rows / largest - (of_row @ cosine) / largest**2 * rows[nearest], dtype=np.float64
    )


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
