"""What the Trade-off page computes and draws, piece by piece."""

from typing import Any, NamedTuple, cast

import pandas as pd
import streamlit as st

from routellm_core import calibration
from routellm_core.calibration import Calibration, Mode
from routellm_core.costs import saving
from routellm_core.errors import UnreachableError
from routellm_core.metrics import operating_point, point_index
from routellm_core.policy import choice_document
from routellm_core.types import Benchmark, Interval, OperatingPoint
from routellm_core.uncertainty import CurveIntervals
from views import cached, downloads, link
from views.cached import Money, Ranked
from views.frame import Selection
from views.glossary import help_of
from views.live_curve import live_curve, payload
from views.names import short_name

_USUAL_SHARE = 0.3
_USUAL_QUERIES_PER_MONTH = 100_000.0
_MODES = ["alpha", "share", "budget", "quality", "pgr"]
_EXPLAINED = ["alpha", "share", "quality", "pgr", "cost", "saving"]
_COMPONENT = "curve"


class Readings(NamedTuple):
    """Everything that is known about the chosen router and point."""

    ranked: Ranked
    money: Money
    intervals: CurveIntervals
    calibration: Calibration
    problem: str | None
    """Why the wish cannot be met; the point is then another one."""
    point: OperatingPoint
    cost: float
    """USD a query at the point."""


def read(selection: Selection) -> Readings:
    """Answer the wish that the link holds, exactly."""
    ranked = cached.ranked(selection.key)
    money = cached.money(selection.key, selection.price_weak, selection.price_strong)
    problem = None
    try:
        chosen = _calibrated(ranked, money)
    except UnreachableError as error:
        problem = str(error)
        chosen = calibration.for_share(ranked.curve, _USUAL_SHARE)
    point = operating_point(ranked.curve, chosen.threshold)
    st.session_state["strong_call_share"] = point.strong_call_share
    return Readings(
        ranked=ranked,
        money=money,
        intervals=cached.intervals(selection.key),
        calibration=chosen,
        problem=problem,
        point=point,
        cost=float(money.curve[point_index(ranked.curve, chosen.threshold)]),
    )


def draw_curve(selection: Selection, readings: Readings) -> None:
    """The live curve with sentence, tiles, controls and histogram."""
    axes = {
        "x": link.text("x", "share", ["share", "cost"]),
        "y": link.text("y", "quality", ["quality", "pgr"]),
    }
    ranked, money = readings.ranked, readings.money
    cost_weak, cost_strong = (float(c.mean()) for c in (money.costs.weak, money.costs.strong))
    points = payload.dragged_points(ranked.curve, money.curve, readings.intervals)
    lines = [_beside(selection, key) for key in selection.drawn_beside]
    mixing = payload.mixing_line(cached.random_line(*selection.where), cost_weak, cost_strong)
    edges, counts, alpha_range = cached.histogram(selection.key)
    names = {"weak": short_name(selection.pair.weak), "strong": short_name(selection.pair.strong)}
    data = {
        "seq": st.session_state.get("seq", 0),
        "n": len(ranked.strong_win_rate),
        "names": names,
        "router": selection.router["router_name"],
        "points": points,
        "lines": lines,
        "oracle": payload.oracle_line(
            *cached.oracle(*selection.where), money.costs.weak, money.costs.strong
        ),
        "hull": payload.hull_line([points, *lines], axes["x"]),
        "random": mixing,
        "weak": {"quality": float(ranked.curve.quality[0]), "cost": 1000 * cost_weak},
        "strong": {"quality": float(ranked.curve.quality[-1]), "cost": 1000 * cost_strong},
        "histogram": {"edges": payload.numbers(edges), "count": counts.tolist()},
        "alpha_range": alpha_range,
        "axes": axes,
        "quality_format": quality_format(selection.benchmark),
        "choice": {
            "mode": readings.calibration.mode if readings.problem is None else _mode(),
            "alpha": payload.number(readings.point.threshold),
            "wanted": link.number("wanted", _USUAL_SHARE),
            "queries_per_month": _queries_per_month(),
            "status": _status(selection.benchmark, readings),
            "problem": readings.problem,
        },
        "exact": payload.exact_point(readings.point, ranked.curve, money.curve, readings.intervals),
        "pin": _pin(readings),
        "baseline": {"label": f"always {names['strong']}", "cost": 1000 * cost_strong},
        "saving_baselines": [
            {
                "id": "always_strong",
                "label": f"always {names['strong']}",
                "cost": 1000 * cost_strong,
            },
            {"id": "random", "label": "random at equal quality", "cost": None},
        ],
        **_sentences(selection.benchmark),
        "static_tiles": _static_tiles(selection, readings),
        "help": {name: help_of(name) for name in _EXPLAINED},
    }
    live_curve(data, key=_COMPONENT, on_choice=_take_choice, on_pin=_take_pin)


def draw_axes(readings: Readings) -> None:
    """Two switches: share or money across, quality or recovered gap upwards."""
    tokens = readings.money.costs.tokens
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _switch("Across", "x", {"share": "strong calls", "cost": "cost"})
        _switch("Upwards", "y", {"quality": "quality", "pgr": "gap recovered"})
        st.caption(
            f"Money is tokens times the prices in the sidebar. Tokens of a query: {tokens.prompt}. "
            f"Tokens of an answer: {tokens.answer}."
        )


def draw_downloads(selection: Selection, readings: Readings) -> None:
    """The choice as JSON, its RouteLLM name, the exact curve as CSV."""
    document = _document(selection, readings)
    stem = f"{selection.benchmark.benchmark_id}-{selection.router['router_name']}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "Download the choice (JSON)",
            lambda: downloads.json_bytes(document),
            f"choice-{stem}.json",
            "application/json",
            on_click="ignore",
            type="primary",
        )
        st.download_button(
            "The exact curve (CSV)",
            lambda: downloads.csv_bytes(_curve_table(readings)),
            f"curve-{stem}.csv",
            "text/csv",
            on_click="ignore",
        )
    name = document["routellm_model_name"]
    st.caption("Model name for a RouteLLM server with this router:")
    st.code(name or "none: a threshold that is never or always met has no such name", None)


def quality_format(benchmark: Benchmark) -> dict[str, Any]:
    """How the benchmark's quality is written on screen."""
    if benchmark.quality_unit == "share right":
        return {"scale": 100, "digits": 1, "unit": "%", "title": "quality, % right"}
    return {
        "scale": 1,
        "digits": 2,
        "unit": "",
        "title": f"quality, points of {benchmark.quality_high:g}",
    }


def quality_text(benchmark: Benchmark, quality: float) -> str:
    """A quality with its unit; a dash where it is undefined."""
    form = quality_format(benchmark)
    if pd.isna(quality):
        return "–"
    return f"{quality * form['scale']:.{form['digits']}f}{form['unit']}"


def interval_text(interval: Interval, scale: float = 1.0, digits: int = 3) -> str:
    """Both ends, or a dash where the interval is undefined."""
    if pd.isna(interval.low) or pd.isna(interval.high):
        return "95% –"
    return f"95% {interval.low * scale:.{digits}f} – {interval.high * scale:.{digits}f}"


def _mode() -> Mode:
    return cast(Mode, link.text("mode", "share", _MODES))


def _queries_per_month() -> float:
    return link.number("queries_per_month", _USUAL_QUERIES_PER_MONTH) or _USUAL_QUERIES_PER_MONTH


def _calibrated(ranked: Ranked, money: Money) -> Calibration:
    mode = _mode()
    wanted = link.number("wanted", None)
    if wanted is None:
        return calibration.for_share(ranked.curve, _USUAL_SHARE)
    match mode:
        case "alpha":
            return Calibration("alpha", wanted, wanted, wanted)
        case "share":
            return calibration.for_share(ranked.curve, wanted)
        case "budget":
            return calibration.for_budget(ranked.curve, money.curve, wanted, _queries_per_month())
        case "quality":
            return calibration.for_quality(ranked.curve, wanted)
        case "pgr":
            return calibration.for_pgr(ranked.curve, wanted)


def _status(benchmark: Benchmark, readings: Readings) -> str:
    """Wanted and achieved, in the unit of the wish."""
    chosen = readings.calibration
    if readings.problem is not None or chosen.mode == "alpha":
        return ""
    written = {
        "share": lambda x: f"{x:.2%}",
        "budget": lambda x: f"${x:,.2f} a month",
        "quality": lambda x: quality_text(benchmark, x),
        "pgr": lambda x: f"{x:.3f}",
    }[chosen.mode]
    return f"wanted {written(chosen.wanted)} · achieved {written(chosen.achieved)}"


def _pin(readings: Readings) -> dict[str, float | None] | None:
    alpha = link.number("pin", None)
    if alpha is None:
        return None
    curve = readings.ranked.curve
    point = operating_point(curve, alpha)
    return payload.exact_point(point, curve, readings.money.curve, readings.intervals)


def _beside(selection: Selection, key: cached.RouterKey) -> dict[str, Any]:
    other = cached.ranked(key)
    cost = cached.money(key, selection.price_weak, selection.price_strong).curve
    names = selection.routers.set_index(["router_id", "view"])["router_name"]
    return {
        "name": names[key.router_id, key.view],
        "apgr": payload.number(other.apgr),
        **payload.drawn_line(other.curve, cost),
    }


def _sentences(benchmark: Benchmark) -> dict[str, str]:
    reached = "right" if benchmark.quality_unit == "share right" else "points"
    start = (
        "At α = {alpha}, {share} of queries go to {strong}: {quality} "
        f"{reached}, {{of_strong}} of what always {{strong}} gets, for {{saving}} "
    )
    return {"sentence": start + "less money.", "sentence_more": start + "more money."}


def _static_tiles(selection: Selection, readings: Readings) -> list[dict[str, str]]:
    """The figures that α does not move."""
    ranked, intervals = readings.ranked, readings.intervals
    n = f"n {len(ranked.strong_win_rate):,}"
    return [
        {
            "label": "APGR",
            "value": "–" if pd.isna(ranked.apgr) else f"{ranked.apgr:.3f}",
            "unit": "",
            "note": f"{interval_text(intervals.apgr)} · random 0.5 · {n}",
            "help": help_of("apgr"),
        },
        {
            "label": "CPT 50 / 80",
            "value": " / ".join(
                "–" if pd.isna(c) else f"{100 * c:.0f}" for c in (ranked.cpt50, ranked.cpt80)
            ),
            "unit": "% strong",
            "note": f"{interval_text(intervals.cpt50, 100, 0)} / "
            f"{interval_text(intervals.cpt80, 100, 0).removeprefix('95% ')} · {n}",
            "help": help_of("cpt"),
        },
    ]


def _take_choice() -> None:
    """A wish from the browser: a moved α, a typed number, a named mode."""
    choice = st.session_state[_COMPONENT].choice
    st.session_state["seq"] = int(choice["seq"])
    link.remember(
        mode=choice["mode"],
        wanted=choice["wanted"],
        queries_per_month=choice.get("queries_per_month") or _queries_per_month(),
    )


def _take_pin() -> None:
    link.remember(pin=st.session_state[_COMPONENT].pin["alpha"])


def _switch(label: str, name: str, options: dict[str, str]) -> None:
    st.session_state[f"_{name}"] = link.text(name, next(iter(options)), list(options))
    st.segmented_control(
        label,
        list(options),
        key=f"_{name}",
        format_func=options.__getitem__,
        on_change=lambda: link.remember(**{name: st.session_state[f"_{name}"]}),
    )


def _document(selection: Selection, readings: Readings) -> dict[str, Any]:
    money = readings.money
    low, high = payload.quality_interval(
        readings.intervals, pd.Series([readings.point.strong_call_share]).to_numpy()
    )
    cost_strong = float(money.costs.strong.mean())
    row = selection.router
    return choice_document(
        router={name: row[name] for name in ("router_id", "router_name", "recipe", "view")},
        model_pair=selection.pair,
        benchmark_id=selection.benchmark.benchmark_id,
        n_queries=len(readings.ranked.strong_win_rate),
        data_hash=cached.shipped_hash(),
        curve=readings.ranked.curve,
        calibration=readings.calibration,
        achieved=readings.point,
        quality_interval=Interval(float(low[0]), float(high[0])),
        money={
            "usd_per_query": readings.cost,
            "saving": saving(readings.cost, cost_strong),
            "baseline": "always the strong model",
            "baseline_usd_per_query": cost_strong,
            "prices_usd_per_million_tokens": {
                "strong": selection.price_strong._asdict(),
                "weak": selection.price_weak._asdict(),
            },
            "tokens": money.costs.tokens._asdict(),
        },
    )


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
