"""Seconds of the routed answers at α, where both models were timed."""

import streamlit as st

from routellm_core.wording.numbers import seconds_text, span
from views.cache import evidence as evidence_cache
from views.components import tiles
from views.components.tiles import Tile
from views.selection import router_cost
from views.selection.frame import Selection
from views.selection.point import Readings
from views.text.escape import plain


def draw(selection: Selection, readings: Readings) -> None:
    """Mean, median and slowest twentieth as tiles, the router's time said; nothing if untimed."""
    known = evidence_cache.latencies(*selection.where)
    if not known.n_timed:
        return
    router = router_cost.read(selection)
    at = evidence_cache.seconds_at(selection.key, readings.point.threshold, router.seconds)
    n = f"n {at.n_queries:,}"
    if at.n_missing:
        n += f", {at.n_missing:,} without a time left out"
    figures = (
        ("mean seconds", at.mean_s, at.mean_interval, "mean_seconds"),
        ("half are faster than", at.p50_s, at.p50_interval, "p50"),
        ("95% are faster than", at.p95_s, at.p95_interval, "p95"),
    )
    tiles.draw(
        [
            Tile(label, seconds_text(value), f"{span(ends, seconds_text)} · {n}", term)
            for label, value, ends, term in figures
        ]
    )
    st.caption(
        plain(
            f"Seconds to the full answer at α. The router takes {seconds_text(router.seconds)} of "
            f"them: {router.seconds_source}."
        )
    )
