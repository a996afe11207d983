"""The device that models run on and its precision: a GPU if there is one, and why.

Nothing heavy is imported before a model is about to run.
"""

import math
import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from routellm_core.errors import DataError

if TYPE_CHECKING:
    import torch

VARIABLE = "ROUTELLM_DEVICE"
"""Environment variable that names the device; `auto` or nothing takes the best there is."""
PRECISION_VARIABLE = "ROUTELLM_PRECISION"
"""Environment variable: `float32` gives the same scores on any machine, `bfloat16` is quicker where
the hardware multiplies it. `auto` is bfloat16 on a GPU that has it and float32 elsewhere."""
PRECISIONS = ("auto", "float32", "bfloat16")
NAMES = ("auto", "cuda", "mps", "cpu")
_GPU_BATCH_SCALE = 32


class Device(NamedTuple):
    """The device that models run on."""

    name: str
    """cuda, mps or cpu, as torch calls it."""
    precision: str
    """float32 or bfloat16, as `PRECISION_VARIABLE` says."""
    reason: str
    """Why this one, in a sentence."""

    @property
    def batch_scale(self) -> int:
        """Tokens that fill this device, over those that fill a processor."""
        return 1 if self.name == "cpu" else _GPU_BATCH_SCALE

    @property
    def dtype(self) -> "torch.dtype":
        import torch

        dtype: torch.dtype = getattr(torch, self.precision)
        return dtype

    def memory_used(self) -> float:
        """GiB that torch holds on it for this process; NaN on a processor."""
        import torch

        if self.name == "cuda":
            return torch.cuda.memory_allocated() / 2**30
        return torch.mps.current_allocated_memory() / 2**30 if self.name == "mps" else math.nan


def device() -> Device:
    """The device that is asked for, otherwise the best there is.

    Raises:
        DataError: the one asked for is not there, or the precision asked for is none of these.
    """
    wanted = os.environ.get(VARIABLE, "auto") or "auto"
    precision = os.environ.get(PRECISION_VARIABLE, "auto") or "auto"
    if wanted not in NAMES:
        raise DataError(f"device {wanted!r} is none of {', '.join(NAMES)}")
    if precision not in PRECISIONS:
        raise DataError(
            f"{PRECISION_VARIABLE} asks for {precision!r}; it is one of {', '.join(PRECISIONS)}"
        )
    return _found(wanted, precision)


@cache
def _found(wanted: str, precision: str) -> Device:
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted != "auto" and not there[wanted]:
        raise DataError(f"{VARIABLE} asks for {wanted}, and torch finds none here; name another")
    name = wanted if wanted != "auto" else next(name for name in NAMES[1:] if there[name])
    asked = "asked for" if wanted != "auto" else "the best that torch finds"
    usual = "float32"
    if name == "cuda":
        multiplies_it = torch.cuda.is_bf16_supported(including_emulation=False)
        usual = "bfloat16" if multiplies_it else "float32"
        reason = f"{torch.cuda.get_device_name()}, {asked}"
    elif name == "mps":
        reason = f"Apple GPU, {asked}"
    else:
        why = "asked for" if wanted != "auto" else "no GPU that torch can use"
        reason = f"{torch.get_num_threads()} processor threads, {why}"
    return Device(name, usual if precision == "auto" else precision, reason)
