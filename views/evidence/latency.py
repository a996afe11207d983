"""Latency of answers along the share of strong calls, the router's own time included."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from routellm_core.evaluation.overhead.latency import LatencyAt
from routellm_core.metrics.curve import index_at_share, point_index
from routellm_core.types import Interval
from routellm_core.wording.numbers import ms_text, percent, seconds_text, span
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.cache.benchmarks import RouterKey
from views.components import html_table, tiles
from views.components.html_table import WAITED_FOR, Cell, figure
from views.components.tiles import Tile
from views.evidence.cost import usd_per_thousand
from views.queries.request import label
from views.selection import router_cost
from views.selection.frame import Selection
from views.selection.point import Readings
from views.selection.router_cost import RouterCost
from views.state.pages import page
from views.text.glossary import help_of

_MY_DATA = page("my_data")
_HOW_TO = (
    "The times of these answers were not measured. Import results that say so: logs of LiteLLM, "
    "OpenAI requests, Inspect, HELM and promptfoo do, and so does any table with a column like "
    "latency_s or latency_ms. Then this shows the average and the slowest 5% for every α."
)


class Rival(NamedTuple):
    """A router at the share of strong calls that is looked at."""

    key: RouterKey
    label: str
    threshold: float
    cost: RouterCost


def draw(selection: Selection, readings: Readings, router: RouterCost) -> Callable[[], None]:
    """The router's time; where answers were timed tiles, chart and a table of routers."""
    st.subheader("How long do answers take", help=help_of("p95"))
    router_cost.draw_seconds(selection, router)
    along = evidence_cache.seconds_along(selection.key, router.seconds)
    if along.n_queries == 0:
        st.info(_HOW_TO, icon=":material/timer:")
        if st.button("Import results on My data"):
            st.switch_page(_MY_DATA)
        return lambda: None
    figures, chart = st.columns([4, 5], gap="large")
    with chart:
        _draw_chart(selection, readings, router)
    found = rivals(selection, readings, router)
    i = point_index(readings.ranked.curve, readings.point.threshold)
    nan = Interval(math.nan, math.nan)
    with figures:
        place = st.empty()
        known = LatencyAt(
            float(along.mean_s[i]),
            nan,
            float(along.p50_s[i]),
            nan,
            float(along.p95_s[i]),
            nan,
            along.n_queries,
            along.n_missing,
        )
        _draw_tiles(place, known, WAITED_FOR)
        table = st.empty()
        _draw_table(selection, table, found, [None] * len(found))
        st.caption(
            f"All routers at {percent(readings.point.strong_call_share)} strong calls; money "
            "includes the router's time on its machine."
        )

    def finish() -> None:
        times = [
            evidence_cache.seconds_at(rival.key, rival.threshold, rival.cost.seconds)
            for rival in found
        ]
        _draw_tiles(place, times[0], "")
        _draw_table(selection, table, found, times)

    return finish


def rivals(selection: Selection, readings: Readings, router: RouterCost) -> list[Rival]:
    """The chosen router, then those drawn beside it at the same share of strong calls."""
    found = [Rival(selection.key, selection.router["label"], readings.point.threshold, router)]
    for key in selection.drawn_beside:
        curve = benchmarks.ranked(key).curve
        own_s, source = router_cost.own_time(key.router_id)
        found.append(
            Rival(
                key,
                label(selection, key),
                float(curve.threshold[index_at_share(curve, readings.point.strong_call_share)]),
                router._replace(seconds=own_s, seconds_source=source),
            )
        )
    return found


def _draw_tiles(place: DeltaGenerator, at: LatencyAt, waiting: str) -> None:
    n = f"n {at.n_queries:,}"
    if at.n_missing:
        n += f", {at.n_missing:,} without a time left out"
    tiles.draw(
        [
            Tile(
                "mean, router included",
                seconds_text(at.mean_s),
                f"{waiting or span(at.mean_interval, seconds_text)} · {n}",
                "mean_seconds",
            ),
            Tile(
                "half are faster than",
                seconds_text(at.p50_s),
                f"{waiting or span(at.p50_interval, seconds_text)} · {n}",
                "p50",
            ),
            Tile(
                "95% are faster than",
                seconds_text(at.p95_s),
                f"{waiting or span(at.p95_interval, seconds_text)} · {n}",
                "p95",
            ),
        ],
        place,
    )


def _draw_table(
    selection: Selection,
    place: DeltaGenerator,
    found: Sequence[Rival],
    times: Sequence[LatencyAt | None],
) -> None:
    rows = []
    for rival, at in zip(found, times, strict=True):
        waiting = Cell(WAITED_FOR, WAITED_FOR)
        mean, p95 = waiting, waiting
        if at is not None:
            mean = Cell(seconds_text(at.mean_s), span(at.mean_interval, seconds_text))
            p95 = Cell(seconds_text(at.p95_s), span(at.p95_interval, seconds_text))
        usd = usd_per_thousand(selection, rival.key, rival.threshold, rival.cost)
        own = f"its own {ms_text(1000 * rival.cost.seconds)}"
        rows.append([Cell(rival.label, own), mean, p95, usd])
    html_table.draw(
        "Routers by latency and cost at the same share of strong calls",
        ["router", figure("mean"), figure("95% are faster"), figure("USD per 1,000")],
        rows,
        place,
    )


def _draw_chart(selection: Selection, readings: Readings, router: RouterCost) -> None:
    from views.components import charts  # plotly is loaded by those who look at it
    from views.evidence import figures

    st.plotly_chart(
        figures.latency(
            evidence_cache.seconds_along(selection.key, router.seconds),
            readings.ranked.curve.strong_call_share,
            readings.point.strong_call_share,
        ),
        config=charts.CONFIG,
        key="latency_chart",
        alt="Mean seconds to the answer, and the time that 95% of the answers are faster than, "
        "along the share of strong calls; the tiles show the figures at α.",
    )
