"""`text`, a member of `stacked`: the words through the embedder; counts of the text are rest."""

import numpy as np

from routellm_core.explain.explanation import Explanation
from routellm_core.explain.label_rows import explained
from routellm_core.explain.pooled import token_shares
from routellm_core.routers.stacked_members.text import TextRouter

_METHOD = (
    "Integrated gradients of the win rate from the average query, split by what each token gives "
    "to the embedding. Counts of the text, such as its length, are the rest."
)


def explain(router: TextRouter, query: str) -> Explanation:
    """Words by integrated gradients over the embedding; the sum is complete."""
    sentences, *others = router.embedder.parts
    shares, places = token_shares(sentences, query)
    counts = np.concatenate([part.embed([query])[0] for part in others])
    joined = np.zeros((len(shares) + 1, shares.shape[1] + len(counts)), dtype=np.float32)
    joined[:-1, : shares.shape[1]], joined[-1, shares.shape[1] :] = shares, counts
    return explained(router.router_name, query, router.head, joined, [*places, (0, 0)], _METHOD)
