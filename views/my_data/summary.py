"""Summary of a set, by its outcomes: of two models, of one, or none."""

from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from routellm_core.metrics.bounds import one_model_bounds
from routellm_core.metrics.curve import index_at_share
from routellm_core.metrics.prices import list_price
from routellm_core.statistics.intervals import mean_interval
from routellm_core.types import Benchmark, ModelPair
from routellm_core.wording.numbers import fixed, percent, points_text, span
from views.cache import benchmarks, own_data
from views.cache.benchmarks import RouterKey
from views.components import html_table
from views.components.html_table import figure
from views.my_data import guarantees, traffic
from views.score import sets
from views.selection import tradeoff_link
from views.selection.frame import router_key
from views.state import link
from views.state.pages import page
from views.text.escape import plain
from views.text.format import quality_text, threshold_text
from views.text.names import distinct_names, short_name

_ROUTERS = 3
"""The best of them that are shown here; the Trade-off page has all."""
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
_TRAIN = page("train")


def draw(version: int, row: Any) -> None:
    """The part of the page for one set."""
    if row.n_models >= 2:
        _draw_two(version, row)
    elif row.n_models == 1:
        _draw_one(version, row)
    else:
        st.markdown(
            "**Queries alone.** No outcome says which model is better on them. What can be told: "
            "how a router scores them, which share it would send to the strong model, what that "
            "costs, and what quality to expect if they are like a benchmark's."
        )
        traffic.draw(version, row)
        guarantees.draw_without_outcomes()


# Two models or more


def _draw_two(version: int, row: Any) -> None:
    card = benchmarks.benchmark(version, row.benchmark_id)
    table = benchmarks.models(version, row.benchmark_id)
    _draw_models(version, card, table["model"].tolist())
    names = table["model"].tolist()
    label = distinct_names(names)
    usual = benchmarks.usual_pair(version, row.benchmark_id)
    left, right = st.columns(2)
    with left:
        strong = st.selectbox(
            "Strong model ■",
            names,
            names.index(usual.strong),
            format_func=label.__getitem__,
            key=f"_set_strong_{row.benchmark_id}",
        )
    others = [name for name in names if name != strong]
    with right:
        weak = st.selectbox(
            "Weak model ●",
            others,
            others.index(usual.weak) if usual.weak in others else 0,
            format_func=label.__getitem__,
            key=f"_set_weak_{row.benchmark_id}",
        )
    pair = ModelPair(weak=weak, strong=strong)
    known = benchmarks.outcomes(version, row.benchmark_id, pair)
    gap = known.quality_strong - known.quality_weak
    gap_interval = mean_interval(gap, known.cluster_code)
    unit = "percentage points" if card.quality_unit == "share right" else "points"
    st.markdown(
        plain(
            f"On the {known.n_queries:,} queries that both answered, {label[strong]} is "
            f"{points_text(abs(gap.mean()), card.quality_unit)} {unit} "
            f"{'better' if gap.mean() >= 0 else 'worse'} "
            f"({span(gap_interval, points_text, quality_unit=card.quality_unit)}): that gap is "
            "what routing can recover."
        )
    )
    unknown = [label[name] for name in pair if list_price(name) is None]
    if unknown:
        st.caption(
            plain(
                f"No list price is known for {' and '.join(unknown)}: type one in the sidebar of "
                "the Trade-off page, and costs appear."
            )
        )
    sets.draw(version, row, pair)
    routers = benchmarks.routers(version, row.benchmark_id, pair)
    if not routers.empty:
        st.caption(
            "Scored as they were trained, on another pair of models. Training on your own outcomes "
            "is worth more: it is tried out of fold, so that its figures are honest."
        )
        _draw_routers(version, row.benchmark_id, pair, routers)
        best = routers.iloc[0]
        key = RouterKey(version, row.benchmark_id, pair, best["router_id"], best["view"])
        guarantees.draw(key, best)
    elif not own_data.scorings(version, row.benchmark_id).empty:
        st.info(
            "The Trade-off page needs a score for every query of this pair, and no router has "
            "them all: a query without a text has none.",
            icon=":material/info:",
        )
    with st.container(horizontal=True):
        if not routers.empty:
            if st.button("See the trade-off", type="primary"):
                tradeoff_link.go(row.benchmark_id, pair, router_key(routers.iloc[0]))
        if st.button("Train a router on it"):
            link.remember(
                golden=[quote(row.benchmark_id, safe="")],
                battles=[],
                train_strong=strong,
                train_weak=weak,
            )
            st.switch_page(_TRAIN)


def _draw_routers(version: int, benchmark_id: str, pair: ModelPair, routers: pd.DataFrame) -> None:
    rows = []
    for found in routers.head(_ROUTERS).itertuples():
        key = RouterKey(version, benchmark_id, pair, found.router_id, found.view)
        interval = benchmarks.intervals(key).apgr
        n = benchmarks.outcomes(version, benchmark_id, pair).n_queries
        rows.append([found.label, fixed(found.apgr), span(interval), f"{n:,}"])
    html_table.draw(
        "Routers on the set",
        ["router", figure("APGR"), figure("interval"), figure("n")],
        rows,
    )


def _draw_models(version: int, card: Benchmark, names: list[str]) -> None:
    label = distinct_names(names)
    rows = []
    for name in names:
        known = own_data.one_models_outcomes(version, card.benchmark_id, name)
        quality = known["quality"].to_numpy()
        interval = mean_interval(quality, pd.factorize(known["cluster_id"])[0])
        rows.append(
            [
                label[name],
                f"{len(quality):,}",
                quality_text(card, quality.mean()),
                span(interval, points_text, quality_unit=card.quality_unit),
            ]
        )
    html_table.draw(
        "Models of the set",
        ["model", figure("n"), figure("quality"), figure("interval", is_wide=True)],
        rows,
    )


# One model


def _draw_one(version: int, row: Any) -> None:
    card = benchmarks.benchmark(version, row.benchmark_id)
    model = benchmarks.models(version, row.benchmark_id)["model"].iloc[0]
    _draw_models(version, card, [model])
    name = short_name(model)
    st.markdown(
        f"**Outcomes of {plain(name)} alone.** Nothing is known of a second model here, so that no "
        "router can be judged: only bounds can be given. They hold whatever the other model does, "
        "and are wide for that reason. A run of a second model on the same queries, imported "
        "together with this one, gives the whole dashboard."
    )
    side = st.segmented_control(
        f"{plain(name)} would be",
        ["weak", "strong"],
        default="weak",
        format_func=lambda side: "the weak model ●" if side == "weak" else "the strong model ■",
        key=f"_side_{row.benchmark_id}",
        required=True,
    )
    sets.draw(version, row, None)
    scored = sets.chosen(version, row)
    if scored is None:
        st.caption("Score the set by a router to see the bounds at its thresholds.")
    else:
        _draw_bounds(version, card, model, scored, is_strong=side == "strong")
        with st.expander("The same queries as traffic"):
            traffic.draw_scored(version, row, scored)
    guarantees.draw_without_outcomes()


def _draw_bounds(
    version: int, card: Benchmark, model: str, scored: Any, *, is_strong: bool
) -> None:
    queries = own_data.scored_queries(traffic.key_of(version, card.benchmark_id, scored))
    known = own_data.one_models_outcomes(version, card.benchmark_id, model)
    both = queries.merge(known[["query_id", "quality"]], on="query_id")
    if both.empty:
        st.info("No query that counts has both a score and an outcome.")
        return
    curve = traffic.shares_of(both["strong_win_rate"].to_numpy())
    bounds = one_model_bounds(
        curve.ranking,
        both["quality"].to_numpy(),
        is_strong=is_strong,
        quality_low=card.quality_low,
        quality_high=card.quality_high,
    )
    rows = []
    for share in _SHARES:
        i = index_at_share(curve.curve, share)
        rows.append(
            [
                percent(curve.curve.strong_call_share[i]),
                threshold_text(curve.curve.threshold[i]),
                f"{quality_text(card, bounds.low[i])} to {quality_text(card, bounds.high[i])}",
            ]
        )
    html_table.draw(
        "Bounds of the routed quality",
        [figure("strong calls"), figure("α"), figure("quality between")],
        rows,
    )
    st.caption(f"n = {len(both):,} queries; worst-case bounds of these queries, not an interval.")
