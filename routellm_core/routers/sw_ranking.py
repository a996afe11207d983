"""Similarity-weighted ranking: a Bradley-Terry fit a query, near battles counting more.

Battle i weighs 10^(1 + S_i), where S_i is the cosine of its query to the asked one divided by the
largest such cosine (arXiv 2406.18665, section 4.2). All queries of a batch are fitted at once: a
matrix product gives the similarities, cells gather the weights, Newton's method solves the fits.
Nearly all the time goes to the matrix product, so what follows it works in place: battles lie
sorted by cell and queries in the order of their battles, and no large array is copied.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.embedders.sentence import Embedder, sentence_embedder
from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.routers.base import (
    EmbeddingRouter,
    models_of,
    read_config,
    read_weights,
    take_weight,
    write_config,
    write_weights,
)
from routellm_core.statistics.bradley_terry import Cells, fit_ratings, merge_battles, sum_by_cell
from routellm_core.types import Battles, Floats, Ints, ModelPair

_BATCH = 256
_WEIGHTS_NAME = "battles.safetensors"


class SimilarityWeightedRouter(EmbeddingRouter):
    """Keeps the embedded queries of all battles; training is remembering."""

    router_name = "sw_ranking"

    def __init__(
        self,
        model_pair: ModelPair,
        embeddings: Floats,
        battles: Battles,
        embedder: Embedder | None = None,
        text_hashes: Sequence[str] | None = None,
    ) -> None:
        super().__init__(model_pair, embedder)
        kept, self.battles, self.cells = _sorted_by_cell(battles)
        self.embeddings = np.asarray(embeddings[kept], dtype=np.float32)
        self.text_hashes = None if text_hashes is None else np.asarray(text_hashes)[kept]
        self._kept = kept

    @classmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Floats,
        battles: Battles,
        *,
        seed: int,
        config: Any = None,
        embedder: Embedder | None = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        return cls(model_pair, features, battles, embedder)

    def remember_queries(self, text_hashes: Sequence[str]) -> None:
        self.text_hashes = np.asarray(text_hashes)[self._kept]

    def text_hash_of(self, query_code: int) -> str | None:
        """Names a query of the battles in the store; None where the checkpoint does not say."""
        return None if self.text_hashes is None else str(self.text_hashes[query_code])

    @property
    def dimension(self) -> int:
        return int(self.embeddings.shape[1])

    def _win_rate(self, embeddings: Floats) -> Floats:
        weak = self.battles.models.index(self.model_pair.weak)
        strong = self.battles.models.index(self.model_pair.strong)
        win_rate = np.empty(len(embeddings), dtype=np.float32)
        for start in range(0, len(embeddings), _BATCH):
            batch = np.asarray(embeddings[start : start + _BATCH], dtype=np.float32)
            cell_weight = sum_by_cell(self.cells, self.battle_weight(batch))
            rating = fit_ratings(self.cells, cell_weight, len(self.battles.models))
            log_odds = rating[:, strong] - rating[:, weak]
            win_rate[start : start + _BATCH] = 1.0 / (1.0 + np.exp(-log_odds))
        return win_rate

    def battle_weight(self, embeddings: Floats) -> Floats:
        """(n_queries, n_battles) 10^S; the tenfold of it that the paper takes fits the same."""
        weight = embeddings @ self.embeddings.T
        largest = weight.max(axis=1, keepdims=True)
        # With no similar query at all every battle has the same weight.
        weight *= np.float32(np.log(10.0)) / np.where(largest > 0, largest, np.inf)
        np.exp(weight, out=weight)
        one_battle_each = len(self.embeddings) == len(self.battles.query_code)
        return weight if one_battle_each else weight[:, self.battles.query_code]

    def save(self, checkpoint_dir: Path) -> None:
        write_config(
            checkpoint_dir,
            self,
            embedder=self.embedder.name,
            models=list(self.battles.models),
            n_battles=len(self.battles.win_a),
        )
        names = {} if self.text_hashes is None else {"text_hash": _bytes_of(self.text_hashes)}
        write_weights(
            checkpoint_dir / _WEIGHTS_NAME,
            names
            | {
                "embeddings": self.embeddings.astype(np.float16),
                "query_code": self.battles.query_code.astype(np.int32),
                "model_a": self.battles.model_a.astype(np.int16),
                "model_b": self.battles.model_b.astype(np.int16),
                "win_a": self.battles.win_a.astype(np.float16),
            },
        )

    @classmethod
    def load(cls, checkpoint_dir: Path, embedder: Embedder | None = None) -> Self:
        config = read_config(checkpoint_dir, cls.router_name)
        path = checkpoint_dir / _WEIGHTS_NAME
        weights = read_weights(path)
        n_battles = config["n_battles"]
        battles = Battles(
            models=models_of(config),
            query_code=take_weight(weights, "query_code", (n_battles,), path).astype(np.int64),
            model_a=take_weight(weights, "model_a", (n_battles,), path).astype(np.int64),
            model_b=take_weight(weights, "model_b", (n_battles,), path).astype(np.int64),
            win_a=take_weight(weights, "win_a", (n_battles,), path).astype(np.float64),
        )
        embeddings = take_weight(weights, "embeddings", (-1, -1), path)
        text_hashes = None
        if "text_hash" in weights:  # a checkpoint may not know them
            shape = (len(embeddings), _HASH_BYTES)
            text_hashes = _hashes_of(take_weight(weights, "text_hash", shape, path))
        return cls(
            ModelPair(**config["model_pair"]),
            embeddings,
            battles,
            embedder or sentence_embedder(config["embedder"]),
            text_hashes,
        )


_HASH_BYTES = 16


def _bytes_of(text_hashes: NDArray[np.str_]) -> Ints:
    """(n_queries, 16) the hexadecimal digits as bytes."""
    joined = bytes.fromhex("".join(text_hashes))
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(text_hashes), _HASH_BYTES)


def _hashes_of(as_bytes: Floats) -> list[str]:
    return [row.tobytes().hex() for row in as_bytes.astype(np.uint8)]


def _sorted_by_cell(battles: Battles) -> tuple[Ints, Battles, Cells]:
    """Positions of the queries in the order of their first battle, and battles sorted by cell.

    A query without a battle is left out, so that no similarity to it is computed.
    """
    cells = merge_battles(battles.model_a, battles.model_b, battles.win_a)
    order = np.argsort(cells.cell_of_battle, kind="stable")
    query_code, queries = pd.factorize(battles.query_code[order])
    in_order = Battles(
        models=battles.models,
        query_code=query_code,
        model_a=battles.model_a[order],
        model_b=battles.model_b[order],
        win_a=battles.win_a[order],
    )
    cells = cells._replace(cell_of_battle=cells.cell_of_battle[order])
    return np.asarray(queries), in_order, cells
