"""`mf`: both models' scores, the factors that part them, and the words through the embedder."""

import numpy as np

from routellm_core.explain import pooled, word_spans
from routellm_core.explain.explanation import Explanation, LogOddsTerm
from routellm_core.explain.pooled import token_shares
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.types import Floats


def explain(router: MatrixFactorizationRouter, query: str) -> Explanation:
    """Words by integrated gradients from an embedding of length zero; factors as exact terms."""
    shares, places = token_shares(router.embedder, query)
    embedding = shares.sum(axis=0)
    direction, shift = router.folded

    def gradient(points: Floats) -> Floats:
        rate = _sigmoid(points @ direction + shift)
        return np.asarray((rate * (1 - rate))[:, None] * direction)

    of_token = shares @ pooled.mean_gradient(gradient, embedding, np.zeros_like(embedding))
    of_words, rest = word_spans.merged(query, places, of_token)
    rate = float(router.strong_win_rate_of(embedding[None])[0])
    base = float(_sigmoid(shift))
    factor = router.projection @ embedding + router.offset
    strong, weak = (
        router.model_vectors[router.models.index(name)]
        for name in (router.model_pair.strong, router.model_pair.weak)
    )
    terms = [
        LogOddsTerm(f"factor {k + 1}", float(factor[k]), float((strong - weak)[k] * factor[k]))
        for k in range(len(factor))
    ]
    return Explanation(
        router_name=router.router_name,
        query=query,
        strong_win_rate=rate,
        method=(
            "Integrated gradients of the win rate over the embedding, from a query without any "
            "content, split by what each token gives to the embedding."
        ),
        words=of_words,
        base=base,
        rest=rest,
        gap=rate - base - rest - word_spans.total(of_words),
        terms_are="the query's coordinate along each factor",
        terms=tuple(sorted(terms, key=lambda term: -abs(term.contribution))),
        ratings=tuple(
            (name, float(router.model_vectors[router.models.index(name)] @ factor))
            for name in (router.model_pair.strong, router.model_pair.weak)
        ),
    )


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
