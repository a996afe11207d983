"""Queries in batches that fill a token budget, halved where they do not fit the device's memory.

>>> batches_of([0, 2, 1], [1, 4, 2], 4)
[[0, 2], [1]]
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from time import perf_counter
from typing import TypeVar

from routellm_core.embedders.devices import device
from routellm_core.errors import DataError

Rows = TypeVar("Rows")
"""Tokens of several queries, in the form that their reader takes."""
_BATCHES_AHEAD = 4


def batches_of(by_length: Sequence[int], lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Runs of positions, as many as fit the token budget once padded; at least one each.

    Args:
        by_length: positions, the shortest first.
        lengths: tokens of each query.
        budget: tokens of a batch, padding counted.
    """
    batches: list[list[int]] = []
    start = 0
    while start < len(by_length):
        batches.append(_first_batch(by_length, lengths, budget, start))
        start += len(batches[-1])
    return batches


def _first_batch(
    by_length: Sequence[int], lengths: Sequence[int], budget: int, start: int = 0
) -> list[int]:
    end = start + 1
    while end < len(by_length) and (end + 1 - start) * lengths[by_length[end]] <= budget:
        end += 1
    return list(by_length[start:end])


class Budget:
    """Number of tokens that a batch may hold; less once a batch did not fit into memory.

    Args:
        n_tokens: that fill a processor; a GPU gets `Device.batch_scale` times as many.
    """

    def __init__(self, n_tokens: int) -> None:
        self.n_tokens = n_tokens
        self.waited_s = 0.0
        """Seconds in which nothing was computed because the next tokens were not there yet."""
        self._is_for_device = False

    def read(
        self,
        queries: Sequence[str],
        tokenized: Callable[[list[str]], Rows],
        lengths_of: Callable[[Rows], Sequence[int]],
        work: Callable[[list[int], Rows, list[int]], None],
    ) -> None:
        """Give all queries to `work`, a batch at a time, tokenizing some batches ahead.

        Args:
            queries: texts.
            tokenized: tokens of some of them; runs in a thread of its own.
            lengths_of: how many tokens each has.
            work: takes positions in `queries`, tokens, and the places of these queries among them.

        Raises:
            DataError: a single query does not fit.
        """
        self._suit_the_device()
        pieces = self._pieces(queries)
        with ThreadPoolExecutor(1) as thread:
            texts = ([queries[i] for i in piece] for piece in pieces)
            coming = [thread.submit(tokenized, next(texts))] if pieces else []
            for piece in pieces:
                started = perf_counter()
                rows = coming.pop().result()
                self.waited_s += perf_counter() - started
                coming += [thread.submit(tokenized, following) for following in islice(texts, 1)]
                self.run(lengths_of(rows), partial(_work_on_piece, work, piece, rows))

    def run(self, lengths: Sequence[int], work: Callable[[list[int]], None]) -> None:
        """Give all queries to `work`, a batch of positions at a time, the shortest first.

        A batch that does not fit is halved, and later ones are as small from the start.

        Raises:
            DataError: a single query does not fit.
        """
        self._suit_the_device()
        waiting = sorted(range(len(lengths)), key=lengths.__getitem__)
        while waiting:
            batch = _first_batch(waiting, lengths, self.n_tokens)
            if self._fits(batch, lengths, work):
                waiting = waiting[len(batch) :]
            else:  # here nothing holds what the batch took any more
                self.n_tokens = max(len(batch) * lengths[batch[-1]] // 2, 1)
                _free()

    def _fits(
        self, batch: list[int], lengths: Sequence[int], work: Callable[[list[int]], None]
    ) -> bool:
        """True where the batch was processed; false where it needs more memory than there is."""
        try:
            work(batch)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise DataError(
                    f"a query of {lengths[batch[0]]:,} tokens does not fit into the memory of "
                    "the device; set ROUTELLM_DEVICE=cpu"
                ) from error
            return False
        return True

    def _suit_the_device(self) -> None:
        if not self._is_for_device:
            self.n_tokens *= device().batch_scale
            self._is_for_device = True

    def _pieces(self, queries: Sequence[str]) -> list[list[int]]:
        """Positions of queries of like length, by their characters, for some batches each."""
        guessed = [2 + len(query) // 4 for query in queries]
        in_order = sorted(range(len(queries)), key=guessed.__getitem__)
        return batches_of(in_order, guessed, _BATCHES_AHEAD * self.n_tokens)


def _work_on_piece(
    work: Callable[[list[int], Rows, list[int]], None],
    piece: list[int],
    rows: Rows,
    batch: list[int],
) -> None:
    work([piece[i] for i in batch], rows, batch)


_OUT_OF_MEMORY = (
    "can't allocate memory",  # a processor, on Linux and macOS
    "not enough memory",  # a processor, on Windows
    "MPS backend out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""Message of a plain RuntimeError of torch when memory runs out."""


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
    )


def _free() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
