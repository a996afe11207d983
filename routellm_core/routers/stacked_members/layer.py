"""One middle layer of a causal language model under a head: members of `stacked`.

`causal_llm` reads several layers at once; what a single layer says alone is a view of its own, and
on queries of a kind that was never seen the surer one.
"""

from typing import Any, ClassVar

from routellm_core.embedders.causal_lm import POOLED_DEPTHS, CausalStates
from routellm_core.routers.heads.base import HeadRouter
from routellm_core.routers.heads.labels import LabelHead
from routellm_core.routers.heads.network import NetworkHead
from routellm_core.types import Floats

_N_PARTS = 1 + len(POOLED_DEPTHS)


class LayerRouter(HeadRouter):
    """Sees one of the parts of equal width that a vector of `CausalStates` is made of."""

    part: ClassVar[int]
    """Layer of the vector: 1 is the first pooled layer."""

    @classmethod
    def default_embedder(cls, config: Any = None) -> CausalStates:
        return CausalStates()

    @classmethod
    def seen(cls, features: Floats) -> Floats:
        width = features.shape[1] // _N_PARTS
        return features[:, cls.part * width : (cls.part + 1) * width]

    @property
    def dimension(self) -> int:
        return _N_PARTS * self.head.dimension


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
