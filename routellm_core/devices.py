"""Where models run and in which precision: a GPU if there is one, and why.

Nothing heavy is imported before a model is about to run.
"""

import os
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
_GPU_APPETITE = 32


class Device(NamedTuple):
    """What models run on."""

    name: str
    """cuda, mps or cpu, as torch calls it."""
    precision: str
    """float32 or bfloat16, as `PRECISION_VARIABLE` says."""
    reason: str
    """Why this one, in a sentence."""

    @property
    def appetite(self) -> int:
        """How many times the tokens that fill a processor fill this device."""
        return 1 if self.name == "cpu" else _GPU_APPETITE

    @property
    def dtype(self) -> "torch.dtype":
        import torch

        dtype: torch.dtype = getattr(torch, self.precision)
        return dtype


def device() -> Device:
    """The device that is asked for, otherwise the best there is.

    Raises:
        DataError: the one asked for is not there, or the precision asked for is none of these.
    """
    import torch

    wanted = os.environ.get(VARIABLE, "auto") or "auto"
    if wanted not in NAMES:
        raise DataError(f"device {wanted!r} is none of {', '.join(NAMES)}")
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted != "auto" and not there[wanted]:
        raise DataError(f"{VARIABLE} asks for {wanted}, and torch finds none here; name another")
    name = wanted if wanted != "auto" else next(name for name in NAMES[1:] if there[name])
    asked = "asked for" if wanted != "auto" else "the best that torch finds"
    if name == "cuda":
        usual = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        return Device(name, _precision(usual), f"{torch.cuda.get_device_name()}, {asked}")
    if name == "mps":
        return Device(name, _precision("float32"), f"Apple GPU, {asked}")
    why = "asked for" if wanted != "auto" else "no GPU that torch can use"
    cores = torch.get_num_threads()
    return Device(name, _precision("float32"), f"{cores} processor threads, {why}")


def _precision(usual: str) -> str:
    wanted = os.environ.get(PRECISION_VARIABLE, "auto") or "auto"
    if wanted not in PRECISIONS:
        raise DataError(
            f"{PRECISION_VARIABLE} asks for {wanted!r}; it is one of {', '.join(PRECISIONS)}"
        )
    return usual if wanted == "auto" else wanted


def memory_used() -> float:
    """GiB that torch holds on the GPU; NaN on a processor."""
    import torch

    return torch.cuda.memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
