"""The paper's cost saving ratio beside the savings over other baselines, theirs and ours."""

import math
from typing import Any

import numpy as np
import streamlit as st

from routellm_core.evaluation.comparison import claimed_saving, paper
from routellm_core.evaluation.comparison.claimed_saving import Saving
from routellm_core.metrics.prices import prices_of
from routellm_core.types import Benchmark
from routellm_core.wording.numbers import DASH, both_ends, fixed, percent
from views.cache import benchmarks
from views.cache.benchmarks import RouterKey
from views.compare import sentences
from views.components import html_table
from views.components.html_table import Heading, figure

_COLUMNS = (
    Heading("whose", is_short=True),
    "benchmark, part of the gap",
    Heading("router", is_wide=True),
    figure("strong calls", is_wide=True),
    figure("random's", is_wide=True),
    "fewer calls than random",
    Heading("cheaper than random", is_wide=True),
    "cheaper than always strong",
)


def draw(version: int, reports: list[tuple[Benchmark, dict[str, Any]]]) -> None:
    """A table of the benchmarks that the paper's table 6 and this page both have."""
    here = {
        card.benchmark_id: (card, figures)
        for card, figures in reports
        if figures["model_pair"] == paper.PAIR._asdict()
    }
    claimed = [s for s in claimed_saving.savings() if s.benchmark_id in here]
    if not claimed:
        return
    st.markdown("#### How much cheaper? It depends on the baseline")
    st.markdown(_said(claimed_saving.savings()[0]))
    rows = []
    for saving in claimed:
        card, figures = here[saving.benchmark_id]
        rows += [_theirs(saving, card), *_ours(version, saving, card, figures)]
    html_table.draw("Savings of the paper and ours, by baseline", _COLUMNS, rows)
    st.caption(
        f"Theirs: tables 1 to 3 and 6 of [arXiv 2406.18665, version 4]({paper.SOURCE}), without "
        f"intervals; money at \\${claimed_saving.PRICE_STRONG:.2f} and "
        f"\\${claimed_saving.PRICE_WEAK:.2f} per million tokens (its appendix D). Ours: list "
        "prices and the token counts of each query; 95% intervals are those of the strong calls. "
        "Random and router answer equally well; always strong answers better, for it recovers the "
        "whole gap."
    )


def _said(first: Saving) -> str:
    """The claim that is quoted most, and what it is once its baseline is named."""
    return (
        f"The paper's **{first.fewer_calls:.2f}×** is strong calls, over those of the *random "
        f"router*: on MT-Bench {first.router} recovers half of the gap with "
        f"{percent(first.strong_call_share)} strong calls where random needs "
        f"{percent(first.random_share)}. In money, at the paper's own prices, that is "
        f"**{first.over_random:.2f}×** cheaper than random and **{first.over_strong:.1f}×** "
        "cheaper than *always GPT-4*, which answers better: half of the gap is given up."
    )


def _theirs(saving: Saving, card: Benchmark) -> list[str]:
    return [
        "paper",
        _where(saving, card),
        f"{saving.router}, {saving.trained_on}",
        percent(saving.strong_call_share),
        percent(saving.random_share),
        f"{saving.fewer_calls:.2f}×",
        f"{saving.over_random:.2f}×",
        f"{saving.over_strong:.2f}×",
    ]


def _ours(
    version: int, saving: Saving, card: Benchmark, figures: dict[str, Any]
) -> list[list[str]]:
    """The same of the router of ours that needs the fewest strong calls, if one gets there."""
    name = f"cpt{round(100 * saving.wanted_pgr)}"
    known = [r for r in sentences.comparable(figures["routers"]) if math.isfinite(r[name])]
    if not known:
        return []
    best = min(known, key=lambda r: r[name])
    table = benchmarks.routers(version, card.benchmark_id, paper.PAIR)
    (router_id,) = table.loc[
        (table["router_name"] == best["router"])
        & (table["recipe"] == best["recipe"])
        & (table["view"] == best["view"]),
        "router_id",
    ]
    key = RouterKey(version, card.benchmark_id, paper.PAIR, router_id, best["view"])
    money = benchmarks.money(key, *prices_of(paper.PAIR))
    shares = np.array([best[name], *best[f"{name}_interval"][::-1]])
    cost = np.interp(shares, benchmarks.ranked(key).curve.strong_call_share, money.curve)
    weak, strong = money.curve[0], money.curve[-1]
    random = weak + saving.wanted_pgr * (strong - weak)
    return [
        [
            "ours",
            _where(saving, card),
            sentences.name_among(best, known),
            percent(best[name]),
            percent(saving.wanted_pgr, 0),
            _times(saving.wanted_pgr / shares),
            _times(random / cost),
            _times(strong / cost),
        ]
    ]


def _where(saving: Saving, card: Benchmark) -> str:
    return f"{card.title}, {percent(saving.wanted_pgr, 0)}"


def _times(values: Any) -> str:
    """A ratio with its interval; the shares' ends come falling, so that the ratios' rise."""
    value, *interval = values
    if not np.isfinite(values).all():
        return f"{fixed(value, 2)}×" if np.isfinite(value) else DASH
    return f"{fixed(value, 2)}× ({both_ends(interval, digits=2)})"
