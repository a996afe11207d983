"""What a threshold is to give, as options of the command line."""

import argparse
from typing import Any

from routellm_core.calibration import Wish


def add_wishes(parser: argparse.ArgumentParser) -> Any:
    """Options that name a wish; `wish_of` reads them.

    Returns:
        The group of wishes, which exclude each other; a verb may add `--alpha` or
        `--usd-per-1000`.
    """
    wish = parser.add_mutually_exclusive_group(required=True)
    wish.add_argument("--share", type=float, help="of strong calls, in [0, 1]")
    wish.add_argument("--pgr", type=float, help="share of the gap to recover")
    wish.add_argument("--quality", type=float, help="in the benchmark's own scale")
    wish.add_argument("--budget-usd", type=float, help="a month")
    parser.add_argument("--queries-per-month", type=float, default=100_000.0)
    return wish


def wish_of(parsed: argparse.Namespace) -> Wish:
    """The wish that the options name."""
    given = vars(parsed)
    if given.get("share") is not None:
        return Wish("share", parsed.share)
    if given.get("pgr") is not None:
        return Wish("pgr", parsed.pgr)
    if given.get("quality") is not None:
        return Wish("quality", parsed.quality)
    if given.get("alpha") is not None:
        return Wish("alpha", parsed.alpha)
    if given.get("usd_per_1000") is not None:
        return Wish("budget", parsed.usd_per_1000, 1_000.0)
    return Wish("budget", parsed.budget_usd, parsed.queries_per_month)
