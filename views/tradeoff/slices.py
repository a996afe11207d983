"""Where the quality comes from: a benchmark's slices at one threshold, as table and as chart."""

import pandas as pd
import streamlit as st

from routellm_core.metrics.slices import looks_broken
from views.cache import benchmarks
from views.components import downloads
from views.components.live_curve.payload import number
from views.components.slice_table import slice_table
from views.selection.frame import Selection
from views.selection.point import Readings
from views.state import link
from views.text.escape import plain
from views.text.format import quality_format, quality_text
from views.text.names import short_name


def draw_slices(selection: Selection, readings: Readings) -> None:
    """Table or chart of the slices; says which outcomes look broken."""
    table = benchmarks.slices(selection.key, readings.point.threshold)
    if len(table) < 2:
        return
    st.subheader("Where the quality comes from")
    weak, strong = short_name(selection.pair.weak), short_name(selection.pair.strong)
    broken = looks_broken(table)
    for row in table[broken].itertuples():
        st.warning(
            plain(
                f"{row.slice}: the outcomes look broken. On its {row.n_queries:,} queries {strong} "
                f"gets {quality_text(selection.benchmark, row.quality_strong)}, {weak} "
                f"{quality_text(selection.benchmark, row.quality_weak)}. A failed answer "
                "extraction leaves such figures."
            ),
            icon=":material/warning:",
        )
    st.session_state["_slices"] = link.text("slices", "table", ["table", "chart"])
    st.segmented_control(
        "Show the slices as",
        ["table", "chart"],
        key="_slices",
        label_visibility="collapsed",
        on_change=lambda: link.remember(slices=st.session_state["_slices"]),
    )
    if st.session_state["_slices"] == "chart":
        from views.components import charts  # plotly is loaded by those who look at it

        st.plotly_chart(
            charts.slices(table, weak, strong, quality_format(selection.benchmark)),
            config=charts.CONFIG,
            key="slices_chart",
            alt="Quality of the weak, the strong and the routed answers in each slice",
        )
    else:
        _draw_table(table, selection, weak, strong)
    st.caption(
        "Gap recovered is left out where the 95% interval of the slice's gap contains 0: there is "
        "no certain gap to recover."
    )
    st.download_button(
        "Slices (CSV)",
        lambda: downloads.csv_bytes(table),
        f"slices-{selection.benchmark.benchmark_id}-{selection.router['router_name']}.csv",
        "text/csv",
        on_click="ignore",
    )


def _draw_table(table: pd.DataFrame, selection: Selection, weak: str, strong: str) -> None:
    broken = looks_broken(table)
    ends = table[["quality_weak", "quality_strong"]]
    slice_table(
        {
            "rows": [
                {
                    "name": row.slice,
                    "n": int(row.n_queries),
                    "weak": number(row.quality_weak),
                    "strong": number(row.quality_strong),
                    "quality": number(row.quality),
                    "gap": number(row.gap),
                    "pgr": number(row.pgr),
                    "share": number(row.strong_call_share),
                    "broken": bool(broken[row.Index]),
                }
                for row in table.itertuples()
            ],
            "names": {"weak": weak, "strong": strong},
            "low": number(float(ends.min().min())),
            "high": number(float(ends.max().max())),
            "quality_format": quality_format(selection.benchmark),
        },
        key="slice_table",
    )
