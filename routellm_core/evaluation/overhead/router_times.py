"""Time of each router for a query by itself, and the price of the machine that runs it."""

import math
from typing import NamedTuple

ONE_CORE_SECONDS = {
    "random": 0.0,
    "mf": 0.032,
    "sw_ranking": 0.033,
    "bert": 0.031,
    "causal_llm": 0.31,
    "stacked": 0.39,
}
"""Processor time of one query by itself, the median of 36 of MMLU, with the shipped checkpoints on
one core of a server."""
MEASURED_ELSEWHERE = "processor time on one server core, median of 36 queries of MMLU"
CORE_USD_PER_HOUR = 0.0425
PRICED_AS = (
    "an eighth of an AWS c5.2xlarge, which has eight virtual cores, at $0.34 an hour on demand in "
    "US East (Amazon EC2 Auto Scaling guide)"
)


class OwnTime(NamedTuple):
    """Seconds that a router takes for a query before a model is called, and who says so."""

    seconds: float
    """NaN where nobody measured it."""
    source: str


def usual_time(router_name: str) -> OwnTime:
    """Time that the project measured for a kind of router."""
    if router_name not in ONE_CORE_SECONDS:
        return OwnTime(math.nan, "nobody has measured this router: type it")
    return OwnTime(ONE_CORE_SECONDS[router_name], MEASURED_ELSEWHERE)
