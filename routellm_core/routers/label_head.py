"""Three label rows over a vector: weak wins, tie, strong wins; their softmax gives the win rate.

The same thing that added label tokens are to a causal model's vocabulary, trained alone while
everything below stays frozen: multinomial logistic regression on standardised features.
"""

from typing import NamedTuple, Self

import numpy as np

from routellm_core.labels import Battles
from routellm_core.types import Floats, ModelPair

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
    def fit(cls, model_pair: ModelPair, features: Floats, battles: Battles) -> Self:
        """Learn the rows from battles between the two models of the pair.

        Args:
            model_pair: battles of other models are left out.
            features: (n_queries, dimension); the battles' `query_code` points to rows.
            battles: at least one.
        """
        from sklearn.linear_model import LogisticRegression

        query_code, label = pair_labels(model_pair, battles)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
        seen = ((features - mean) / scale)[query_code]
        model = LogisticRegression(C=INVERSE_PENALTY, max_iter=300, tol=1e-4)
        model.fit(seen, label)
        rows = np.zeros((3, features.shape[1]), dtype=np.float32)
        bias = np.full(3, -np.inf, dtype=np.float32)  # a label that never occurred
        if len(model.classes_) == 2:
            rows[model.classes_[1]], bias[model.classes_] = model.coef_[0], (0, *model.intercept_)
        else:
            rows[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
        return cls(mean.astype(np.float32), scale, rows, np.maximum(bias, -30.0))

    def win_rate(self, features: Floats) -> Floats:
        """(n_queries,) P(strong wins) + P(tie) / 2."""
        logits = ((features - self.mean) / self.scale) @ self.rows.T + self.bias
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(chance @ _CREDIT / chance.sum(axis=1))


def pair_labels(
    model_pair: ModelPair, battles: Battles
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Query and label (0 weak wins, 1 tie, 2 strong wins) of each battle of the pair."""
    weak, strong = (battles.models.index(model) for model in model_pair)
    forward = (battles.model_a == weak) & (battles.model_b == strong)
    backward = (battles.model_a == strong) & (battles.model_b == weak)
    strong_win = np.where(forward, 1.0 - battles.win_a, battles.win_a)
    kept = forward | backward
    label = np.round(2 * strong_win[kept]).astype(np.int64)
    return np.asarray(battles.query_code[kept]), label
