"""The sources of the quality: a benchmark's slices at one threshold."""

import pandas as pd
import streamlit as st

from routellm_core.metrics.slices import looks_broken
from routellm_core.wording.numbers import percent, usd_text, with_span
from views.cache import benchmarks
from views.components import downloads
from views.components.live_curve.payload import number
from views.components.table import column, data_table
from views.selection.frame import Selection
from views.selection.point import Readings
from views.text.escape import plain
from views.text.format import quality_format, quality_text
from views.text.names import short_name


def draw_slices(selection: Selection, readings: Readings) -> None:
    """The slices as a table; says which outcomes look broken."""
    table = benchmarks.slices(selection.key, readings.point.threshold)
    if len(table) < 2:
        return
    st.subheader("Where the quality comes from")
    weak, strong = map(short_name, selection.pair)
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
    money = benchmarks.slice_money(
        selection.key, selection.price_weak, selection.price_strong, readings.point.threshold
    )
    table = table.join(money.set_index("slice"), on="slice")
    _draw_table(table, broken, selection)
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


def _draw_table(table: pd.DataFrame, broken: "pd.Series[bool]", selection: Selection) -> None:
    weak, strong = map(short_name, selection.pair)
    form = quality_format(selection.benchmark)
    quality = {name: form[name] for name in ("scale", "digits", "unit")}
    ends = table[["quality_weak", "quality_strong"]]
    low, high = float(ends.min().min()), float(ends.max().max())
    margin = 0.05 * (high - low) or 0.01
    data_table(
        "Slices of the benchmark at this threshold",
        [
            column("name", "slice", "name"),
            column("n", "n", "count"),
            column("gap", f"{weak} ● got ▮ {strong} ■", "ends", help="sort by the gap"),
            column("quality", "quality", "figure", **quality),
            column("weak", f"{weak} ●", "figure", wide=True, **quality),
            column("strong", f"{strong} ■", "figure", wide=True, **quality),
            column("pgr", "PGR", "figure", digits=2),
            column("share", "to strong", "percent", wide=True, digits=0),
            *(
                [
                    column("usd", "USD per 1,000", "written", wide=True, sort="usd_value"),
                    column("saved", f"saved, of always {strong}", "written", sort="saved_value"),
                ]
                if table["usd_per_1000"].notna().any()
                else []
            ),
        ],
        [
            {
                "name": row.slice.replace("_", " "),
                "warning": "published outcomes look broken" if broken[row.Index] else None,
                "n": int(row.n_queries),
                "weak": number(row.quality_weak),
                "strong": number(row.quality_strong),
                "quality": number(row.quality),
                "gap": number(row.gap),
                "pgr": number(row.pgr),
                "share": number(row.strong_call_share),
                "usd": with_span(
                    row.usd_per_1000, (row.usd_per_1000_low, row.usd_per_1000_high), usd_text
                ),
                "usd_value": number(row.usd_per_1000),
                "saved": with_span(
                    row.saving, (row.saving_low, row.saving_high), percent, digits=0
                ),
                "saved_value": number(row.saving),
            }
            for row in table.itertuples()
        ],
        axis={"low": low - margin, "high": high + margin},
        sorted_by="n",
        n_first=12,
        key="slice_table",
    )
