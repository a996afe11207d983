"""`python -m routellm_core recommend`: a router by queries, target, time and money."""

import argparse
import math
from typing import Any

from routellm_core.commands.next_command import command, named_pair, with_next
from routellm_core.commands.shared import (
    Result,
    Verb,
    add_pair,
    add_prices,
    add_targets,
    chosen_prices,
    money_lines,
    pair_of,
    seed,
    target_of,
)
from routellm_core.evaluation.overhead.router_times import CORE_USD_PER_HOUR
from routellm_core.evaluation.recommendation.limits import Limits, Requirements
from routellm_core.evaluation.recommendation.report import recommend
from routellm_core.evaluation.recommendation.sentences import excluded_routers
from routellm_core.evaluation.standing import standing_lines
from routellm_core.store import Store
from routellm_core.wording.numbers import (
    bracketed,
    ms_text,
    p_text,
    percent,
    plus,
    seconds_text,
    significant,
    usd_text,
)


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("recommend", recommend_routers)
    parser.add_argument("--benchmark", required=True, metavar="B")
    parser.add_argument(
        "--slice", nargs="+", default=[], metavar="S", help="only queries of these kinds"
    )
    add_targets(parser).add_argument(
        "--usd-per-1000", type=float, help="queries; as of a budget, the router's machine included"
    )
    for option, help_text in (
        ("--max-ms", "the router's own time for a query"),
        ("--max-mean-s", "seconds to a routed answer, on average"),
        ("--max-p95-s", "seconds that 95%% of the routed answers do not exceed"),
    ):
        parser.add_argument(option, type=float, default=math.inf, metavar="M", help=help_text)
    parser.add_argument(
        "--machine-usd-per-hour",
        "--router-usd-per-hour",
        type=float,
        default=CORE_USD_PER_HOUR,
        metavar="P",
        help="of the machine that the router keeps busy (default: %(default)s, one core)",
    )
    parser.add_argument("--seed", type=seed, default=0, help="of the parts of a held-out quality")
    add_pair(parser)
    add_prices(parser)


def recommend_routers(parsed: argparse.Namespace) -> Result:
    """The router for these queries under a target and limits, if any is worth it."""
    limits = Limits(parsed.max_ms / 1000, parsed.max_mean_s, parsed.max_p95_s)
    required = Requirements(
        target_of(parsed), tuple(parsed.slice), limits, parsed.machine_usd_per_hour
    )
    with Store(parsed.store, read_only=True) as store:
        pair = pair_of(parsed, store, parsed.benchmark)
        answer = recommend(
            store,
            parsed.benchmark,
            required,
            model_pair=pair,
            prices=chosen_prices(parsed, pair, store, parsed.benchmark),
            seed=parsed.seed,
            warm_share=parsed.warm_share,
        )
    return with_next((answer, lines(answer)), _following(parsed, answer))


def _following(parsed: argparse.Namespace, answer: dict[str, Any]) -> str:
    """A guarantee of the first router that fits; the pairs there are where none does."""
    if not answer["routers"]:
        return command(parsed, "models", "--benchmark", parsed.benchmark)
    first = answer["routers"][0]
    router = ("--router", first["router"], "--recipe", first["recipe"])
    of = ("--benchmark", parsed.benchmark, *router, *named_pair(parsed))
    return command(parsed, "certify", *of, "--keep", 0.95)


def lines(answer: dict[str, Any]) -> list[str]:
    """The object of `document` for people."""
    kinds = ", ".join(answer["slices"]) or "all slices"
    excluded = excluded_routers(answer)
    held_out = (
        f"quality: cross-fitted, on texts that no threshold was chosen on (seed {answer['seed']})"
        if answer["is_held_out"]
        else "quality: at the threshold for that share, which no answer has a part in"
    )
    return [
        f"{answer['benchmark']}, {answer['view']}, {kinds}: n = {answer['n_queries']:,} "
        f"({answer['n_texts']:,} texts); the router's machine ${answer['machine_usd_per_hour']:g} "
        "an hour",
        *money_lines(answer["money"]),
        *(line for line in standing_lines(answer["standing"]) if line not in answer["sentences"]),
        *answer["sentences"],
        *([held_out] if answer["routers"] else []),
        *(line for row in answer["routers"] for line in _router(row)),
        "without a router",
        *(
            f"  {row['label']}: {_figures(row)}" + (f"; {row['problem']}" if row["problem"] else "")
            for row in answer["blind"]
        ),
        *([f"not among them: {excluded}"] if excluded else []),
    ]


def _router(row: dict[str, Any]) -> list[str]:
    """Its figures, then its comparisons with the first and with the baseline."""
    timed = ""
    if row["n_timed"]:
        timed = (
            f", mean {bracketed(row['mean_s'], row['mean_s_interval'], seconds_text)}, p95 "
            f"{bracketed(row['p95_s'], row['p95_s_interval'], seconds_text)}, n {row['n_timed']:,}"
        )
    found = [
        f"  {row['label']}: threshold {row['threshold']!r}, {_figures(row)}, own "
        f"{ms_text(row['router_ms'])}{timed}"
    ]
    if row.get("cache"):
        found.append(f"    {row['cache']['words']}")
    for difference in (row["to_first"], row["over_bar"]):
        if difference is not None:
            gain = bracketed(difference["value"], difference["interval"], _signed)
            found.append(
                f"    {difference['words']} ({gain}, {p_text(difference['p_value'])}, "
                f"{p_text(difference['adjusted_p_value'])} by Holm)"
            )
    return found


def _figures(row: dict[str, Any]) -> str:
    return (
        f"quality {bracketed(row['quality'], row['quality_interval'], digits=4)}, "
        f"PGR {bracketed(row['pgr'], row['pgr_interval'])}, "
        f"{percent(row['strong_call_share'])} strong calls, "
        f"{bracketed(row['usd_per_1000'], row['usd_per_1000_interval'], usd_text)} per 1,000, "
        f"saved {bracketed(row['bill']['saving'], row['bill']['saving_interval'], percent)}"
    )


def _signed(value: float) -> str:
    return plus(significant(value, 4))
