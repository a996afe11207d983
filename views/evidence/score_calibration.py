"""Reliability of the scores, and a curve that would calibrate them."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from routellm_core.evaluation.score_calibration.calibration_error import CalibrationError
from routellm_core.evaluation.score_calibration.recalibration import (
    Judged,
    MappedThreshold,
    Method,
    Recalibration,
    mapped_threshold,
)
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.types import Interval
from routellm_core.wording.numbers import fixed, p_text, percent, plus, signed, span
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.components import downloads, html_table
from views.components.html_table import WAITED_FOR, Cell, figure
from views.selection.frame import Selection, boundary
from views.selection.point import Readings
from views.selection.router_cost import RouterCost
from views.state import inputs
from views.text.escape import plain
from views.text.format import alpha_text, score_digits
from views.text.glossary import help_of

_METHODS = {"none": "as they are", "isotonic": "isotonic", "platt": "Platt"}
_TARGET = (
    "Compared with 1 where the strong answer is better, ½ where both are equally good, else 0. "
    "A router that was trained on verdicts predicts its judges. Then part of the error comes from "
    "the data it was trained on, not from the router."
)
_CHANCE = 0.05
"""A calibration error that perfect scores show this seldom is none of theirs."""


def draw(selection: Selection, readings: Readings, router: RouterCost) -> Callable[[], None]:
    """Chart and figures; the calibration error and a curve's judgement come when resampled."""
    st.subheader("Does the score mean what it says", help=help_of("win_rate"))
    chart, figures = st.columns([5, 4], gap="large")
    with figures:
        table, verdict = st.empty(), st.empty()
        _draw_figures(selection, table, None)
        verdict.caption("Simulating perfect scores …")
        st.caption(_TARGET)
        method = inputs.one_of(
            partial(st.radio, horizontal=True, help=help_of("recalibration")),
            "Recalibrated scores",
            "recalibrated",
            list(_METHODS),
            "none",
            _METHODS.__getitem__,
        )
        curve = None
        if method != "none":
            with boundary():
                curve = evidence_cache.recalibration(selection.key, cast(Method, method))
        judgement, moved = st.empty(), st.empty()
        if curve is not None:
            _draw_judged(judgement, None)
    with chart:
        _draw_chart(selection, readings, curve)

    def finish() -> None:
        error = evidence_cache.calibration_error(selection.key)
        _draw_figures(selection, table, error)
        verdict.markdown(verdict_on(error))
        if curve is not None:
            with judgement.container(), boundary():
                judged = evidence_cache.judged(selection.key, curve.method)
                _draw_judged(st, judged)
                moved.markdown(_moved(selection, readings, curve, judged))

    return finish


def verdict_on(error: CalibrationError) -> str:
    """The calibration error read aloud, as far as chance allows."""
    p = p_text(error.p_value)
    if error.p_value >= _CHANCE:
        return f"No calibration error is visible beyond chance ({p})."
    return (
        f"The scores are off by **{percent(error.debiased)}** on average, after chance is "
        f"subtracted. Well calibrated scores would rarely show this ({p})."
    )


def moved_in_words(alpha: str, mapped: MappedThreshold, digits: int) -> str:
    """The current α on the recalibrated scores."""
    if not np.isfinite(mapped.threshold):
        return f"α = {alpha} never calls the strong model, before and after."
    after = f"α = {alpha} becomes {fixed(mapped.threshold, digits)} on the recalibrated scores"
    if mapped.n_moved == 0:
        return f"{after}: the same queries go to the strong model (n {mapped.n_queries:,})."
    return (
        f"{after}, and {mapped.n_moved:,} more of {mapped.n_queries:,} queries go to the strong "
        "model: the curve merges their scores with those at α."
    )


def _draw_figures(
    selection: Selection, place: DeltaGenerator, error: CalibrationError | None
) -> None:
    brier = evidence_cache.meaning(selection.key)[1]
    waiting = Cell(WAITED_FOR, WAITED_FOR)
    rows = [
        [Cell("calibration error (ECE)", term="ece"), waiting],
        [Cell("chance taken off", term="ece_debiased"), waiting],
        [Cell("of perfect scores, by chance", term="ece_perfect"), waiting],
        [Cell("Brier score", term="brier"), _cell(brier.score, brier.interval, fixed, 4)],
        [Cell("Brier score of the mean alone", term="brier"), Cell(fixed(brier.reference, 4))],
        [Cell("skill", term="skill"), _cell(brier.skill, brier.skill_interval, percent, 1)],
    ]
    if error is not None:
        bins = f"over {error.n_bins} bins of equally many queries"
        rows[0][1] = Cell(percent(error.ece, 2), bins)
        rows[1][1] = _cell(error.debiased, error.interval, percent, 2)
        simulated = f"mean of {N_RESAMPLES:,} simulations"
        rows[2][1] = Cell(percent(error.if_calibrated, 2), simulated)
    html_table.draw(
        "How far the scores are from what happens",
        [selection.router["label"], figure(f"n {brier.n_queries:,}")],
        rows,
        place,
    )


def _moved(selection: Selection, readings: Readings, curve: Recalibration, judged: Judged) -> str:
    alpha = readings.point.threshold
    mapped = mapped_threshold(curve, readings.ranked.strong_win_rate, alpha)
    digits = score_digits(benchmarks.histogram(selection.key)[2])
    said = plain(moved_in_words(alpha_text(alpha, digits), mapped, digits))
    return (
        f"Judged on queries that it was not fitted to: fitted to {judged.n_fitted:,} others. "
        f"Fitted to all queries, {said}"
    )


def _draw_judged(place: Any, judged: Judged | None) -> None:
    if judged is None:
        cells = [[Cell(WAITED_FOR)] * 2 + [Cell(WAITED_FOR, WAITED_FOR)]] * 3
        n = WAITED_FOR
    else:
        n = f"n {judged.n_judged:,}"
        cells = [
            _compared(judged.ece_before, judged.ece_after, judged.ece_change, percent, 2),
            _compared(judged.brier_before, judged.brier_after, judged.brier_change, fixed, 4),
            [
                Cell(f"{judged.n_levels_before:,}"),
                Cell(f"{judged.n_levels_after:,}"),
                Cell(signed(judged.n_levels_after - judged.n_levels_before, 0)),
            ],
        ]
    labels = [("ECE", "ece"), ("Brier score", "brier"), ("distinct scores", None)]
    html_table.draw(
        "Scores before and after recalibration, on queries that the curve was not fitted to",
        ["held out", figure("before"), figure("after"), figure("change, paired")],
        [[Cell(label, n, term), *row] for (label, term), row in zip(labels, cells, strict=True)],
        place,
    )


def _compared(
    before: float, after: float, change: Interval, write: Callable[[float, int], str], digits: int
) -> list[Cell]:
    def with_sign(value: float) -> str:
        return plus(write(value, digits))

    return [
        Cell(write(before, digits)),
        Cell(write(after, digits)),
        Cell(with_sign(after - before), span(change, with_sign)),
    ]


def _draw_chart(selection: Selection, readings: Readings, curve: Recalibration | None) -> None:
    from views.components import charts  # plotly is loaded by those who look at it
    from views.evidence import figures

    bins = evidence_cache.meaning(selection.key)[0]
    st.plotly_chart(
        figures.reliability(
            bins, benchmarks.histogram(selection.key), readings.point.threshold, curve
        ),
        config=charts.CONFIG,
        key="reliability_chart",
        alt="How often the strong answer won, against the strong win rate that was said; the bins "
        "can be saved as a table below.",
    )
    downloads.csv_button(
        "The bins (CSV)",
        pd.DataFrame(bins._asdict()),
        f"reliability-{selection.benchmark.benchmark_id}-{selection.router['router_name']}.csv",
    )


def _cell(
    value: float, interval: Interval, write: Callable[[float, int], str], digits: int
) -> Cell:
    return Cell(write(value, digits), span(interval, write, digits=digits))
