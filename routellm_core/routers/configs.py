"""Options of the trainable routers: one frozen dataclass a router, a reason a field."""

from dataclasses import dataclass
from typing import Literal


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
    """Of Adam, falling to zero along a cosine."""
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

    n_embedding: int = 384
    """Length of the embedding, which comes first in the joined vector; 384 is the default's."""

    def __post_init__(self) -> None:
        if self.n_embedding < 1:
            raise ValueError(f"n_embedding is {self.n_embedding}; it must be at least 1")
