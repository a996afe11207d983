"""Requirements of a router, as inputs that the link carries."""

import math
from functools import partial
from typing import Any
from urllib.parse import quote

import numpy as np
import streamlit as st

from routellm_core.evaluation.recommendation.limits import Limits, Requirements
from routellm_core.metrics.costs import pair_costs
from routellm_core.metrics.thresholds import Target
from routellm_core.types import Benchmark, ModelPair, PairOutcomes
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.selection import router_cost
from views.selection.prices import price_of
from views.state import inputs, link
from views.text.format import quality_format
from views.text.glossary import help_of

_TARGETS = {
    "share": "Few strong calls",
    "budget": "A budget",
    "pgr": "A recovered gap",
    "quality": "A quality",
}
_USUAL_SHARE, _USUAL_PGR = 0.5, 0.8
_MOST_MS, _MOST_SECONDS, _MOST_USD = 60_000.0, 3_600.0, 1e6


def draw(version: int, card: Benchmark, pair: ModelPair, slices: tuple[str, ...]) -> Requirements:
    """The inputs below benchmark, models and slices; the requirements that all of them state."""
    outcomes = benchmarks.outcomes(version, card.benchmark_id, pair)
    mode = inputs.one_of(
        inputs.segments, "What you want", "wish", list(_TARGETS), "share", _TARGETS.__getitem__
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = _target(mode, version, card, outcomes)
        limits = _limits(version, card.benchmark_id, pair)
        router_cost.draw_machine()
    return Requirements(target, slices, limits, router_cost.machine_usd())


def kinds(version: int, benchmark_id: str, pair: ModelPair) -> tuple[str, ...]:
    """The slices that are asked for; none: all."""
    outcomes = benchmarks.outcomes(version, benchmark_id, pair)
    names = [outcomes.slices[i] for i in np.unique(outcomes.slice_code)]
    if len(names) < 2:
        return ()
    in_link = {quote(name, safe=""): name for name in names}  # a slice may hold a comma
    chosen = [in_link[name] for name in link.texts("kinds", [], list(in_link))]
    inputs.several_of(
        "Kinds of queries you send",
        "kinds",
        names,
        chosen,
        lambda name: name.replace("_", " "),
        draw=partial(st.multiselect, placeholder=f"all {len(names)} kinds of this benchmark"),
        in_link=partial(quote, safe=""),
        is_none_usual=True,
    )
    return tuple(chosen)


def _target(mode: str, version: int, card: Benchmark, outcomes: PairOutcomes) -> Target:
    """The target with its number; an emptied one is the usual one again."""
    match mode:
        case "budget":
            usual = _usual_usd(version, outcomes)
            usd = inputs.number_of(
                "At most, USD per 1,000 queries",
                "wish_usd",
                link.number("wish_usd", usual),
                most=_MOST_USD,
                step=0.1,
                form="%.4g",
                help="For the answers and the router's own machine.",
            )
            return Target("budget", usd or 0.0, 1_000.0)
        case "pgr":
            return Target("pgr", _percent("Gap to recover, %", "wish_pgr", _USUAL_PGR, "pgr"))
        case "quality":
            return Target("quality", _quality(card, outcomes))
        case _:
            name = "Strong calls, at most %"
            return Target("share", _percent(name, "wish_share", _USUAL_SHARE, "share"))


def _usual_usd(version: int, outcomes: PairOutcomes) -> float:
    """Half way between both models, with two digits; a dollar where a price is unknown."""
    weak, strong = (
        price_of(side, model, version, outcomes.benchmark_id)
        for side, model in outcomes.model_pair._asdict().items()
    )
    costs = pair_costs(outcomes, weak, strong)
    usual = 500 * float(costs.weak.mean() + costs.strong.mean())
    return float(f"{usual:.1e}") if math.isfinite(usual) else 1.0


def _percent(label: str, name: str, usual: float, term: str) -> float:
    found = inputs.number_of(
        label,
        name,
        link.number(name, usual),
        most=100.0,
        step=5.0,
        form="%.4g",
        scale=100.0,
        help=help_of(term),
    )
    return found or 0.0


def _quality(card: Benchmark, outcomes: PairOutcomes) -> float:
    form: dict[str, Any] = quality_format(card)
    weak, strong = float(outcomes.quality_weak.mean()), float(outcomes.quality_strong.mean())
    is_share = form["scale"] == 100
    found = inputs.number_of(
        f"Quality, at least {'% right' if is_share else form['title'].split(', ')[1]}",
        "wish_quality",
        link.number("wish_quality", round(weak + _USUAL_PGR * (strong - weak), 3)),
        most=card.quality_high * form["scale"],
        step=1.0 if is_share else 0.1,
        form="%.4g",
        scale=form["scale"],
        help=help_of("quality"),
    )
    return found or 0.0


def _limits(version: int, benchmark_id: str, pair: ModelPair) -> Limits:
    """An empty input is no limit; those on answers stand only where answers were timed."""
    own = _limit("Router's own time, at most ms", "max_ms", _MOST_MS, 10.0, "own_time")
    latencies = evidence_cache.latencies(version, benchmark_id, pair)
    if not (np.isfinite(latencies.weak) & np.isfinite(latencies.strong)).any():
        return Limits(own / 1_000)
    mean = _limit("Answer on average, at most s", "max_mean_s", _MOST_SECONDS, 0.5, "mean_seconds")
    p95 = _limit("95% of answers, at most s", "max_p95_s", _MOST_SECONDS, 0.5, "p95")
    return Limits(own / 1_000, mean, p95)


def _limit(label: str, name: str, most: float, step: float, term: str) -> float:
    found = inputs.number_of(
        label, name, link.number(name, None), most=most, step=step, form="%.4g", help=help_of(term)
    )
    return math.inf if found is None else found
