"""The Evidence page's charts as plotly figures. Knows no Streamlit."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from routellm_core.types import Floats
from views.components.charts import CHOSEN, STRONG

if TYPE_CHECKING:
    from routellm_core.evaluation.overhead.latency import LatencyCurve
    from routellm_core.evaluation.score_calibration.recalibration import Recalibration
    from routellm_core.evaluation.score_calibration.reliability import ReliabilityBins

_GREY = "#8b94a3"
_PURPLE = "#9a5fc4"
_N_DRAWN = 400
"""Points of a line; a screen shows no more."""
RELIABILITY_HEIGHT, LATENCY_HEIGHT = 400, 300


def reliability(
    bins: "ReliabilityBins",
    histogram: tuple[Floats, Floats, tuple[float, float]],
    alpha: float,
    curve: "Recalibration | None",
) -> go.Figure:
    """Outcomes against scores, with the scores' histogram below.

    Args:
        bins: of the scores.
        histogram: edges, counts and the range of the scores, from `cached.histogram`.
        alpha: drawn as a line.
        curve: what would make the scores mean what they say; None draws none.
    """
    edges, counts, (low, high) = histogram
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.05
    )
    ends = np.array([low, high])
    figure.add_scatter(
        x=ends,
        y=100 * ends,
        mode="lines",
        name="perfect",
        line={"color": _GREY, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    if curve is not None:
        x = np.linspace(low, high, _N_DRAWN)
        figure.add_scatter(
            x=x,
            y=100 * curve(x),
            mode="lines",
            name=curve.method.replace("platt", "Platt"),
            line={"color": _PURPLE, "width": 2, "dash": "dot"},
            hovertemplate="%{x:.3f} becomes %{y:.1f}%<extra></extra>",
            row=1,
            col=1,
        )
    error = _error_bars(bins)
    figure.add_scatter(
        x=bins.mean_score,
        y=100 * bins.mean_target,
        error_y=error,
        mode="markers",
        name="bins of equally many queries, 95%",
        marker={"color": CHOSEN, "size": 9},
        customdata=np.column_stack(
            [bins.n_queries, bins.score_low, bins.score_high, 100 * bins.mean_score]
        ),
        hovertemplate="scored %{customdata[1]:.3f} – %{customdata[2]:.3f}, mean "
        "%{customdata[3]:.1f}%<br>strong wins, ties half: %{y:.1f}%<br>n %{customdata[0]:,}"
        "<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2,
        y=counts,
        width=np.diff(edges),
        name="queries",
        showlegend=False,
        marker={"color": CHOSEN, "opacity": 0.55, "line": {"width": 0}},
        hovertemplate="%{y:,} queries near %{x:.3f}<extra></extra>",
        row=2,
        col=1,
    )
    if low <= alpha <= high:
        figure.add_vline(x=alpha, line={"color": STRONG, "width": 2, "dash": "dot"})
        figure.add_annotation(
            x=alpha, y=1, yref="paper", xanchor="left", showarrow=False, text=" α"
        )
    figure.update_layout(
        height=RELIABILITY_HEIGHT,
        bargap=0,
        margin={"l": 10, "r": 10, "t": 50, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_yaxes(title="strong wins, %", automargin=True, row=1, col=1)
    figure.update_yaxes(title="queries", tickformat="~s", automargin=True, row=2, col=1)
    figure.update_xaxes(range=[low, high], zeroline=False)
    figure.update_xaxes(title="strong win rate", row=2, col=1)
    return figure


def latency(curve: "LatencyCurve", strong_call_share: Floats, share: float) -> go.Figure:
    """Mean and slowest twentieth along the share of strong calls.

    Args:
        curve: with the router's time.
        strong_call_share: (n_points,) of the routing curve.
        share: of the chosen α, drawn as a line.
    """
    step = max(len(strong_call_share) // _N_DRAWN, 1)
    kept = np.unique(np.append(np.arange(0, len(strong_call_share), step), -1 % len(curve.mean_s)))
    x = 100 * strong_call_share[kept]
    figure = go.Figure()
    for name, seconds, dash in (
        ("mean", curve.mean_s, "solid"),
        ("95% are faster", curve.p95_s, "dash"),
    ):
        figure.add_scatter(
            x=x,
            y=seconds[kept],
            mode="lines",
            name=name,
            line={"color": CHOSEN, "width": 2.5, "dash": dash},
            hovertemplate=f"%{{x:.1f}}% strong calls: {name} %{{y:.3g}} s<extra></extra>",
        )
    figure.add_vline(x=100 * share, line={"color": STRONG, "width": 2, "dash": "dot"})
    figure.add_annotation(
        x=100 * share, y=1, yref="paper", xanchor="left", showarrow=False, text=" α"
    )
    figure.update_layout(
        height=LATENCY_HEIGHT,
        margin={"l": 10, "r": 10, "t": 40, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": "queries sent to the strong model, %"},
        yaxis={"title": "seconds to the answer", "rangemode": "tozero", "automargin": True},
    )
    return figure


def _error_bars(bins: "ReliabilityBins") -> dict[str, Any]:
    """Both ends of the intervals, as distances."""
    return {
        "type": "data",
        "symmetric": False,
        "array": 100 * (bins.target_high - bins.mean_target),
        "arrayminus": 100 * (bins.mean_target - bins.target_low),
        "color": CHOSEN,
        "thickness": 1.5,
        "width": 5,
    }
