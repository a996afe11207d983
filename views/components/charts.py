"""Core results to plotly figures. Knows no Streamlit."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from routellm_core.types import Ranking

if TYPE_CHECKING:
    from routellm_core.evaluation.traffic.projection import QueryMap
    from routellm_core.evaluation.traffic.transport import ExpectedCurve

WEAK, STRONG, CHOSEN = "#159a78", "#cf6a2c", "#2f86d6"
"""Of middle lightness: readable on light and dark grounds. Marker shapes differ too."""

_N_BINS = 60

CONFIG = {"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": "routellm"}}


def score_distribution(own: Ranking, benchmark: Ranking, title: str, threshold: float) -> go.Figure:
    """Shares of queries along the strong win rate, own ones above the axis, the benchmark's below.

    Args:
        own: the own queries' scores.
        benchmark: the benchmark's.
        title: its name.
        threshold: drawn as a line.
    """
    scores = [np.repeat(r.threshold[1:], np.diff(r.n_strong)) for r in (own, benchmark)]
    low, high = np.quantile(np.concatenate(scores), [0.001, 0.999])
    edges = np.linspace(low, max(high, low + 1e-6), _N_BINS + 1)
    figure = go.Figure()
    for values, name, colour, sign in (
        (scores[0], "your queries", CHOSEN, 1),
        (scores[1], plain(title), "#8b94a3", -1),
    ):
        share = 100 * np.histogram(np.clip(values, low, high), edges)[0] / len(values)
        figure.add_bar(
            x=(edges[1:] + edges[:-1]) / 2,
            y=sign * share,
            width=np.diff(edges),
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            customdata=share,
            hovertemplate=f"{name}<br>%{{customdata:.1f}}% near %{{x:.3f}}<extra></extra>",
        )
    if np.isfinite(threshold):
        figure.add_vline(x=threshold, line={"color": STRONG, "width": 2, "dash": "dot"})
        figure.add_annotation(
            x=threshold, y=1, yref="paper", xanchor="left", showarrow=False, text=" strong →"
        )
    figure.update_layout(
        height=260,
        barmode="overlay",
        bargap=0,
        margin={"l": 10, "r": 10, "t": 40, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": "strong win rate"},
        yaxis={"title": "% of queries", "tickformat": "~s", "automargin": True, "zeroline": True},
    )
    return figure


def expected_quality(curve: "ExpectedCurve", share: float, form: dict[str, Any]) -> go.Figure:
    """Carried-over quality along the strong-call share, with its band and the chosen point.

    Args:
        curve: from `routellm_core.evaluation.traffic.transport`.
        share: of the chosen threshold.
        form: scale, digits, unit and title of the quality.
    """
    x, scale = 100 * curve.strong_call_share, form["scale"]
    figure = go.Figure()
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=scale * np.concatenate([curve.quality_high, curve.quality_low[::-1]]),
        fill="toself",
        fillcolor="rgba(47,134,214,.18)",
        line={"width": 0},
        name="95% interval",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=x,
        y=scale * curve.quality,
        mode="lines",
        line={"color": CHOSEN, "width": 2.5},
        name="expected",
        hovertemplate=f"%{{x:.1f}}% strong calls: %{{y:.{form['digits']}f}}{form['unit']}"
        "<extra></extra>",
    )
    figure.add_vline(x=100 * share, line={"color": STRONG, "width": 2, "dash": "dot"})
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 30, "b": 40},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        xaxis={"title": "queries sent to the strong model, %"},
        yaxis={"title": form["title"], "automargin": True},
    )
    return figure


def query_map(found: "QueryMap", own_texts: list[str], title: str) -> go.Figure:
    """Both sets in the plane; own queries say their text on hover.

    Args:
        found: their places.
        own_texts: of the own points, cut to a line.
        title: of the benchmark.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=found.benchmark_points[:, 0],
        y=found.benchmark_points[:, 1],
        mode="markers",
        name=plain(title),
        marker={"color": "#8b94a3", "size": 4, "opacity": 0.5},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=found.own_points[:, 0],
        y=found.own_points[:, 1],
        mode="markers",
        name="your queries",
        marker={"color": CHOSEN, "size": 6, "symbol": "diamond", "opacity": 0.8},
        customdata=[plain(text) for text in own_texts],
        hovertemplate="%{customdata}<extra></extra>",
    )
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=420,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"},
        xaxis=hidden,
        yaxis=hidden,
    )
    return figure


def plain(text: str) -> str:
    """Text that Plotly, which reads some HTML in labels, shows as it stands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
