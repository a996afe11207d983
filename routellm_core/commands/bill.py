"""Options of the bill that the verbs share: the router's machine, and what the labels cost."""

import argparse
import math

from routellm_core.commands.shared import volume_of
from routellm_core.errors import DataError
from routellm_core.evaluation.overhead.router_cost import router_cost_usd
from routellm_core.evaluation.overhead.router_times import (
    CORE_USD_PER_HOUR,
    PRICED_AS,
    usual_time,
)
from routellm_core.metrics.bill import Deciding, Labelling, deciding_at
from routellm_core.policy.bill import Bill, bill_of
from routellm_core.policy.choice import SelectedThreshold

TYPED = "typed"


def add_bill(parser: argparse.ArgumentParser) -> None:
    """Options of the bill; `bill_for` reads them."""
    parser.add_argument(
        "--router-usd-per-hour",
        type=float,
        metavar="P",
        help=f"of the machine that the router keeps busy (default: {CORE_USD_PER_HOUR}, one core)",
    )
    parser.add_argument(
        "--router-queries-per-s",
        type=float,
        metavar="Q",
        help="that it decides on there (default: as the project timed this kind of router)",
    )
    add_labelling(parser)


def add_labelling(parser: argparse.ArgumentParser) -> None:
    """The option of what the labels cost; `typed_labelling` reads it."""
    parser.add_argument(
        "--labelling-usd",
        type=float,
        metavar="USD",
        help="spent on the labels (default: what `label` kept with the set)",
    )


def bill_for(parsed: argparse.Namespace, choice: SelectedThreshold) -> Bill:
    """The bill of a choice by these options.

    Raises:
        DataError: an amount is negative or not finite.
    """
    deciding = _deciding(parsed, choice.router.router_name)
    return bill_of(choice, deciding, volume_of(parsed), typed_labelling(parsed))


def typed_labelling(parsed: argparse.Namespace) -> Labelling | None:
    """Cost of the labels as it was typed; None where nothing was.

    Raises:
        DataError: it is negative or not finite.
    """
    usd = parsed.labelling_usd
    if usd is None:
        return None
    if not 0 <= usd < math.inf:
        raise DataError(f"--labelling-usd {usd:g}: give an amount from 0 up")
    return Labelling(usd, TYPED)


def _deciding(parsed: argparse.Namespace, router_name: str) -> Deciding:
    per_hour, rate = parsed.router_usd_per_hour, parsed.router_queries_per_s
    usd = CORE_USD_PER_HOUR if per_hour is None else per_hour
    machine = f"${usd:g} an hour, {PRICED_AS if per_hour is None else TYPED}"
    if rate is not None:
        return deciding_at(usd, rate, f"{rate:g} queries a second, {TYPED}; {machine}")
    own = usual_time(router_name)
    if math.isnan(own.seconds):
        return Deciding(math.nan, f"{own.source} with --router-queries-per-s")
    source = f"{own.seconds:g} s a query, {own.source}; {machine}"
    return Deciding(router_cost_usd(own.seconds, usd), source)
