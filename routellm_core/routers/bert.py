"""A BERT encoder reads the query; a head on its mean state says weak wins, tie or strong wins.

The lower layers stay frozen and run once a query (`token_states`); the upper layers and the head
are trained together, with early stopping on held-out queries (arXiv 2406.18665, section 4.2).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from routellm_core.errors import DataError
from routellm_core.labels import Battles
from routellm_core.progress import Progress, Watch, silent
from routellm_core.routers.base import (
    LearnedRouter,
    read_config,
    read_weights,
    take_weight,
    write_config,
)
from routellm_core.routers.configs import BertConfig
from routellm_core.routers.unfinished import Unfinished
from routellm_core.token_states import TokenStates, batches_of, run_layers
from routellm_core.types import Floats, Ints, ModelPair

_WEIGHTS_NAME = "encoder.safetensors"
_BATCH_TOKENS = 4096
_CREDIT = (0.0, 0.5, 1.0)  # of weak wins, tie, strong wins

States = NDArray[np.object_]
"""(n_queries,) arrays (n_tokens, width) float32, from `TokenStates.embed`."""


class _Upper(torch.nn.Module):
    """Trained layers and head: padded states and their lengths to (n_queries, 3) logits."""

    def __init__(self, embedder: TokenStates) -> None:
        super().__init__()
        self.layers = embedder.upper_layers()
        self.head = torch.nn.Linear(embedder.width, len(_CREDIT))

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

    @classmethod
    def default_embedder(cls, config: BertConfig | None = None) -> TokenStates:
        """The frozen lower layers."""
        config = config or BertConfig()
        return TokenStates(config.encoder, config.n_frozen)

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        inputs: States,
        battles: Battles,
        *,
        seed: int,
        config: BertConfig | None = None,
        embedder: TokenStates | None = None,
        watch: Watch = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        """Train the upper layers on battles between the two models of the pair."""
        config = config or BertConfig()
        embedder = embedder or cls.default_embedder(config)
        query_code, target = soft_labels(model_pair, battles)
        trained = _train(embedder, inputs, query_code, target, config, seed, watch, resume_dir)
        return cls(model_pair, trained, embedder)

    def strong_win_rate_of(self, inputs: States) -> Floats:
        """The same for queries that the frozen layers have read: (n_queries,) float32 in [0, 1].

        Raises:
            DataError: a state is NaN or infinite, or of another width than the encoder's.
        """
        _check(inputs, self.embedder.width)
        lengths = [len(state) for state in inputs]
        by_length = sorted(range(len(inputs)), key=lengths.__getitem__)
        rates = np.empty(len(inputs), dtype=np.float32)
        credit = torch.tensor(_CREDIT)
        self.trained.eval()
        with torch.inference_mode():
            for batch in batches_of(by_length, lengths, _BATCH_TOKENS):
                logits = self.trained(*_padded(inputs, batch)).float().cpu()
                rates[batch] = (logits.softmax(1) @ credit).numpy()
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


def soft_labels(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Floats]:
    """Query and target of each battle of the pair.

    Returns:
        (n_battles,) positions of the queries, and (n_battles, 3) chances of weak wins, tie and
        strong wins. A battle judged several times lies between two labels.

    Raises:
        DataError: no battle is between the two models.
    """
    weak, strong = (battles.models.index(model) for model in model_pair)
    forward = (battles.model_a == weak) & (battles.model_b == strong)
    backward = (battles.model_a == strong) & (battles.model_b == weak)
    kept = forward | backward
    if not kept.any():
        raise DataError(
            f"no battle between {model_pair.weak!r} and {model_pair.strong!r}: add some, or name "
            "stand-ins"
        )
    win = np.where(forward, 1.0 - battles.win_a, battles.win_a)[kept]
    weak_wins, strong_wins = np.maximum(1 - 2 * win, 0), np.maximum(2 * win - 1, 0)
    target = np.stack([weak_wins, 1 - weak_wins - strong_wins, strong_wins], axis=1)
    return np.asarray(battles.query_code[kept]), target.astype(np.float32)


def _module(embedder: TokenStates) -> _Upper:
    return _Upper(embedder).to("cuda" if torch.cuda.is_available() else "cpu")


def _padded(states: States, batch: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """(n_queries, n_tokens, width) float32 with zeros at the end, and the lengths."""
    lengths = torch.tensor([len(states[i]) for i in batch])
    padded = torch.zeros((len(batch), int(lengths.max()), states[batch[0]].shape[1]))
    for row, i in zip(padded, batch, strict=True):
        row[: len(states[i])] = torch.from_numpy(states[i])
    return padded, lengths


def _check(states: States, width: int) -> None:
    for state in states:
        if state.ndim != 2 or state.shape[1] != width:
            raise DataError(
                f"bert takes token states of width {width}, one has shape {state.shape}: "
                "read the queries with the router's own embedder"
            )
        if not np.isfinite(state).all():
            raise DataError("bert: a token state holds NaN or infinite values")


def _train(
    embedder: TokenStates,
    states: States,
    query_code: Ints,
    target: Floats,
    config: BertConfig,
    seed: int,
    watch: Watch,
    resume_dir: Path | None,
) -> _Upper:
    _check(states, embedder.width)
    torch.manual_seed(seed)
    module = _module(embedder)
    rng = np.random.default_rng(seed)
    is_held = (rng.random(len(states)) < config.held_out_share)[query_code]
    train, held_out = np.flatnonzero(~is_held), np.flatnonzero(is_held)
    if not len(train) or not len(held_out):
        raise DataError(f"{len(query_code):,} battles are too few to train bert on")
    targets = torch.from_numpy(target)
    lengths = np.array([len(state) for state in states])[query_code]

    def loss_of(battle: Ints) -> torch.Tensor:
        logits = module(*_padded(states, query_code[battle].tolist()))
        chance = logits.float().log_softmax(1).cpu()
        loss: torch.Tensor = -(targets[battle] * chance).sum(1).mean()
        return loss

    def held_out_loss() -> float:
        in_order = held_out[np.argsort(lengths[held_out], kind="stable")]
        parts = np.array_split(in_order, -(-len(in_order) // config.batch_size))
        with torch.inference_mode():
            losses = [float(loss_of(part)) for part in parts]
        return float(np.average(losses, weights=[len(part) for part in parts]))

    batches = [
        batch
        for _ in range(config.n_epochs)
        for batch in _shuffled(train, lengths, config.batch_size, rng)
    ]
    optimizer = torch.optim.AdamW(
        [
            {"params": module.layers.parameters(), "lr": config.learning_rate},
            {"params": module.head.parameters(), "lr": 10 * config.learning_rate},
        ],
        weight_decay=config.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warm_up_and_fall(len(batches)))
    look_every = max(1, len(batches) // (config.n_looks * config.n_epochs))
    state = Unfinished(module, optimizer, schedule, resume_dir)
    module.eval()  # no dropout: it halves the speed on a processor and gains nothing here
    for step in range(state.resume(), len(batches)):
        loss = loss_of(batches[step])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        looked = None
        if (step + 1) % look_every == 0:
            looked = held_out_loss()
            state.keep(step + 1, looked)
        watch(Progress("training", step + 1, len(batches), float(loss.detach()), looked))
        if state.n_worse >= config.patience:
            break
    state.finish()
    return module


def _shuffled(
    battles: Ints, lengths: Ints, batch_size: int, rng: np.random.Generator
) -> list[Ints]:
    """Batches of queries of like length, in random order: little padding, no curriculum."""
    jittered = lengths[battles] * rng.uniform(0.9, 1.1, len(battles))
    in_order = battles[np.argsort(jittered, kind="stable")]
    batches = np.array_split(in_order, -(-len(in_order) // batch_size))
    return [batches[i] for i in rng.permutation(len(batches))]


def _warm_up_and_fall(n_steps: int) -> Callable[[int], float]:
    """Share of the learning rate at each step: up over a twentieth, then down to zero."""
    warm_up = max(1, round(0.05 * n_steps))
    return lambda step: min((step + 1) / warm_up, (n_steps - step) / (n_steps - warm_up + 1))
