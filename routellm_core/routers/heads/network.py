"""Small networks over a vector, averaged: what label rows miss where features act together.

Each has one hidden layer under the rows of `labels`, and sees a vector with a third of its
features dropped while it learns.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from routellm_core.routers.base import read_weights, take_weight, write_weights
from routellm_core.routers.heads.labels import CREDIT, N_LABELS, pair_labels
from routellm_core.types import Battles, Floats, Ints, ModelPair

if TYPE_CHECKING:
    import torch

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
    """Fitted networks; arrays are float32 and read in float64."""

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
        """Networks that learned from battles between the two models of the pair.

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
        """The networks of a file.

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
        import torch

        return np.asarray(self._chances(torch.tensor(features, dtype=torch.float64)))

    def gradient(self, features: Floats) -> Floats:
        """(n_queries, dimension) gradient of the win rate by the features."""
        import torch

        at = torch.tensor(features, dtype=torch.float64, requires_grad=True)
        win_rate = self._chances(at) @ torch.from_numpy(CREDIT)
        return np.asarray(torch.autograd.grad(win_rate.sum(), at)[0])

    def _chances(self, features: "torch.Tensor") -> "torch.Tensor":
        import torch
        from torch.nn.functional import gelu, linear

        mean, scale, *weights = (torch.from_numpy(array).double() for array in self)
        standard = (features - mean) / scale
        logits = [
            linear(gelu(linear(standard, hidden_rows, hidden_bias)), rows, bias)
            for hidden_rows, hidden_bias, rows, bias in zip(*weights, strict=True)
        ]
        return torch.stack(logits).softmax(-1).mean(0)


def _train(features: Floats, label: Ints, seed: int) -> list[Floats]:
    """Hidden rows and bias, rows and bias of one network; torch's random state stays as it was."""
    import torch
    from torch import nn

    seen, target = torch.from_numpy(features), torch.from_numpy(label)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = nn.Sequential(
            nn.Dropout(_DROPPED_FEATURES),
            nn.Linear(features.shape[1], _N_HIDDEN),
            nn.GELU(),
            nn.Dropout(_DROPPED_HIDDEN),
            nn.Linear(_N_HIDDEN, N_LABELS),
        )
        never = torch.bincount(target, minlength=N_LABELS) == 0
        network[-1].bias.data = torch.where(never, -30.0, 0.0)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
        )
        n_batches = -(-len(seen) // _BATCH_SIZE)
        n_epochs = max(_N_EPOCHS, -(-_LEAST_STEPS // n_batches))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, _LEARNING_RATE, total_steps=n_epochs * n_batches
        )
        for _ in range(n_epochs):
            for batch in torch.split(torch.randperm(len(seen)), _BATCH_SIZE):
                loss = nn.functional.cross_entropy(network(seen[batch]), target[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return [parameter.detach().numpy() for parameter in network.parameters()]
