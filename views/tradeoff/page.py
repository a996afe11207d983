"""The pieces of the Trade-off page, computed and drawn one by one."""

from typing import Any, Literal

import pandas as pd
import streamlit as st

from routellm_core.metrics.curve import operating_point, point_index
from routellm_core.metrics.thresholds import threshold_of
from routellm_core.policy.export.routellm import routellm_model_name
from routellm_core.policy.guarantee.sentences import certificate_sentence
from routellm_core.statistics.bootstrap import CurveIntervals
from routellm_core.types import Benchmark, Ranking, RoutingCurve
from routellm_core.wording.numbers import both_ends, fixed, percent, span, usd_text
from views.cache import benchmarks
from views.cache.benchmarks import Ranked
from views.components import downloads
from views.components.live_curve import live_curve, payload
from views.selection import guarantee
from views.selection.frame import Selection, boundary
from views.selection.point import USUAL_SHARE, Readings, queries_per_month, read
from views.state import inputs, link
from views.state.pages import page
from views.text.escape import plain
from views.text.format import quality_format, quality_text
from views.text.glossary import help_of
from views.text.money import money_words
from views.text.names import short_name
from views.tradeoff import seconds, standing_notice
from views.tradeoff.slices import draw_slices

_EXPLAINED = ["alpha", "share", "quality", "pgr", "cost", "saving"]
_COMPONENT = "curve"
_DEPLOY = page("deploy")


def _oracle(selection: Selection, x: Literal["share", "cost"]) -> tuple[Ranking, RoutingCurve]:
    """The best order of calls on the axis that is drawn: by gain a call, or by gain for money."""
    if x == "share":
        return benchmarks.oracle(*selection.where)
    return benchmarks.oracle(*selection.where, (selection.price_weak, selection.price_strong))


def _identity(selection: Selection) -> tuple[object, ...]:
    """Values that tell selections apart for a cache."""
    return (
        selection.key,
        tuple(selection.drawn_beside),
        selection.price_weak,
        selection.price_strong,
    )


@st.fragment
def draw(selection: Selection) -> None:
    """The page below its sidebar: a fragment, so that a moved α does not draw the sidebar anew."""
    with boundary():
        readings = read(selection)
        draw_curve(selection, readings)
        standing_notice.draw(selection, readings)
        draw_axes(selection, readings)
        seconds.draw(selection, readings)
        draw_exits(selection, readings)
        draw_slices(selection, readings)


def draw_curve(selection: Selection, readings: Readings) -> None:
    """The live curve with sentence, tiles, controls and histogram."""
    across = _across(readings)
    data = {
        **_picture(selection, across),
        "seq": st.session_state.get("seq", 0),
        "axes": {
            "x": across,
            "y": link.text("y", "quality", ["quality", "pgr"]),
        },
        "choice": {
            "mode": readings.mode,
            "alpha": payload.exactly(readings.point.threshold),
            **_wanted(selection.benchmark, readings),
            "queries_per_month": queries_per_month(),
            "status": _status(selection, readings),
            "problem": readings.problem,
        },
        "exact": payload.exact_point(readings.point, _along(selection)),
        "pin": _pin(selection),
        "promised": _guaranteed(selection, readings),
    }
    live_curve(data, key=_COMPONENT, on_choice=_take_choice, on_pin=_take_pin)


def _across(readings: Readings) -> Literal["share", "cost"]:
    """The axis across: money only where both prices are known."""
    is_money = readings.money.costs.are_known and link.text("x", "share") == "cost"
    return "cost" if is_money else "share"


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Selection: _identity})
def _picture(selection: Selection, x: Literal["share", "cost"]) -> dict[str, Any]:
    """All that the browser is given and that no α, pin or target changes."""
    ranked = benchmarks.ranked(selection.key)
    intervals = benchmarks.intervals(selection.key)
    money = benchmarks.money(selection.key, selection.price_weak, selection.price_strong)
    cost_weak, cost_strong = (float(c.mean()) for c in (money.costs.weak, money.costs.strong))
    points = payload.dragged_points(_along(selection))
    lines = [_beside(selection, key) for key in selection.drawn_beside]
    mixing = payload.mixing_line(benchmarks.random_line(*selection.where), cost_weak, cost_strong)
    edges, counts, alpha_range = benchmarks.histogram(selection.key)
    names = {"weak": short_name(selection.pair.weak), "strong": short_name(selection.pair.strong)}
    usd_weak, usd_strong = (payload.number(1000 * cost) for cost in (cost_weak, cost_strong))
    return {
        "n": len(ranked.strong_win_rate),
        "names": names,
        "router": selection.router["label"],
        "subject": [selection.benchmark.benchmark_id, *selection.pair, *selection.key[3:]],
        "points": points,
        "lines": lines,
        "oracle": payload.oracle_line(*_oracle(selection, x), money.costs),
        "hull": payload.hull_line([points, *lines], x),
        "random": mixing,
        "weak": {"quality": float(ranked.curve.quality[0]), "cost": usd_weak},
        "strong": {"quality": float(ranked.curve.quality[-1]), "cost": usd_strong},
        "histogram": {"edges": payload.numbers(edges), "count": counts.tolist()},
        "alpha_range": alpha_range,
        "quality_format": quality_format(selection.benchmark),
        "baseline": {"label": f"always {names['strong']}", "cost": usd_strong},
        "saving_baselines": [
            {
                "id": "always_strong",
                "label": f"always {names['strong']}",
                "cost": usd_strong,
            },
            {"id": "random", "label": "random at equal quality", "cost": None},
        ],
        **_sentences(selection.benchmark),
        "promises": guarantee.forms(selection.benchmark, selection.pair.strong),
        "confidences": list(guarantee.CONFIDENCES),
        "static_tiles": _static_tiles(ranked, intervals),
        "help": {name: help_of(name) for name in _EXPLAINED},
    }


def draw_axes(selection: Selection, readings: Readings) -> None:
    """Two switches: share or money across, quality or recovered gap upwards."""
    costs = readings.money.costs
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if costs.are_known:
            _switch("Across", "x", {"share": "strong calls", "cost": "cost"})
        _switch("Upwards", "y", {"quality": "quality", "pgr": "gap recovered"})
        if not costs.are_known:
            st.caption("Money of both models is not known: type their prices in the sidebar.")
            return
        st.caption(plain(money_words(selection.pair, costs)))


def draw_exits(selection: Selection, readings: Readings) -> None:
    """The ways on: to Deploy with this threshold, the exact curve as CSV, the RouteLLM name."""
    stem = f"{selection.benchmark.benchmark_id}-{selection.router['router_name']}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        is_out_of_reach = readings.problem is not None
        if st.button(
            "Deploy this threshold",
            type="primary",
            disabled=is_out_of_reach,
            help="Name a target that can be met first." if is_out_of_reach else None,
        ):
            st.switch_page(_DEPLOY)
        st.download_button(
            "The exact curve (CSV)",
            lambda: downloads.csv_bytes(_curve_table(readings)),
            f"curve-{stem}.csv",
            "text/csv",
            on_click="ignore",
        )
    if is_out_of_reach:
        return
    threshold = threshold_of(readings.ranked.curve, readings.calibration)
    with st.container(key="model_name"):  # inline: a code block loads a highlighter, 0.4 s
        try:
            name = routellm_model_name(selection.router["router_name"], threshold)
        except ValueError:
            st.caption("A threshold that is never met has no model name for a RouteLLM server.")
        else:
            name = name.replace("`", "")
            st.caption(f"Model name for a RouteLLM server with this router: `{name}`")


def _status(selection: Selection, readings: Readings) -> str:
    """Wanted and achieved, in the unit of the target; of a budget with its interval."""
    chosen = readings.calibration
    if readings.problem is not None or chosen.mode == "alpha":  # so is a guarantee
        return ""
    written = {
        "share": lambda x: percent(x, 2),
        "budget": lambda x: f"{usd_text(x, 2)} a month",
        "quality": lambda x: quality_text(selection.benchmark, x),
        "pgr": fixed,
    }[chosen.mode]
    said = f"wanted {written(chosen.wanted)} · achieved {written(chosen.achieved)}"
    if chosen.mode != "budget":
        return said
    along = _along(selection)
    at = point_index(along.curve, readings.point.threshold)
    ends = (queries_per_month() * float(edge[at]) for edge in along.cost_band)
    return f"{said} ({span(ends, usd_text, digits=2)})"


def _wanted(benchmark: Benchmark, readings: Readings) -> dict[str, Any]:
    """The number of the target; of a guarantee what it limits, and the confidence."""
    if readings.mode != "promise":
        return {"wanted": link.number("wanted", USUAL_SHARE)}
    (kind, limit), confidence = guarantee.asked_for(benchmark)
    return {"wanted": limit, "promise": kind, "confidence": confidence}


def _guaranteed(selection: Selection, readings: Readings) -> dict[str, str] | None:
    """The guarantee in words, where one is certified."""
    found = readings.certificate
    if found is None:
        return None
    words = certificate_sentence(found, selection.benchmark.quality_unit)
    return {"words": words, "about": guarantee.about_of(selection.key)}


def _along(selection: Selection) -> payload.Along:
    """The chosen router's curve with its intervals."""
    ranked = benchmarks.ranked(selection.key)
    prices = selection.price_weak, selection.price_strong
    bands = benchmarks.money_bands(selection.key, *prices)
    return payload.Along(
        curve=ranked.curve,
        n_queries=len(ranked.strong_win_rate),
        share_band=benchmarks.share_band(selection.key),
        cost=benchmarks.money(selection.key, *prices).curve,
        cost_band=bands.cost,
        part_band=bands.part,
        intervals=benchmarks.intervals(selection.key),
    )


def _pin(selection: Selection) -> dict[str, float | None] | None:
    alpha = link.number("pin", None)
    if alpha is None:
        return None
    along = _along(selection)
    return payload.exact_point(operating_point(along.curve, alpha), along)


def _beside(selection: Selection, key: benchmarks.RouterKey) -> dict[str, Any]:
    other = benchmarks.ranked(key)
    cost = benchmarks.money(key, selection.price_weak, selection.price_strong).curve
    names = selection.routers.set_index(["router_id", "view"])["label"]
    return {
        "name": names[key.router_id, key.view],
        "apgr": payload.number(other.apgr),
        **payload.drawn_line(other.curve, cost),
    }


def _sentences(benchmark: Benchmark) -> dict[str, str]:
    reached = "right" if benchmark.quality_unit == "share right" else "points"
    start = (
        "At α = {alpha}, {share} of queries go to {strong}: {quality} "
        f"{reached}, {{of_strong}} of what always {{strong}} gets"
    )
    return {
        "sentence": start + ", for {saving} less money.",
        "sentence_more": start + ", for {saving} more money.",
        "sentence_free": start + ".",
    }


def _static_tiles(ranked: Ranked, intervals: CurveIntervals) -> list[dict[str, str]]:
    """The figures that α does not move."""
    n = f"n {len(ranked.strong_win_rate):,}"
    cpt50, cpt80 = (
        both_ends(cpt, fixed, digits=0, scale=100) for cpt in (intervals.cpt50, intervals.cpt80)
    )
    return [
        {
            "label": "APGR",
            "value": fixed(ranked.apgr),
            "unit": "",
            "note": f"{span(intervals.apgr)} · random 0.5 · {n}",
            "help": help_of("apgr"),
        },
        {
            "label": "CPT 50 / 80",
            "value": f"{fixed(ranked.cpt50, 0, 100)} / {fixed(ranked.cpt80, 0, 100)}",
            "unit": "% strong",
            "note": f"95% {cpt50} / {cpt80} · {n}",
            "help": help_of("cpt"),
        },
    ]


def _take_choice() -> None:
    """A target from the browser: a moved α, a typed number, a named mode."""
    choice = st.session_state[_COMPONENT].choice
    st.session_state["seq"] = int(choice["seq"])
    link.remember(
        mode=choice["mode"],
        wanted=choice["wanted"],
        queries_per_month=(
            queries_per_month()
            if choice.get("queries_per_month") is None
            else choice["queries_per_month"]
        ),
        promise=choice.get("promise"),
        confidence=choice.get("confidence"),
    )


def _take_pin() -> None:
    link.remember(pin=st.session_state[_COMPONENT].pin["alpha"])


def _switch(label: str, name: str, options: dict[str, str]) -> None:
    names = list(options)
    inputs.one_of(inputs.segments, label, name, names, names[0], options.__getitem__)


def _curve_table(readings: Readings) -> pd.DataFrame:
    curve = readings.ranked.curve
    return pd.DataFrame(
        {
            "threshold": curve.threshold,
            "strong_call_share": curve.strong_call_share,
            "quality": curve.quality,
            "cost_usd_per_query": readings.money.curve,
        }
    )
