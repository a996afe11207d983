"""Sources of the money of a pair, as part of the JSON objects of the verbs."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routellm_core.metrics.cache import forfeited_cache
from routellm_core.metrics.costs import PairCosts
from routellm_core.metrics.prices import choice_of
from routellm_core.types import ModelPair, PairOutcomes
from routellm_core.wording.money import cache, of_pair


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


def cache_document(
    outcomes: PairOutcomes,
    costs: PairCosts,
    called: NDArray[np.bool_],
    warm_share: float | None,
) -> dict[str, Any] | None:
    """Money that switches of model forfeit in cache at a threshold; None where no share is given.

    Arguments as of `forfeited_cache`; USD for 1,000 queries, NaN where it is not known.
    """
    if warm_share is None:
        return None
    found = forfeited_cache(outcomes, costs, called, warm_share)
    sides = zip(outcomes.model_pair, (costs.weak_source, costs.strong_source), strict=True)
    unknown = [
        model for model, of in sides if math.isnan(of.price.prompt_usd - of.price.cache_read_usd)
    ]
    return {
        "warm_share": warm_share,
        "forfeited_usd_per_1000": 1_000 * found.usd_per_query,
        "share_of_saving": found.share_of_saving,
        "words": cache(*found, outcomes.model_pair.strong, unknown),
    }
