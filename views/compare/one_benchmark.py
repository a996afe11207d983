"""Comparison of the routers of one benchmark and pair: verdicts, controls, decomposition, costs."""

from typing import Any

import pandas as pd
import streamlit as st

from routellm_core.evaluation.comparison.sentences import gap_caution
from routellm_core.statistics.bootstrap import N_RESAMPLES
from routellm_core.store.selection import main_view
from routellm_core.types import Benchmark, ModelPair
from routellm_core.wording.numbers import with_span
from views.cache import benchmarks
from views.cache import comparison as comparison_cache
from views.cache.comparison import Comparing
from views.compare import controls, costs, decomposition, tables, verdicts
from views.components import downloads
from views.components.table import data_table
from views.components.verdict_matrix import verdict_matrix
from views.selection.prices import price_of
from views.state import inputs, link
from views.text.escape import plain
from views.text.names import short_name

_SECONDS = 0.5


def draw(version: int) -> None:
    """The part of the page below its choice of parts."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        card = choose_benchmark(version)
        pair = choose_pair(version, card.benchmark_id)
        views = benchmarks.routers(version, card.benchmark_id, pair)["view"].tolist()
        if not views:
            st.info("No router has scored this benchmark yet: score it on the My data page.")
            return
        view = _view(views)
    weak, strong = (
        price_of(side, model, version, card.benchmark_id) for side, model in pair._asdict().items()
    )
    asked = version, card.benchmark_id, pair, view, (weak, strong)
    comparing = comparison_cache.comparing(*asked)
    if not comparing.is_done:
        st.fragment(_wait, run_every=_SECONDS)(comparing)
        return
    try:
        found = comparing.result()
    except Exception:
        comparison_cache.comparing.clear(*asked)  # the next look begins anew
        raise
    _draw_found(found, card)


def _wait(comparing: Comparing) -> None:
    """The progress of the comparison; the page is drawn again when it is done."""
    if comparing.is_done:
        st.rerun()
    stage, done, total, *_ = comparing.progress
    st.progress(
        done / total,
        text=plain(f"Comparing on {N_RESAMPLES:,} resamples, {done} of {total}: {stage} …"),
    )
    st.caption("This takes some seconds the first time; you may go to another page meanwhile.")


def choose_benchmark(version: int) -> Benchmark:
    """The benchmark that this part and the next are about."""
    ids = benchmarks.benchmarks(version)["benchmark_id"].tolist()
    cards = {benchmark_id: benchmarks.benchmark(version, benchmark_id) for benchmark_id in ids}
    usual = link.text("benchmark", "mmlu", ids)
    chosen = inputs.one_of(
        st.selectbox,
        "Benchmark",
        "closely",
        ids,
        usual,
        lambda benchmark_id: cards[benchmark_id].title,
        lambda: link.remember(**dict.fromkeys(link.OF_COMPARED)),
    )
    return cards[chosen]


def choose_pair(version: int, benchmark_id: str) -> ModelPair:
    """The model pair, of those that routers scored; nothing is drawn where there is one."""
    usual = benchmarks.usual_pair(version, benchmark_id)
    others = [p for p in benchmarks.scored_pairs(version, benchmark_id) if p != usual]
    names = {name_of(p): p for p in [usual, *others]}
    if not others:
        return usual
    chosen = inputs.one_of(
        st.selectbox,
        "Models",
        "closely_pair",
        list(names),
        next(iter(names)),
        lambda name: f"{short_name(names[name].strong)} ■ over {short_name(names[name].weak)} ●",
        lambda: link.remember(closely_view=None, wish_quality=None, wish_usd=None),
    )
    return names[chosen]


def name_of(pair: ModelPair) -> str:
    """A pair in the link."""
    return f"{pair.strong} over {pair.weak}"


def _view(views: list[str]) -> str:
    there = [view for view in tables.VIEW_COLUMNS if view in views]
    if len(there) == 1:
        return there[0]
    return inputs.one_of(
        st.selectbox, "Scores", "closely_view", there, main_view(views), tables.words_of
    )


def _draw_found(found: dict[str, Any], card: Benchmark) -> None:
    _draw_heading(found, card)
    _draw_verdicts(found)
    _draw_table("Is it a router at all?", controls.sentence(found), controls.table(found), found)
    st.caption(
        "The band holds 95% of the APGRs of a router's own scores on shuffled queries, one query "
        f"of each text (n {found['routers'][0]['control']['n_queries']:,}; "
        f"{found['n_resamples']:,} shuffles). Such a router costs the same and knows nothing."
    )
    said = decomposition.sentence(found, card.title)
    _draw_table("Where the gain comes from", said, decomposition.table(found), found)
    if found["n_slices"] > 1:
        word = decomposition.slice_word(found)
        words = decomposition.plural(word)
        st.caption(
            f"APGR = ½ + gain between {words} (full bar) + gain within them (open bar). "
            f"Dashed line and band: the prior that knows only the {word}, out of fold "
            f"(n {found['n_slices']}). A router knows less or more than the prior where its own "
            "95% interval says so."
        )
    _draw_table("By other measures", costs.sentence(found), costs.table(found), found)
    st.caption(
        plain(
            "AIQ: RouterBench, arXiv 2403.12031. Deferral area, quality-neutral cost: UniRoute, "
            "arXiv 2502.08773. Both qualities are in the benchmark's own scale. "
            f"{found['money']['words']} Intervals: 95%, on the same resamples."
        )
    )
    _draw_downloads(found)


def _draw_heading(found: dict[str, Any], card: Benchmark) -> None:
    pair = ModelPair(**found["model_pair"])
    gap = found["quality_strong"] - found["quality_weak"]
    low, high = found["gap_interval"]
    digits = 3 if card.quality_unit != "share right" else 4
    st.caption(
        plain(
            f"n {found['n_queries']:,} queries ({found['n_texts']:,} texts) · "
            f"{short_name(pair.strong)} ■ over {short_name(pair.weak)} ●: gap "
            f"{with_span(gap, (low, high), digits=digits)} · {tables.words_of(found['view'])} · "
            f"{found['n_resamples']:,} resamples, seed {found['seed']}"
        )
    )
    caution = gap_caution(found["gap_interval"])
    if caution:
        st.warning(caution)


def _draw_verdicts(found: dict[str, Any]) -> None:
    verdict_matrix(verdicts.matrix(found), key="verdicts")
    if not found["verdicts"]:
        return
    amount = (
        "in APGR"
        if found["verdicts"][0]["is_gap_clear"]
        else "in quality, averaged over all strong-call shares"
    )
    st.caption(
        f"Number: lead {amount}. ?: no clear winner; below it, how many more queries would decide. "
        "Tested at 5% on paired resamples, corrected for all pairs (Holm)."
    )


def _draw_table(title: str, sentence: str, data: dict[str, Any], found: dict[str, Any]) -> None:
    data_table(
        f"{title} {found['benchmark']}",
        **data,
        title=title,
        sentence=sentence,
        key=f"closely_{title.split()[0].lower()}",
    )


def _draw_downloads(found: dict[str, Any]) -> None:
    name = f"compare-{found['benchmark']}"
    with st.container(horizontal=True):
        downloads.csv_button(
            "Verdicts (CSV)", pd.DataFrame(verdicts.csv_lines(found)), f"{name}.csv"
        )
        st.download_button(
            "All of this (JSON)",
            lambda: downloads.json_bytes(found),
            f"{name}.json",
            "application/json",
            on_click="ignore",
        )
