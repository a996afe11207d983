"""A head over a vector, or over a part of it: what the members of `stacked` have in common."""

from pathlib import Path
from typing import Any, ClassVar, Self

from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.routers.base import EmbeddingRouter, read_config, write_config
from routellm_core.routers.heads.labels import LabelHead
from routellm_core.routers.heads.network import NetworkHead
from routellm_core.types import Battles, Floats, ModelPair

_WEIGHTS_NAME = "head.safetensors"


class HeadRouter(EmbeddingRouter):
    """Fits `head_class` to what it sees of the vectors."""

    head_class: ClassVar[type[LabelHead] | type[NetworkHead]] = LabelHead

    def __init__(
        self, model_pair: ModelPair, head: LabelHead | NetworkHead, embedder: Any = None
    ) -> None:
        super().__init__(model_pair, embedder)
        self.head = head

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Floats,
        battles: Battles,
        *,
        seed: int,
        config: Any = None,
        embedder: Any = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        head = cls.fit_head(model_pair, cls.seen(features), battles, seed)
        return cls(model_pair, head, embedder)

    @classmethod
    def fit_head(
        cls, model_pair: ModelPair, features: Floats, battles: Battles, seed: int
    ) -> LabelHead | NetworkHead:
        """The head, fitted with its own options."""
        return cls.head_class.fit(model_pair, features, battles, seed=seed)

    @classmethod
    def seen(cls, features: Floats) -> Floats:
        """(n_queries, length) what the head reads of the features."""
        return features

    @property
    def dimension(self) -> int:
        return self.head.dimension

    def _win_rate(self, embeddings: Floats) -> Floats:
        return self.head.win_rate(self.seen(embeddings))

    def save(self, checkpoint_dir: Path) -> None:
        write_config(checkpoint_dir, self, embedder=self.embedder.name)
        self.head.save(checkpoint_dir / _WEIGHTS_NAME)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Any = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        head = cls.head_class.load(checkpoint_dir / _WEIGHTS_NAME)
        return cls(ModelPair(**config["model_pair"]), head, embedder)
