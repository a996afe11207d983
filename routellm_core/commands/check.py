"""`python -m routellm_core check`: data quality of the outcomes of a benchmark."""

import argparse

from routellm_core.commands.shared import Result, Verb, add_pair, pair_of
from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.data_quality import (
    DataFinding,
    Effect,
    Headline,
    check,
    effect_of_excluding,
    sentences,
)
from routellm_core.store import Store
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import bracketed, percent, signed

DOUBTFUL = ("broken_slice", "below_chance")
"""Kinds of findings whose queries are most likely graded wrongly. A slice whose gap is merely
reversed is not among them: to leave it out because of its outcome lifts the gap."""


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("check", check_benchmark)
    parser.add_argument("--benchmark", required=True, metavar="B")
    add_pair(parser)
    parser.add_argument(
        "--guessing", type=_share, metavar="X", help="share right that guessing gives, as 0.25"
    )
    parser.add_argument(
        "--router", metavar="R", help="say what its figures are without some of the queries"
    )
    parser.add_argument("--recipe", help="where a router has several")
    parser.add_argument(
        "--excluding",
        nargs="+",
        default=DOUBTFUL,
        metavar="KIND",
        help=f"findings whose queries are left out for --router (default: {' '.join(DOUBTFUL)})",
    )


def check_benchmark(parsed: argparse.Namespace) -> Result:
    """Findings on the outcomes of a benchmark, and a router's figures without their queries."""
    with Store(parsed.store, read_only=True) as store:
        pair = pair_of(parsed, store, parsed.benchmark)
        findings = check(store, parsed.benchmark, pair, guessing=parsed.guessing)
        effect = None if parsed.router is None else _effect(parsed, store, pair, findings)
        card = store.benchmark(parsed.benchmark)
    words = [sentences.finding(finding, card, pair) for finding in findings]
    document = {
        "benchmark": parsed.benchmark,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "findings": [
            finding._asdict() | {"sentence": sentence, "figures": dict(finding.figures)}
            for finding, sentence in zip(findings, words, strict=True)
        ],
    }
    lines = [f"{parsed.benchmark}: {pair.strong} / {pair.weak}, {len(findings)} findings"]
    lines += [
        f"  {f.severity:<8} {f.kind:<17} {sentence}"
        for f, sentence in zip(findings, words, strict=True)
    ]
    if effect is not None:
        document["effect"] = {
            **effect._asdict(),
            "before": effect.before._asdict(),
            "after": effect.after._asdict(),
        }
        lines += _effect_lines(parsed.router, effect)
    return document, lines


def _effect(
    parsed: argparse.Namespace, store: Store, pair: ModelPair, findings: list[DataFinding]
) -> Effect:
    left_out = [finding for finding in findings if finding.kind in parsed.excluding]
    if not left_out:
        there = ", ".join(sorted({finding.kind for finding in findings})) or "none"
        raise UnknownNameError(
            f"no finding of kind {', '.join(parsed.excluding)} on {parsed.benchmark}; there are: "
            f"{there}; name some with --excluding"
        )
    row = store.router_named(parsed.benchmark, pair, parsed.router, parsed.recipe)
    where = parsed.benchmark, pair
    scores = store.strong_win_rates(*where, row.router_id, row.view)
    return effect_of_excluding(left_out, store.pair_outcomes(*where), scores)


def _effect_lines(router: str, effect: Effect) -> list[str]:
    change = bracketed(effect.apgr_change, effect.apgr_change_interval, signed)
    return [
        f"  {router} on all queries: {_said(effect.before)}",
        f"  {router} without {effect.n_excluded:,}: {_said(effect.after)}",
        f"  APGR changes by {change}",
    ]


def _said(headline: Headline) -> str:
    return (
        f"APGR {bracketed(headline.apgr, headline.apgr_interval)}  "
        f"CPT50 {bracketed(headline.cpt50, headline.cpt50_interval, percent)}  "
        f"CPT80 {bracketed(headline.cpt80, headline.cpt80_interval, percent)}  "
        f"gap {bracketed(headline.gap, headline.gap_interval, digits=4)}  "
        f"n {headline.n_queries:,}"
    )


def _share(text: str) -> float:
    if not 0.0 <= float(text) <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is no share between 0 and 1")
    return float(text)
