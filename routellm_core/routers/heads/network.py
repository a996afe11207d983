"""Small networks over a vector, averaged: what label rows miss where features act together.

Each has one hidden layer under the rows of `label_head`, and sees a vector with a third of its
features dropped while it learns.
"""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from routellm_core.routers.base import read_weights, take_weight, write_weights
from routellm_core.routers.heads.labels import CREDIT, N_LABELS, chances_of, pair_labels
from routellm_core.types import Battles, Floats, Ints, ModelPair

_N_NETWORKS = 2
_N_HIDDEN = 64
_N_EPOCHS = 6
_LEAST_STEPS = 300
"""Few battles are passed over more often."""
_BATCH_SIZE = 128
_LEARNING_RATE = 1e-3
_WEIGHT_DECAY = 1e-2
_DROPPED_FEATURES, _DROPPED_HIDDEN = 0.3, 0.5


class NetworkHead(NamedTuple):
    """Fitted networks; arrays are float32."""

    mean: Floats
    """(dimension,)"""
    scale: Floats
    """(dimension,)"""
    hidden_rows: Floats
    """(n_networks, n_hidden, dimension)"""
    hidden_bias: Floats
    """(n_networks, n_hidden)"""
    rows: Floats
    """(n_networks, n_labels, n_hidden)"""
    bias: Floats
    """(n_networks, n_labels)"""

    @classmethod
    def fit(cls, model_pair: ModelPair, features: Floats, battles: Battles, *, seed: int) -> Self:
        """Learn from battles between the two models of the pair.

        Args:
            model_pair: battles of other models are left out.
            features: (n_queries, dimension); the battles' `query_code` points to rows.
            battles: at least one between the two.
            seed: of first weights, order and what is dropped.
        """
        query_code, label = pair_labels(model_pair, battles)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
        seen = ((features - mean) / scale).astype(np.float32)[query_code]
        networks = [_train(seen, label, seed + k) for k in range(_N_NETWORKS)]
        arrays = (np.stack(of_all) for of_all in zip(*networks, strict=True))
        return cls(mean.astype(np.float32), scale, *arrays)

    @property
    def dimension(self) -> int:
        """Length of the features."""
        return int(self.hidden_rows.shape[2])

    def save(self, path: Path) -> None:
        """Write the arrays to a safetensors file."""
        write_weights(path, self._asdict())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read them again.

        Raises:
            NotTrainedError: there is no such file.
            DataError: it is damaged or not of this form.
        """
        weights = read_weights(path)
        hidden_rows = take_weight(weights, "hidden_rows", (-1, -1, -1), path)
        n_networks, n_hidden, dimension = hidden_rows.shape
        return cls(
            mean=take_weight(weights, "mean", (dimension,), path),
            scale=take_weight(weights, "scale", (dimension,), path),
            hidden_rows=hidden_rows,
            hidden_bias=take_weight(weights, "hidden_bias", (n_networks, n_hidden), path),
            rows=take_weight(weights, "rows", (n_networks, N_LABELS, n_hidden), path),
            bias=take_weight(weights, "bias", (n_networks, N_LABELS), path),
        )

    def win_rate(self, features: Floats) -> Floats:
        """(n_queries,) P(strong wins) + P(tie) / 2."""
        return np.asarray(self.chances(features) @ CREDIT)

    def chances(self, features: Floats) -> Floats:
        """(n_queries, n_labels) chances of the labels, the mean of the networks'."""
        found = [chances_of(logits) for logits, _ in self._read(features)]
        return np.asarray(np.mean(found, axis=0))

    def gradient(self, features: Floats) -> Floats:
        """(n_queries, dimension) gradient of the win rate by the features."""
        total = np.zeros(features.shape)
        for k, (logits, slope) in enumerate(self._read(features)):
            chance = chances_of(logits)
            of_logits = chance * (CREDIT - (chance @ CREDIT)[:, None])
            total += ((of_logits @ self.rows[k]) * slope) @ self.hidden_rows[k]
        return np.asarray(total / len(self.rows) / self.scale)

    def _read(self, features: Floats) -> list[tuple[Floats, Floats]]:
        """Logits and the slopes of the hidden units, a network."""
        from scipy.special import erf

        standard = (features - self.mean) / self.scale
        found = []
        for k in range(len(self.rows)):
            before = standard @ self.hidden_rows[k].T + self.hidden_bias[k]
            share = (1 + erf(before / np.sqrt(2.0))) / 2  # the unit is a GELU, exactly
            slope = share + before * np.exp(-(before**2) / 2) / np.sqrt(2 * np.pi)
            found.append(((before * share) @ self.rows[k].T + self.bias[k], slope))
        return found


def _train(features: Floats, label: Ints, seed: int) -> tuple[Floats, ...]:
    """Hidden rows and bias, rows and bias of one network."""
    import torch
    from torch.nn.functional import cross_entropy, gelu

    generator = torch.Generator().manual_seed(seed)
    seen, target = torch.from_numpy(features), torch.from_numpy(label)

    def initial(*shape: int) -> torch.Tensor:
        bound = shape[-1] ** -0.5
        weight: torch.Tensor = (2 * torch.rand(*shape, generator=generator) - 1) * bound
        return weight.requires_grad_()

    def kept(values: torch.Tensor, dropped: float) -> torch.Tensor:
        stays = torch.rand(values.shape, generator=generator) >= dropped
        left: torch.Tensor = values * stays / (1 - dropped)
        return left

    hidden_rows, rows = initial(_N_HIDDEN, features.shape[1]), initial(N_LABELS, _N_HIDDEN)
    hidden_bias = torch.zeros(_N_HIDDEN, requires_grad=True)
    occurs = torch.bincount(target, minlength=N_LABELS) > 0
    bias = torch.where(occurs, 0.0, -30.0).requires_grad_()  # as good as never
    weights = [hidden_rows, hidden_bias, rows, bias]
    optimizer = torch.optim.AdamW(weights, lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    n_batches = -(-len(seen) // _BATCH_SIZE)
    n_epochs = max(_N_EPOCHS, -(-_LEAST_STEPS // n_batches))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _LEARNING_RATE, total_steps=n_epochs * n_batches
    )
    for _ in range(n_epochs):
        for batch in torch.split(torch.randperm(len(seen), generator=generator), _BATCH_SIZE):
            hidden = gelu(kept(seen[batch], _DROPPED_FEATURES) @ hidden_rows.T + hidden_bias)
            logits = kept(hidden, _DROPPED_HIDDEN) @ rows.T + bias
            loss = cross_entropy(logits, target[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return tuple(weight.detach().numpy() for weight in weights)
