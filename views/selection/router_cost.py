"""The router's own cost a query: seconds, and money for the machine that runs it."""

import math
from functools import partial
from typing import NamedTuple

import streamlit as st

from routellm_core.evaluation.overhead.router_cost import router_cost_usd
from routellm_core.evaluation.overhead.router_times import (
    CORE_USD_PER_HOUR,
    PRICED_AS,
    OwnTime,
)
from routellm_core.routers.checkpoints import has_weights
from views.cache import benchmarks, own_data, workspace
from views.cache import evidence as evidence_cache
from views.cache.evidence import seconds_of
from views.selection.frame import Selection
from views.selection.point import queries_per_month
from views.state import inputs, link
from views.text.escape import plain

_MOST_MS, _MOST_USD, _MOST_QUERIES = 60_000.0, 1_000.0, 1e12


class RouterCost(NamedTuple):
    """The cost of a query before it is answered."""

    seconds: float
    seconds_source: str
    usd_per_hour: float
    """Of the machine that the router keeps busy."""
    usd_source: str

    @property
    def usd(self) -> float:
        """USD a query; NaN where nobody knows the time."""
        if math.isnan(self.seconds):
            return math.nan
        return router_cost_usd(self.seconds, self.usd_per_hour)


def read(selection: Selection) -> RouterCost:
    """Cost of the chosen router, on the machine whose price was typed or is usual."""
    seconds, source = own_time(selection.key.router_id)
    typed = link.number("machine_usd", None)
    return RouterCost(
        seconds, source, machine_usd(), PRICED_AS if typed is None else "typed by you"
    )


def machine_usd() -> float:
    """USD an hour of the router's machine: what was typed, else one core."""
    typed = link.number("machine_usd", None)
    return CORE_USD_PER_HOUR if typed is None else min(max(typed, 0.0), _MOST_USD)


def warm_share() -> float | None:
    """Share of warm prompts that was typed, in [0, 1]; None: nobody asks what a cache is worth."""
    typed = link.number("warm_share", None)
    return None if typed is None else min(max(typed, 0.0), 1.0)


def own_time(router_id: str) -> OwnTime:
    """The time typed for a router; else the one timed here; else the one the project measured."""
    typed = typed_time()
    if typed is not None and typed[0] == router_id:
        return typed[1]
    entry = workspace.store().router(router_id)
    return seconds_of(entry.router_name, entry.checkpoint)


def draw_seconds(selection: Selection, router: RouterCost) -> None:
    """The router's time, and a button that measures it here."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        inputs.number(
            "Router's own time, ms a query",
            "router_ms",
            None if math.isnan(router.seconds) else 1_000 * router.seconds,
            partial(_keep_ms, selection.key.router_id),
            most=_MOST_MS,
            step=1.0,
            form="%.1f",
        )
        _draw_timing(selection)
        if router.seconds_source == "typed by you":
            st.button("Take the usual time", on_click=link.remember, kwargs={"router_ms": None})
    st.caption(plain(f"The router's time: {router.seconds_source}."))


def draw_volume() -> None:
    """The queries of a month."""
    n = queries_per_month()
    inputs.number_of(
        "Queries a month", "queries_per_month", n, most=_MOST_QUERIES, step=1_000.0, form="%.0f"
    )


def draw_machine() -> None:
    """The price of the machine."""
    label = "Router's machine, USD an hour"
    usd = machine_usd()
    inputs.number_of(label, "machine_usd", usd, most=_MOST_USD, step=0.01, form="%.4f")


def typed_time() -> tuple[str, OwnTime] | None:
    """The router that a time was typed for, and the time: for another router it does not hold."""
    typed, _, router_id = link.text("router_ms", "").partition("@")
    try:
        milliseconds = float(typed)
    except ValueError:
        return None
    if not 0 <= milliseconds <= _MOST_MS:
        return None
    return router_id, OwnTime(milliseconds / 1000, "typed by you")


def _keep_ms(router_id: str, typed: float | None) -> None:
    link.remember(router_ms=None if typed is None else f"{typed:g}@{router_id}")


def _draw_timing(selection: Selection) -> None:
    version, benchmark_id = selection.where[:2]
    entry = workspace.store().router(selection.key.router_id)
    n_texts, _ = benchmarks.n_texts(version, benchmark_id)
    has = entry.checkpoint is not None and has_weights(
        entry.router_name, workspace.DATA_DIR / entry.checkpoint
    )
    why = None if has else "The weights of this router are not on this machine."
    if has and not n_texts:
        why = "No text of this benchmark is on this machine to time the router with."
    if not st.button(
        "Time it on this machine",
        disabled=why is not None,
        help=why or f"Reads {evidence_cache.N_TIMED} queries one after the other.",
    ):
        return
    texts = own_data.query_texts(version, benchmark_id)
    step = max(len(texts) // evidence_cache.N_TIMED, 1)
    asked = [texts[name] for name in sorted(texts)[::step]][: evidence_cache.N_TIMED]
    with st.spinner("Loading the router and timing it …"):
        evidence_cache.time_router(version, str(entry.checkpoint), asked)
    link.remember(router_ms=None)
    st.rerun(scope="fragment")
