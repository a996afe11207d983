"""Three label rows over a vector: weak wins, tie, strong wins; their softmax gives the win rate.

The same thing that added label tokens are to a causal model's vocabulary, trained alone while
everything below stays frozen: multinomial logistic regression on standardised features.
"""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from routellm_core.errors import DataError
from routellm_core.labels import Battles
from routellm_core.routers.base import read_weights, take_weight, write_weights
from routellm_core.types import Floats, Ints, ModelPair

INVERSE_PENALTY = 1e-4
"""scikit-learn's C for features of unit variance."""
_CREDIT = np.array([0.0, 0.5, 1.0])  # of weak wins, tie, strong wins


class LabelHead(NamedTuple):
    """A fitted head; arrays are float32."""

    mean: Floats
    """(dimension,)"""
    scale: Floats
    """(dimension,)"""
    rows: Floats
    """(3, dimension) for weak wins, tie, strong wins."""
    bias: Floats
    """(3,)"""

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Floats,
        battles: Battles,
        inverse_penalty: float = INVERSE_PENALTY,
    ) -> Self:
        """Learn the rows from battles between the two models of the pair.

        Args:
            model_pair: battles of other models are left out.
            features: (n_queries, dimension); the battles' `query_code` points to rows.
            battles: at least one between the two.
            inverse_penalty: scikit-learn's C.
        """
        from sklearn.linear_model import LogisticRegression

        query_code, label = pair_labels(model_pair, battles)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
        seen = ((features - mean) / scale)[query_code]
        model = LogisticRegression(C=inverse_penalty, max_iter=300, tol=1e-4)
        model.fit(seen, label)
        rows = np.zeros((3, features.shape[1]), dtype=np.float32)
        bias = np.full(3, -np.inf, dtype=np.float32)  # a label that never occurred
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
        """Read them again.

        Raises:
            NotTrainedError: there is no such file.
            DataError: it is damaged or not of this form.
        """
        weights = read_weights(path)
        rows = take_weight(weights, "rows", (3, -1), path)
        length = (rows.shape[1],)
        return cls(
            mean=take_weight(weights, "mean", length, path),
            scale=take_weight(weights, "scale", length, path),
            rows=rows,
            bias=take_weight(weights, "bias", (3,), path),
        )

    def win_rate(self, features: Floats) -> Floats:
        """(n_queries,) P(strong wins) + P(tie) / 2."""
        logits = ((features - self.mean) / self.scale) @ self.rows.T + self.bias
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(chance @ _CREDIT / chance.sum(axis=1))


def pair_labels(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Ints]:
    """Query and label (0 weak wins, 1 tie, 2 strong wins) of each battle of the pair.

    A battle judged several times gets the nearest label.

    Raises:
        DataError: no battle is between the two models.
    """
    query_code, win = _strong_wins(model_pair, battles)
    return query_code, np.round(2 * win).astype(np.int64)


def soft_labels(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Floats]:
    """Query and target of each battle of the pair.

    Returns:
        (n_battles,) positions of the queries, and (n_battles, 3) chances of weak wins, tie and
        strong wins. A battle judged several times lies between two labels.

    Raises:
        DataError: no battle is between the two models.
    """
    query_code, win = _strong_wins(model_pair, battles)
    weak_wins, strong_wins = np.maximum(1 - 2 * win, 0), np.maximum(2 * win - 1, 0)
    target = np.stack([weak_wins, 1 - weak_wins - strong_wins, strong_wins], axis=1)
    return query_code, target.astype(np.float32)


def _strong_wins(model_pair: ModelPair, battles: Battles) -> tuple[Ints, Floats]:
    """Query of each battle of the pair, and how far the strong model won it, in [0, 1]."""
    weak, strong = (battles.models.index(model) for model in model_pair)
    forward = (battles.model_a == weak) & (battles.model_b == strong)
    backward = (battles.model_a == strong) & (battles.model_b == weak)
    kept = forward | backward
    if not kept.any():
        raise DataError(
            f"no battle between {model_pair.weak!r} and {model_pair.strong!r}: add some, or name "
            "stand-ins"
        )
    win = np.where(forward, 1.0 - battles.win_a, battles.win_a)
    return np.asarray(battles.query_code[kept]), np.asarray(win[kept])
