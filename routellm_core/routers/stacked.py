"""Our own router: the mean rank of routers that see different sides of a query.

Members are `mf` and `sw_ranking` on the embedding, a label head on the embedding joined with text
statistics, and a label head on a causal model's states. Each score becomes its rank among the
member's scores of the training queries, and the mean rank is turned into a win rate by a logistic
curve fitted to the battles. Equal weights are meant: fitted weights learn the subjects of the
training queries and do worse on unseen ones.
"""

from pathlib import Path
from typing import Any, Self

import numpy as np

from routellm_core.causal_states import CausalStates
from routellm_core.embeddings import Embedder, JoinedEmbedder, SentenceEmbedder
from routellm_core.labels import Battles
from routellm_core.routers.base import (
    EmbeddingRouter,
    read_config,
    read_weights,
    take_weight,
    write_config,
)
from routellm_core.routers.configs import StackedConfig
from routellm_core.routers.label_head import LabelHead, pair_labels
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.text_statistics import TextStatistics
from routellm_core.types import Floats, ModelPair

_WEIGHTS_NAME = "stack.safetensors"
_N_REFERENCE = 201


class StackedRouter(EmbeddingRouter):
    """Sees embedding, causal states and text statistics joined into one vector, in this order."""

    router_name = "stacked"

    def __init__(
        self,
        model_pair: ModelPair,
        members: dict[str, EmbeddingRouter],
        heads: dict[str, LabelHead],
        reference: dict[str, Floats],
        win_rate_curve: Floats,
        widths: tuple[int, int, int],
        embedder: Embedder | None = None,
    ) -> None:
        super().__init__(model_pair, embedder)
        self.members = members
        self.heads = heads
        self.reference = reference  # name -> (201,) rising quantiles of the member's scores
        self.win_rate_curve = win_rate_curve  # (intercept, slope) of the log-odds over mean rank
        self.widths = widths  # of embedding, states, statistics

    @classmethod
    def default_embedder(cls) -> Embedder:
        return JoinedEmbedder([SentenceEmbedder(), CausalStates(), TextStatistics()])

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        embeddings: Floats,
        battles: Battles,
        *,
        seed: int,
        config: StackedConfig | None = None,
    ) -> Self:
        n_embedding, n_statistics = (
            (config or StackedConfig()).n_embedding,
            TextStatistics.dimension,
        )
        widths = (n_embedding, embeddings.shape[1] - n_embedding - n_statistics, n_statistics)
        embedding, states, text = _split(embeddings, widths)
        members: dict[str, EmbeddingRouter] = {
            "mf": MatrixFactorizationRouter.fit(model_pair, embedding, battles, seed=seed),
            "sw_ranking": SimilarityWeightedRouter.fit(model_pair, embedding, battles, seed=seed),
        }
        heads = {
            "text": LabelHead.fit(model_pair, text, battles),
            "states": LabelHead.fit(model_pair, states, battles),
        }
        router = cls(model_pair, members, heads, {}, np.array([0.0, 1.0]), widths)
        scores = router.member_scores(embeddings)
        levels = np.linspace(0, 1, _N_REFERENCE)
        router.reference = {
            name: _rising(np.quantile(score, levels)) for name, score in scores.items()
        }
        query_code, label = pair_labels(model_pair, battles)
        router.win_rate_curve = _logistic(router.mean_rank(embeddings)[query_code], label / 2)
        return router

    @property
    def dimension(self) -> int:
        return sum(self.widths)

    def member_scores(self, embeddings: Floats) -> dict[str, Floats]:
        """Win rate of each member, (n_queries,) each."""
        embedding, states, text = _split(embeddings, self.widths)
        scores = {name: r.strong_win_rate_of(embedding) for name, r in self.members.items()}
        return scores | {
            "text": self.heads["text"].win_rate(text),
            "states": self.heads["states"].win_rate(states),
        }

    def mean_rank(self, embeddings: Floats) -> Floats:
        """(n_queries,) mean over the members of the rank among the training queries' scores.

        Strictly rising in every score: beyond the reference it goes on with a gentle slope, so
        that no two queries tie for being extreme.
        """
        ranks = [
            _rank(score, self.reference[name])
            for name, score in self.member_scores(embeddings).items()
        ]
        return np.asarray(np.mean(ranks, axis=0))

    def _win_rate(self, embeddings: Floats) -> Floats:
        intercept, slope = self.win_rate_curve
        log_odds = intercept + slope * self.mean_rank(embeddings)
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))

    def save(self, checkpoint_dir: Path) -> None:
        from safetensors.numpy import save_file

        write_config(checkpoint_dir, self, embedder=self.embedder.name, widths=list(self.widths))
        arrays: dict[str, Any] = {"win_rate_curve": self.win_rate_curve}
        arrays |= {f"reference.{name}": values for name, values in self.reference.items()}
        for name, head in self.heads.items():
            arrays |= {f"{name}.{field}": array for field, array in head._asdict().items()}
        save_file(arrays, checkpoint_dir / _WEIGHTS_NAME)
        for name, member in self.members.items():
            member.save(checkpoint_dir / name)

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Embedder | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        path = checkpoint_dir / _WEIGHTS_NAME
        weights = read_weights(path)
        n_embedding, n_states, n_text = config["widths"]
        lengths = {"text": n_embedding + n_text, "states": n_states}
        heads = {}
        for name, length in lengths.items():
            shapes = {"mean": (length,), "scale": (length,), "rows": (3, length), "bias": (3,)}
            fields = {f: take_weight(weights, f"{name}.{f}", s, path) for f, s in shapes.items()}
            heads[name] = LabelHead(**fields)
        members: dict[str, EmbeddingRouter] = {
            "mf": MatrixFactorizationRouter.load(checkpoint_dir / "mf"),
            "sw_ranking": SimilarityWeightedRouter.load(checkpoint_dir / "sw_ranking"),
        }
        return cls(
            ModelPair(**config["model_pair"]),
            members,
            heads,
            {
                name: take_weight(weights, f"reference.{name}", (_N_REFERENCE,), path)
                for name in (*members, *heads)
            },
            take_weight(weights, "win_rate_curve", (2,), path),
            (n_embedding, n_states, n_text),
            embedder,
        )


def _split(joined: Floats, widths: tuple[int, int, int]) -> tuple[Floats, Floats, Floats]:
    """Embedding, states, and embedding with statistics, from the joined vectors."""
    n_embedding, n_states, _ = widths
    embedding = joined[:, :n_embedding]
    states = joined[:, n_embedding : n_embedding + n_states]
    statistics = joined[:, n_embedding + n_states :]
    # Unit vectors have small entries; standardising later puts both on one scale.
    return embedding, states, np.concatenate([embedding, statistics], axis=1)


def _rising(quantiles: Floats) -> Floats:
    """Strictly rising: equal neighbours are moved apart by the least there is."""
    step = 1e-9 * np.arange(len(quantiles))
    return np.asarray(np.maximum.accumulate(quantiles) + step)


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
