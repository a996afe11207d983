"""Label rows over a mean of states: chances of the labels, and the win rate as a sum over tokens.

What `causal_llm` and the members of `stacked` share.
"""

import numpy as np

from routellm_core.explain import pooled, word_spans
from routellm_core.explain.explanation import Explanation
from routellm_core.routers.heads.labels import LABELS, LabelHead
from routellm_core.routers.heads.network import NetworkHead
from routellm_core.types import Floats


def explained(
    router_name: str,
    query: str,
    head: LabelHead | NetworkHead,
    shares: Floats,
    places: list[tuple[int, int]],
    method: str,
) -> Explanation:
    """An explanation by integrated gradients from the average query that the head was fitted on.

    Args:
        router_name: whose head it is.
        query: the text.
        head: reads the sum of the shares.
        shares: (n_tokens, dimension)
        places: of the tokens in the query, empty for what is read besides it.
        method: a sentence.
    """
    vector = shares.sum(axis=0)
    baseline = head.mean
    gradient = pooled.mean_gradient(head.gradient, vector, baseline)
    of_query = np.array([end > start for start, end in places], dtype=bool)
    # The average query is spread over the tokens where a token gives anything at all.
    at_query = np.abs(shares[of_query]).sum(axis=0) > 0
    per_token = np.where(at_query, baseline, 0) / max(int(of_query.sum()), 1)
    of_token = (shares - np.where(of_query[:, None], per_token, 0)) @ gradient
    of_words, rest = word_spans.merged(query, places, of_token)
    rest -= float(np.where(at_query, 0, baseline) @ gradient)
    rate, base = (float(head.win_rate(x[None])[0]) for x in (vector, baseline))
    chances = head.chances(vector[None])[0]
    return Explanation(
        router_name=router_name,
        query=query,
        strong_win_rate=rate,
        method=method,
        words=of_words,
        base=base,
        rest=rest,
        gap=rate - base - rest - word_spans.total(of_words),
        labels=tuple(zip(LABELS, map(float, chances), strict=True)),
    )
