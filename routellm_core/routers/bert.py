"""A BERT encoder reads the query; a head on its mean state says weak wins, tie or strong wins.

The lower layers stay frozen and run once a query (`token_states`); the upper layers and the head
are trained together, with early stopping on held-out queries (arXiv 2406.18665, section 4.2).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from routellm_core.embedders.batches import Budget
from routellm_core.embedders.bert_tokens import TokenStates, run_layers
from routellm_core.embedders.devices import device
from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.routers.base import (
    LearnedRouter,
    read_config,
    read_weights,
    take_weight,
    write_config,
)
from routellm_core.routers.configs import BertConfig
from routellm_core.routers.fine_tuning import fine_tune
from routellm_core.routers.heads.labels import soft_labels
from routellm_core.types import Battles, Floats, Ints, ModelPair

_WEIGHTS_NAME = "encoder.safetensors"
_BATCH_TOKENS = 4096
LABELS = ("weak wins", "tie", "strong wins")
CREDIT = (0.0, 0.5, 1.0)
"""Weight of each label in a win rate."""

_NOT_FINITE = "bert: a token state holds NaN or infinite values"

States = NDArray[np.object_]
"""(n_queries,) arrays (n_tokens, width) float32, or tensors on a GPU, from `TokenStates.embed`."""


class _Upper(torch.nn.Module):
    """Trained layers and head: padded states and their lengths to (n_queries, 3) logits."""

    def __init__(self, embedder: TokenStates) -> None:
        super().__init__()
        self.layers = embedder.upper_layers()
        self.head = torch.nn.Linear(embedder.width, len(CREDIT))

    def forward(self, hidden: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        device = self.head.weight.device
        hidden = run_layers(self.layers, hidden.to(device), lengths)
        there = (torch.arange(hidden.shape[1]) < lengths[:, None]).to(device)
        mean = (hidden * there[:, :, None]).sum(1) / there.sum(1, keepdim=True)
        logits: torch.Tensor = self.head(mean)
        return logits


class BertRouter(LearnedRouter):
    """Holds the trained upper layers; the lower ones are loaded by name when a query comes."""

    router_name = "bert"

    def __init__(
        self, model_pair: ModelPair, trained: _Upper, embedder: TokenStates | None = None
    ) -> None:
        super().__init__(model_pair, embedder)
        self.trained = trained
        self._budget = Budget(_BATCH_TOKENS)

    @classmethod
    def default_embedder(cls, config: BertConfig | None = None) -> TokenStates:
        """The frozen lower layers."""
        config = config or BertConfig()
        return TokenStates(config.encoder, config.n_frozen)

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: States,
        battles: Battles,
        *,
        seed: int,
        config: BertConfig | None = None,
        embedder: TokenStates | None = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        """Train the upper layers on battles between the two models of the pair."""
        config = config or BertConfig()
        embedder = embedder or cls.default_embedder(config)
        labels = soft_labels(model_pair, battles)
        trained = _train(embedder, features, labels, config, seed, on_progress, resume_dir)
        return cls(model_pair, trained, embedder)

    def strong_win_rate_of(self, features: States) -> Floats:
        """The same for queries that the frozen layers have read: (n_queries,) float32 in [0, 1].

        Raises:
            DataError: a state is NaN or infinite, or of another width than the encoder's.
        """
        _check_width(features, self.embedder.width)
        lengths = [len(state) for state in features]
        rates = np.empty(len(features), dtype=np.float32)
        credit = torch.tensor(CREDIT)
        self.trained.eval()

        def judge(batch: list[int]) -> None:
            logits = self.trained(*_padded(features, batch)).float().cpu()
            rates[batch] = (logits.softmax(1) @ credit).numpy()

        with torch.inference_mode():
            self._budget.run(lengths, judge)
        if not np.isfinite(rates).all():
            raise DataError(_NOT_FINITE)
        return np.clip(rates, 0.0, 1.0)

    def save(self, checkpoint_dir: Path) -> None:
        write_config(
            checkpoint_dir, self, embedder=self.embedder.name, n_frozen=self.embedder.n_layers
        )
        arrays = {k: v.half().contiguous() for k, v in self.trained.state_dict().items()}
        save_file(arrays, checkpoint_dir / _WEIGHTS_NAME)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: TokenStates | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        path = checkpoint_dir / _WEIGHTS_NAME
        weights = read_weights(path)
        embedder = embedder or TokenStates(config["embedder"], config["n_frozen"])
        module = _module(embedder)
        wanted = module.state_dict()
        module.load_state_dict(
            {
                name: torch.from_numpy(take_weight(weights, name, tuple(like.shape), path)).float()
                for name, like in wanted.items()
            }
        )
        return cls(ModelPair(**config["model_pair"]), module, embedder)


def _module(embedder: TokenStates) -> _Upper:
    return _Upper(embedder).to(device().name)


def _padded(states: States, batch: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """(n_queries, n_tokens, width) float32 with zeros at the end, and the lengths."""
    rows = [torch.as_tensor(states[i]) for i in batch]
    lengths = torch.tensor([len(row) for row in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths


def _check_width(states: States, width: int) -> None:
    for state in states:
        if state.ndim != 2 or state.shape[1] != width:
            raise DataError(
                f"bert takes token states of width {width}, one has shape {tuple(state.shape)}: "
                "read the queries with the router's own embedder"
            )


def _train(
    embedder: TokenStates,
    states: States,
    labels: tuple[Ints, Floats],
    config: BertConfig,
    seed: int,
    on_progress: OnProgress,
    resume_dir: Path | None,
) -> _Upper:
    _check_width(states, embedder.width)
    if not all(torch.isfinite(torch.as_tensor(state)).all() for state in states):
        raise DataError(_NOT_FINITE)
    torch.manual_seed(seed)
    module = _module(embedder)
    module.eval()  # no dropout: it halves the speed on a processor and gains nothing here
    fine_tune(
        module,
        [
            {"params": module.layers.parameters(), "lr": config.learning_rate},
            {"params": module.head.parameters(), "lr": 10 * config.learning_rate},
        ],
        lambda queries: module(*_padded(states, queries)),
        np.array([len(state) for state in states]),
        labels,
        config,
        seed=seed,
        on_progress=on_progress,
        resume_dir=resume_dir,
    )
    return module
