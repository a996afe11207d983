"""Costs in other currencies, converted at the user's rates.

The currency is told from a cell (`€0.12`), from a column of currencies beside the costs, or from
the name of the column of costs, in this order. What is in none of them is in dollars.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from routellm_core.importing.notes import counted

_CODES = (
    *("aed", "aud", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "hkd", "huf", "idr"),
    *("ils", "inr", "jpy", "krw", "mxn", "myr", "nok", "nzd", "pln", "rub", "sar", "sek", "sgd"),
    *("thb", "twd", "uah", "vnd", "zar"),
)
_CURRENCY = {
    **{code: code.upper() for code in _CODES},
    **{"€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB"},
    **{"rmb": "CNY", "yuan": "CNY", "元": "CNY", "yen": "JPY", "rupees": "INR", "¥": "¥"},
}
"""Words and signs of currencies; ¥ is of two of them and so stands for itself."""
_COST = frozenset({"cost", "costs", "price", "spend", "spent", "fee", "charge", "expense"})
_DOLLARS = frozenset({"$", "usd", "us$", "dollar", "dollars"})
_CELL = re.compile(r"(?P<before>[^\d.,+-]*)(?P<number>[+-]?[\d.,]+(?:[eE][+-]?\d+)?)(?P<after>\D*)")
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[€£₹₩₽¥元]")

_RATES: ContextVar[Mapping[str, float]] = ContextVar("_RATES", default={})  # noqa: B039


@contextmanager
def at_rates(rates: Mapping[str, float]) -> Iterator[None]:
    """A block in which costs are converted at these rates, USD for one unit by currency."""
    token = _RATES.set(rates)
    try:
        yield
    finally:
        _RATES.reset(token)


def currency_of(column: str) -> str | None:
    """The currency in the name of a column of costs; None for dollars and where none is named.

    >>> currency_of("cost (CNY)"), currency_of("priceEUR"), currency_of("cost_usd")
    ('CNY', 'EUR', None)
    """
    words = _words(column)
    if not _COST & set(words):
        return None
    return next((_CURRENCY[word] for word in words if word in _CURRENCY), None)


def without_currency(column: str) -> str:
    """The name of a column of costs without its currency; any other name as it is.

    >>> without_currency("cost (CNY)"), without_currency("small_price_eur")
    ('cost', 'small_price')
    """
    if currency_of(column) is None:
        return column
    cut = _WORD.sub(lambda word: "" if word[0].lower() in _CURRENCY else word[0], column)
    return re.sub(r"^[\W_]+|(?:[\W_]+in)?[\W_]+$|[\W_]+(?=[\W_])", "", cut)


class CellCurrencies(NamedTuple):
    """Costs without the currencies that stand in their cells."""

    cells: pa.ChunkedArray
    currency: NDArray[np.object_]
    """(n_rows,) codes; "USD" for dollars, None where a cell names none."""


def cell_currencies(
    costs: pa.ChunkedArray, column: str, beside: pa.ChunkedArray | None = None
) -> CellCurrencies | None:
    """Costs and the currency of each cell; None where neither cells nor a column name any.

    Args:
        costs: (n_rows,) cells of a column of costs.
        column: its name; one that says dollars is in dollars, whatever stands beside it.
        beside: (n_rows,) a column of currencies.
    """
    currency = np.full(len(costs), None, dtype=object)
    if beside is not None and not _DOLLARS & set(_words(column)):
        named = [_code(str(text)) if text is not None else None for text in beside.to_pylist()]
        currency = np.array(named, dtype=object)
    if pa.types.is_string(costs.type) or pa.types.is_large_string(costs.type):
        parted = {text: _parted(text) for text in costs.unique().to_pylist() if text is not None}
        if any(code for _, code in parted.values()):
            found = [(None, None) if t is None else parted[t] for t in costs.to_pylist()]
            costs = pa.chunked_array([pa.array([text for text, _ in found], pa.string())])
            own = np.array([code for _, code in found], dtype=object)
            currency = np.where(own == None, currency, own)  # noqa: E711
    return CellCurrencies(costs, currency) if any(currency) else None


def in_dollars(
    amounts: NDArray[np.float64],
    column: str,
    notes: list[str],
    currency: NDArray[np.object_] | None = None,
) -> NDArray[np.float64]:
    """The amounts of a column in USD; NaN for a currency without a rate, which a note says.

    Args:
        amounts: (n_rows,) in the currency that the cell, else the column's name carries, dollars
            where neither has one.
        column: name of the column.
        notes: gets a sentence on each currency other than dollars.
        currency: (n_rows,) codes of cells, as `cell_currencies` gives them.
    """
    of_column = currency_of(column)
    if currency is None and of_column is None:
        return amounts
    if currency is None:
        currency = np.full(len(amounts), None, dtype=object)
    codes = np.array([code or of_column or "USD" for code in currency], dtype=object)
    found = amounts.copy()
    for code in sorted({*codes} - {"USD"}):
        own = codes == code
        what, is_, was, it = f"column {column!r}", "is", "was", "it"
        if not own.all():
            n = int((own & np.isfinite(amounts)).sum())
            what = f"{counted(n, 'cost')} of column {column!r}"
            if n != 1:
                is_, was, it = "are", "were", "them"
        rate = _RATES.get().get(code)
        if rate is None:
            notes.append(
                f"Left out: {what} {is_} in {code}. Give --currency {code}=RATE (US dollars for "
                f"one {code}) to convert {it}."
            )
        else:
            notes.append(
                f"{what[0].upper()}{what[1:]} {was} converted from {code} at {rate:g} US dollars "
                "for one."
            )
        found[own] *= np.nan if rate is None else rate
    return found


def currencies_in(costs: pa.ChunkedArray, column: str, beside: pa.ChunkedArray | None) -> set[str]:
    """Codes of the currencies other than dollars in a column; arguments as of `cell_currencies`."""
    found = cell_currencies(costs, column, beside)
    codes = {currency_of(column)} if found is None else {*found.currency, currency_of(column)}
    return {code for code in codes if code and code != "USD"}


def _code(text: str) -> str | None:
    """Code of a currency as a cell names it; an unknown word stands for itself.

    >>> _code("eur"), _code(" $ "), _code("credits"), _code("")
    ('EUR', 'USD', 'CREDITS', None)
    """
    word = text.strip().lower()
    if not word:
        return None
    return "USD" if word in _DOLLARS else _CURRENCY.get(word, word.upper())


def _parted(text: str) -> tuple[str, str | None]:
    """A cell without its currency, and the currency; a word that is none leaves it as it is.

    >>> _parted("€0.12"), _parted("0.12 EUR"), _parted("0.12 apples"), _parted("0.12")
    (('0.12', 'EUR'), ('0.12', 'EUR'), ('0.12 apples', None), ('0.12', None))
    """
    found = _CELL.fullmatch(text)
    if found is None:
        return text, None
    words = [word.strip().lower() for word in (found["before"], found["after"]) if word.strip()]
    if len(words) != 1 or words[0] not in _CURRENCY | dict.fromkeys(_DOLLARS):
        return text, None
    return found["number"], _code(words[0])


def _words(column: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(column)]
