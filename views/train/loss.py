"""The loss of a training as it falls: the latest fit, and the earlier ones quietly behind it."""

from typing import Any

import pandas as pd
import streamlit as st

_CURVES = {"loss": "training", "held_out_loss": "held out"}
_EARLIER = "earlier"
_LOOKS = {
    "training": ("#2f86d6", [1, 0]),
    "held out": ("#cf6a2c", [5, 3]),
    _EARLIER: ("#8b94a3", [1, 2]),
}
"""Colour and dashes: a curve is never told by its colour alone."""
_PLACE = ["stage", "done", "total"]
_HEIGHT = 240
_MOST_POINTS = 300
"""Most points of a curve."""


def draw_loss(progress: pd.DataFrame, empty: str) -> None:
    """Draw the curves at a height that never changes.

    Args:
        progress: of a `Run`.
        empty: said while there is no loss.
    """
    curves = losses(progress)
    with st.container(height=_HEIGHT + 8, border=False):
        if curves.empty:
            st.caption(empty)
            return
        latest = curves[curves["curve"] != _EARLIER]
        last = latest.groupby("curve", sort=False)["nats"].last()
        said = ", ".join(f"{name} {value:.4f}" for name, value in last.items())
        stage = latest["stage"].iloc[-1]
        st.altair_chart(
            _chart(curves, last),
            height=_HEIGHT,
            alt=f"Loss of {stage} in nats over its steps; the latest: {said}",
        )


def losses(progress: pd.DataFrame) -> pd.DataFrame:
    """Points of all curves: `stage`, `done` of `total` steps, `curve` and `nats`, as told.

    The latest fit has its training and held-out loss, an earlier one only the first. Each curve is
    thinned evenly, its last point kept.
    """
    known = progress.dropna(subset=list(_CURVES), how="all")
    points = known.melt(_PLACE, list(_CURVES), "curve", "nats").dropna(subset="nats")
    if points.empty:
        return points
    is_latest = points["stage"] == known["stage"].iloc[-1]
    points = points[is_latest | (points["curve"] == "loss")]
    points["curve"] = points["curve"].map(_CURVES).where(is_latest, _EARLIER)
    of_curve = points.groupby(["stage", "curve"], sort=False)
    every = -(-of_curve["done"].transform("size") // _MOST_POINTS)
    return points[of_curve.cumcount(ascending=False) % every == 0]


def _chart(curves: pd.DataFrame, last: "pd.Series[float]") -> Any:
    import altair as alt  # loaded by those who look at it

    # st.line_chart would begin at 0, and a loss that falls by a tenth would look flat.
    labels = {name: f"{name} {value:.4f}" for name, value in last.items()} | {_EARLIER: _EARLIER}
    drawn = [name for name in _LOOKS if (curves["curve"] == name).any()]
    domain = [labels[name] for name in drawn]
    colours, dashes = zip(*(_LOOKS[name] for name in drawn), strict=True)
    legend = alt.Legend(title=None, orient="top", offset=4, columnPadding=8)
    return (
        alt.Chart(curves.assign(curve=curves["curve"].map(labels)))
        .mark_line(point=len(curves) < 5)  # one point is no line
        .encode(
            x=alt.X(
                "done",
                title="loss in nats over steps",
                scale=alt.Scale(domain=[0, int(curves["total"].max())]),
                axis=alt.Axis(tickMinStep=1, format=",d", titlePadding=4),
            ),
            y=alt.Y("nats", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
            color=alt.Color("curve", scale=alt.Scale(domain=domain, range=colours), legend=legend),
            strokeDash=alt.StrokeDash(
                "curve", scale=alt.Scale(domain=domain, range=dashes), legend=legend
            ),
            detail="stage",
        )
    )
