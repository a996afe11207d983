"""Bill of a log, tenant by tenant."""

import pandas as pd
import streamlit as st

from routellm_core.wording.numbers import percent, usd_text
from views.components import html_table
from views.components.html_table import Cell, figure
from views.text.names import short_name


def draw(usage: pd.DataFrame) -> None:
    """A row a tenant; nothing where the log names none.

    Args:
        usage: as of `Store.usage_by_tenant`.
    """
    if usage["tenant"].isna().all():
        return
    st.markdown("**The bill by tenant**")
    html_table.draw(
        "What the log was billed for, by tenant",
        ["tenant", figure("billed"), figure("share of the money"), figure("1,000 answers")],
        rows_of(usage),
    )
    st.caption(
        "As billed in the log, the dearest first. Answers without a cost are not in the money. "
        "A key is shown by its alias, or by the first digits of its hash."
    )


def rows_of(usage: pd.DataFrame) -> list[list[str | Cell]]:
    """Tenant with its models, money, part of all that was billed, and money of 1,000 answers."""
    total = usage["cost_usd"].sum()
    found: list[list[str | Cell]] = []
    for tenant, own in usage.groupby("tenant", sort=False, dropna=False):
        n_billed, usd = int(own["n_billed"].sum()), own["cost_usd"].sum(min_count=1)
        models = ", ".join(
            f"{plain_name} {n:,}"
            for plain_name, n in zip(own["model"].map(short_name), own["n_answers"], strict=True)
        )
        found.append(
            [
                Cell("not said" if pd.isna(tenant) else str(tenant), models),
                Cell(usd_text(usd), f"{n_billed:,} of {own['n_answers'].sum():,} answers"),
                percent(usd / total if total > 0 else None),
                usd_text(1_000 * usd / n_billed if n_billed else None),
            ]
        )
    return found
