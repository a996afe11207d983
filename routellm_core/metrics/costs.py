"""Money of both models on every query, from the truest thing that is known of each.

That is, in this order: the dollars that were measured, measured tokens times a price, the paper's
average of tokens times a price; else it is unknown. Costs are USD. Prices come from genai-prices
and can be replaced by the user's.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
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

    @cached_property
    def are_known(self) -> bool:
        """True where money of both models is known."""
        return all(math.isfinite(usd.sum()) for usd in (self.weak, self.strong))


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
    prompt = _filled(outcomes.prompt_tokens, PAPER_PROMPT_TOKENS)
    answer_weak = _filled(outcomes.answer_tokens_weak, PAPER_ANSWER_TOKENS)
    answer_strong = _filled(outcomes.answer_tokens_strong, PAPER_ANSWER_TOKENS)
    weak, weak_source = _of_model(
        outcomes.cost_usd_weak, outcomes.prompt_tokens_weak, prompt, answer_weak, price_weak
    )
    strong, strong_source = _of_model(
        outcomes.cost_usd_strong, outcomes.prompt_tokens_strong, prompt, answer_strong, price_strong
    )
    words = answer_weak.words, answer_strong.words
    answer = words[0] if words[0] == words[1] else "{} (weak), {} (strong)".format(*words)
    return PairCosts(weak, strong, TokenSource(prompt.words, answer), weak_source, strong_source)


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


class _Tokens(NamedTuple):
    """Counts of each query, those that nobody counted filled in."""

    counts: Floats
    n_known: int
    mean: float
    words: str


def _of_model(
    measured: Floats | None,
    own_prompt: Floats | None,
    prompt: _Tokens,
    answer: _Tokens,
    price: Price,
) -> tuple[Floats, CostSource]:
    """Cost of each query with one model, and what it rests on.

    Its own tokenizer's count of a prompt comes before that of the query.
    """
    n = len(prompt.counts)
    if measured is not None and not price.replaces_measured:
        known = np.isfinite(measured)
        n_known = int(np.count_nonzero(known))
        if n_known:
            usd = measured if n_known == n else np.where(known, measured, measured[known].mean())
            return usd, CostSource(CostKind.MEASURED, n_known, n, price, answer.mean)
    if not math.isfinite(price.prompt_usd + price.answer_usd):
        return np.full(n, np.nan), CostSource(CostKind.UNKNOWN, 0, n, price, answer.mean)
    of_prompt = (
        prompt.counts
        if own_prompt is None
        else np.where(np.isfinite(own_prompt), own_prompt, prompt.counts)
    )
    kind = CostKind.TOKENS if answer.n_known else CostKind.ASSUMED
    usd = _usd(of_prompt, answer.counts, price)
    return usd, CostSource(kind, answer.n_known, n, price, answer.mean)


def saving(cost: float, baseline_cost: float) -> float:
    """Share of the baseline's cost that is saved; negative when it costs more.

    NaN when the baseline costs nothing.
    """
    return 1.0 - cost / baseline_cost if baseline_cost > 0 else float("nan")


def _usd(prompt_tokens: Floats, answer_tokens: Floats, price: Price) -> Floats:
    usd = answer_tokens * (price.answer_usd / 1e6)
    usd += prompt_tokens * (price.prompt_usd / 1e6)
    return usd


def _usual(tokens: Floats, average: float) -> float:
    known = np.isfinite(tokens)
    return float(tokens[known].mean()) if known.any() else average


def _filled(tokens: Floats, average: float) -> _Tokens:
    n = len(tokens)
    mean = float(tokens.sum()) / n
    if math.isfinite(mean):  # so is every count
        return _Tokens(tokens, n, mean, f"measured, mean {mean:.0f}")
    known = np.isfinite(tokens)
    n_known = int(np.count_nonzero(known))
    if not n_known:
        return _Tokens(np.full(n, average), 0, average, f"the paper's average, {average:.0f}")
    usual = float(tokens[known].mean())
    words = f"measured for {n_known / n:.0%}, mean {usual:.0f}"
    return _Tokens(np.where(known, tokens, usual), n_known, usual, words)
