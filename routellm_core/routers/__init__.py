"""The routers by name. A router's module, and what it needs, is loaded when it is asked for."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from routellm_core.errors import MissingPackageError, UnknownNameError

if TYPE_CHECKING:
    from routellm_core.embedders.sentence import Embedder
    from routellm_core.routers.base import Router

ROUTERS = {
    "random": "random:RandomRouter",
    "sw_ranking": "sw_ranking:SimilarityWeightedRouter",
    "mf": "mf:MatrixFactorizationRouter",
    "causal_llm": "causal_llm:CausalLLMRouter",
    "bert": "bert:BertRouter",
    "stacked": "stacked:StackedRouter",
}
MEMBERS = {
    "text": "stacked_members.text:TextRouter",
    "layer_rows": "stacked_members.layer:LayerRowsRouter",
    "layer_network": "stacked_members.layer:LayerNetworkRouter",
}
"""Routers that only serve inside `stacked`."""


def router_class(router_name: str) -> "type[Router]":
    """The class of a router.

    Raises:
        UnknownNameError: no router of that name.
        MissingPackageError: a package that the router needs is not installed.
    """
    known = ROUTERS | MEMBERS
    if router_name not in known:
        raise UnknownNameError(f"no router {router_name!r}; there are {', '.join(ROUTERS)}")
    module, class_name = known[router_name].split(":")
    try:
        loaded: type[Router] = getattr(import_module(f"{__name__}.{module}"), class_name)
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"{router_name} needs {error.name}: pip install -r requirements.txt"
        ) from error
    return loaded


def load_router(checkpoint_dir: Path, embedder: "Embedder | None" = None) -> "Router":
    """A router of any kind from its checkpoint folder.

    Args:
        checkpoint_dir: holds config.json and weights.
        embedder: used in place of a new one of the recorded name.
    """
    from routellm_core.routers.base import read_config

    return router_class(read_config(checkpoint_dir)["router_name"]).load(checkpoint_dir, embedder)
