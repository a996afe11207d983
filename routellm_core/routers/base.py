"""The interface of every router: queries in, strong win rates out; a folder that rebuilds it.

A checkpoint is config.json (a few lines that a person can read) and plain weights, never a
pickle. Routers know no threshold: choosing one is calibration, applying one is a policy.

A new router is one file plus one line in the registry, `ROUTERS` in `routers/__init__.py`.

To implement, in `routers/<router_name>.py`:

- of a `Router`: `router_name`, `strong_win_rate`, `save` and `load`;
- of a `LearnedRouter`: `fit` and `strong_win_rate_of` in place of `strong_win_rate`, and
  `default_embedder` where it is another than the usual one;
- of an `EmbeddingRouter`, a learned one that sees a query only as a vector: `dimension` and
  `_win_rate` in place of `strong_win_rate_of`;
- `save` with `write_config` and `write_weights`, `load` with `read_config`, `read_weights` and
  `take_weight`: these refuse what is not a checkpoint and say why;
- options, if any, as a frozen dataclass in `configs.py`.

What is heavy is imported where it is used.

What `tests/test_routers.py` asks of every router in the registry:

- one float32 in [0, 1] a query, in the order of the queries, for any text: nothing,
  100,000 characters, emoji, any script, broken Unicode; no query gives an empty array;
- a query has the same score alone and in a batch (1e-6), and after saving and loading (1e-4);
- a folder without a checkpoint is a `NotTrainedError`; one that is foreign, newer, torn or lacks
  something is a `DataError`, each with a sentence that says what to do;
- of an embedding router also: it learns which queries need the strong model, the same seed gives
  the same router, and embeddings of another length, NaN or infinite are a `DataError`.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from routellm_core.embedders.sentence import sentence_embedder
from routellm_core.errors import DataError, NotTrainedError
from routellm_core.jobs.progress import OnProgress, silent
from routellm_core.types import Battles, Floats, Ints, ModelPair

CHECKPOINT_VERSION = 1
CONFIG_NAME = "config.json"


class Router(ABC):
    """A router for one model pair."""

    router_name: ClassVar[str]

    def __init__(self, model_pair: ModelPair) -> None:
        self.model_pair = model_pair

    @abstractmethod
    def strong_win_rate(self, queries: Sequence[str]) -> Floats:
        """P(strong wins) + P(tie) / 2 for each query.

        Returns:
            (n_queries,) float32 in [0, 1], in the order of `queries`; empty for no query.
        """

    @abstractmethod
    def save(self, checkpoint_dir: Path) -> None:
        """Write config.json and weights to a folder, which is made when absent."""

    @classmethod
    @abstractmethod
    def load(cls, checkpoint_dir: Path, embedder: Any = None) -> Self:
        """Rebuild a saved router.

        Raises:
            NotTrainedError: the folder holds no checkpoint.
            DataError: the checkpoint is damaged, of another router or of a newer version.
        """


class LearnedRouter(Router):
    """A router that is fitted to battles, and sees queries as its embedder makes them."""

    def __init__(self, model_pair: ModelPair, embedder: Any = None) -> None:
        super().__init__(model_pair)
        self.embedder = embedder or self.default_embedder()

    @classmethod
    def default_embedder(cls, config: Any = None) -> Any:
        """The embedder that makes this router's features; `config` as for `fit`."""
        return sentence_embedder()

    @classmethod
    @abstractmethod
    def fit(
        cls,
        model_pair: ModelPair,
        features: Any,
        battles: Battles,
        *,
        seed: int,
        config: Any = None,
        embedder: Any = None,
        on_progress: OnProgress = silent,
        resume_dir: Path | None = None,
    ) -> Self:
        """Learn from battles.

        Args:
            model_pair: two of the battles' models.
            features: one item a query, as the embedder makes them.
            battles: their `query_code` points to items of `features`.
            seed: of all that is random in the fit.
            config: the router's options from `configs.py`; by default its own.
            embedder: what made the features; by default the router's own.
            on_progress: told how far it is; what it raises ends the fit.
            resume_dir: a long fit keeps its state there and goes on from it.
        """

    def remember_queries(self, text_hashes: Sequence[str]) -> None:
        """Keep which queries the fit saw, in the order of its features; called after a fit.

        A router that keeps them can name them as evidence; the others need not listen.
        """

    def strong_win_rate(self, queries: Sequence[str]) -> Floats:
        if not len(queries):
            return np.empty(0, dtype=np.float32)
        return self.strong_win_rate_of(self.embedder.embed(queries))

    @abstractmethod
    def strong_win_rate_of(self, features: Any) -> Floats:
        """The same for queries that the embedder has read: (n_queries,) float32 in [0, 1].

        Raises:
            DataError: a feature is NaN or infinite, or not of the form the router was trained on.
        """


class EmbeddingRouter(LearnedRouter):
    """A learned router whose features are vectors of one length."""

    def strong_win_rate_of(self, embeddings: Floats) -> Floats:
        """The same for queries that are embedded already: (n_queries,) float32 in [0, 1].

        Raises:
            DataError: an embedding is NaN or infinite, or of another length than the router's.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dimension:
            raise DataError(
                f"{self.router_name} takes embeddings of length {self.dimension}, "
                f"these have shape {embeddings.shape}: use the embedder {self.embedder.name!r}"
            )
        if not np.isfinite(embeddings).all():
            raise DataError(f"{self.router_name}: an embedding holds NaN or infinite values")
        return np.asarray(self._win_rate(embeddings), dtype=np.float32)

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Length of the embeddings it was trained on."""

    @abstractmethod
    def _win_rate(self, embeddings: Floats) -> Floats:
        """Win rates of checked embeddings."""


def write_config(checkpoint_dir: Path, router: Router, **fields: Any) -> None:
    """Write config.json with what every checkpoint records, and the router's own fields."""
    checkpoint_dir.mkdir(parents=True, exist_ok=True)
    config = {
        "checkpoint_version": CHECKPOINT_VERSION,
        "router_name": router.router_name,
        "model_pair": router.model_pair._asdict(),
        **fields,
    }
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (checkpoint_dir / CONFIG_NAME).write_text(text + "\n", encoding="utf-8")


class Config(dict[str, Any]):
    """The fields of a config.json; asking for one that is not there is a `DataError`."""

    def __init__(self, fields: Mapping[str, Any], path: Path) -> None:
        super().__init__(fields)
        self.path = path

    def __missing__(self, name: str) -> Any:
        raise DataError(f"{self.path} lacks {name!r}: train the router again")


def read_config(checkpoint_dir: Path, router_name: str | None = None) -> Config:
    """The config.json of a checkpoint, checked.

    Raises:
        NotTrainedError: there is none.
        DataError: it is no JSON object of this form, of another router, or of a newer version.
    """
    path = checkpoint_dir / CONFIG_NAME
    if not path.is_file():
        raise NotTrainedError(f"no checkpoint in {checkpoint_dir}: train the router first")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}): train the router again") from error
    if not isinstance(fields, dict) or "router_name" not in fields or "model_pair" not in fields:
        raise DataError(f"{path} is not a router's checkpoint: it lacks router_name or model_pair")
    config = Config(fields, path)
    if config["checkpoint_version"] not in range(1, CHECKPOINT_VERSION + 1):
        raise DataError(
            f"{path} has checkpoint version {config['checkpoint_version']!r}, this project reads "
            f"{CHECKPOINT_VERSION}: update it if a newer version wrote the checkpoint"
        )
    if router_name is not None and config["router_name"] != router_name:
        raise DataError(f"{path} is a checkpoint of {config['router_name']}, not of {router_name}")
    pair = config["model_pair"]
    if not isinstance(pair, dict) or set(pair) != set(ModelPair._fields):
        raise DataError(f"{path}: model_pair must name 'weak' and 'strong'; it is {pair!r}")
    return config


def models_of(config: Config) -> tuple[str, ...]:
    """The models that a router of many models has learned, in order.

    Raises:
        DataError: the routed pair is not among them.
    """
    models = tuple(config["models"])
    for name in config["model_pair"].values():
        if name not in models:
            raise DataError(
                f"{config.path}: the routed model {name!r} is not among the models, "
                f"{', '.join(models)}: train the router again"
            )
    return models


def write_weights(path: Path, arrays: Mapping[str, Floats | Ints]) -> None:
    """Write arrays to a safetensors file, which holds rows one after another and nothing else."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def read_weights(path: Path) -> dict[str, Floats]:
    """The arrays of a safetensors file.

    Raises:
        NotTrainedError: there is no such file.
        DataError: the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.is_file():
        raise NotTrainedError(f"{path} is missing: train the router again")
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error}): train the router again") from error


def take_weight(
    weights: dict[str, Floats], name: str, shape: tuple[int, ...], path: Path
) -> Floats:
    """One array of a checkpoint, of the shape it must have (-1 for any length)."""
    array = weights.get(name)
    if array is None or len(array.shape) != len(shape):
        raise DataError(f"{path}: array {name!r} is missing or not of shape {shape}")
    if any(wanted not in (-1, got) for wanted, got in zip(shape, array.shape, strict=True)):
        raise DataError(f"{path}: array {name!r} has shape {array.shape}, not {shape}")
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        raise DataError(f"{path}: array {name!r} holds NaN or infinite values")
    return array
