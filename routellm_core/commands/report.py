"""`python -m routellm_core report`: a policy as one page for the person who pays."""

import argparse
from pathlib import Path

from routellm_core.commands.bill import bill_for
from routellm_core.commands.policy import add_policy, made_policy, standing_of, write_file
from routellm_core.commands.shared import Result, Verb, volume_of
from routellm_core.evaluation.standing import standing_lines
from routellm_core.policy import bill
from routellm_core.report import words
from routellm_core.report.figures import figures_of
from routellm_core.report.page import page_of


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    parser = verb("report", report)
    add_policy(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("report.html"), help="default: %(default)s"
    )


def report(parsed: argparse.Namespace) -> Result:
    """Make a policy and tell of it on one page of HTML: decision, money, what is not known."""
    choice, policy = made_policy(parsed)
    costs = bill_for(parsed, choice)
    figures = figures_of(choice, policy, volume_of(parsed), costs)
    write_file(parsed.out, page_of(choice, policy, figures).encode("utf-8"))
    said, not_known = words.decision(policy, figures), words.not_known(policy, choice)
    standing = standing_of(choice)
    document = {
        "file": str(parsed.out),
        "decision": said,
        "queries_per_month": figures.queries_per_month,
        "options": [_plain(option) for option in figures.options],
        "mix_usd_per_query": figures.mix_usd_per_query,
        "saving_over_mix": _plain(figures.saving_over_mix),
        "bill": bill.document(costs),
        "slices": [_plain(found) for found in figures.slices],
        "standing": standing,
        "not_known": [*not_known, *words.broken_slices(figures)],
        "policy": policy.document(),
    }
    return document, [said, *standing_lines(standing), f"written to {parsed.out}"]


def _plain(found: "tuple[object, ...]") -> object:
    """Named tuples as JSON objects, those inside included."""
    fields = getattr(found, "_asdict", None)
    if fields is None:
        return found
    return {name: _plain(value) for name, value in fields().items()}
