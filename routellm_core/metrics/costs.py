"""Money of both models on every query, from the truest thing that is known of each.

That is, in this order: the dollars that were measured, measured tokens times a price, typed tokens
times a price, the paper's average of tokens times a price; else it is unknown. Tokens read from a
cache or written to it and thoughts have prices of their own, where those are known. Costs are USD.
Prices come from genai-prices and can be replaced by the user's.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
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
    """Source of each count: measured on these queries, typed, or the paper's average."""

    prompt: str
    answer: str


class CostKind(StrEnum):
    """Kind of thing that the money of a model rests on, the truest first."""

    MEASURED = "measured dollars"
    TOKENS = "measured tokens times price"
    TYPED = "typed tokens times price"
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
    """Mean tokens of an answer: measured, typed or assumed."""


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
    counted at all are those typed with the price, else the paper's average. A kind of token whose
    price is not known is priced as any token of the prompt, or of the answer.
    """
    weak, strong = _sides(outcomes)
    of_weak, of_strong = (
        _of_model(outcomes.prompt_tokens, side, price)
        for side, price in ((weak, price_weak), (strong, price_strong))
    )
    same = zip(of_weak.tokens, of_strong.tokens, strict=True)
    prompt, answer = (w if w == s else f"{w} (weak), {s} (strong)" for w, s in same)
    return PairCosts(
        of_weak.usd, of_strong.usd, TokenSource(prompt, answer), of_weak.source, of_strong.source
    )


def usual_calls(
    outcomes: PairOutcomes, price_weak: Price, price_strong: Price
) -> tuple[UsualCall, UsualCall]:
    """Usual figures of a call of the weak and of the strong model."""
    weak, strong = (
        UsualCall(
            _filled_prompt(outcomes.prompt_tokens, side.prompt_tokens, price).usual,
            _filled(side.answer_tokens, price.answer_tokens, PAPER_ANSWER_TOKENS).usual,
            math.nan if price.replaces_measured else _mean(side.cost_usd),
            price,
        )
        for side, price in zip(_sides(outcomes), (price_weak, price_strong), strict=True)
    )
    return weak, strong


def model_prompt_tokens(outcomes: PairOutcomes, costs: PairCosts) -> tuple[Floats, Floats]:
    """(n_queries,) tokens of the prompts as the weak and as the strong model counts them."""
    weak, strong = (
        _filled_prompt(outcomes.prompt_tokens, side.prompt_tokens, source.price).tokens
        for side, source in zip(
            _sides(outcomes), (costs.weak_source, costs.strong_source), strict=True
        )
    )
    return weak, strong


class _Side(NamedTuple):
    """What is known of one model's calls, (n_queries,) each; None where nothing is."""

    prompt_tokens: Floats | None
    answer_tokens: Floats
    cost_usd: Floats | None
    cached_tokens: Floats | None
    cache_write_tokens: Floats | None
    reasoning_tokens: Floats | None


_OF_WEAK, _OF_STRONG = (
    attrgetter(*(f"{name}_{side}" for name in _Side._fields)) for side in ("weak", "strong")
)


class _ModelCosts(NamedTuple):
    usd: Floats
    tokens: TokenSource
    source: CostSource


class _Filled(NamedTuple):
    """Tokens of every query, where they come from, and what stands for unknown ones."""

    tokens: Floats
    source: str
    usual: float
    """Mean of the known ones, or what stands for them."""
    n_known: int


def _sides(outcomes: PairOutcomes) -> tuple[_Side, _Side]:
    return _Side(*_OF_WEAK(outcomes)), _Side(*_OF_STRONG(outcomes))


def _of_model(prompt_tokens: Floats, side: _Side, price: Price) -> _ModelCosts:
    """Cost of each query with one model, and what it rests on."""
    prompt, prompt_source, _, _ = _filled_prompt(prompt_tokens, side.prompt_tokens, price)
    answer, answer_source, mean, n_counted = _filled(
        side.answer_tokens, price.answer_tokens, PAPER_ANSWER_TOKENS
    )
    tokens = TokenSource(prompt_source, answer_source)
    n, measured = len(prompt), side.cost_usd
    if measured is not None and not price.replaces_measured:
        known = np.isfinite(measured)
        n_known = int(np.count_nonzero(known))
        if n_known:
            usd = measured if n_known == n else np.where(known, measured, measured[known].mean())
            source = CostSource(CostKind.MEASURED, n_known, n, price, mean)
            return _ModelCosts(usd, tokens, source)
    if not math.isfinite(price.prompt_usd + price.answer_usd):
        unknown = CostSource(CostKind.UNKNOWN, 0, n, price, mean)
        return _ModelCosts(np.full(n, np.nan), tokens, unknown)
    kind = CostKind.ASSUMED if math.isnan(price.answer_tokens) else CostKind.TYPED
    if n_counted:
        kind = CostKind.TOKENS
    usd = _usd(prompt, answer, side, price)
    return _ModelCosts(usd, tokens, CostSource(kind, n_counted, n, price, mean))


def costs_of_model(
    prompt_tokens: Floats, price: Price, answer_tokens: Floats, **known: Floats | None
) -> tuple[Floats, CostSource]:
    """USD a query with one model, and what they rest on, as `pair_costs` has them of a pair.

    Args:
        prompt_tokens: (n_queries,) of the query.
        price: of the model.
        answer_tokens: (n_queries,) of its answers, NaN where nobody counted them.
        known: (n_queries,) further columns of its outcomes by their names, as far as there are any.
    """
    further = {name: known.get(name) for name in _Side._fields if name != "answer_tokens"}
    found = _of_model(prompt_tokens, _Side(answer_tokens=answer_tokens, **further), price)
    return found.usd, found.source


def saving(cost: float, baseline_cost: float) -> float:
    """Share of the baseline's cost that is saved; negative when it costs more.

    NaN when the baseline costs nothing.
    """
    return 1.0 - cost / baseline_cost if baseline_cost > 0 else float("nan")


def _usd(prompt: Floats, answer: Floats, side: _Side, price: Price) -> Floats:
    """USD of each call, with what tokens of a cache and thoughts cost more or less than others."""
    usd = answer * (price.answer_usd / 1e6)
    usd += prompt * (price.prompt_usd / 1e6)
    read, write, thought = (change / 1e6 for change in price.changes)
    cached = _at_most(side.cached_tokens, prompt)
    if cached is not None:
        usd += cached * read
    written = _at_most(side.cache_write_tokens, prompt if cached is None else prompt - cached)
    if written is not None:
        usd += written * write
    thoughts = _at_most(side.reasoning_tokens, answer)
    if thoughts is not None:
        usd += thoughts * thought
    return usd


def _at_most(tokens: Floats | None, of: Floats) -> Floats | None:
    """Counts, 0 where nobody counted; no part is more than the whole that it is of."""
    return None if tokens is None else np.minimum(np.nan_to_num(tokens), of)


def _mean(known: Floats | None) -> float:
    """Mean of the finite ones; NaN where there are none."""
    if known is None or not (finite := np.isfinite(known)).any():
        return math.nan
    return float(known[finite].mean())


def _filled_prompt(of_query: Floats, of_model: Floats | None, price: Price) -> _Filled:
    """Prompt tokens as a model's own tokenizer counts them; the query's where it did not."""
    own = of_query if of_model is None else np.where(np.isfinite(of_model), of_model, of_query)
    return _filled(own, price.prompt_tokens, PAPER_PROMPT_TOKENS)


def _filled(tokens: Floats, typed: float, average: float) -> _Filled:
    n = len(tokens)
    mean = float(tokens.sum()) / n
    if math.isfinite(mean):  # so is every count
        return _Filled(tokens, f"measured, mean {mean:.0f}", mean, n)
    known = np.isfinite(tokens)
    n_known = int(np.count_nonzero(known))
    if not n_known:
        is_typed = math.isfinite(typed)
        usual = typed if is_typed else average
        source = f"typed, {usual:,.0f}" if is_typed else f"the paper's average, {usual:.0f}"
        return _Filled(np.full(n, usual), source, usual, 0)
    usual = float(tokens[known].mean())
    source = f"measured for {n_known / n:.0%}, mean {usual:.0f}"
    return _Filled(np.where(known, tokens, usual), source, usual, n_known)
