"""`bert`: the words by integrated gradients through all layers, with the completeness gap."""

from typing import Any

from routellm_core.embedders.bert_tokens import run_layers
from routellm_core.errors import MissingPackageError
from routellm_core.explain import word_spans
from routellm_core.explain.explanation import Explanation
from routellm_core.routers.bert import CREDIT, LABELS, BertRouter

_N_STEPS = 20
_STEPS_AT_ONCE = 8


def explain(router: BertRouter, query: str) -> Explanation:
    """Integrated gradients (Sundararajan, Taly and Yan 2017) from a query of mask tokens."""
    import torch

    gradients = _integrated_gradients()
    tokens, places = router.embedder.tokens(query)
    # bfloat16 would drown the sums, so the frozen half is read in float32.
    encoder = router.embedder.in_float32
    device = next(router.trained.parameters()).device
    mask = router.embedder.tokenizer.mask_token_id
    masked = [tokens[0], *[mask] * (len(tokens) - 2), tokens[-1]]
    with torch.inference_mode():
        inputs, baseline = encoder.embeddings(
            input_ids=torch.tensor([tokens, masked], device=device)
        )
    router.trained.eval()

    def chances(hidden: "torch.Tensor") -> "torch.Tensor":
        lengths = torch.full((len(hidden),), len(tokens))
        lower = run_layers(encoder.encoder.layer[: router.embedder.n_layers], hidden, lengths)
        found: torch.Tensor = router.trained(lower, lengths).softmax(1)
        return found

    credit = torch.tensor(CREDIT, device=device)
    # Copies, because tensors of inference mode can carry no gradient.
    at, start = inputs[None].clone(), baseline[None].clone()
    found = gradients(lambda hidden: chances(hidden) @ credit).attribute(
        at, start, n_steps=_N_STEPS, internal_batch_size=_STEPS_AT_ONCE
    )
    with torch.inference_mode():
        (labels, of_masked) = chances(torch.cat([at, start])).double().cpu().numpy()
    of_words, rest = word_spans.merged(query, places, found[0].sum(dim=1).double().cpu().numpy())
    rate, base = (float(row @ CREDIT) for row in (labels, of_masked))
    return Explanation(
        router_name=router.router_name,
        query=query,
        strong_win_rate=rate,
        method=(
            f"Integrated gradients of the win rate through all layers, in {_N_STEPS} steps from "
            "the same query with every token masked."
        ),
        words=of_words,
        base=base,
        rest=rest,
        gap=rate - base - rest - word_spans.total(of_words),
        labels=tuple(zip(LABELS, map(float, labels), strict=True)),
    )


def _integrated_gradients() -> Any:
    try:
        from captum.attr import IntegratedGradients
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"explaining bert needs {error.name}: pip install -r requirements.txt"
        ) from error
    return IntegratedGradients
