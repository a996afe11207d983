"""Training of a network's weights on battles, with early stopping on held-out queries."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from routellm_core.errors import DataError
from routellm_core.jobs.progress import OnProgress, Progress
from routellm_core.routers.configs import FineTuningConfig
from routellm_core.routers.resumable_fit import Unfinished
from routellm_core.types import Floats, Ints

Logits: TypeAlias = Callable[[Sequence[int]], torch.Tensor]
"""Positions of queries to their (n, 3) logits of weak wins, tie and strong wins."""


def fine_tune(
    module: torch.nn.Module,
    groups: Sequence[dict[str, Any]],
    logits_of: Logits,
    lengths: Ints,
    labels: tuple[Ints, Floats],
    config: FineTuningConfig,
    *,
    seed: int,
    on_progress: OnProgress,
    resume_dir: Path | None,
) -> None:
    """Train the module's weights in place; it ends with the best weights it had.

    Args:
        module: holds just what is trained and to be remembered.
        groups: its parameters with their learning rates, as torch optimizers take them.
        logits_of: runs the network.
        lengths: (n_queries,) tokens of each query, so that batches hold queries of like length.
        labels: query of each battle and (n_battles, 3) chances, from `soft_labels`.
        config: epochs, batches and when to stop.
        seed: of the order of the batches and the choice of held-out queries.
        on_progress: told each step; what it raises ends the training.
        resume_dir: the state is kept there at each look at the held-out queries.

    Raises:
        DataError: there are too few battles to hold some out.
    """
    query_code, target = labels
    rng = np.random.default_rng(seed)
    is_held = (rng.random(len(lengths)) < config.held_out_share)[query_code]
    train, held_out = np.flatnonzero(~is_held), np.flatnonzero(is_held)
    if not len(train) or not len(held_out):
        raise DataError(f"{len(query_code):,} battles are too few to fine-tune on; add battles")
    targets = torch.from_numpy(target)
    battle_lengths = lengths[query_code]

    def loss_of(battles: Ints) -> torch.Tensor:
        chance = logits_of(query_code[battles].tolist()).float().log_softmax(1).cpu()
        loss: torch.Tensor = -(targets[battles] * chance).sum(1).mean()
        return loss

    def held_out_loss() -> float:
        in_order = held_out[np.argsort(battle_lengths[held_out], kind="stable")]
        parts = np.array_split(in_order, -(-len(in_order) // config.batch_size))
        with torch.inference_mode():
            losses = [float(loss_of(part)) for part in parts]
        return float(np.average(losses, weights=[len(part) for part in parts]))

    batches = [
        batch
        for _ in range(config.n_epochs)
        for batch in _shuffled(train, battle_lengths, config.batch_size, rng)
    ]
    optimizer = torch.optim.AdamW(list(groups), weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warm_up_and_fall(len(batches)))
    look_every = max(1, len(batches) // (config.n_looks * config.n_epochs))
    state = Unfinished(module, optimizer, schedule, resume_dir)
    for step in range(state.resume(), len(batches)):
        loss = loss_of(batches[step])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        looked = None
        if (step + 1) % look_every == 0:
            looked = held_out_loss()
            state.keep(step + 1, looked)
        on_progress(Progress("training", step + 1, len(batches), float(loss.detach()), looked))
        if state.n_worse >= config.patience:
            break
    state.finish()


def _shuffled(
    battles: Ints, lengths: Ints, batch_size: int, rng: np.random.Generator
) -> list[Ints]:
    """Batches of queries of like length, in random order: little padding, no curriculum."""
    jittered = lengths[battles] * rng.uniform(0.9, 1.1, len(battles))
    in_order = battles[np.argsort(jittered, kind="stable")]
    batches = np.array_split(in_order, -(-len(in_order) // batch_size))
    return [batches[i] for i in rng.permutation(len(batches))]


def _warm_up_and_fall(n_steps: int) -> Callable[[int], float]:
    """Share of the learning rate at each step: up over a twentieth, then down to zero."""
    warm_up = max(1, round(0.05 * n_steps))
    return lambda step: min((step + 1) / warm_up, (n_steps - step) / (n_steps - warm_up + 1))
