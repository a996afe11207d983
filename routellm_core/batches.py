"""Queries in batches that fill a token budget, halved where they do not fit the device's memory.

>>> batches_of([0, 2, 1], [1, 4, 2], 4)
[[0, 2], [1]]
"""

from collections.abc import Callable, Sequence

from routellm_core.errors import DataError


def batches_of(by_length: Sequence[int], lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Runs of positions, as many as fit the token budget once padded; at least one each.

    Args:
        by_length: positions, the shortest first.
        lengths: tokens of each query.
        budget: tokens of a batch, padding counted.
    """
    batches: list[list[int]] = []
    for i in by_length:
        if batches and (len(batches[-1]) + 1) * lengths[i] <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


class Budget:
    """How many tokens a batch may hold; less once a batch did not fit into memory."""

    def __init__(self, n_tokens: int) -> None:
        self.n_tokens = n_tokens

    def run(self, lengths: Sequence[int], work: Callable[[list[int]], None]) -> None:
        """Give all queries to `work`, a batch of positions at a time, the shortest first.

        A batch that does not fit is halved, and later ones are as small from the start.

        Raises:
            DataError: a single query does not fit.
        """
        waiting = sorted(range(len(lengths)), key=lengths.__getitem__)
        while waiting:
            batch = batches_of(waiting, lengths, self.n_tokens)[0]
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
                self.n_tokens = max(len(batch) * lengths[batch[-1]] // 2, 1)
                _free()
                continue
            waiting = waiting[len(batch) :]


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    # On a processor torch raises a plain RuntimeError.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "not enough memory" in str(error)
    )


def _free() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
