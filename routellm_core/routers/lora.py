"""A low-rank adapter of a causal model, trained on battles: what a GPU can afford (Hu et al. 2021).

The adapter and three label rows over the state before the verdict are trained together; the rows
are thrown away at the end, for the router fits its own to everything that the adapted model holds.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from routellm_core.embedders.causal_lm import CausalStates
from routellm_core.errors import MissingPackageError
from routellm_core.jobs.progress import OnProgress
from routellm_core.routers.configs import CausalLLMConfig
from routellm_core.routers.fine_tuning import fine_tune
from routellm_core.types import Floats, Ints


def train_adapter(
    queries: Sequence[str],
    labels: tuple[Ints, Floats],
    config: CausalLLMConfig,
    states: CausalStates,
    adapter_dir: Path,
    *,
    seed: int,
    on_progress: OnProgress,
    resume_dir: Path | None,
) -> None:
    """Train an adapter of the states' model and save it.

    Args:
        queries: texts.
        labels: query of each battle and (n_battles, 3) chances, from `soft_labels`.
        config: rank, epochs and the like.
        states: reads with the model without an adapter.
        adapter_dir: gets adapter_config.json and adapter_model.safetensors.
        seed: of the adapter, the rows and the batches.
        on_progress: told each step.
        resume_dir: keeps an unfinished training.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"an adapter needs {error.name}: pip install -r requirements.txt"
        ) from error
    torch.manual_seed(seed)
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=2 * config.lora_rank, target_modules="all-linear"
    )
    adapted = get_peft_model(states.model, lora)
    adapted.eval()  # without dropout, as everywhere here
    rows = torch.nn.Linear(states.model.config.hidden_size, 3).to(states.model.device)
    trained = torch.nn.ParameterDict(
        {
            name.replace(".", "/"): parameter
            for name, parameter in adapted.named_parameters()
            if parameter.requires_grad
        }
    )
    head = torch.nn.ModuleDict({"rows": rows, "adapter": trained})
    tokens = [states.tokens(query) for query in queries]

    def logits_of(batch: Sequence[int]) -> torch.Tensor:
        logits: torch.Tensor = rows(states.last_state(adapted, [tokens[i] for i in batch]).float())
        return logits

    fine_tune(
        head,
        [
            {"params": trained.parameters(), "lr": config.learning_rate},
            {"params": rows.parameters(), "lr": 10 * config.learning_rate},
        ],
        logits_of,
        np.array([len(row) for row in tokens]),
        labels,
        config,
        seed=seed,
        on_progress=on_progress,
        resume_dir=resume_dir,
    )
    adapted.save_pretrained(str(adapter_dir))
    adapted.unload()
