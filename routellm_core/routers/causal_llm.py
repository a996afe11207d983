"""A causal language model reads the query; label rows turn its states into a verdict.

The paper adds comparison labels to the vocabulary and reads their next-token distribution
(arXiv 2406.18665, section 4.2), in one forward pass and without generating anything. Here the
label rows see the state before the verdict and the mean states of three middle layers. A CPU
trains the rows alone over a frozen backbone; a GPU can put a LoRA adapter on the backbone first.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any, Self

from routellm_core.embedders.causal_lm import CausalStates, Texts
from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.routers.base import EmbeddingRouter, read_config, write_config
from routellm_core.routers.configs import CausalLLMConfig
from routellm_core.routers.heads.labels import LabelHead, soft_labels
from routellm_core.types import Battles, Floats, ModelPair

_WEIGHTS_NAME = "label_rows.safetensors"
_ADAPTER_NAME = "adapter"


class CausalLLMRouter(EmbeddingRouter):
    """Holds the label rows; the backbone is loaded by name when a query is to be read."""

    router_name = "causal_llm"

    def __init__(self, model_pair: ModelPair, head: LabelHead, embedder: Any = None) -> None:
        super().__init__(model_pair, embedder)
        self.head = head

    @classmethod
    def default_embedder(cls, config: CausalLLMConfig | None = None) -> Any:
        config = config or CausalLLMConfig()
        return Texts() if config.lora_rank else CausalStates(config.backbone)

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Any,
        battles: Battles,
        *,
        seed: int,
        config: CausalLLMConfig | None = None,
        embedder: Any = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        """Learn from states of the frozen backbone, or from texts when there is an adapter."""
        config = config or CausalLLMConfig()
        if config.lora_rank:
            embedder = _adapted(
                model_pair, features, battles, config, seed, on_progress, resume_dir
            )
            features = embedder.embed(features.tolist())
        head = LabelHead.fit(model_pair, features, battles, config.inverse_penalty)
        return cls(model_pair, head, embedder)

    @property
    def dimension(self) -> int:
        return self.head.dimension

    def strong_win_rate_of(self, features: Any) -> Floats:
        """The same for states, or for texts as an array of objects."""
        states = self.embedder.embed(features.tolist()) if features.dtype == object else features
        return super().strong_win_rate_of(states)

    def _win_rate(self, embeddings: Floats) -> Floats:
        return self.head.win_rate(embeddings)

    def save(self, checkpoint_dir: Path) -> None:
        write_config(checkpoint_dir, self, embedder=self.embedder.name)
        self.head.save(checkpoint_dir / _WEIGHTS_NAME)
        adapter_dir = getattr(self.embedder, "adapter_dir", None)
        if adapter_dir is not None:
            notes = ignore_patterns("README.md")  # which peft writes
            copytree(adapter_dir, checkpoint_dir / _ADAPTER_NAME, ignore=notes, dirs_exist_ok=True)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Any = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        head = LabelHead.load(checkpoint_dir / _WEIGHTS_NAME)
        adapter_dir = checkpoint_dir / _ADAPTER_NAME
        backbone = embedder or CausalStates(
            config["embedder"], adapter_dir=adapter_dir if adapter_dir.is_dir() else None
        )
        return cls(ModelPair(**config["model_pair"]), head, backbone)


def _adapted(
    model_pair: ModelPair,
    queries: Sequence[str],
    battles: Battles,
    config: CausalLLMConfig,
    seed: int,
    on_progress: OnProgress,
    resume_dir: Path | None,
) -> CausalStates:
    """The backbone with an adapter that was trained on the battles."""
    from routellm_core.routers.lora import train_adapter

    folder = Path(tempfile.mkdtemp(prefix="adapter-"))
    frozen = CausalStates(config.backbone)
    train_adapter(
        queries,
        soft_labels(model_pair, battles),
        config,
        frozen,
        folder,
        seed=seed,
        on_progress=on_progress,
        resume_dir=resume_dir,
    )
    return CausalStates(config.backbone, adapter_dir=folder)
