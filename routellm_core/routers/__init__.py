"""The routers by name. A router's module, and what it needs, is loaded when it is asked for."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from routellm_core.errors import MissingPackageError, NotTrainedError, UnknownNameError

if TYPE_CHECKING:
    from routellm_core.embeddings import Embedder
    from routellm_core.routers.base import Router
    from routellm_core.types import RouterEntry

ROUTERS = {
    "random": "random:RandomRouter",
    "sw_ranking": "sw_ranking:SimilarityWeightedRouter",
    "mf": "mf:MatrixFactorizationRouter",
    "causal_llm": "causal_llm:CausalLLMRouter",
    "bert": "bert:BertRouter",
    "stacked": "stacked:StackedRouter",
}
MEMBERS = {
    "text": "text:TextRouter",
    "layer_rows": "layer:LayerRowsRouter",
    "layer_network": "layer:LayerNetworkRouter",
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


def has_weights(router_name: str, checkpoint_dir: Path) -> bool:
    """Whether a checkpoint can score: some routers ship their scores alone."""
    return router_name == "random" or any(checkpoint_dir.rglob("*.safetensors"))


def checkpoint_dir(entry: "RouterEntry", data_dir: Path) -> Path:
    """The folder of a stored router's checkpoint.

    Args:
        entry: of the store.
        data_dir: where the checkpoints of shipped routers lie.

    Raises:
        NotTrainedError: its weights are not on this machine.
    """
    folder = data_dir / (entry.checkpoint or "")
    if entry.checkpoint is None or not has_weights(entry.router_name, folder):
        raise NotTrainedError(
            f"the weights of {entry.router_id} are not on this machine: choose another recipe or "
            "router, or train it"
        )
    return folder


def load_router(checkpoint_dir: Path, embedder: "Embedder | None" = None) -> "Router":
    """A router from its checkpoint folder, whatever kind it is.

    Args:
        checkpoint_dir: holds config.json and weights.
        embedder: used in place of a new one of the recorded name.
    """
    from routellm_core.routers.base import read_config

    return router_class(read_config(checkpoint_dir)["router_name"]).load(checkpoint_dir, embedder)


def checkpoint_hash(checkpoint_dir: Path) -> str:
    """SHA-256 over the checkpoint's files: path and hash of each, by path.

    Raises:
        NotTrainedError: there is no such folder, or nothing in it.
    """
    files = sorted(checkpoint_files(checkpoint_dir).items())
    if not files:
        raise NotTrainedError(f"there is no checkpoint in {checkpoint_dir}")
    total = hashlib.sha256()
    for name, content in files:
        total.update(name.encode("utf-8") + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


def checkpoint_files(checkpoint_dir: Path) -> dict[str, bytes]:
    """The files of a checkpoint by their path in it."""
    return {
        path.relative_to(checkpoint_dir).as_posix(): path.read_bytes()
        for path in sorted(checkpoint_dir.rglob("*"))
        if path.is_file()
    }
