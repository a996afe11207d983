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
NAMES = ("auto", "cuda", "mps", "cpu")


class Device(NamedTuple):
    """What models run on."""

    name: str
    """cuda, mps or cpu, as torch calls it."""
    precision: str
    """float32, or bfloat16 where the hardware multiplies it faster."""
    reason: str
    """Why this one, in a sentence."""

    @property
    def dtype(self) -> "torch.dtype":
        import torch

        dtype: torch.dtype = getattr(torch, self.precision)
        return dtype


def device() -> Device:
    """The device that is asked for, otherwise the best there is.

    Raises:
        DataError: the one asked for is not there.
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
        precision = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        return Device(name, precision, f"{torch.cuda.get_device_name()}, {asked}")
    if name == "mps":
        return Device(name, "float32", f"Apple GPU, {asked}")
    capabilities = torch.cpu.get_capabilities()
    pays = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    why = "asked for" if wanted != "auto" else "no GPU that torch can use"
    cores = torch.get_num_threads()
    return Device(name, "bfloat16" if pays else "float32", f"{cores} processor threads, {why}")


def memory_used() -> float:
    """GiB that torch holds on the GPU; NaN on a processor."""
    import torch

    return torch.cuda.memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
