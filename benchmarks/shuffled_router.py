"""A router that has learned nothing: its weights, shuffled.

An explanation that looks the same with and without the weights explains something else (Adebayo et
al. 2018).
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from routellm_core.routers import load_router
from routellm_core.routers.base import read_weights, write_weights


def shuffled(router: Any, seed: int = 0) -> Any:
    """The same router with the numbers of each of its arrays in a random order.

    What queries are read with stays as it is, and so does the router itself.
    """
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="shuffled-") as folder:
        router.save(Path(folder))
        for path in sorted(Path(folder).rglob("*.safetensors")):
            _shuffle(path, rng)
        return load_router(Path(folder))


def _shuffle(path: Path, rng: np.random.Generator) -> None:
    arrays = read_weights(path)
    write_weights(path, {name: _rearranged(name, a, rng) for name, a in arrays.items()})


def _rearranged(name: str, array: Any, rng: np.random.Generator) -> Any:
    # A scale of the features or the reference of ranks is not what was learned about queries.
    if name in ("mean", "scale", "reference", "curve", "query_code", "model_a", "model_b"):
        return array
    if name == "embeddings":
        return rng.permutation(array)  # whole queries, so that rows keep their length
    return rng.permutation(array.ravel()).reshape(array.shape)
