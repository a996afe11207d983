"""One query: its text, where it goes and why that is right or not, and what every router says."""

import math
from html import escape
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from routellm_core.evaluation.regret import expected_gain
from routellm_core.metrics.curve import index_at_share
from routellm_core.types import Benchmark
from routellm_core.wording.numbers import DASH, is_known, percent, signed, span, usd_text
from routellm_core.wording.text import one_line, whole_text
from views import explanation
from views.cache import benchmarks, workspace
from views.cache.benchmarks import RouterKey
from views.components import html_table
from views.components.html_table import Heading, figure
from views.queries import request
from views.selection.frame import Selection
from views.selection.point import Readings
from views.text.escape import plain
from views.text.format import outcome_text, quality_format, score_digits
from views.text.names import short_name

LONGEST_TEXT = 100_000
"""Characters shown; the rest is in the download."""


class Opened(NamedTuple):
    """A query that was drawn, and where its explanation will stand."""

    query: dict[str, Any]
    place: DeltaGenerator | None


def draw(selection: Selection, readings: Readings, query_id: str) -> Opened:
    """All that is known of a query without asking the router again.

    Raises:
        UnknownNameError: the pair has no outcomes of it, or the router no score.
    """
    now = request.read(selection, readings)
    query = workspace.store().routed_query(now.queries, now.at, query_id)
    st.markdown(f"**{plain(one_line(query_id, 200))}**")
    said, facts = st.columns([3, 2], gap="large")
    with said:
        _draw_text(query["text"])
        st.markdown(plain(_verdict(selection, query)))
        st.markdown(plain(_expectation(selection, readings, query)))
    with facts:
        _draw_facts(selection, query)
    place = explanation.place(selection, query["text"])
    _draw_routers(selection, readings, query)
    return Opened(query, place)


def _draw_text(text: str | None) -> None:
    if text is None:
        st.caption(
            "The text of this query is not on this machine. `make texts` fetches it where it is "
            "published; `python -m routellm_core texts --from FILE` takes it from a table of yours."
        )
        return
    shown = escape(whole_text(text[:LONGEST_TEXT]))
    st.html(
        f'<div class="query-text" dir="auto" role="region" tabindex="0" '
        f'aria-label="Text of the query">{shown}</div>'
    )
    if len(text) > LONGEST_TEXT:
        st.caption(
            f"The first {LONGEST_TEXT:,} of {len(text):,} characters; all of them are in the CSV."
        )


def _verdict(selection: Selection, query: dict[str, Any]) -> str:
    """The model that the query goes to, and whether that was right."""
    benchmark = selection.benchmark
    weak, strong = map(short_name, selection.pair)
    by_right = benchmark.quality_unit == "share right"
    if query["lost"]:
        rest = "would have been right" if by_right else "did better"
        return f"● Goes to {weak}, and quality is lost: {strong} {rest}."
    if query["wasted"]:
        as_good = _as_good(benchmark, query)
        extra = query["usd_strong"] - query["usd_weak"]
        saved = "" if math.isnan(extra) else f", for {usd_text(extra)} less"
        return f"■ Goes to {strong}, and the call is wasted: {weak} {as_good}{saved}."
    if query["calls_strong"]:
        return f"■ Goes to {strong}, rightly: it did better than {weak}."
    return f"● Goes to {weak}, rightly: {strong} did not do better."


def _as_good(benchmark: Benchmark, query: dict[str, Any]) -> str:
    weak, strong = query["quality_weak"], query["quality_strong"]
    if weak > strong:
        return "did better"
    if benchmark.quality_unit == "share right":
        return "was right too" if weak > 0 else "was wrong too"
    return "did as well"


def _draw_facts(selection: Selection, query: dict[str, Any]) -> None:
    digits = score_digits(benchmarks.histogram(selection.key)[2])
    score = f"{query['strong_win_rate']:.{digits}f}"
    weak, strong = map(short_name, selection.pair)
    rows = [
        ["strong win rate", score],
        ["higher than", _percent_of_queries(query["percentile"])],
        ["margin to α", signed(query["margin"], digits)],
        ["flips", f"goes weak above α = {score}, strong up to it"],
        [f"{strong}\u00a0■", outcome_text(selection.benchmark, query["quality_strong"])],
        [f"{weak}\u00a0●", outcome_text(selection.benchmark, query["quality_weak"])],
        ["cost of the call", usd_text(query["usd"])],
        ["slice", one_line(query["slice"].replace("_", " "), 200)],
    ]
    html_table.draw("Facts about the query", ["fact", "value"], rows)


def _expectation(selection: Selection, readings: Readings, query: dict[str, Any]) -> str:
    """Expected gain of a strong call on similar queries, in quality and money."""
    known = benchmarks.outcomes(*selection.where)
    found = np.flatnonzero(known.query_id == query["query_id"])
    gain = expected_gain(
        readings.ranked.strong_win_rate,
        known.quality_strong - known.quality_weak,
        query["strong_win_rate"],
        own=int(found[0]) if len(found) else None,
    )
    form = quality_format(selection.benchmark)
    unit = "percentage points" if form["unit"] == "%" else "points"
    how = {"digits": form["digits"], "scale": form["scale"]}
    extra = query["usd_strong"] - query["usd_weak"]
    tokens = "" if query["is_counted"] else ", at usual token counts"
    money = "" if math.isnan(extra) else f", for {usd_text(extra)} more{tokens}"
    return (
        f"Expected of the strong call: {signed(gain.mean, **how)} {unit} of quality "
        f"({span(gain.interval, signed, **how)}; mean over the "
        f"{gain.n_queries:,} queries with the nearest strong win rate){money}."
    )


def _draw_routers(selection: Selection, readings: Readings, query: dict[str, Any]) -> None:
    """Table of the routers that scored this pair: score of the query, and model it would go to."""
    table = workspace.store().scores_of_query(
        selection.benchmark.benchmark_id, selection.pair, query["query_id"]
    )
    scores = table.set_index(["router_id", "view"])["strong_win_rate"]
    rows = []
    for router in selection.routers.itertuples():
        score = scores.get((router.router_id, router.view))
        if score is None:
            continue
        key = RouterKey(*selection.where, router.router_id, router.view)
        calls_strong, percentile = _decision(key, score, readings.point.strong_call_share)
        if key == selection.key:  # at the very α, which need not be a score
            calls_strong = query["calls_strong"]
        agrees = calls_strong == query["calls_strong"]
        rows.append(
            [
                router.label + (" (chosen)" if key == selection.key else ""),
                f"{score:.{score_digits(benchmarks.histogram(key)[2])}f}",
                percent(percentile),
                "■\u00a0strong" if calls_strong else "●\u00a0weak",
                "yes" if agrees else "no",
            ]
        )
    html_table.draw(
        "What every router says of the query, at the same share of strong calls",
        [
            "router",
            figure("win rate"),
            figure("higher than", is_wide=True),
            Heading("goes to", is_short=True),
            Heading("agrees", is_wide=True),
        ],
        rows,
    )


def _decision(key: RouterKey, score: float, share: float) -> tuple[bool, float]:
    """Decision of a router at a share, true for the strong model, and share of lower scores."""
    ranked = benchmarks.ranked(key)
    threshold = ranked.curve.threshold[index_at_share(ranked.curve, share)]
    return bool(score >= threshold), float((ranked.strong_win_rate < score).mean())


def _percent_of_queries(share: float | None) -> str:
    return f"{percent(share)} of the queries" if is_known(share) else DASH
