"""Basis of figures of money, in words for screen and terminal."""

import math
from collections.abc import Sequence
from typing import Protocol

from routellm_core.wording.numbers import percent, usd_text
from routellm_core.wording.text import joined


class _Price(Protocol):
    @property
    def source(self) -> str: ...


class MoneySource(Protocol):
    """Basis of the money of a model, as `metrics.costs.CostSource` holds it."""

    @property
    def kind(self) -> str: ...
    @property
    def n_known(self) -> int: ...
    @property
    def n_queries(self) -> int: ...
    @property
    def answer_tokens(self) -> float: ...
    @property
    def price(self) -> _Price: ...


class PairMoney(Protocol):
    """Costs of a pair, as far as their sources go."""

    @property
    def weak_source(self) -> MoneySource: ...
    @property
    def strong_source(self) -> MoneySource: ...


def source(found: MoneySource) -> str:
    """The source of the money of one model.

    >>> from types import SimpleNamespace as Some
    >>> source(Some(kind="measured dollars", n_known=55, n_queries=60, answer_tokens=9))
    'dollars as measured on 55 of 60 queries, their mean for the others'
    """
    n, of = f"{found.n_known:,}", f"{found.n_queries:,}"
    if found.kind == "unknown":
        return "not known: no dollars were measured and no price is known"
    if found.kind == "measured dollars":
        if found.n_known == found.n_queries:
            return f"dollars as measured on all {of} queries"
        return f"dollars as measured on {n} of {of} queries, their mean for the others"
    if found.kind == "assumed tokens times price":
        return (
            f"assumed tokens, {found.answer_tokens:.0f} an answer as in the paper, times a price "
            f"({found.price.source})"
        )
    if found.kind == "typed tokens times price":
        return (
            f"typed tokens, {found.answer_tokens:,.0f} an answer, times a price "
            f"({found.price.source})"
        )
    if found.n_known == found.n_queries:
        return (
            f"measured tokens, {found.answer_tokens:.0f} an answer at the mean, times a price "
            f"({found.price.source})"
        )
    return (
        f"tokens measured on {n} of {of} queries, their mean of {found.answer_tokens:.0f} for the "
        f"others, times a price "
        f"({found.price.source})"
    )


def of_pair(weak_name: str, weak: MoneySource, strong_name: str, strong: MoneySource) -> str:
    """The source of the money of both models in a sentence, and whether it is of two kinds."""
    if (weak.kind, weak.n_known, weak.price.source) == (
        strong.kind,
        strong.n_known,
        strong.price.source,
    ):
        return f"Money is {source(weak)}, for both models."
    said = f"Money of {strong_name}: {source(strong)}. Money of {weak_name}: {source(weak)}."
    if weak.kind != strong.kind and "unknown" not in (weak.kind, strong.kind):
        said += " The two rest on different things: compare them with care."
    return said


def cache(
    warm_share: float,
    usd_per_query: float,
    share_of_saving: float,
    strong_name: str,
    without_price: Sequence[str],
) -> str:
    """Money that switches of model forfeit in cache, in a sentence or two.

    Args:
        warm_share: of the prompts, in [0, 1].
        usd_per_query: forfeited; NaN where it is not known.
        share_of_saving: against always strong; NaN where nothing is saved.
        strong_name: of the strong model.
        without_price: names of the models whose price of cached prompts is not known.

    >>> cache(0.5, 0.00012, 0.041, "heron", [])  # doctest: +NORMALIZE_WHITESPACE
    'At 50% warm prompts, switches of model forfeit $0.12 of cache for 1,000 queries, 4.1% of the
    saving against always heron. The saving itself leaves caches out.'
    """
    if math.isnan(usd_per_query):
        return (
            "What switches of model forfeit in cache is not known (–): no price of cached prompts "
            f"is known of {joined(list(without_price))}. Type one."
        )
    of_saving = (
        "nothing is saved against"
        if math.isnan(share_of_saving)
        else f"{percent(share_of_saving)} of the saving against"
    )
    return (
        f"At {percent(warm_share, 0)} warm prompts, switches of model forfeit "
        f"{usd_text(1_000 * usd_per_query)} of cache for 1,000 queries, {of_saving} always "
        f"{strong_name}. The saving itself leaves caches out."
    )
