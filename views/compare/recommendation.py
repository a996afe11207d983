"""Recommendation of a router: slices, a target and limits in; a ranking with its verdicts out."""

from typing import Any

import pandas as pd
import streamlit as st

from routellm_core.evaluation.overhead.router_times import MEASURED_ELSEWHERE
from routellm_core.evaluation.recommendation.limits import Requirements
from routellm_core.evaluation.recommendation.sentences import excluded_routers
from routellm_core.types import Benchmark, ModelPair
from views.cache import benchmarks
from views.cache import recommendation as recommendation_cache
from views.compare import one_benchmark, recommendation_inputs, recommendation_table, tables
from views.components import downloads
from views.components.table import data_table
from views.selection import router_cost, tradeoff_link
from views.selection.prices import price_of
from views.text.escape import plain
from views.text.names import short_name


def draw(version: int) -> None:
    """The part of the page below its choice of parts."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        card = one_benchmark.choose_benchmark(version)
        pair = one_benchmark.choose_pair(version, card.benchmark_id)
        if benchmarks.routers(version, card.benchmark_id, pair).empty:
            st.info("No router has scored this benchmark yet: score it on the My data page.")
            return
        slices = recommendation_inputs.kinds(version, card.benchmark_id, pair)
    required = recommendation_inputs.draw(version, card, pair, slices)
    of = (version, card.benchmark_id)
    prices = price_of("weak", pair.weak, *of), price_of("strong", pair.strong, *of)
    found = recommendation_cache.recommendation(
        version,
        card.benchmark_id,
        pair,
        prices,
        recommendation_cache.times(),
        router_cost.typed_time(),
        required,
    )
    _draw_found(found, card, pair)
    _draw_use(found, required)


def _draw_found(found: dict[str, Any], card: Benchmark, pair: ModelPair) -> None:
    names = f"{short_name(pair.strong)} ■ over {short_name(pair.weak)} ●"
    data_table(
        f"Routers on {card.title} that fit, best first",
        **recommendation_table.table(found),
        title=_title(found),
        beside=f"{found['n_queries']:,} queries · {names}",
        sentence=" ".join(found["sentences"]),
        key="suited",
    )
    excluded = excluded_routers(found)
    if excluded:
        st.caption(plain(f"Not among them: {excluded}."))
    st.caption(plain(_about(found)))


def _title(found: dict[str, Any]) -> str:
    kind = found["advice"]["kind"]
    return {
        "router": f"Take {found['advice']['label']}",
        "no router": "No router is worth it",
        "one model": f"Call {found['standing']['best_single']['model']} always",
    }.get(kind, "No router fits")


def _about(found: dict[str, Any]) -> str:
    """Text that explains the figures, in the order of the columns."""
    quality = (
        "Quality: each fifth of the texts under the threshold that the other four choose (seed "
        f"{found['seed']}); strong calls, money and seconds at the threshold that all choose. "
        if found["is_held_out"]
        else "A share asks nothing of the answers, so quality is read at the threshold itself. "
    )
    return (
        f"Scores: {tables.words_of(found['view'])}. {quality}Money: tokens times prices, and the "
        f"router's machine at ${found['machine_usd_per_hour']:g} an hour. Own time: typed or timed "
        f"on Evidence, else {MEASURED_ELSEWHERE}. Intervals: 95%, over texts, of a threshold that "
        "stays, and of two routers alone. ?: not clearly different from the first (paired, 5%, "
        "corrected for all pairs by Holm). The dashed line is the best that needs no router."
    )


def _draw_use(found: dict[str, Any], required: Requirements) -> None:
    name = f"recommend-{found['benchmark']}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if found["routers"]:
            _draw_open(found, required)
        lines = pd.DataFrame(recommendation_table.csv_lines(found))
        downloads.csv_button("Ranking (CSV)", lines, f"{name}.csv")
        st.download_button(
            "All of this (JSON)",
            lambda: downloads.json_bytes(found),
            f"{name}.json",
            "application/json",
            on_click="ignore",
        )


def _draw_open(found: dict[str, Any], required: Requirements) -> None:
    """The advised router, else the first, on the Trade-off page at its threshold."""
    label = found["advice"]["label"]
    row = next((r for r in found["routers"] if r["label"] == label), found["routers"][0])
    start = "Use it: open" if label else "Open"
    if st.button(
        plain(f"{start} {row['label']} on the Trade-off page"),
        type="primary" if label else "secondary",
        help="All queries of the benchmark are read there." if required.slices else None,
    ):
        tradeoff_link.go(
            found["benchmark"],
            ModelPair(**found["model_pair"]),
            f"{row['router_id']}.{found['view']}",
            *_point(row, required),
        )


def _point(row: dict[str, Any], required: Requirements) -> tuple[str, float]:
    """The target, where it means the same threshold there; else the threshold itself."""
    if required.slices or required.target.mode == "budget":
        return "alpha", row["threshold"]
    return required.target.mode, required.target.value
