"""Our own router: the mean rank of routers that see different sides of a query.

Each member's win rate becomes its rank among the win rates it gave to queries that it had not
learned from, and a logistic curve turns the mean rank into a win rate. Equal weights are meant:
fitted weights learn the subjects of the training queries and do worse on unseen ones.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.routers import router_class
from routellm_core.routers.base import (
    EmbeddingRouter,
    LearnedRouter,
    read_config,
    read_weights,
    take_weight,
    write_config,
    write_weights,
)
from routellm_core.routers.configs import StackedConfig
from routellm_core.routers.heads.labels import strong_wins
from routellm_core.routers.sharing import Reading, shared
from routellm_core.types import Battles, Floats, ModelPair

_WEIGHTS_NAME = "ranks.safetensors"
_N_REFERENCE = 1001


class MemberScores:
    """An embedder whose vectors are the win rates of the members, in their order."""

    def __init__(self, members: Mapping[str, LearnedRouter]) -> None:
        self.members = members
        self.name = "+".join(members)

    def embed(self, queries: Sequence[str]) -> Floats:
        """(n_queries, n_members) float32 in [0, 1]; members of one embedder share its reading."""
        if not self.members:
            return np.empty((len(queries), 0), dtype=np.float32)
        scores: Floats = Reading(queries).by(self)
        return scores


class StackedRouter(EmbeddingRouter):
    """Holds each member's reference ranks and the curve over the mean rank."""

    router_name = "stacked"

    def __init__(
        self,
        model_pair: ModelPair,
        reference: Floats,
        curve: Floats,
        embedder: MemberScores | None = None,
    ) -> None:
        super().__init__(model_pair, embedder)
        self.reference = reference  # (n_members, 1001) rising quantiles of each member's scores
        self.curve = curve  # (intercept, slope) of the log-odds over the mean rank

    @classmethod
    def default_embedder(cls, config: StackedConfig | None = None) -> MemberScores:
        """No members: they are trained first and given to `fit`."""
        return MemberScores({})

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Floats,
        battles: Battles,
        *,
        seed: int,
        config: StackedConfig | None = None,
        embedder: MemberScores | None = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        """Learn reference and curve from scores of members that had not seen the queries.

        Args:
            model_pair: battles of other models are left out.
            features: (n_queries, n_members) out-of-fold win rates of the members.
            battles: their `query_code` points to rows of `features`.
            seed: nothing here is random.
            config: names the members; nothing of it is needed here.
            embedder: the members, fitted on everything.
            on_progress: not told anything, for this takes no time.
            resume_dir: not used.
        """
        levels = np.linspace(0, 1, _N_REFERENCE)
        reference = np.stack([_rising(np.quantile(scores, levels)) for scores in features.T])
        router = cls(model_pair, reference, np.array([0.0, 1.0]), embedder)
        query_code, win = strong_wins(model_pair, battles)
        router.curve = _logistic(router.mean_rank(features)[query_code], win)
        return router

    @property
    def dimension(self) -> int:
        return len(self.reference)

    def mean_rank(self, scores: Floats) -> Floats:
        """(n_queries,) mean of `ranks` over the members."""
        return np.asarray(self.ranks(scores).mean(axis=1))

    def ranks(self, scores: Floats) -> Floats:
        """(n_queries, n_members) rank of each member's score among its reference scores.

        Strictly rising in every score: beyond the reference it goes on with a gentle slope, so
        that no two queries tie for being extreme.
        """
        ranks = [
            _rank(column, reference)
            for column, reference in zip(scores.T, self.reference, strict=True)
        ]
        return np.stack(ranks, axis=1)

    def _win_rate(self, embeddings: Floats) -> Floats:
        intercept, slope = self.curve
        log_odds = intercept + slope * self.mean_rank(embeddings)
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))

    def save(self, checkpoint_dir: Path) -> None:
        write_config(
            checkpoint_dir,
            self,
            embedder=self.embedder.name,
            members=list(self.embedder.members),
        )
        write_weights(
            checkpoint_dir / _WEIGHTS_NAME,
            {"reference": self.reference, "curve": np.asarray(self.curve)},
        )
        for name, member in self.embedder.members.items():
            member.save(checkpoint_dir / name)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: MemberScores | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        path = checkpoint_dir / _WEIGHTS_NAME
        weights = read_weights(path)
        names = config["members"]
        if cls.router_name in names:
            raise DataError(f"{config.path}: a stacked router cannot be its own member")
        reference = take_weight(weights, "reference", (len(names), _N_REFERENCE), path)
        curve = take_weight(weights, "curve", (2,), path)
        if embedder is None:
            kinds: dict[str, Any] = {name: router_class(name) for name in names}
            members = {n: k.load(checkpoint_dir / n) for n, k in kinds.items()}
            embedder = shared(MemberScores(members), {})
        return cls(ModelPair(**config["model_pair"]), reference, curve, embedder)


def _rising(quantiles: Floats) -> Floats:
    """Strictly rising: equal neighbours are moved apart by the least there is."""
    step = 1e-9 * np.arange(len(quantiles))
    return np.asarray(np.maximum.accumulate(quantiles.astype(np.float64)) + step)


def _rank(score: Floats, reference: Floats) -> Floats:
    """Share of the reference below each score, strictly rising on all of the line."""
    rank = np.interp(score, reference, np.linspace(0, 1, len(reference)))
    below, above = np.minimum(score - reference[0], 0), np.maximum(score - reference[-1], 0)
    return np.asarray(rank + 0.5 * (below + above))


def _logistic(rank: Floats, win: Floats) -> Floats:
    """Intercept and slope of the log-odds of a win over the rank; the slope is positive."""
    from scipy.optimize import minimize

    def loss(curve: Floats) -> float:
        log_odds = curve[0] + curve[1] * rank
        return float(np.mean(np.logaddexp(0, log_odds) - win * log_odds))

    found = minimize(loss, np.array([0.0, 1.0]), bounds=[(None, None), (1e-3, None)])
    return np.asarray(found.x)
