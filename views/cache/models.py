"""Routers that stay loaded and what they say of a query."""

from threading import RLock
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from routellm_core.embedders.sentence import Embedder, sentence_embedder
from routellm_core.routers import load_router
from routellm_core.routers.sharing import Reading, WarmModels, shared
from routellm_core.types import Floats, ModelPair

if TYPE_CHECKING:
    from routellm_core.explain.explanation import Explanation
    from routellm_core.routers.base import Router
    from routellm_core.routers.remembered_queries import LabelledQueries
from views.cache.benchmarks import RouterKey
from views.cache.text_caches import holds_texts
from views.cache.workspace import DATA_DIR, store

_READING = RLock()
"""Routers read for one session at a time: their tokenizers are not made for threads."""
_WARM = 8
"""Models that stay loaded: those used last."""
_READS = "Reading the query. The first time the router's model is loaded, which takes seconds …"


@st.cache_resource(max_entries=4, show_spinner=False)
def checkpoint(version: int, folder: str) -> "Router":
    """A router that reads new queries; its model is loaded with the first of them.

    Args:
        version: of the store.
        folder: as in `RouterEntry.checkpoint`.
    """
    router = load_router(DATA_DIR / folder)
    if hasattr(router, "embedder"):
        router.embedder = shared(router.embedder, _models())
    return router


@st.cache_resource(show_spinner=False)
def _models() -> WarmModels:
    """The models that routers read queries with: each is loaded once, for all of them."""
    return WarmModels(_WARM)


@holds_texts
@st.cache_data(max_entries=128, show_spinner=_READS)
def explanation(version: int, folder: str, query: str) -> "Explanation":
    """Why a checkpoint gives a query its win rate."""
    from routellm_core.explain import explain

    with _READING:
        return explain(checkpoint(version, folder), query)


@st.cache_data(max_entries=128, show_spinner=_READS)
def win_rate(version: int, folder: str, query: str) -> float:
    """A checkpoint's strong win rate of a query; each model reads it once for all checkpoints."""
    router, reading = checkpoint(version, folder), _reading(query)
    with _READING:
        return float(reading.win_rates(router)[0])


@holds_texts
@st.cache_resource(max_entries=4, show_spinner=False)
def _reading(query: str) -> Reading:
    return Reading([query])


def win_rates(version: int, folder: str, queries: list[str]) -> Floats:
    """A checkpoint's strong win rates of any texts; not kept."""
    router = checkpoint(version, folder)
    with _READING:
        return router.strong_win_rate(queries)


@st.cache_resource(max_entries=1, show_spinner=False)
def labelled_queries(version: int) -> "LabelledQueries | None":
    """The queries that routers learned from, embedded; None where no checkpoint names them."""
    from routellm_core.routers.remembered_queries import remembered

    return remembered(store(), DATA_DIR)


@holds_texts
@st.cache_data(max_entries=128, show_spinner="Looking for queries like it …")
def similar_queries(version: int, pair: ModelPair, query: str) -> pd.DataFrame | None:
    """Labelled queries most like a query; None where there is nowhere to look."""
    from routellm_core.explain.neighbours import similar

    known = labelled_queries(version)
    if known is None:
        return None
    with _READING:
        return similar(store(), known, query, pair, embedder=_embedder_of(known))


@holds_texts
@st.cache_data(max_entries=128, show_spinner=False)
def nearest_counterfactual(
    key: RouterKey, query: str, threshold: float, calls_strong: bool
) -> pd.DataFrame | None:
    """The labelled query of the benchmark that is most like a query and goes the other way."""
    from routellm_core.explain import neighbours

    known = labelled_queries(key.version)
    if known is None:
        return None
    scores = store().scores_by_text(key.benchmark_id, key.pair, key.router_id, key.view)
    with _READING:
        return neighbours.nearest_counterfactual(
            store(),
            known,
            query,
            scores,
            threshold,
            calls_strong,
            key.pair,
            embedder=_embedder_of(known),
        )


def _embedder_of(known: "LabelledQueries") -> Embedder:
    """The embedder that the labelled queries were embedded with."""
    found: Embedder = shared(sentence_embedder(known.embedder), _models())
    return found
