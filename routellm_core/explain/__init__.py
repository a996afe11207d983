"""Explanations of a router's win rate of a query: one module a kind of router, one result type.

A module's `explain(router, query)` returns an `Explanation`. It is loaded when it is asked for,
and with it whatever it needs.
"""

from importlib import import_module

from routellm_core.errors import UnknownNameError
from routellm_core.explain.explanation import Explanation
from routellm_core.routers.base import Router

EXPLAINED = {
    "sw_ranking": "sw_ranking",
    "mf": "mf",
    "bert": "bert",
    "causal_llm": "causal_llm",
    "stacked": "stacked",
    "text": "text",
    "layer_rows": "layer",
    "layer_network": "layer",
}
"""Module by kind of router; `random` has no reasons to show."""


def explain(router: Router, query: str) -> Explanation:
    """Explanation of a router's win rate of a query.

    Args:
        router: a loaded checkpoint; what it reads queries with is loaded when it has to be.
        query: any text.

    Raises:
        UnknownNameError: there is nothing to explain about this kind of router.
    """
    if router.router_name not in EXPLAINED:
        raise UnknownNameError(
            f"{router.router_name} has no reasons to show; explained are {', '.join(EXPLAINED)}"
        )
    module = import_module(f"{__name__}.{EXPLAINED[router.router_name]}")
    found: Explanation = module.explain(router, query)
    return found
