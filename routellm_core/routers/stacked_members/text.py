"""Label rows over an embedding and counts of the text: a member of `stacked`, not offered alone."""

from typing import Any

from routellm_core.embedders.sentence import Embedder, JoinedEmbedder, sentence_embedder
from routellm_core.embedders.text_features import TextStatistics
from routellm_core.routers.heads.base import HeadRouter
from routellm_core.routers.heads.labels import LabelHead
from routellm_core.types import Battles, Floats, ModelPair

_INVERSE_PENALTY = 1e-3


class TextRouter(HeadRouter):
    """Sees what an embedding forgets: length, numbers, formulas, format."""

    router_name = "text"

    @classmethod
    def default_embedder(cls, config: Any = None) -> Embedder:
        return JoinedEmbedder([sentence_embedder(), TextStatistics()])

    @classmethod
    def fit_head(
        cls, model_pair: ModelPair, features: Floats, battles: Battles, seed: int
    ) -> LabelHead:
        return LabelHead.fit(model_pair, features, battles, _INVERSE_PENALTY, seed=seed)
