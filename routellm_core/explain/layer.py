"""Members of `stacked` that read one layer: the words by what their states tell the head."""

from routellm_core.explain.explanation import Explanation
from routellm_core.explain.label_rows import explained
from routellm_core.explain.pooled import token_shares
from routellm_core.routers.stacked_members.layer import LayerRouter

_METHOD = (
    "Integrated gradients of the win rate over one layer of the language model, from the average "
    "query, split by what each token gives to the mean state."
)


def explain(router: LayerRouter, query: str) -> Explanation:
    """Words by integrated gradients over the states; the sum is complete."""
    shares, places = token_shares(router.embedder, query)
    seen = router.seen(shares[:-1])
    return explained(router.router_name, query, router.head, seen, places[:-1], _METHOD)
