"""Label rows over a vector: weak wins, tie, strong wins, both bad; their softmax is the win rate.

The same thing that added label tokens are to a causal model's vocabulary, trained alone while
everything below stays frozen: multinomial logistic regression on standardised features. A tie of
two bad answers is a label of its own where the battles say so: queries that are too hard for both
models and queries that are easy for both have little in common.
"""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.routers.base import read_weights, take_weight, write_weights
from routellm_core.types import Battles, Floats, Ints, ModelPair

INVERSE_PENALTY = 1e-4
"""scikit-learn's C for features of unit variance."""
LABELS = ("weak wins", "tie", "strong wins", "both bad")
N_LABELS = len(LABELS)
CREDIT = np.array([0.0, 0.5, 1.0, 0.5])
"""Share of a win that each label counts for."""


class LabelHead(NamedTuple):
    """A fitted head; arrays are float32."""

    mean: Floats
    """(dimension,)"""
    scale: Floats
    """(dimension,)"""
    rows: Floats
    """(4, dimension), one for each of `LABELS`."""
    bias: Floats
    """(4,)"""

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Floats,
        battles: Battles,
        inverse_penalty: float = INVERSE_PENALTY,
        *,
        seed: int = 0,
    ) -> Self:
        """A head that learned from battles between the two models of the pair.

        Args:
            model_pair: battles of other models are left out.
            features: (n_queries, dimension); the battles' `query_code` points to rows.
            battles: at least one between the two.
            inverse_penalty: scikit-learn's C.
            seed: nothing here is random.
        """
        from sklearn.linear_model import LogisticRegression

        query_code, label = pair_labels(model_pair, battles)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
        seen = ((features - mean) / scale)[query_code]
        model = LogisticRegression(C=inverse_penalty, max_iter=300, tol=1e-4)
        model.fit(seen, label)
        rows = np.zeros((N_LABELS, features.shape[1]), dtype=np.float32)
        bias = np.full(N_LABELS, -np.inf, dtype=np.float32)  # a label that never occurred
        if len(model.classes_) == 2:
            rows[model.classes_[1]], bias[model.classes_] = model.coef_[0], (0, *model.intercept_)
        else:
            rows[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
        return cls(mean.astype(np.float32), scale, rows, np.maximum(bias, -30.0))

    @property
    def dimension(self) -> int:
        """Length of the features."""
        return int(self.rows.shape[1])

    def save(self, path: Path) -> None:
        """Write the arrays to a safetensors file."""
        write_weights(path, self._asdict())

    @classmethod
    def load(cls, path: Path) -> Self:
        """The head in a file.

        Raises:
            NotTrainedError: there is no such file.
            DataError: it is damaged or not of this form.
        """
        weights = read_weights(path)
        rows = take_weight(weights, "rows", (N_LABELS, -1), path)
        length = (rows.shape[1],)
        return cls(
            mean=take_weight(weights, "mean", length, path),
            scale=take_weight(weights, "scale", length, path),
            rows=rows,
            bias=take_weight(weights, "bias", (N_LABELS,), path),
        )

    def win_rate(self, features: Floats) -> Floats:
        """(n_queries,) P(strong wins) + P(tie) / 2."""
        return np.asarray(self.chances(features) @ CREDIT)

    def chances(self, features: Floats) -> Floats:
        """(n_queries, 4) chances of the labels."""
        return chances_of(((features - self.mean) / self.scale) @ self.rows.T + self.bias)

    def gradient(self, features: Floats) -> Floats:
        """(n_queries, dimension) gradient of the win rate by the features."""
        chance = self.chances(features)
        of_logits = chance * (CREDIT - (chance @ CREDIT)[:, None])
        return np.asarray(of_logits @ self.rows / self.scale)


def chances_of(logits: Floats) -> Floats:
    """Softmax over the labels, which are the last axis."""
    chance = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(chance / chance.sum(axis=-1, keepdims=True))


def pair_labels(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Ints]:
    """Query and label of each battle of the pair, as a position in `LABELS`.

    A battle judged several times gets the nearest label.

    Raises:
        DataError: no battle is between the two models.
    """
    kept, win = _strong_wins(model_pair, battles)
    label = np.round(2 * win).astype(np.int64)
    if battles.both_bad is not None:
        label[(label == 1) & battles.both_bad[kept]] = LABELS.index("both bad")
    return np.asarray(battles.query_code[kept]), label


def strong_wins(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Floats]:
    """Query of each battle of the pair, and how far the strong model won it, in [0, 1].

    Raises:
        DataError: no battle is between the two models.
    """
    kept, win = _strong_wins(model_pair, battles)
    return np.asarray(battles.query_code[kept]), win


def soft_labels(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Floats]:
    """Query and target of each battle of the pair.

    Returns:
        (n_battles,) positions of the queries, and (n_battles, 3) chances of weak wins, tie and
        strong wins. A battle judged several times lies between two labels.

    Raises:
        DataError: no battle is between the two models.
    """
    query_code, win = strong_wins(model_pair, battles)
    weak, strong = np.maximum(1 - 2 * win, 0), np.maximum(2 * win - 1, 0)
    target = np.stack([weak, 1 - weak - strong, strong], axis=1)
    return query_code, target.astype(np.float32)


def _strong_wins(model_pair: ModelPair, battles: Battles) -> tuple[NDArray[np.bool_], Floats]:
    """Mask of the battles of the pair, and how far the strong model won those, in [0, 1]."""
    weak, strong = (battles.models.index(model) for model in model_pair)
    forward = (battles.model_a == weak) & (battles.model_b == strong)
    backward = (battles.model_a == strong) & (battles.model_b == weak)
    kept = forward | backward
    if not kept.any():
        raise DataError(
            f"no battle between {model_pair.weak!r} and {model_pair.strong!r}: add some, or name "
            "proxy models"
        )
    return kept, np.where(forward, 1.0 - battles.win_a, battles.win_a)[kept]
