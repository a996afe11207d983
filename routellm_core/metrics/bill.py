"""The parts of a bill beside the answers: deciding, labelling, and when a saving has paid for them.

>>> break_even_queries(12.0, 0.004)
3000.0
"""

import math
from typing import NamedTuple

from routellm_core.errors import DataError

DAYS_PER_MONTH = 365.25 / 12
NO_LABELLING = "nothing is known of what its labels cost"


class Deciding(NamedTuple):
    """Money for the router's machine."""

    usd_per_query: float
    """While it is busy with a query; NaN where the machine or its speed is unknown."""
    source: str


class Labelling(NamedTuple):
    """Money that was spent on the labels of a set."""

    usd: float
    """NaN where nobody knows it."""
    source: str


UNKNOWN_LABELLING = Labelling(math.nan, NO_LABELLING)


def deciding_at(usd_per_hour: float, queries_per_s: float, source: str) -> Deciding:
    """Cost of deciding on a machine that a router keeps busy.

    Args:
        usd_per_hour: of the machine.
        queries_per_s: that it decides on, busy all the time.
        source: of both numbers.

    Raises:
        DataError: the price is negative, or the rate is not above 0; neither may be infinite.
    """
    if not (0 <= usd_per_hour < math.inf and 0 < queries_per_s < math.inf):
        raise DataError(
            f"a machine at ${usd_per_hour:g} an hour that decides {queries_per_s:g} queries a "
            "second is none; give a price from 0 and a rate above 0"
        )
    return Deciding(usd_per_hour / 3600 / queries_per_s, source)


def break_even_queries(spent_usd: float, saved_usd: float) -> float:
    """Number of queries after which what each saves adds up to what was spent.

    Args:
        spent_usd: once, from 0.
        saved_usd: by each query, the cost of deciding taken off.

    Returns:
        Infinite where a query saves nothing; NaN where an amount is unknown.
    """
    if math.isnan(spent_usd) or math.isnan(saved_usd):
        return math.nan
    return spent_usd / saved_usd if saved_usd > 0 else math.inf


def days_of(n_queries: float, queries_per_month: float) -> float:
    """Days in which so many queries come; NaN where the volume is not above 0."""
    return n_queries / queries_per_month * DAYS_PER_MONTH if queries_per_month > 0 else math.nan
