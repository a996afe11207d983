"""A training that may be stopped at any moment: its best weights, and where it goes on from."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

_NAME = "unfinished.safetensors"


class Unfinished:
    """Keeps the best weights so far, and everything that is needed to go on.

    Args:
        module: being trained.
        optimizer: its optimizer.
        schedule: of the learning rate.
        folder: where the state is kept; None keeps it in memory only.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: Any,
        folder: Path | None,
    ) -> None:
        self.module = module
        self.optimizer = optimizer
        self.schedule = schedule
        self.path = None if folder is None else folder / _NAME
        self.best: dict[str, torch.Tensor] = {}
        self.best_loss = float("inf")
        self.n_worse = 0
        """Looks in a row without a lower loss."""

    def resume(self) -> int:
        """Take up a kept state; the number of steps it has done, 0 when there is none."""
        if self.path is None or not self.path.exists():
            return 0
        try:
            with safe_open(self.path, "pt") as file:
                progress = json.loads(file.metadata()["progress"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, KeyError, ValueError):
            return 0  # torn or foreign: train anew
        self.module.load_state_dict(_under("module.", tensors))
        self.best = _under("best.", tensors)
        moments = _under("optimizer.", tensors)
        state = self.optimizer.state_dict()
        state["state"] = {
            int(i): _under(f"{i}.", moments) for i in {name.split(".")[0] for name in moments}
        }
        self.optimizer.load_state_dict(state)
        self.schedule.load_state_dict(self.schedule.state_dict() | progress["schedule"])
        for group, rate in zip(self.optimizer.param_groups, progress["rates"], strict=True):
            group["lr"] = rate
        self.best_loss, self.n_worse = progress["best_loss"], progress["n_worse"]
        return int(progress["step"])

    def keep(self, step: int, held_out_loss: float) -> None:
        """Remember the weights if they are the best, and write the state down."""
        weights = {name: tensor.clone() for name, tensor in self.module.state_dict().items()}
        if held_out_loss < self.best_loss:
            self.best, self.best_loss, self.n_worse = weights, held_out_loss, 0
        else:
            self.n_worse += 1
        if self.path is None:
            return
        moments = {
            f"optimizer.{i}.{name}": value
            for i, of_parameter in self.optimizer.state_dict()["state"].items()
            for name, value in of_parameter.items()
        }
        rates = [group["lr"] for group in self.optimizer.param_groups]
        schedule = {k: self.schedule.state_dict()[k] for k in ("last_epoch", "_step_count")}
        progress = {
            "step": step,
            "best_loss": self.best_loss,
            "n_worse": self.n_worse,
            "rates": rates,
            "schedule": schedule,
        }
        tensors = moments
        tensors |= {f"module.{name}": tensor for name, tensor in weights.items()}
        tensors |= {f"best.{name}": tensor.clone() for name, tensor in self.best.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(".part")
        save_file(
            {name: tensor.cpu().contiguous() for name, tensor in tensors.items()},
            aside,
            {"progress": json.dumps(progress)},
        )
        aside.replace(self.path)

    def finish(self) -> None:
        """Put the best weights in place and forget the kept state."""
        if self.best:
            self.module.load_state_dict(self.best)
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
