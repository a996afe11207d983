"""Money of both models on every query, from the truest thing that is known of each.

That is, in this order: the dollars that were measured, measured tokens times a price, the paper's
average of tokens times a price; else it is unknown. Costs are USD. Prices come from genai-prices
and can be replaced by the user's.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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


class CostKind(StrEnum):
    """Kind of thing that the money of a model rests on, the truest first."""

    MEASURED = "measured dollars"
    TOKENS = "measured tokens times price"
    ASSUMED = "assumed tokens times price"
    UNKNOWN = "unknown"


class CostSource(NamedTuple):
    """Basis of the money of one model."""

    kind: CostKind
    n_known: int
    """Queries of which it is known; the mean of these stands for the others."""
    n_queries: int
    price: Price
    answer_tokens: float = math.nan
    """Mean tokens of an answer, measured or assumed."""


UNKNOWN_SOURCE = CostSource(CostKind.UNKNOWN, 0, 0, UNKNOWN_PRICE)


class UsualCall(NamedTuple):
    """Usual figures of one model's call, which stand for unknown ones."""

    prompt_tokens: float
    answer_tokens: float
    measured_usd: float
    """Mean of the measured dollars; NaN where money is not by them."""
    price: Price


@dataclass(frozen=True)
class PairCosts:
    """USD a query with each model, shape (n_queries,), and what they rest on.

    NaN all over for a model of which neither dollars nor a price are known.
    """

    weak: Floats
    strong: Floats
    tokens: TokenSource
    weak_source: CostSource = UNKNOWN_SOURCE
    strong_source: CostSource = UNKNOWN_SOURCE

    @property
    def are_known(self) -> bool:
        """True where money of both models is known."""
        return bool(np.isfinite(self.weak).all() and np.isfinite(self.strong).all())


def routed_cost(ranking: Ranking, costs: PairCosts) -> Floats:
    """(n_points,) mean USD a query at every threshold; NaN where a price is unknown."""
    if not costs.are_known:
        return np.full(len(ranking.threshold), np.nan)
    return routed_mean(ranking, costs.weak, costs.strong)


def pair_costs(outcomes: PairOutcomes, price_weak: Price, price_strong: Price) -> PairCosts:
    """Cost of each query with either model.

    What is unknown of some queries is replaced by the mean of the others. Tokens that nobody
    counted at all are the paper's average.
    """
    prompt, prompt_source = _filled(outcomes.prompt_tokens, PAPER_PROMPT_TOKENS)
    answer_weak, weak_tokens = _filled(outcomes.answer_tokens_weak, PAPER_ANSWER_TOKENS)
    answer_strong, strong_tokens = _filled(outcomes.answer_tokens_strong, PAPER_ANSWER_TOKENS)
    weak, weak_source = _of_model(
        outcomes.cost_usd_weak,
        _prompt_of(outcomes.prompt_tokens_weak, prompt),
        answer_weak,
        np.isfinite(outcomes.answer_tokens_weak),
        price_weak,
    )
    strong, strong_source = _of_model(
        outcomes.cost_usd_strong,
        _prompt_of(outcomes.prompt_tokens_strong, prompt),
        answer_strong,
        np.isfinite(outcomes.answer_tokens_strong),
        price_strong,
    )
    same = weak_tokens == strong_tokens
    answer = weak_tokens if same else f"{weak_tokens} (weak), {strong_tokens} (strong)"
    return PairCosts(weak, strong, TokenSource(prompt_source, answer), weak_source, strong_source)


def usual_calls(
    outcomes: PairOutcomes, price_weak: Price, price_strong: Price
) -> tuple[UsualCall, UsualCall]:
    """Usual figures of a call of the weak and of the strong model."""
    sides = (
        (outcomes.prompt_tokens_weak, outcomes.answer_tokens_weak, outcomes.cost_usd_weak),
        (outcomes.prompt_tokens_strong, outcomes.answer_tokens_strong, outcomes.cost_usd_strong),
    )
    prompt = _usual(outcomes.prompt_tokens, PAPER_PROMPT_TOKENS)
    weak, strong = (
        UsualCall(
            prompt if of_model is None else _usual(of_model, prompt),
            _usual(answer, PAPER_ANSWER_TOKENS),
            math.nan if usd is None or price.replaces_measured else _usual(usd, math.nan),
            price,
        )
        for (of_model, answer, usd), price in zip(sides, (price_weak, price_strong), strict=True)
    )
    return weak, strong


def _of_model(
    measured: Floats | None,
    prompt: Floats,
    answer: Floats,
    is_counted: NDArray[np.bool_],
    price: Price,
) -> tuple[Floats, CostSource]:
    """Cost of each query with one model, and what it rests on."""
    n, mean = len(prompt), float(answer.mean())
    known = np.zeros(n, dtype=bool) if measured is None else np.isfinite(measured)
    if measured is not None and known.any() and not price.replaces_measured:
        usd = np.where(known, measured, measured[known].mean())
        return usd, CostSource(CostKind.MEASURED, int(known.sum()), n, price, mean)
    usd = _usd(prompt, answer, price)
    if not np.isfinite(usd).all():
        return np.full(n, np.nan), CostSource(CostKind.UNKNOWN, 0, n, price, mean)
    kind = CostKind.TOKENS if is_counted.any() else CostKind.ASSUMED
    return usd, CostSource(kind, int(is_counted.sum()), n, price, mean)


def _prompt_of(of_model: Floats | None, prompt: Floats) -> Floats:
    """Prompt tokens as a model's own tokenizer counts them; the query's where it did not."""
    return prompt if of_model is None else np.where(np.isfinite(of_model), of_model, prompt)


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
