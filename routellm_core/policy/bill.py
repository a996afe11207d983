"""The whole bill of a threshold: answers, deciding, labelling, kind by kind, and break-even."""

import math
from typing import Any, NamedTuple

import numpy as np

from routellm_core.metrics.bill import (
    UNKNOWN_LABELLING,
    Deciding,
    Labelling,
    break_even_queries,
    days_of,
)
from routellm_core.metrics.curve import calls_strong
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.statistics.routed_money import (
    GroupMoney,
    RoutedMoney,
    money_by_group,
    money_figures,
    routed_money,
    scaled,
)
from routellm_core.types import Benchmark, Estimate, Interval
from routellm_core.wording.money import of_pair
from routellm_core.wording.names import distinct_names
from routellm_core.wording.numbers import (
    DASH,
    duration_in_days,
    is_known,
    percent,
    two_digits,
    usd_text,
    with_span,
)

_PER = 1_000
_SLICES_SAID = 10
PRICES_STAY = "95% intervals are about queries like these, prices taken as given"


class Bill(NamedTuple):
    """All that a threshold costs, and what it saves against always calling the strong model."""

    answers: RoutedMoney
    """Without deciding."""
    total: RoutedMoney
    """With it; NaN where the cost of deciding is unknown."""
    deciding: Deciding
    labelling: Labelling
    break_even: Estimate
    """Queries after which the saving, deciding taken off, has paid for the labels; infinite where
    it never does."""
    queries_per_month: float
    slices: list[GroupMoney]
    """Answers without deciding, the largest first."""
    names: tuple[str, str]
    """Short ones of the weak and the strong model."""
    source: str
    """Of the money of the answers, in words."""


def labelling_of(card: Benchmark) -> Labelling:
    """Cost of the labels of a benchmark, as it was kept with it."""
    if card.labelling_requests is None:
        return UNKNOWN_LABELLING
    requests = f"{card.labelling_requests:,} requests of `label`"
    if card.labelling_usd is None:
        return Labelling(math.nan, f"{requests}, of which not every price is known")
    worst = card.labelling_usd_at_worst or 0.0
    said = f"; {usd_text(worst)} of it is a worst case" if worst > 0 else ""
    return Labelling(card.labelling_usd, f"{requests}, by the endpoints' token counts{said}")


def bill_of(
    choice: SelectedThreshold,
    deciding: Deciding,
    queries_per_month: float,
    labelling: Labelling | None = None,
) -> Bill:
    """The bill of a choice.

    Args:
        choice: threshold, outcomes and costs.
        deciding: of its router.
        queries_per_month: for which money a month and days are given.
        labelling: of its labels; by default what was kept with the benchmark.
    """
    outcomes, costs = choice.outcomes, choice.costs
    calls = calls_strong(choice.strong_win_rate, choice.point.threshold).astype(np.float64)
    clusters = outcomes.cluster_code
    total = routed_money(calls, costs, clusters, deciding.usd_per_query)
    labelling = labelling or labelling_of(choice.benchmark)
    weak_name, strong_name = distinct_names(outcomes.model_pair).values()
    return Bill(
        answers=routed_money(calls, costs, clusters),
        total=total,
        deciding=deciding,
        labelling=labelling,
        break_even=break_even(labelling.usd, total.saved_usd),
        queries_per_month=queries_per_month,
        slices=money_by_group(calls, costs, clusters, outcomes.slice_code, outcomes.slices),
        names=(weak_name, strong_name),
        source=of_pair(weak_name, costs.weak_source, strong_name, costs.strong_source),
    )


def break_even(labelling_usd: float, saved_usd: Estimate) -> Estimate:
    """Break-even with its interval, which is that of the saving."""
    low, high = (break_even_queries(labelling_usd, end) for end in reversed(saved_usd.interval))
    return Estimate(break_even_queries(labelling_usd, saved_usd.value), Interval(low, high))


def document(bill: Bill) -> dict[str, Any]:
    """The bill as a JSON object; every figure has its interval beside it."""
    found = bill.break_even
    return {
        "n_queries": bill.answers.n_queries,
        "source": bill.source,
        "intervals": PRICES_STAY,
        "baseline": f"always {bill.names[1]}",
        "answers": money_figures(bill.answers),
        "deciding": {
            "usd_per_1000": _PER * bill.deciding.usd_per_query,
            "source": bill.deciding.source,
        },
        "total": money_figures(bill.total),
        "queries_per_month": bill.queries_per_month,
        "usd_per_month": bill.queries_per_month * bill.total.usd_per_query.value,
        "usd_per_month_interval": scaled(bill.total.usd_per_query, bill.queries_per_month),
        "labelling": bill.labelling._asdict(),
        "break_even_queries": found.value,
        "break_even_queries_interval": found.interval,
        "break_even_days": days_of(found.value, bill.queries_per_month),
        "break_even_words": break_even_words(bill),
        "slices": [{"slice": group.name} | money_figures(group.money) for group in bill.slices],
    }


def lines(bill: Bill) -> list[str]:
    """The bill for people, a line each."""
    total, strong, n = bill.total, bill.names[1], bill.queries_per_month
    monthly = Estimate(n * total.usd_per_query.value, scaled(total.usd_per_query, n))
    rest = len(bill.slices) - _SLICES_SAID
    return [
        f"the bill for 1,000 queries (n = {total.n_queries:,}); saved: against always {strong}; "
        f"{PRICES_STAY}",
        f"  answers {per_thousand(bill.answers.usd_per_query)}. {bill.source}",
        f"  deciding {usd_text(_PER * bill.deciding.usd_per_query)}: {bill.deciding.source}",
        f"  in all {per_thousand(total.usd_per_query)}, saved "
        f"{with_span(*total.saving, percent)}; always {strong} "
        f"{per_thousand(total.usd_per_query_strong)}",
        f"  a month, {n:,.0f} queries: {with_span(*monthly, usd_text)}",
        f"  labelling so far {usd_text(bill.labelling.usd)}: {bill.labelling.source}",
        f"  {break_even_words(bill)}",
        *(
            f"  {group.name}, n = {group.money.n_queries:,}: "
            f"{percent(group.money.strong_call_share)} strong calls, answers "
            f"{per_thousand(group.money.usd_per_query)}, saved "
            f"{with_span(*group.money.saving, percent)}"
            for group in (bill.slices[:_SLICES_SAID] if len(bill.slices) > 1 else ())
        ),
        *([f"  {rest:,} smaller slices are in --json"] if rest > 0 else []),
    ]


def break_even_words(bill: Bill) -> str:
    """The break-even in a sentence."""
    n, (low, high) = bill.break_even
    if math.isnan(n):
        if math.isnan(bill.total.saved_usd.value):
            return f"Break-even: {DASH}. What a query saves is not known."
        return f"Break-even: {DASH}. What the labels cost is not known."
    if math.isinf(n):
        return "Break-even: never. A query saves nothing once the router is paid."
    if n == 0:
        return "Break-even: from the first query on, since the labels cost nothing."
    queries = f"{two_digits(max(n, 1.0), up=True):,} queries"
    days = duration_in_days(days_of(n, bill.queries_per_month))
    said = f"Break-even: after about {queries}, {days} at {bill.queries_per_month:,.0f} a month"
    if not is_known(low):
        return f"{said}; no interval."
    least = f"{two_digits(max(low, 1.0)):,}"
    most = f"{two_digits(max(high, 1.0), up=True):,}" if is_known(high) else "perhaps never"
    return f"{said} (95% {least} – {most})."


def per_thousand(usd: Estimate) -> str:
    """Money of 1,000 queries with its interval."""
    return with_span(_PER * usd.value, scaled(usd, _PER), usd_text)
