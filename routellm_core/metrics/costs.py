"""Tokens and prices to money.

Costs are USD. A token count that was not measured is replaced by the paper's average and the
result says so.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from routellm_core.metrics.curve import routed_mean
from routellm_core.metrics.prices import UNKNOWN_PRICE as UNKNOWN_PRICE
from routellm_core.metrics.prices import Price as Price
from routellm_core.metrics.prices import list_price as list_price
from routellm_core.types import Floats, PairOutcomes, Ranking

PAPER_PROMPT_TOKENS = 95.0
"""Average tokens of a query (arXiv 2406.18665, appendix D)."""
PAPER_ANSWER_TOKENS = 264.0
"""Average tokens of an answer (arXiv 2406.18665, appendix D)."""


class TokenSource(NamedTuple):
    """Source of each count: measured on these queries, or the paper's average."""

    prompt: str
    answer: str


class UsualTokens(NamedTuple):
    """Counts that replace missing ones, of queries and of both models' answers."""

    prompt: float
    answer_weak: float
    answer_strong: float


@dataclass(frozen=True)
class PairCosts:
    """USD a query with each model, shape (n_queries,), and where the token counts come from.

    NaN all over for a model without a known price.
    """

    weak: Floats
    strong: Floats
    tokens: TokenSource

    @property
    def are_known(self) -> bool:
        """True where both models have a price."""
        return bool(np.isfinite(self.weak).all() and np.isfinite(self.strong).all())


def routed_cost(ranking: Ranking, costs: PairCosts) -> Floats:
    """(n_points,) mean USD a query at every threshold; NaN where a price is unknown."""
    if not costs.are_known:
        return np.full(len(ranking.threshold), np.nan)
    return routed_mean(ranking, costs.weak, costs.strong)


def pair_costs(outcomes: PairOutcomes, price_weak: Price, price_strong: Price) -> PairCosts:
    """Cost of each query with either model.

    Counts that are NaN are replaced by the mean of the measured ones, and by the paper's average
    where nothing was measured at all.
    """
    prompt, prompt_source = _filled(outcomes.prompt_tokens, PAPER_PROMPT_TOKENS)
    answer_weak, weak_source = _filled(outcomes.answer_tokens_weak, PAPER_ANSWER_TOKENS)
    answer_strong, strong_source = _filled(outcomes.answer_tokens_strong, PAPER_ANSWER_TOKENS)
    source = (
        weak_source
        if weak_source == strong_source
        else f"{weak_source} (weak), {strong_source} (strong)"
    )
    return PairCosts(
        weak=_usd(prompt, answer_weak, price_weak),
        strong=_usd(prompt, answer_strong, price_strong),
        tokens=TokenSource(prompt=prompt_source, answer=source),
    )


def usual_tokens(outcomes: PairOutcomes) -> UsualTokens:
    """The mean of the measured counts; the paper's average where nothing was measured."""
    return UsualTokens(
        prompt=_usual(outcomes.prompt_tokens, PAPER_PROMPT_TOKENS),
        answer_weak=_usual(outcomes.answer_tokens_weak, PAPER_ANSWER_TOKENS),
        answer_strong=_usual(outcomes.answer_tokens_strong, PAPER_ANSWER_TOKENS),
    )


def saving(cost: float, baseline_cost: float) -> float:
    """Share of the baseline's cost that is saved; negative when it costs more.

    NaN when the baseline costs nothing.
    """
    return 1.0 - cost / baseline_cost if baseline_cost > 0 else float("nan")


def _usd(prompt_tokens: Floats, answer_tokens: Floats, price: Price) -> Floats:
    return (prompt_tokens * price.prompt_usd + answer_tokens * price.answer_usd) / 1e6


def _usual(tokens: Floats, average: float) -> float:
    known = np.isfinite(tokens)
    return float(tokens[known].mean()) if known.any() else average


def _filled(tokens: Floats, average: float) -> tuple[Floats, str]:
    known = np.isfinite(tokens)
    if known.all():
        return tokens, f"measured, mean {tokens.mean():.0f}"
    usual = _usual(tokens, average)
    filled = np.where(known, tokens, usual)
    if not known.any():
        return filled, f"the paper's average, {average:.0f}"
    return filled, f"measured for {known.mean():.0%}, mean {usual:.0f}"
