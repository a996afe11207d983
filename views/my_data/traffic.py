"""Queries as traffic: their scores beside a benchmark's, α for a share, money, expected quality."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from routellm_core.evaluation.traffic import comparison, sentences
from routellm_core.metrics import thresholds
from routellm_core.metrics.costs import PAPER_ANSWER_TOKENS, PAPER_PROMPT_TOKENS
from routellm_core.metrics.curve import curve_of, operating_point, rank_queries
from routellm_core.metrics.prices import UNKNOWN_PRICE, Price, list_price
from routellm_core.types import Floats, ModelPair, Ranking, RoutingCurve
from routellm_core.wording.numbers import fixed, percent, points_text, span, usd_text
from views.cache import benchmarks, own_data
from views.cache.benchmarks import RouterKey
from views.components import charts, html_table, tenant_bill
from views.components.html_table import figure
from views.my_data.comparison import finished
from views.score import sets
from views.state import link
from views.text.escape import plain
from views.text.format import quality_format, quality_text, threshold_text
from views.text.names import short_name

if TYPE_CHECKING:
    from routellm_core.evaluation.traffic.transport import ExpectedPoint, Transported

_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


class Shares(NamedTuple):
    """Strong-call shares at every threshold, qualities unknown."""

    ranking: Ranking
    curve: RoutingCurve


def key_of(version: int, benchmark_id: str, scored: Mapping[str, Any] | pd.Series) -> RouterKey:
    """Key of a row of `own_data.scorings`."""
    pair = ModelPair(weak=scored["weak_model"], strong=scored["strong_model"])
    return RouterKey(version, benchmark_id, pair, scored["router_id"], scored["view"])


def shares_of(strong_win_rate: Floats) -> Shares:
    """The thresholds of scores, and the share that each sends to the strong model."""
    ranking = rank_queries(strong_win_rate)
    nothing = np.zeros(len(strong_win_rate))
    return Shares(ranking, curve_of(ranking, nothing, nothing))


def _alpha(threshold: float) -> str:
    return "α above 1" if threshold > 1 else f"α = {threshold_text(threshold)}"


def draw(version: int, row: Any) -> None:
    """Score the set, then what its scores say."""
    sets.draw(version, row, None)
    scored = sets.chosen(version, row)
    if scored is not None:
        draw_scored(version, row, scored)


def draw_scored(version: int, row: Any, scored: pd.Series) -> None:
    """The scores of a router on the set: shares, money, expected quality."""
    key = key_of(version, row.benchmark_id, scored)
    queries = own_data.scored_queries(key)
    if queries.empty:
        st.info("All scored queries of this set are left out of the figures.")
        return
    own = shares_of(queries["strong_win_rate"].to_numpy())
    reference = _reference(version, key)
    other = None if reference is None else benchmarks.ranked(reference)
    wanted = _wanted_share(row.benchmark_id)
    found = thresholds.for_share(own.curve, wanted)
    threshold = thresholds.between_scores(own.curve, found.threshold)
    strong = short_name(key.pair.strong)
    sentence = (
        f"{_alpha(threshold)} sends {percent(found.achieved)} of your "
        f"{len(queries):,} queries to {strong} ■"
    )
    if reference is not None and other is not None:
        theirs = operating_point(other.curve, threshold).strong_call_share
        title = benchmarks.benchmark(version, reference.benchmark_id).title
        sentence += f"; on {title} the same α sends {percent(theirs)}"
    st.markdown(f"##### {plain(sentence)}.")
    if reference is not None and other is not None:
        st.plotly_chart(
            charts.score_distribution(
                own.ranking,
                other.ranking,
                benchmarks.benchmark(version, reference.benchmark_id).title,
                threshold,
            ),
            config=charts.CONFIG,
            key="score_distribution",
        )
    _draw_shares(version, own, reference)
    _draw_money(version, row, key, queries, own, threshold)
    if reference is not None:
        _draw_expected(version, row, key, reference, queries, threshold)


def _reference(version: int, key: RouterKey) -> RouterKey | None:
    """The benchmark beside which the scores are laid: one that the router has scored, chosen."""
    titles, keys = {}, {}
    table = benchmarks.benchmarks(version)
    for name, title in table[["benchmark_id", "title"]].itertuples(index=False):
        rows = own_data.scorings(version, name)
        rows = rows[(rows["router_id"] == key.router_id) & (name != key.benchmark_id)]
        for row in rows.to_dict("records"):
            candidate = key_of(version, name, row)
            n_queries = benchmarks.outcomes(version, name, candidate.pair).n_queries
            if row["n_scored"] >= n_queries and name not in keys:
                titles[name], keys[name] = title, candidate
    if not keys:
        return None
    compared = [name for name in keys if finished(key.benchmark_id, name)]
    usual = next(iter(compared), "mmlu")
    chosen = st.selectbox(
        "Beside the benchmark",
        list(keys),
        list(keys).index(usual) if usual in keys else 0,
        format_func=titles.__getitem__,
        key=f"_reference_{key.benchmark_id}",
    )
    return keys[chosen]


def _wanted_share(benchmark_id: str) -> float:
    percent = st.slider(
        "Share of your traffic that may go to the strong model, %",
        0.0,
        100.0,
        30.0,
        0.5,
        key=f"_share_{benchmark_id}",
    )
    return float(percent) / 100


def _draw_shares(version: int, own: Shares, reference: RouterKey | None) -> None:
    columns = [figure("share wanted"), figure("α"), figure("share of your traffic")]
    if reference is not None:
        title = benchmarks.benchmark(version, reference.benchmark_id).title
        columns.append(figure(f"share of {title} at that α"))
    rows = []
    for share in _SHARES:
        found = thresholds.for_share(own.curve, share)
        row = [
            percent(share, 0),
            threshold_text(found.threshold),
            percent(found.achieved),
        ]
        if reference is not None:
            theirs = operating_point(benchmarks.ranked(reference).curve, found.threshold)
            row.append(percent(theirs.strong_call_share))
        rows.append(row)
    with st.expander("α for other shares"):
        html_table.draw("α for a wanted share", columns, rows)
        st.caption(
            f"Of n = {len(own.ranking.order):,} queries. Equal scores move together, so that a "
            "share may be missed by a step."
        )


def _draw_money(
    version: int, row: Any, key: RouterKey, queries: pd.DataFrame, own: Shares, threshold: float
) -> None:
    st.markdown("**Money**")
    prompt = queries["prompt_tokens"].to_numpy(np.float64)
    is_counted = bool(np.isfinite(prompt).any())
    mean_prompt = float(np.nanmean(prompt)) if is_counted else PAPER_PROMPT_TOKENS
    usage = own_data.usage(version, row.benchmark_id)  # the model that answered most comes first
    answered = usage.dropna(subset="answer_tokens")
    usual_answer = PAPER_ANSWER_TOKENS if answered.empty else answered["answer_tokens"].iloc[0]
    columns = st.columns(4)
    with columns[0]:
        per_month = st.number_input(
            "Queries a month", 0, None, 1_000_000, 10_000, key=f"_per_month_{row.benchmark_id}"
        )
    with columns[1]:
        answer = st.number_input(
            "Answer tokens",
            0.0,
            None,
            float(round(usual_answer)),
            key=f"_answer_{row.benchmark_id}",
        )
    weak, strong = (
        _price(column, model, side)
        for column, model, side in zip(columns[2:], key.pair, ("●", "■"), strict=True)
    )
    each = [
        (mean_prompt * price.prompt_usd + answer * price.answer_usd) / 1e6
        for price in (weak, strong)
    ]
    share = operating_point(own.curve, threshold).strong_call_share
    routed = (1 - share) * each[0] + share * each[1]
    names = [short_name(model) for model in key.pair]
    rows = [
        [f"always {names[1]} ■", usd_text(per_month * each[1]), "–"],
        [
            f"routed at {_alpha(threshold)}",
            usd_text(per_month * routed),
            _less(routed, each[1]),
        ],
        [f"always {names[0]} ●", usd_text(per_month * each[0]), _less(each[0], each[1])],
    ]
    html_table.draw(
        "Cost a month",
        ["what", figure("USD a month"), figure(f"less than always {names[1]}")],
        rows,
    )
    said = [
        f"{mean_prompt:,.0f} prompt tokens a query, "
        + ("counted on your queries" if is_counted else "the paper's average")
    ]
    said.append(
        "answer tokens: the paper's average"
        if answered.empty
        else f"answer tokens: the average of {answered['model'].iloc[0]} in your log"
    )
    for billed in usage.dropna(subset="cost_usd").head(1).itertuples():
        said.append(f"your log was billed {billed.cost_usd:.6f} USD an answer of {billed.model}")
    st.caption(plain(f"{'; '.join(said)}. Prices: {weak.source}; {strong.source}."))
    tenant_bill.draw(own_data.usage_by_tenant(version, row.benchmark_id))


def _price(column: Any, model: str, side: str) -> Price:
    """USD a million answer tokens may be edited; prompt tokens keep their ratio."""
    listed = list_price(model)
    usual = None if listed is None else listed.answer_usd
    with column:
        typed = st.number_input(
            plain(f"{short_name(model)} {side}, USD per million answer tokens"),
            0.0,
            10_000.0,
            usual,
            format="%.2f",
            key=f"_traffic_price_{model}",
        )
    if typed is None:
        return UNKNOWN_PRICE._replace(source="no price typed")
    if listed is None or not listed.answer_usd:
        return Price(typed, typed, "typed by you, for prompt and answer alike")
    if typed == listed.answer_usd:
        return listed
    return Price(typed * listed.prompt_usd / listed.answer_usd, typed, "edited by you")


def _is_current(key: RouterKey, queries: pd.DataFrame, folder: Path) -> bool:
    """True where a comparison is of the queries that count now."""
    found = own_data.comparison(key.version, str(folder), folder.stat().st_mtime_ns)
    return comparison.is_of(found, queries.loc[queries["text_hash"].notna(), "query_id"])


def _tokens_there(reading: "ExpectedPoint") -> str:
    """Text of the tokens that answers took on queries like these; empty where unknown."""
    weak, strong = reading.answer_tokens_weak, reading.answer_tokens_strong
    if math.isnan(weak) or math.isnan(strong):
        return ""
    return f"Answers there took {strong:,.0f} tokens of the strong, {weak:,.0f} of the weak model. "


def _missed(usual_miss: float) -> str:
    if math.isnan(usual_miss):
        return ""
    return (
        f"Where sets were as far apart, such estimates missed by {percent(usual_miss, 0)} of the "
        "scale on average, which the intervals do not hold. "
    )


def _less(cost: float, baseline: float) -> str:
    return percent(1 - cost / baseline if baseline > 0 else None, 0)


def _draw_expected(
    version: int,
    row: Any,
    key: RouterKey,
    reference: RouterKey,
    queries: pd.DataFrame,
    threshold: float,
) -> None:
    """Quality carried over from the benchmark, once the two were compared."""
    card = benchmarks.benchmark(version, reference.benchmark_id)
    st.markdown(plain(f"Quality to expect, carried over from {card.title}").join(("**", "**")))
    folder = finished(row.benchmark_id, reference.benchmark_id)
    if folder is not None and not _is_current(key, queries, folder):
        st.caption("Queries were left out or taken back since the two sets were compared.")
        folder = None
    if folder is None:
        st.caption(
            "A quality can only be carried over where it is known how alike the two sets are."
        )
        st.button(
            plain(f"Compare with {card.title}"),
            on_click=link.remember,
            kwargs={"part": "against", "against": reference.benchmark_id},
        )
        return
    carried: Transported = own_data.transported(
        key, reference, str(folder), folder.stat().st_mtime_ns
    )
    reading = carried.at(threshold)
    caution = sentences.caution(carried)
    if caution:
        st.warning(plain(caution), icon=":material/warning:")
    form = quality_format(card)
    rows = [
        [
            what,
            quality_text(card, e.value),
            span(e.interval, points_text, quality_unit=card.quality_unit),
        ]
        for what, e in (
            (f"always {short_name(reference.pair.strong)} ■", reading.quality_strong),
            (f"routed at {_alpha(threshold)}", reading.quality),
            (f"always {short_name(reference.pair.weak)} ●", reading.quality_weak),
        )
    ]
    html_table.draw(
        "Expected quality on your traffic",
        ["what", figure("quality"), figure("interval")],
        rows,
    )
    st.plotly_chart(
        charts.expected_quality(
            own_data.expected_curve(key, reference, str(folder), folder.stat().st_mtime_ns),
            reading.strong_call_share,
            form,
        ),
        config=charts.CONFIG,
        key="expected_quality",
    )
    pgr = reading.pgr
    st.caption(
        plain(
            f"An estimate, not a measurement: {card.title}'s outcomes, weighted by how like your "
            f"queries they are. Effective sample size {carried.effective_n:,.0f} of "
            f"{carried.outcomes.n_queries:,}; {percent(carried.covered_share, 0)} of your queries "
            f"have one like them there. {_missed(carried.usual_miss)}Gap recovered (PGR) "
            f"{percent(pgr.value, 0)}, {span(pgr.interval, fixed, digits=0, scale=100.0)}. "
            f"{_tokens_there(reading)}"
            f"n = {len(queries):,} of yours."
        )
    )
