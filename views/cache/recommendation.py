"""Every cached step of the recommendation on Compare; rules as in `views.cache`."""

from typing import Any

import streamlit as st

from routellm_core.evaluation.overhead.router_times import OwnTime
from routellm_core.evaluation.recommendation.candidates import Candidates, read_candidates
from routellm_core.evaluation.recommendation.limits import Requirements
from routellm_core.evaluation.recommendation.report import document
from routellm_core.metrics.costs import Price
from routellm_core.types import ModelPair
from views.cache import evidence as evidence_cache
from views.cache import workspace
from views.cache.evidence import RouterTime


@st.cache_resource(max_entries=8, show_spinner="Reading the scores …")
def candidates(
    version: int,
    benchmark_id: str,
    pair: ModelPair,
    prices: tuple[Price, Price],
    times: tuple[tuple[str, RouterTime], ...],
) -> Candidates:
    """Routers of the main view, with their times as this machine or the project measured them.

    Args:
        version: of the store.
        benchmark_id: of the store.
        pair: of models that routers have scored.
        prices: of the weak and the strong model.
        times: of routers that were timed here, from `times`.
    """
    return read_candidates(
        workspace.store(),
        benchmark_id,
        model_pair=pair,
        prices=prices,
        time_of=evidence_cache.seconds_of,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def recommendation(
    version: int,
    benchmark_id: str,
    pair: ModelPair,
    prices: tuple[Price, Price],
    times: tuple[tuple[str, RouterTime], ...],
    typed: tuple[str, OwnTime] | None,
    required: Requirements,
) -> dict[str, Any]:
    """The object of `recommend --json`.

    Args:
        version: of the store.
        benchmark_id: of the store.
        pair: of models that routers have scored.
        prices: of the weak and the strong model.
        times: of routers that were timed here, from `times`.
        typed: a router's id and the time that somebody typed for it.
        required: target, queries and limits.
    """
    known = candidates(version, benchmark_id, pair, prices, times)
    if typed is not None:
        router_id, own = typed
        known = known._replace(
            routers=[
                c._replace(seconds=own.seconds, seconds_source=own.source)
                if c.router_id == router_id
                else c
                for c in known.routers
            ]
        )
    return document(known, required)


def times() -> tuple[tuple[str, RouterTime], ...]:
    """Times of the routers that were timed since this process began, by checkpoint folder."""
    return tuple(sorted(evidence_cache.router_times().items()))
