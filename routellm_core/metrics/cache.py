"""Money that routing forfeits because a call to the other model finds no prompt in its cache."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.metrics.costs import PairCosts, model_prompt_tokens
from routellm_core.types import PairOutcomes


class ForfeitedCache(NamedTuple):
    """Money that switches of model forfeit in cache, beside a saving that leaves caches out."""

    warm_share: float
    """Share of the calls whose prompt one model alone would read from its cache, in [0, 1]."""
    usd_per_query: float
    """NaN where a price of cached prompts is not known."""
    share_of_saving: float
    """Of what is saved against always strong; NaN where nothing is saved."""


def forfeited_cache(
    outcomes: PairOutcomes, costs: PairCosts, called: NDArray[np.bool_], warm_share: float
) -> ForfeitedCache:
    """Money that switches of model forfeit in cache at a threshold.

    With w the share of warm prompts, s the share of strong calls, t the tokens of a prompt, and
    f and c the price of a fresh and of a cached token of the model that is called,

        forfeited = w [(1 - s) mean(strong call · t (f - c)) + s mean(weak call · t (f - c))].

    A warm prompt repeats an earlier call's. That call went to the other model with the share of
    the other model's calls, if calls that follow each other are routed independently; then the
    prompt is paid as fresh. Cached prompts that the outcomes themselves report are not looked at.

    Args:
        outcomes: with the tokens of prompts.
        costs: of the same queries, with their prices.
        called: (n_queries,) True where the strong model is called.
        warm_share: in [0, 1].
    """
    s = float(called.mean())
    forfeited = 0.0  # one model alone never switches, whatever a cached token costs
    if 0 < s < 1:
        sides = zip(
            model_prompt_tokens(outcomes, costs),
            (costs.weak_source, costs.strong_source),
            strict=True,
        )
        of_weak, of_strong = (
            tokens * (source.price.prompt_usd - source.price.cache_read_usd) / 1e6
            for tokens, source in sides
        )
        strong, weak = np.where(called, of_strong, 0.0), np.where(called, 0.0, of_weak)
        forfeited = warm_share * float((1 - s) * strong.mean() + s * weak.mean())
    saved = float(costs.strong.mean() - np.where(called, costs.strong, costs.weak).mean())
    share = forfeited / saved if saved > 0 else math.nan
    return ForfeitedCache(warm_share, forfeited, share)
