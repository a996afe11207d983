"""Money of a policy in words: what it rests on, and what switches of model forfeit in cache."""

import math

from routellm_core.policy.document import Policy
from routellm_core.wording import money
from routellm_core.wording.numbers import usd_text

_CHOICE = {
    "measured": "Dollars that were measured count before any price.",
    "list": "Tokens times price count, also where dollars were measured.",
}


def money_words(policy: Policy) -> list[str]:
    """Sentences on the money of a policy; of one before version 3 its prices alone."""
    prices = policy.prices
    found = []
    for side, price in (("strong", prices.strong), ("weak", prices.weak)):
        usd = (price.prompt_usd, price.answer_usd, price.cached_usd)
        said = f"{getattr(policy.model_pair, side).name}: {' / '.join(map(usd_text, usd[:2]))}"
        if math.isfinite(price.cached_usd):
            said += f" / {usd_text(price.cached_usd)}"
        said += f" a million tokens, {_parts(price.cached_usd)} ({price.source})"
        found.append(f"{said}; its money: {price.rests_on}." if price.rests_on else f"{said}.")
    if prices.money is not None:
        found.append(_CHOICE[prices.money])
    found.append(
        f"Tokens of a query: {prices.prompt_tokens}; of an answer: {prices.answer_tokens}."
    )
    cache = cache_words(policy)
    return found if cache is None else [*found, cache]


def cache_words(policy: Policy) -> str | None:
    """Money that switches of model forfeit in cache, in words; None where nobody asked."""
    prices, evidence = policy.prices, policy.evidence
    if prices.warm_share is None:
        return None
    saved = evidence.usd_per_query_strong - evidence.usd_per_query
    forfeited = prices.forfeited_usd_per_query
    pair = policy.model_pair
    return money.cache(
        prices.warm_share,
        forfeited,
        forfeited / saved if saved > 0 else math.nan,
        pair.strong.name,
        [
            model.name
            for model, price in ((pair.weak, prices.weak), (pair.strong, prices.strong))
            if math.isnan(price.prompt_usd - price.cached_usd)
        ],
    )


def _parts(cached_usd: float) -> str:
    return "prompt / answer" + (" / cached" if math.isfinite(cached_usd) else "")
