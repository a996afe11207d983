"""A causal language model reads the query; label rows turn its states into a verdict.

The paper adds comparison labels to the vocabulary and reads their next-token distribution
(arXiv 2406.18665, section 4.2). Here the backbone stays frozen, which is what a CPU can train: the
label rows see the state before the verdict and the mean states of three middle layers, in one
forward pass and without generating anything.
"""

from pathlib import Path
from typing import Any, Self

from routellm_core.causal_states import DEFAULT_MODEL, CausalStates
from routellm_core.embeddings import Embedder
from routellm_core.labels import Battles
from routellm_core.progress import Watch, silent
from routellm_core.routers.base import (
    EmbeddingRouter,
    read_config,
    read_weights,
    take_weight,
    write_config,
)
from routellm_core.routers.label_head import LabelHead
from routellm_core.types import Floats, ModelPair

_WEIGHTS_NAME = "label_rows.safetensors"


class CausalLLMRouter(EmbeddingRouter):
    """Holds the label rows; the backbone is loaded by name when a query is to be read."""

    router_name = "causal_llm"

    def __init__(
        self, model_pair: ModelPair, head: LabelHead, embedder: Embedder | None = None
    ) -> None:
        super().__init__(model_pair, embedder)
        self.head = head

    @classmethod
    def default_embedder(cls, config: Any = None) -> Embedder:
        return CausalStates(DEFAULT_MODEL)

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
        return cls(model_pair, LabelHead.fit(model_pair, inputs, battles), embedder)

    @property
    def dimension(self) -> int:
        return int(self.head.rows.shape[1])

    def _win_rate(self, embeddings: Floats) -> Floats:
        return self.head.win_rate(embeddings)

    def save(self, checkpoint_dir: Path) -> None:
        from safetensors.numpy import save_file

        write_config(checkpoint_dir, self, embedder=self.embedder.name)
        arrays: dict[str, Any] = self.head._asdict()
        save_file(arrays, checkpoint_dir / _WEIGHTS_NAME)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Embedder | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        path = checkpoint_dir / _WEIGHTS_NAME
        weights = read_weights(path)
        rows = take_weight(weights, "rows", (3, -1), path)
        dimension = rows.shape[1]
        head = LabelHead(
            mean=take_weight(weights, "mean", (dimension,), path),
            scale=take_weight(weights, "scale", (dimension,), path),
            rows=rows,
            bias=take_weight(weights, "bias", (3,), path),
        )
        backbone = embedder or CausalStates(config["embedder"])
        return cls(ModelPair(**config["model_pair"]), head, backbone)
