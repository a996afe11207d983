"""A training that may be stopped at any moment: its best weights, and where it goes on from."""

from pathlib import Path
from typing import Any

import torch

from routellm_core.files import whole

_NAME = "unfinished.pt"


class Unfinished:
    """The best weights so far, and everything that is needed to go on.

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
        schedule: torch.optim.lr_scheduler.LRScheduler,
        folder: Path | None,
    ) -> None:
        self._parts: dict[str, Any] = {
            "module": module,
            "optimizer": optimizer,
            "schedule": schedule,
        }
        self.module = module
        self.path = None if folder is None else folder / _NAME
        self.best: dict[str, torch.Tensor] = {}
        self.best_loss = float("inf")
        self.n_worse = 0
        """Looks in a row without a lower loss."""

    def resume(self) -> int:
        """Number of steps that a kept state has done, once it is taken up; 0 without one."""
        if self.path is None or not self.path.exists():
            return 0
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # a torn file has torch raise errors of any kind
            return 0
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        self.best, self.best_loss, self.n_worse = state["best"]
        return int(state["step"])

    def keep(self, step: int, held_out_loss: float) -> None:
        """Remember the weights if they are the best, and write the state down."""
        if held_out_loss < self.best_loss:
            weights = self.module.state_dict()
            self.best = {name: tensor.clone() for name, tensor in weights.items()}
            self.best_loss, self.n_worse = held_out_loss, 0
        else:
            self.n_worse += 1
        if self.path is None:
            return
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {"best": (self.best, self.best_loss, self.n_worse), "step": step}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole(self.path) as temporary:
            torch.save(state, temporary)

    def finish(self) -> None:
        """Put the best weights in place and forget the kept state."""
        if self.best:
            self.module.load_state_dict(self.best)
        if self.path is not None:
            self.path.unlink(missing_ok=True)
