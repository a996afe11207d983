"""Matrix factorisation: a score for every (model, query), the win rate from their difference.

delta(M, q) = w2 . (v_M * (W1 q + b)), P(a beats b) = sigmoid(delta(a, q) - delta(b, q))
(arXiv 2406.18665, section 4.2; * is element by element). For one pair the factors fold into a
single direction in the embedding space, so scoring a query is one dot product and needs no torch.
"""

from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from routellm_core.embedders.sentence import Embedder, sentence_embedder
from routellm_core.jobs.progress import OnProgress, Progress, silent
from routellm_core.routers.base import (
    EmbeddingRouter,
    models_of,
    read_config,
    read_weights,
    take_weight,
    write_config,
    write_weights,
)
from routellm_core.routers.configs import MatrixFactorizationConfig
from routellm_core.types import Battles, Floats, ModelPair

_WEIGHTS_NAME = "factors.safetensors"


class MatrixFactorizationRouter(EmbeddingRouter):
    """Holds a vector for each model (scaled by w2) and the projection of queries."""

    router_name = "mf"

    def __init__(
        self,
        model_pair: ModelPair,
        models: tuple[str, ...],
        model_vectors: Floats,
        projection: Floats,
        offset: Floats,
        embedder: Embedder | None = None,
    ) -> None:
        super().__init__(model_pair, embedder)
        self.models = models
        self.model_vectors = model_vectors  # (n_models, n_factors), w2 * v_M
        self.projection = projection  # (n_factors, dimension)
        self.offset = offset  # (n_factors,)

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Floats,
        battles: Battles,
        *,
        seed: int,
        config: MatrixFactorizationConfig | None = None,
        embedder: Embedder | None = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        config = config or MatrixFactorizationConfig()
        vectors, projection, offset = _train(features, battles, config, seed, on_progress)
        return cls(model_pair, battles.models, vectors, projection, offset, embedder)

    @property
    def dimension(self) -> int:
        return int(self.projection.shape[1])

    def _win_rate(self, embeddings: Floats) -> Floats:
        direction, shift = self.folded
        return np.asarray(1.0 / (1.0 + np.exp(-(embeddings @ direction + shift))))

    @cached_property
    def folded(self) -> tuple[Floats, Floats]:
        """Direction (dimension,) in the embedding space and shift of the pair's log-odds."""
        strong, weak = (
            self.model_vectors[self.models.index(name)]
            for name in (self.model_pair.strong, self.model_pair.weak)
        )
        difference = strong - weak
        return difference @ self.projection, difference @ self.offset

    def save(self, checkpoint_dir: Path) -> None:
        write_config(checkpoint_dir, self, embedder=self.embedder.name, models=list(self.models))
        write_weights(
            checkpoint_dir / _WEIGHTS_NAME,
            {
                "model_vectors": self.model_vectors.astype(np.float32),
                "projection": self.projection.astype(np.float32),
                "offset": self.offset.astype(np.float32),
            },
        )

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Embedder | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        path = checkpoint_dir / _WEIGHTS_NAME
        weights = read_weights(path)
        models = models_of(config)
        vectors = take_weight(weights, "model_vectors", (len(models), -1), path)
        n_factors = vectors.shape[1]
        return cls(
            ModelPair(**config["model_pair"]),
            models,
            vectors,
            take_weight(weights, "projection", (n_factors, -1), path),
            take_weight(weights, "offset", (n_factors,), path),
            embedder or sentence_embedder(config["embedder"]),
        )


def _train(
    embeddings: Floats,
    battles: Battles,
    config: MatrixFactorizationConfig,
    seed: int,
    on_progress: OnProgress,
) -> tuple[Floats, Floats, Floats]:
    """Model vectors (w2 folded in), projection and offset, as float32 arrays."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    generator = torch.Generator().manual_seed(seed)
    kept = np.ones(len(battles.win_a), bool) if config.ties == "half" else battles.win_a != 0.5
    rows = torch.from_numpy(np.ascontiguousarray(embeddings, dtype=np.float32))
    query_code, model_a, model_b = (
        torch.from_numpy(np.ascontiguousarray(codes[kept]))
        for codes in (battles.query_code, battles.model_a, battles.model_b)
    )
    win_a = torch.from_numpy(battles.win_a[kept].astype(np.float32))

    def initial(*shape: int, scale: float) -> torch.Tensor:
        return (scale * torch.randn(*shape, generator=generator)).requires_grad_()

    n_factors, dimension = config.n_factors, rows.shape[1]
    vectors = initial(len(battles.models), n_factors, scale=1.0)
    combine = initial(n_factors, scale=n_factors**-0.5)
    projection = initial(n_factors, dimension, scale=dimension**-0.5)
    offset = torch.zeros(n_factors, requires_grad=True)

    optimizer = torch.optim.AdamW(
        [vectors, combine, projection, offset],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
    )
    n_batches = -(-len(win_a) // config.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.n_epochs * n_batches)
    for epoch in range(config.n_epochs):
        total = 0.0
        shuffled = torch.randperm(len(win_a), generator=generator)
        for batch in torch.split(shuffled, config.batch_size):
            difference = (vectors[model_a[batch]] - vectors[model_b[batch]]) * combine
            factors = rows[query_code[batch]] @ projection.T + offset
            log_odds = (difference * factors).sum(1)
            loss = binary_cross_entropy_with_logits(log_odds, win_a[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        on_progress(Progress("training", epoch + 1, config.n_epochs, total / len(win_a)))
    folded = (vectors * combine).detach().numpy()
    return folded, projection.detach().numpy(), offset.detach().numpy()
