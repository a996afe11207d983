"""The page read aloud: what is odd, what the scores are worth, what routing saves."""

import math

from routellm_core.data_quality import SEVERITIES, Finding
from routellm_core.evidence.reliability import BrierScore
from views import cached, cached_evidence
from views.evidence.router_cost import RouterCost
from views.frame import Selection
from views.names import short_name
from views.queries.words import alpha_text, score_digits
from views.readings import Readings

_PLURALS = {"error": "errors", "warning": "warnings", "note": "notes"}


def parts(selection: Selection, readings: Readings, router: RouterCost) -> list[str]:
    """The sentences; every second part is a figure."""
    found = cached_evidence.findings(*selection.where)
    title, name = selection.benchmark.title, selection.router["label"]
    n = cached.outcomes(*selection.where).n_queries
    said = ["", counted(found), f" about the outcomes of {title} (n = {n:,}). "]
    brier = cached_evidence.meaning(selection.key)[1]
    if not math.isnan(brier.skill):
        said[-1] += f"As a forecast of who wins, the scores of {name} "
        said += [skill_in_words(brier), " one number for all queries. "]
    usual = cached_evidence.at_other_prices(
        selection.key,
        (selection.price_weak, selection.price_strong),
        readings.point.threshold,
        router.usd,
    )
    saved = float(usual["saving"][usual["factor"] == 1.0].iloc[0])
    if not math.isnan(saved):
        digits = score_digits(cached.histogram(selection.key)[2])
        said[-1] += f"At α = {alpha_text(readings.point.threshold, digits)} routing costs "
        said += [
            f"{abs(saved):.1%} {'less' if saved >= 0 else 'more'}",
            f" than always {short_name(selection.pair.strong)}, the router included.",
        ]
    return said


def skill_in_words(brier: BrierScore) -> str:
    """Better, worse, or neither as far as the interval allows; "than" or "from" ends it."""
    low, high = brier.skill_interval
    if not (low > 0 or high < 0):
        return "cannot be told apart from"
    return f"are {abs(brier.skill):.1%} {'better' if low > 0 else 'worse'} than"


def counted(found: list[Finding]) -> str:
    """How many findings of each severity there are.

    >>> counted([])
    'Nothing odd'
    """
    numbers = {s: sum(finding.severity == s for finding in found) for s in SEVERITIES}
    said = [f"{n} {s if n == 1 else _PLURALS[s]}" for s, n in numbers.items() if n]
    if not said:
        return "Nothing odd"
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
