"""The baseline: a win rate that knows nothing of the query but always answers the same to it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from routellm_core.embedders.sentence import Embedder
from routellm_core.routers.base import Router, read_config, write_config
from routellm_core.types import Floats, ModelPair


class RandomRouter(Router):
    """Uniform in [0, 1), drawn from the seed and the query's text, the same in any batch."""

    router_name = "random"

    def __init__(self, model_pair: ModelPair, *, seed: int = 0) -> None:
        super().__init__(model_pair)
        self.seed = seed

    def strong_win_rate(self, queries: Sequence[str]) -> Floats:
        salt = self.seed.to_bytes(8, "little", signed=True)
        digests = [hashlib.sha256(salt + q.encode("utf-8", "surrogatepass")) for q in queries]
        # 24 bits are what a float32 in [0, 1) can hold exactly.
        bits = [int.from_bytes(digest.digest()[:3], "little") for digest in digests]
        return np.asarray(bits, dtype=np.float32) / np.float32(1 << 24)

    def save(self, checkpoint_dir: Path) -> None:
        write_config(checkpoint_dir, self, seed=self.seed)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Embedder | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        return cls(ModelPair(**config["model_pair"]), seed=int(config["seed"]))
