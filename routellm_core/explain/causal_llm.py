"""`causal_llm`: the chances of its labels, and the words by what their states tell the label rows.

No gradient passes through the language model: a word's state already knows the words before it.
"""

from routellm_core.explain.explanation import Explanation
from routellm_core.explain.label_rows import explained
from routellm_core.explain.pooled import token_shares
from routellm_core.routers.causal_llm import CausalLLMRouter

_METHOD = (
    "Integrated gradients of the win rate over the language model's states, from the average "
    "query, split by what each token gives to the mean states. The state before the verdict "
    "counts as the rest."
)


def explain(router: CausalLLMRouter, query: str) -> Explanation:
    """Words by integrated gradients over the states; the sum is complete."""
    shares, places = token_shares(router.embedder, query)
    return explained(router.router_name, query, router.head, shares, places, _METHOD)
