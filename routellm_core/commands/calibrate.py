"""`python -m routellm_core calibrate`: the threshold for a target."""

import argparse
from typing import Any

import numpy as np

from routellm_core.commands.shared import (
    Result,
    Verb,
    add_pair,
    add_prices,
    add_targets,
    chosen_prices,
    money_lines,
    pair_of,
    target_of,
)
from routellm_core.evaluation.money import cache_document, money_document
from routellm_core.evaluation.standing import standing_document, standing_lines
from routellm_core.metrics.curve import calls_strong, rank_queries
from routellm_core.policy import bill as policy_bill
from routellm_core.policy import choice as policy_choice
from routellm_core.policy.choice import SelectedThreshold, why_useless
from routellm_core.statistics.bootstrap import curve_intervals
from routellm_core.statistics.routed_money import routed_money
from routellm_core.statistics.routed_point import point_figures
from routellm_core.store import Store
from routellm_core.types import Estimate, Interval
from routellm_core.wording.numbers import fixed, percent, span, usd_text, with_span


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    add_choice(verb("calibrate", calibrate))


def add_choice(parser: argparse.ArgumentParser) -> Any:
    """Options that name a router, a benchmark, a pair and a target; `chosen` reads them.

    Returns:
        The group of targets, which exclude each other.
    """
    parser.add_argument("--router", required=True, metavar="R")
    parser.add_argument("--recipe", help="where a router has several")
    parser.add_argument("--benchmark", required=True, metavar="B")
    target = add_targets(parser)
    target.add_argument("--alpha", type=float, help="the threshold itself")
    add_pair(parser)
    add_prices(parser)
    return target


def chosen(parsed: argparse.Namespace, store: Store) -> SelectedThreshold:
    """The choice that the options of `add_choice` mean.

    Raises:
        UnknownNameError: there is no such benchmark, model or router.
        UnreachableError: no threshold meets the target.
    """
    pair = pair_of(parsed, store, parsed.benchmark)
    return policy_choice.select_threshold(
        store,
        parsed.benchmark,
        parsed.router,
        target_of(parsed),
        recipe=parsed.recipe,
        model_pair=pair,
        prices=chosen_prices(parsed, pair, store, parsed.benchmark),
    )


def _with_intervals(choice: SelectedThreshold) -> dict[str, Any]:
    """Money of a thousand queries and the saving; 95% intervals of all figures."""
    outcomes = choice.outcomes
    found = curve_intervals(
        rank_queries(choice.strong_win_rate),
        outcomes.quality_weak,
        outcomes.quality_strong,
        cluster_code=outcomes.cluster_code,
    )
    called = calls_strong(choice.strong_win_rate, choice.point.threshold)
    figures = point_figures(called, outcomes, choice.costs, found)
    usd = figures.usd_per_query
    of_thousand = Estimate(1_000 * usd.value, Interval(*(1_000 * end for end in usd.interval)))
    return {
        "strong_call_share_interval": figures.strong_call_share.interval,
        "quality_interval": figures.quality.interval,
        "pgr_interval": figures.pgr.interval,
        "answers_usd_per_1000": of_thousand.value,
        "answers_usd_per_1000_interval": of_thousand.interval,
        "saving": figures.saving.value,
        "saving_interval": figures.saving.interval,
    }


def calibrate(parsed: argparse.Namespace) -> Result:
    """The threshold for a share, a recovered gap, a quality or a budget."""
    with Store(parsed.store, read_only=True) as store:
        choice = chosen(parsed, store)
    found, point, outcomes = choice.calibration, choice.point, choice.outcomes
    pair = outcomes.model_pair
    calls = calls_strong(choice.strong_win_rate, point.threshold).astype(np.float64)
    routed = routed_money(calls, choice.costs, outcomes.cluster_code)
    document = {
        "benchmark": parsed.benchmark,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "router": choice.router.router_name,
        "recipe": choice.router.recipe,
        "view": choice.view,
        "n_queries": outcomes.n_queries,
        "money": money_document(pair, choice.costs),
        "mode": found.mode,
        "wanted": found.wanted,
        "achieved": found.achieved,
        "threshold": choice.threshold,
        "strong_call_share": point.strong_call_share,
        "quality": point.quality,
        "pgr": point.pgr,
        **_with_intervals(choice),
    }
    called = calls_strong(choice.strong_win_rate, choice.threshold)
    cache = cache_document(outcomes, choice.costs, called, parsed.warm_share)
    if cache is not None:
        document["cache"] = cache
    document["standing"] = standing_document(outcomes, choice.costs, choice.benchmark, called)
    line = (
        f"threshold {document['threshold']!r}: {percent(point.strong_call_share, 2)} strong calls, "
        f"quality {fixed(point.quality, 6)}, PGR {fixed(point.pgr)} "
        f"on {parsed.benchmark} (n = {outcomes.n_queries:,})"
    )
    reached = f"{found.mode}: wanted {found.wanted:g}, achieved {found.achieved:.6g}"
    if found.mode == "budget":
        ends = (parsed.queries_per_month * end for end in routed.usd_per_query.interval)
        reached += f" ({span(ends, usd_text)})"
    spent = (
        f"answers: {policy_bill.per_thousand(routed.usd_per_query)} for 1,000 queries, saved "
        f"{with_span(*routed.saving, percent)} against always {pair.strong}"
    )
    useless = why_useless(choice)
    document["warning"] = useless
    line += f"\nLook: {useless}." if useless else ""
    money = money_lines(document["money"]) if found.mode == "budget" or parsed.price else []
    standing = standing_lines(document["standing"])
    return document, [reached, line, spent, *standing, *money, *([cache["words"]] if cache else [])]
