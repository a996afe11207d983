"""One middle layer of a causal language model under a head: members of `stacked`.

`causal_llm` reads several layers at once; what a single layer says alone is a view of its own, and
on queries of a kind that was never seen the surer one.
"""

from pathlib import Path
from typing import Any, ClassVar, Self

from routellm_core.causal_states import POOLED_DEPTHS, CausalStates
from routellm_core.labels import Battles
from routellm_core.progress import Watch, silent
from routellm_core.routers.base import EmbeddingRouter, read_config, write_config
from routellm_core.routers.label_head import LabelHead
from routellm_core.routers.network_head import NetworkHead
from routellm_core.types import Floats, ModelPair

_WEIGHTS_NAME = "head.safetensors"
_N_PARTS = 1 + len(POOLED_DEPTHS)


class LayerRouter(EmbeddingRouter):
    """Sees one of the parts of equal width that a vector of `CausalStates` is made of."""

    head_class: ClassVar[type[LabelHead] | type[NetworkHead]]
    part: ClassVar[int]
    """Of the vector: 1 is the first pooled layer."""

    def __init__(
        self,
        model_pair: ModelPair,
        head: LabelHead | NetworkHead,
        embedder: CausalStates | None = None,
    ) -> None:
        super().__init__(model_pair, embedder)
        self.head = head

    @classmethod
    def default_embedder(cls, config: Any = None) -> CausalStates:
        return CausalStates()

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        inputs: Floats,
        battles: Battles,
        *,
        seed: int,
        config: Any = None,
        embedder: CausalStates | None = None,
        watch: Watch = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        head = cls.head_class.fit(model_pair, cls.seen(inputs), battles, seed=seed)
        return cls(model_pair, head, embedder)

    @classmethod
    def seen(cls, states: Floats) -> Floats:
        """(n_queries, width) the part of the vectors that is read."""
        width = states.shape[1] // _N_PARTS
        return states[:, cls.part * width : (cls.part + 1) * width]

    @property
    def dimension(self) -> int:
        return _N_PARTS * self.head.dimension

    def _win_rate(self, embeddings: Floats) -> Floats:
        return self.head.win_rate(self.seen(embeddings))

    def save(self, checkpoint_dir: Path) -> None:
        write_config(checkpoint_dir, self, embedder=self.embedder.name)
        self.head.save(checkpoint_dir / _WEIGHTS_NAME)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: CausalStates | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        head = cls.head_class.load(checkpoint_dir / _WEIGHTS_NAME)
        pair = ModelPair(**config["model_pair"])
        return cls(pair, head, embedder or CausalStates(config["embedder"]))


class LayerRowsRouter(LayerRouter):
    """Label rows over the first pooled layer."""

    router_name = "layer_rows"
    head_class = LabelHead
    part = 1


class LayerNetworkRouter(LayerRouter):
    """Small networks over the second pooled layer."""

    router_name = "layer_network"
    head_class = NetworkHead
    part = 2
