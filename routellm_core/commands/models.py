"""`python -m routellm_core models`: the models of a benchmark, and the pairs worth routing."""

import argparse
from typing import Any

from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import Result, Verb, add_prices
from routellm_core.evaluation.models import compare_models
from routellm_core.store import Store
from routellm_core.wording.numbers import bracketed, fixed, seconds_text, usd_text

_SHOWN = 10
"""Pairs that are printed; --json has all."""


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("models", models)
    parser.add_argument("--benchmark", required=True, metavar="B")
    add_prices(parser)


def models(parsed: argparse.Namespace) -> Result:
    """Every model of a benchmark with quality, dollars and seconds; the pairs worth routing."""
    with Store(parsed.store, read_only=True) as store:
        document = compare_models(store, parsed.benchmark, dict(parsed.price))
        is_scored = not store.scorings(parsed.benchmark).empty
    following = (
        command(parsed, "recommend", "--benchmark", parsed.benchmark, "--share", 0.5)
        if is_scored
        else command(parsed, "score", "--benchmark", parsed.benchmark, "--router", "mf")
    )
    return with_next((document, lines(document)), following)


def lines(document: dict[str, Any]) -> list[str]:
    """The object of `compare_models` for people."""
    rows = [f"{document['benchmark']}: quality as {document['quality_unit']}, 95% intervals"]
    for of in document["models"]:
        rows.append(
            f"  {of['model']}: {bracketed(of['quality'], of['quality_interval'], digits=4)}, "
            f"n {of['n_queries']:,}; {_thousand(of)}; "
            f"{bracketed(of['seconds'], of['seconds_interval'], seconds_text)}, "
            f"n {of['n_timed']:,}"
            + (f"; dominated by {of['dominated_by']}" if of["dominated_by"] else "")
        )
        rows.append(f"    {of['usd_source']}")
    if document["pairs"]:
        rows.append(
            "pairs that no model dominates, by room: gap × share of the strong model's dollars "
            "that the weak one saves"
        )
    for pair in document["pairs"][:_SHOWN]:
        rows.append(
            f"  {pair['strong']} over {pair['weak']}: room {fixed(pair['room'], 4)}, gap "
            f"{bracketed(pair['gap'], pair['gap_interval'], digits=4)}, price ratio "
            f"{fixed(pair['price_ratio'], 1)}, oracle gain {fixed(pair['oracle_gain'], 4)}, "
            f"n {pair['n_queries']:,}"
        )
    if len(document["pairs"]) > _SHOWN:
        rows.append(f"  and {len(document['pairs']) - _SHOWN:,} more (--json has all)")
    if default := document["default_pair"]:
        rows.append(f"without --strong and --weak: {default['strong']} over {default['weak']}")
    return rows


def _thousand(of: dict[str, Any]) -> str:
    low, high = of["usd_interval"]
    ends = (1000 * low, 1000 * high)
    return f"{bracketed(1000 * of['usd'], ends, usd_text)} per 1,000"
