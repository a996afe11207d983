"""Routers × benchmarks × pairs as tables on one axis, and the paper beside them."""

import math
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.types import Benchmark, ModelPair
from views.cache import benchmarks
from views.compare import paper, saving, sentences, tables
from views.compare.one_benchmark import name_of
from views.components import downloads
from views.components.table import data_table
from views.selection.frame import boundary
from views.state import inputs, link
from views.text.escape import plain
from views.text.names import short_name


class Report(NamedTuple):
    """The figures of one benchmark and pair of models."""

    card: Benchmark
    figures: dict[str, Any]
    """As `evaluate --json` prints them."""
    is_usual: bool
    """Whether this is the pair that most routers scored; the others are further pairs."""


def draw(version: int) -> None:
    """The part of the page below its choice of parts."""
    reports = _reports(version)
    if not reports:
        st.info("Choose a benchmark above to compare its routers.")
        return
    axis = _axis(reports)
    for report in reports:
        _draw_report(report, axis)
    lines = [line for report in reports for line in tables.csv_lines(report.figures)]
    downloads.csv_button("Everything above (CSV)", pd.DataFrame(lines), "routers.csv")
    st.caption(
        f"Intervals: 95%, {N_RESAMPLES:,} bootstrap resamples of the queries. The grey band holds "
        "95% of random routers. In domain: scored out of fold. Untouched: no router learned from "
        "these queries, and nothing was chosen by looking at them. Unseen slices: none learned "
        "from these slices; ranked within each fold. Within slice: in-domain scores that rank "
        "within each slice only."
    )
    usual = [(r.card, r.figures) for r in reports if r.is_usual]
    paper.draw(usual, axis)
    saving.draw(version, usual)


def _reports(version: int) -> list[Report]:
    """The figures of what is chosen; why one has none is said in its place."""
    ids = benchmarks.benchmarks(version)["benchmark_id"].tolist()
    cards = {benchmark_id: benchmarks.benchmark(version, benchmark_id) for benchmark_id in ids}
    chosen = link.texts("compare", ids, ids)
    inputs.several_of(
        "Benchmarks",
        "compare",
        ids,
        chosen,
        lambda benchmark_id: plain(cards[benchmark_id].title),
    )
    help = "Other models, that no router was trained on."
    further = inputs.switch_of("Further pairs", "pairs", "all", help)
    reports = []
    for benchmark_id in [name for name in ids if name in chosen]:
        with boundary():
            usual = benchmarks.usual_pair(version, benchmark_id)
            others = [p for p in benchmarks.scored_pairs(version, benchmark_id) if p != usual]
            for pair in [usual, *(others if further else [])]:
                figures = benchmarks.evaluation(version, benchmark_id, pair)
                reports.append(Report(cards[benchmark_id], figures, pair == usual))
    return reports


def _axis(reports: list[Report]) -> dict[str, Any]:
    """One axis for all tables, so that they can be compared."""
    seen = [0.4, 0.8]
    for _, figures, _ in reports:
        seen += [*figures["random"]["apgr_interval"]]
        seen += [row.apgr for row in paper.rows_for(figures)]
        rows = tables.of_routers(figures)["rows"]
        seen += [row[end] for row in rows for end in ("apgr_low", "apgr_high")]
    known = [value for value in seen if value is not None and math.isfinite(value)]
    seen = [min(max(value, 0.0), 1.5) for value in known]
    low, high = math.floor(10 * min(seen)), math.ceil(10 * max(seen))
    ticks = [tenth / 10 for tenth in range(low, high + 1)]
    return {"low": low / 10 - 0.02, "high": high / 10 + 0.02, "ticks": ticks}


def _draw_report(report: Report, axis: dict[str, Any]) -> None:
    card, figures, is_usual = report
    pair = ModelPair(**figures["model_pair"])
    names = f"{short_name(pair.strong)} ■ over {short_name(pair.weak)} ●"
    data_table(
        f"Routers on {card.title}" + ("" if is_usual else f", {names}"),
        **tables.of_routers(figures),
        title=card.title,
        beside=f"{figures['n_queries']:,} queries · {names}",
        sentence=" ".join(sentences.about(figures)),
        axis=tables.with_random(axis, figures),
        sorted_by="apgr",
        key=f"routers_{card.benchmark_id}" + ("" if is_usual else f"_{pair.strong}_{pair.weak}"),
    )
    st.button(
        "Verdicts, controls, where the gain comes from",
        key=f"closely_{card.benchmark_id}_{pair.strong}_{pair.weak}",
        on_click=link.remember,
        kwargs={
            "look": "closely",
            "closely": card.benchmark_id,
            "closely_pair": None if is_usual else name_of(pair),
            "closely_view": None,
        },
    )
