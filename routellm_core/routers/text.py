"""Label rows over an embedding and counts of the text: a member of `stacked`, not offered alone."""

from pathlib import Path
from typing import Any, Self

from routellm_core.embeddings import Embedder, JoinedEmbedder, SentenceEmbedder
from routellm_core.labels import Battles
from routellm_core.progress import Watch, silent
from routellm_core.routers.base import EmbeddingRouter, read_config, write_config
from routellm_core.routers.label_head import LabelHead
from routellm_core.text_statistics import TextStatistics
from routellm_core.types import Floats, ModelPair

_INVERSE_PENALTY = 1e-3
_WEIGHTS_NAME = "label_rows.safetensors"


class TextRouter(EmbeddingRouter):
    """Sees what an embedding forgets: length, numbers, formulas, format."""

    router_name = "text"

    def __init__(
        self, model_pair: ModelPair, head: LabelHead, embedder: Embedder | None = None
    ) -> None:
        super().__init__(model_pair, embedder)
        self.head = head

    @classmethod
    def default_embedder(cls, config: Any = None) -> Embedder:
        return JoinedEmbedder([SentenceEmbedder(), TextStatistics()])

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        inputs: Floats,
        battles: Battles,
        *,
        seed: int,
        config: Any = None,
        embedder: Embedder | None = None,
        watch: Watch = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        head = LabelHead.fit(model_pair, inputs, battles, _INVERSE_PENALTY)
        return cls(model_pair, head, embedder)

    @property
    def dimension(self) -> int:
        return self.head.dimension

    def _win_rate(self, embeddings: Floats) -> Floats:
        return self.head.win_rate(embeddings)

    def save(self, checkpoint_dir: Path) -> None:
        write_config(checkpoint_dir, self, embedder=self.embedder.name)
        self.head.save(checkpoint_dir / _WEIGHTS_NAME)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Embedder | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        head = LabelHead.load(checkpoint_dir / _WEIGHTS_NAME)
        return cls(ModelPair(**config["model_pair"]), head, embedder)
