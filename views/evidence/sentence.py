"""The page in one paragraph: findings, the worth of the scores, the saving."""

import math

from routellm_core.evaluation.data_quality import SEVERITIES, DataFinding
from routellm_core.evaluation.score_calibration.reliability import BrierScore
from routellm_core.wording.numbers import percent
from routellm_core.wording.text import joined
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.selection.frame import Selection
from views.selection.point import Readings
from views.selection.router_cost import RouterCost
from views.text.format import alpha_text, score_digits
from views.text.names import short_name

_PLURALS = {"error": "errors", "warning": "warnings", "note": "notes"}


def parts(selection: Selection, readings: Readings, router: RouterCost) -> list[str]:
    """The sentences; every second part is a figure."""
    found = evidence_cache.findings(*selection.where)
    title, name = selection.benchmark.title, selection.router["label"]
    n = benchmarks.outcomes(*selection.where).n_queries
    said = ["", counted(found), f" about the outcomes of {title} (n = {n:,}). "]
    brier = evidence_cache.meaning(selection.key)[1]
    if not math.isnan(brier.skill):
        said[-1] += f"The scores of {name} predict the winner "
        said += [skill_in_words(brier), " the average. "]
    usual = evidence_cache.at_other_prices(
        selection.key,
        (selection.price_weak, selection.price_strong),
        readings.point.threshold,
        router.usd,
    )
    saved = float(usual["saving"][usual["factor"] == 1.0].iloc[0])
    if not math.isnan(saved):
        digits = score_digits(benchmarks.histogram(selection.key)[2])
        said[-1] += f"At α = {alpha_text(readings.point.threshold, digits)} routing costs "
        said += [
            f"{percent(abs(saved))} {'less' if saved >= 0 else 'more'}",
            f" than always {short_name(selection.pair.strong)}, the router included.",
        ]
    return said


def skill_in_words(brier: BrierScore) -> str:
    """Better, worse, or neither as far as the interval allows; "than guessing" ends it."""
    low, high = brier.skill_interval
    if not (low > 0 or high < 0):
        return "neither clearly better nor clearly worse than guessing"
    return f"{percent(abs(brier.skill))} {'better' if low > 0 else 'worse'} than guessing"


def counted(found: list[DataFinding]) -> str:
    """Number of findings of each severity.

    >>> counted([])
    'Nothing odd'
    """
    numbers = {s: sum(finding.severity == s for finding in found) for s in SEVERITIES}
    said = [f"{n} {s if n == 1 else _PLURALS[s]}" for s, n in numbers.items() if n]
    if not said:
        return "Nothing odd"
    return joined(said)
