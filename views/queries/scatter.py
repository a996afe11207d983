"""The listed queries as a plotly figure. Knows no Streamlit."""

import textwrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from routellm_core.wording.text import one_line
from views.components.charts import CHOSEN, STRONG, WEAK, plain

N_DRAWN = 3_000
"""More would be a blot, and slow."""
_LINE, _LENGTH = 58, 160
_MANY = 500
_GOLDEN = 0.6180339887498949


class Kind(NamedTuple):
    """A kind of decision: square for the strong model, circle for the weak; full if regretted."""

    name: str
    calls_strong: bool
    to_regret: bool

    @property
    def symbol(self) -> str:
        return ("square" if self.calls_strong else "circle") + ("" if self.to_regret else "-open")


KINDS = (
    Kind("weak, rightly", False, False),
    Kind("strong, rightly", True, False),
    Kind("wasted money", True, True),
    Kind("lost quality", False, True),
)


def scatter(
    points: pd.DataFrame,
    marked: pd.DataFrame,
    *,
    selected: tuple[str, ...] | None,
    alpha: float,
    strong_call_share: float,
    other: str | None,
    quality_title: str,
) -> go.Figure:
    """Each query by the router's score and what the other router, or else the outcomes, say.

    Args:
        points: rows of `Store.listed_queries`.
        marked: rows to stress, drawn or not.
        selected: ids beside which all others are pale; None where nothing is selected.
        alpha: the vertical line.
        strong_call_share: at the point; gives the other router's line.
        other: its label; None where the quality gained by a strong call is drawn instead.
        quality_title: of that axis.
    """
    figure = go.Figure()
    for kind in KINDS:
        rows = points[
            (points["calls_strong"] == kind.calls_strong)
            & ((points["lost"] | points["wasted"]) == kind.to_regret)
        ]
        kept = None if selected is None else np.flatnonzero(rows["query_id"].isin(selected))
        figure.add_scatter(
            **_markers(rows, other, kind.name),
            marker=_look(kind, len(points)),
            selectedpoints=kept,
            unselected={"marker": {"opacity": 0.12}},
        )
    if len(marked):
        look = {"symbol": "circle-open", "size": 17, "color": CHOSEN, "line": {"width": 3}}
        figure.add_scatter(**_markers(marked, other, "marked"), marker=look)
    if len(points) and points["strong_win_rate"].min() <= alpha <= points["strong_win_rate"].max():
        figure.add_vline(alpha, line={"color": CHOSEN, "width": 1.5})
        figure.add_annotation(
            x=alpha, y=1, yref="paper", yanchor="bottom", text="α", showarrow=False
        )
    if other is not None:
        figure.add_hline(
            100 * (1 - strong_call_share), line={"color": CHOSEN, "width": 1, "dash": "dot"}
        )
    figure.update_layout(
        height=430,
        margin={"l": 10, "r": 10, "t": 26, "b": 10},
        dragmode="lasso",
        showlegend=True,
        legend={"orientation": "h", "y": -0.18, "yanchor": "top", "itemsizing": "constant"},
        hoverlabel={"align": "left"},
        uirevision="queries",
        xaxis={"title": "strong win rate", "zeroline": False},
        yaxis={
            "title": f"percentile by {plain(other)}" if other is not None else quality_title,
            "zeroline": False,
            "ticksuffix": "%" if other is not None else "",
        },
    )
    return figure


def _markers(rows: pd.DataFrame, other: str | None, name: str) -> dict[str, Any]:
    gain = rows["quality_strong"] - rows["quality_weak"]
    # Few distinct differences would hide each other: parted a little, the same way each time.
    parted = (np.arange(len(rows)) * _GOLDEN % 1 - 0.5) * 0.2 * max(gain.abs().max(), 1e-9)
    return {
        "x": rows["strong_win_rate"],
        "y": gain + parted if other is None else 100 * rows["other_percentile"],
        "mode": "markers",
        "customdata": list(zip(rows["query_id"], map(_hover, rows.itertuples()), strict=True)),
        "name": name,
        "hovertemplate": "%{customdata[1]}<br>strong win rate %{x:.4g}"
        + ("" if other is None else ", percentile %{y:.1f}%")
        + f"<br>{name}<extra></extra>",
    }


def _look(kind: Kind, n_points: int) -> dict[str, Any]:
    """Few points can be larger."""
    return {
        "symbol": kind.symbol,
        "color": STRONG if kind.calls_strong else WEAK,
        "size": 6 if n_points > _MANY else 9,
        "opacity": 0.75 if kind.to_regret else 0.5,
    }


def _hover(row: Any) -> str:
    """The text in a few lines, or the query's name; never read as markup."""
    text = one_line(row.text if isinstance(row.text, str) else row.query_id, _LENGTH)
    return "<br>".join(map(plain, textwrap.wrap(text, _LINE)))
