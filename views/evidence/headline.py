"""Headline figures of a router, on all queries and without some of them."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from routellm_core.evaluation.data_quality import DataFinding, Headline
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.types import Interval
from routellm_core.wording.numbers import DASH, fixed, percent, points_text, signed, span
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.components import html_table
from views.components.html_table import WAITED_FOR, Cell, figure
from views.selection.frame import Selection
from views.selection.point import Readings
from views.text.format import quality_text
from views.text.names import short_name


def draw(
    selection: Selection, readings: Readings, found: list[DataFinding], left_out: tuple[int, ...]
) -> Callable[[], None]:
    """The figures on all queries; those without some of them come when they are resampled."""
    before = on_all(selection, readings)
    place, said = st.empty(), st.empty()
    if not left_out:
        _draw_table(selection, place, before, None)
        said.caption("Tick a finding to see the figures without its queries.")
        return lambda: None
    named = {query_id for i in left_out for query_id in found[i].query_id}
    if named.issuperset(benchmarks.outcomes(*selection.where).query_id):
        _draw_table(selection, place, before, None)
        said.warning("Together these findings concern every query: leave fewer of them out.")
        return lambda: None
    _draw_table(selection, place, before, WAITED_FOR)
    said.caption(f"Drawing {N_RESAMPLES:,} resamples with and without these queries …")

    def finish() -> None:
        effect = evidence_cache.effect(selection.key, left_out)
        _draw_table(selection, place, effect.before, effect.after)
        n = effect.n_excluded
        said.markdown(
            f"Without {n:,} {'query' if n == 1 else 'queries'} APGR "
            + change_in_words(effect.apgr_change, effect.apgr_change_interval)
        )

    return finish


def on_all(selection: Selection, readings: Readings) -> Headline:
    """The figures that are known without resampling anew."""
    known = benchmarks.outcomes(*selection.where)
    ranked, intervals = readings.ranked, readings.intervals
    weak, strong = float(known.quality_weak.mean()), float(known.quality_strong.mean())
    return Headline(
        n_queries=known.n_queries,
        quality_weak=weak,
        quality_strong=strong,
        gap=strong - weak,
        gap_interval=intervals.gap,
        apgr=ranked.apgr,
        apgr_interval=intervals.apgr,
        cpt50=ranked.cpt50,
        cpt50_interval=intervals.cpt50,
        cpt80=ranked.cpt80,
        cpt80_interval=intervals.cpt80,
    )


def change_in_words(change: float, interval: Interval) -> str:
    """The change of APGR, as far as the paired interval allows."""
    if pd.isna(change):
        return "is undefined: there is no gap to recover."
    ends = f"{span(interval, signed, digits=4)}, paired on {N_RESAMPLES:,} resamples"
    if interval.low <= 0 <= interval.high:
        return f"changes by {signed(change, 4)} ({ends}): no clear change."
    verb = "rises" if change > 0 else "falls"
    return f"**{verb} by {fixed(abs(change), 4)}** ({ends})."


def _draw_table(
    selection: Selection, place: object, before: Headline, after: Headline | str | None
) -> None:
    columns = [_cells(selection, before)]
    titles = [selection.router["label"], figure("all queries")]
    if isinstance(after, Headline):
        columns.append(_cells(selection, after))
    elif after is not None:
        columns.append([Cell(after)] * len(columns[0]))
    if after is not None:
        titles.append(figure("without those left out"))
    weak, strong = (short_name(model) for model in selection.pair)
    labels = [
        ("queries", None),
        (f"{weak} ●", "quality"),
        (f"{strong} ■", "quality"),
        ("gap", "gap"),
        ("APGR", "apgr"),
        ("CPT(50%)", "cpt"),
        ("CPT(80%)", "cpt"),
    ]
    html_table.draw(
        "Figures of the router with and without the queries left out",
        titles,
        [
            [Cell(label, term=term), *cells]
            for (label, term), *cells in zip(labels, *columns, strict=True)
        ],
        place,
    )


def _cells(selection: Selection, figures: Headline) -> list[Cell]:
    unit = selection.benchmark.quality_unit
    gap, gap_ends = (
        points_text(figures.gap, unit),
        span(figures.gap_interval, points_text, quality_unit=unit),
    )
    return [
        Cell(f"{figures.n_queries:,}"),
        Cell(quality_text(selection.benchmark, figures.quality_weak)),
        Cell(quality_text(selection.benchmark, figures.quality_strong)),
        Cell(gap if gap == DASH else f"{gap} points", gap_ends),
        Cell(fixed(figures.apgr), span(figures.apgr_interval)),
        *(
            Cell(percent(cpt), span(interval, fixed, digits=1, scale=100.0))
            for cpt, interval in (
                (figures.cpt50, figures.cpt50_interval),
                (figures.cpt80, figures.cpt80_interval),
            )
        ),
    ]
