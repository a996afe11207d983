"""Core results to plotly figures. Knows no Streamlit."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

WEAK, STRONG, CHOSEN = "#159a78", "#cf6a2c", "#2f86d6"
"""Of middle lightness: readable on light and dark grounds. Marker shapes differ too."""

CONFIG = {"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": "routellm"}}


def slices(table: pd.DataFrame, weak: str, strong: str, form: dict[str, Any]) -> go.Figure:
    """Weak, strong and routed quality of each slice, largest slice on top.

    Args:
        table: from `routellm_core.slices.slice_table`.
        weak: short name.
        strong: short name.
        form: scale, digits, unit and title of the benchmark's quality.
    """
    names = [plain(name.replace("_", " ")) for name in table["slice"]]
    scale = form["scale"]
    figure = go.Figure()
    for low, high, name in zip(table["quality_weak"], table["quality_strong"], names, strict=True):
        figure.add_scatter(
            x=[scale * low, scale * high],
            y=[name, name],
            mode="lines",
            line={"color": "rgba(139,148,163,.5)", "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    for label, column, colour, symbol in (
        (plain(weak), "quality_weak", WEAK, "circle"),
        (plain(strong), "quality_strong", STRONG, "square"),
        ("routed", "quality", CHOSEN, "line-ns"),
    ):
        figure.add_scatter(
            x=scale * table[column],
            y=names,
            mode="markers",
            name=label,
            marker={
                "color": colour,
                "symbol": symbol,
                "size": 12 if symbol == "line-ns" else 9,
                "line": {"width": 4 if symbol == "line-ns" else 0, "color": colour},
            },
            customdata=table["n_queries"],
            hovertemplate=f"%{{y}}<br>{label}: %{{x:.{form['digits']}f}}{form['unit']}"
            "<br>n %{customdata:,}<extra></extra>",
        )
    figure.update_layout(
        height=90 + 22 * len(table),
        margin={"l": 10, "r": 10, "t": 30, "b": 40},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        xaxis={"title": form["title"], "side": "top"},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def plain(text: str) -> str:
    """Text that Plotly, which reads some HTML in labels, shows as it stands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
