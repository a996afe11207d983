"""Sources of the money of a pair, as part of the JSON objects of the verbs."""

from typing import Any

from routellm_core.metrics.costs import PairCosts
from routellm_core.metrics.prices import choice_of
from routellm_core.types import ModelPair
from routellm_core.wording.money import of_pair


def money_document(pair: ModelPair, costs: PairCosts) -> dict[str, Any]:
    """Sources of the money of the weak and the strong model, each with its price, and in words.

    `choice` is what `--money` asked for; None where every price says itself whether it counts.
    """
    weak, strong = costs.weak_source, costs.strong_source
    sides = {
        side: {"model": model} | source._asdict() | {"price": source.price._asdict()}
        for side, model, source in (("weak", pair.weak, weak), ("strong", pair.strong, strong))
    }
    choice = choice_of((weak.price, strong.price))
    words = of_pair(pair.weak, weak, pair.strong, strong)
    return {"words": words, "choice": choice} | sides
