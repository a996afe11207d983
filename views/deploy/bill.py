"""The whole bill on the Deploy page: deciding, labelling, break-even, and slice by slice."""

import streamlit as st

from routellm_core.metrics.bill import Deciding, Labelling
from routellm_core.policy.bill import PRICES_STAY, Bill, bill_of, break_even_words
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.statistics.routed_money import GroupMoney, scaled
from routellm_core.types import Estimate
from routellm_core.wording.numbers import DASH, both_ends, fixed, percent, usd_text
from views.components import html_table
from views.components.html_table import Cell, figure
from views.selection import router_cost
from views.selection.frame import Selection
from views.selection.point import queries_per_month
from views.selection.router_cost import RouterCost
from views.state import inputs, link
from views.text.escape import plain

_MOST_USD = 1e9


def read(selection: Selection, choice: SelectedThreshold) -> Bill:
    """The bill of a choice, with the machine, volume and labels that the link states."""
    typed = link.number("labelling_usd", None)
    labelling = None if typed is None else Labelling(max(typed, 0.0), "typed by you")
    deciding = deciding_of(router_cost.read(selection))
    return bill_of(choice, deciding, queries_per_month(), labelling)


def deciding_of(router: RouterCost) -> Deciding:
    """Cost of deciding, with where its seconds and its machine come from."""
    return Deciding(
        router.usd,
        f"{fixed(router.seconds)} s a query, {router.seconds_source}; "
        f"{usd_text(router.usd_per_hour)} an hour, {router.usd_source}",
    )


def draw(bill: Bill) -> None:
    """Volume, machine and labels to type; a row a part; the slices."""
    st.markdown("**The whole bill**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        router_cost.draw_volume()
        router_cost.draw_machine()
        inputs.number_of(
            "Spent on labels, USD",
            "labelling_usd",
            link.number("labelling_usd", None),
            most=_MOST_USD,
            step=1.0,
            form="%.2f",
        )
    html_table.draw(
        "The whole bill of the policy",
        ["part, and where it comes from", figure("money"), figure("95% interval")],
        rows_of(bill),
    )
    st.markdown(f"**{plain(break_even_words(bill))}**")
    st.caption(plain(f"{PRICES_STAY}. Saved: against always {bill.names[1]}."))
    if len(bill.slices) > 1:
        _draw_slices(bill)


def rows_of(bill: Bill) -> list[list[str | Cell]]:
    """Part with its source, money and interval."""
    total, monthly = bill.total, bill.queries_per_month
    n = f"n = {total.n_queries:,}"
    return [
        [
            Cell("answers, 1,000 queries", bill.source),
            *_usd(bill.answers.usd_per_query, 1_000),
        ],
        [
            Cell("deciding, 1,000 queries", bill.deciding.source),
            usd_text(1_000 * bill.deciding.usd_per_query),
            DASH,
        ],
        [Cell("in all, 1,000 queries", n), *_usd(total.usd_per_query, 1_000)],
        [
            Cell(f"in all a month, {monthly:,.0f} queries", n),
            *_usd(total.usd_per_query, monthly),
        ],
        [
            Cell(f"saved, against always {bill.names[1]}", n),
            percent(total.saving.value),
            both_ends(total.saving.interval, percent),
        ],
        [
            Cell("labelling so far", bill.labelling.source),
            usd_text(bill.labelling.usd),
            DASH,
        ],
    ]


def slice_row(group: GroupMoney) -> list[str | Cell]:
    """Slice with its n, share of strong calls, money and saving with their intervals."""
    money = group.money
    return [
        Cell(group.name.replace("_", " "), f"n = {money.n_queries:,}"),
        percent(money.strong_call_share),
        Cell(*_usd(money.usd_per_query, 1_000)),
        Cell(percent(money.saving.value), both_ends(money.saving.interval, percent)),
    ]


def _draw_slices(bill: Bill) -> None:
    with st.expander(f"The bill by slice: {len(bill.slices)}"):
        html_table.draw(
            "Money of answers by slice",
            [
                "slice",
                figure("to strong"),
                figure("USD for 1,000 queries"),
                figure(f"saved, against always {bill.names[1]}"),
            ],
            [slice_row(group) for group in bill.slices],
        )
        st.caption("Answers alone; deciding costs the same for each query.")


def _usd(usd: Estimate, n_queries: float) -> tuple[str, str]:
    """Money of so many queries, and its interval."""
    ends = scaled(usd, n_queries)
    return usd_text(n_queries * usd.value), both_ends(ends, usd_text)
