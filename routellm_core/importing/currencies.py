"""Costs in other currencies: told from the names of columns, converted at the user's rates."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

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
SIGNS = {
    **{sign: _CURRENCY[sign] for sign in ("€", "£", "₹", "₩", "₽", "¥", "元")},
    **{code: code.upper() for code in _CODES},
}
"""Signs and codes of currencies other than dollars, as they stand in cells."""
_COST = frozenset({"cost", "costs", "price", "spend", "spent", "fee", "charge", "expense"})
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


def in_dollars(
    amounts: NDArray[np.float64],
    column: str,
    notes: list[str],
    of_rows: NDArray[np.object_] | None = None,
) -> NDArray[np.float64]:
    """The amounts of a column in USD; NaN for a currency without a rate, which a note says.

    Args:
        amounts: (n_rows,) in the currency that the column's name carries, dollars where it has
            none.
        column: name of the column.
        notes: gets a sentence on each currency other than dollars.
        of_rows: (n_rows,) currency of each amount, None for the column's; not given: the column's.
    """
    if of_rows is not None:
        found = amounts.copy()
        for currency in dict.fromkeys(of_rows.tolist()):
            at = np.array([of == currency for of in of_rows], dtype=bool)
            found[at] = _converted(amounts[at], currency or currency_of(column), column, notes)
        return found
    return _converted(amounts, currency_of(column), column, notes)


def code_of(text: str | None) -> str | None:
    """The currency that a cell names; None for dollars and for none.

    >>> code_of("eur"), code_of("€"), code_of("USD"), code_of(None)
    ('EUR', 'EUR', None, None)
    """
    return None if text is None else _CURRENCY.get(text.strip().lower())


def _converted(
    amounts: NDArray[np.float64], currency: str | None, column: str, notes: list[str]
) -> NDArray[np.float64]:
    if currency is None:
        return amounts
    rate = _RATES.get().get(currency)
    if rate is None:
        notes.append(
            f"Left out: column {column!r} is in {currency}. Give --currency {currency}=RATE (US "
            f"dollars for one {currency}) to convert it."
        )
        return np.full_like(amounts, np.nan)
    notes.append(f"Column {column!r} was converted from {currency} at {rate:g} US dollars for one.")
    return amounts * rate


def _words(column: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(column)]
