"""Where the quality comes from: a benchmark's slices at one threshold, as table and as chart."""

from urllib.parse import quote

import pandas as pd
import streamlit as st

from routellm_core.slices import looks_broken
from views import cached, charts, downloads, link
from views.frame import Selection
from views.names import short_name
from views.readings import Readings, quality_format

_WIDTH, _HEIGHT = 220, 30


def draw_slices(selection: Selection, readings: Readings) -> None:
    """Table or chart of the slices; says which outcomes look broken."""
    table = cached.slices(selection.key, readings.point.threshold)
    if len(table) < 2:
        return
    st.subheader("Where the quality comes from")
    weak, strong = short_name(selection.pair.weak), short_name(selection.pair.strong)
    broken = looks_broken(table)
    for row in table[broken].itertuples():
        st.warning(
            f"{row.slice}: the published outcomes look broken. {strong} is right in "
            f"{row.quality_strong:.1%} of {row.n_queries:,} queries, {weak} in "
            f"{row.quality_weak:.1%}. A failed answer extraction leaves such figures.",
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
    form = quality_format(selection.benchmark)
    scale, digits = form["scale"], form["digits"]
    ends = table[["quality_weak", "quality_strong"]]
    low, high = float(ends.min().min()), float(ends.max().max())
    shown = pd.DataFrame(
        {
            "slice": table["slice"].str.replace("_", " "),
            "n": table["n_queries"],
            "picture": [_dumbbell(row, low, high) for row in table.itertuples()],
            "quality": scale * table["quality"],
            "weak": scale * table["quality_weak"],
            "strong": scale * table["quality_strong"],
            "pgr": table["pgr"],
            "to strong": 100 * table["strong_call_share"],
        }
    )
    quality = st.column_config.NumberColumn
    in_unit = f"%.{digits}f{form['unit'].replace('%', '%%')}"
    st.dataframe(
        shown,
        hide_index=True,
        row_height=_HEIGHT + 4,
        height=min(len(shown), 12) * (_HEIGHT + 4) + 40,
        placeholder="–",
        alt="Slices of the benchmark: queries, quality, gap recovered, share sent to strong",
        column_config={
            "slice": st.column_config.TextColumn("slice", pinned=True),
            "n": st.column_config.NumberColumn("n", format="localized"),
            "picture": st.column_config.ImageColumn(
                f"{weak} ● got ▮ {strong} ■", width=_WIDTH + 20
            ),
            "quality": quality("quality", format=in_unit, help="of the routed answers"),
            "weak": quality(f"{weak} ●", format=in_unit),
            "strong": quality(f"{strong} ■", format=in_unit),
            "pgr": quality("PGR", format="%.2f", help="gap recovered"),
            "to strong": quality("to strong", format="%.0f%%", help="share of strong calls"),
        },
    )


def _dumbbell(row: "pd.core.series.Series", low: float, high: float) -> str:
    """Weak (circle), strong (square) and routed (bar) on one line, as an SVG data address.

    Colours of middle lightness, readable on light and on dark.
    """

    def x(value: float) -> float:
        return 10 + (_WIDTH - 20) * (value - low) / ((high - low) or 1.0)

    y = _HEIGHT / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<path d="M10 {y}H{_WIDTH - 10}" stroke="#8b94a3" stroke-opacity=".45"/>'
        f'<circle cx="{x(row.quality_weak):.1f}" cy="{y}" r="5" fill="#159a78"/>'
        f'<rect x="{x(row.quality_strong) - 4.5:.1f}" y="{y - 4.5}" width="9" height="9" '
        'fill="#cf6a2c"/>'
        f'<rect x="{x(row.quality) - 2:.1f}" y="{y - 9}" width="4" height="18" rx="1" '
        'fill="#2f86d6"/></svg>'
    )
    return "data:image/svg+xml," + quote(svg)
