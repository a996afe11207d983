"""The filters of the Queries page: chips with counts, slice, search, the router beside."""

import streamlit as st

from routellm_core.store.queries import FILTERS
from views.cache import benchmarks
from views.queries import brush, request
from views.queries.request import SORTS, ListingRequest
from views.selection.frame import Selection
from views.state import inputs, link
from views.text.escape import plain

_LABELS = {
    "lost": "lost quality",
    "wasted": "wasted money",
    "near": "near the threshold",
    "disagree": "routers disagree",
    "flips": "flips between A and B",
    "contaminated": "contaminated",
}
_HELP = (
    "Lost quality: the weak model was called, the strong one was better. Wasted money: the strong "
    "one was called, the weak one was as good or better. Near: the 5% of the queries whose rank is "
    "nearest to α. Disagree: the router beside decides otherwise at the same share of strong "
    "calls. Flips: between α and the pinned A. Contaminated: queries that stand in RouteLLM's "
    "training data, which are left out of every figure."
)


def draw(selection: Selection, now: ListingRequest, counts: dict[str, int]) -> None:
    """Chips above, inputs below; every change starts at the first page."""
    offered = [name for name in FILTERS if request.is_offered(name, now.at)]
    labels = {name: f"{_LABELS[name]} · {counts[name]:,}" for name in offered}
    inputs.several_of(
        "Show only",
        "only",
        offered,
        list(now.listing.only),
        labels.__getitem__,
        before_change=first_page,
        help=_HELP,
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="query_filters"):
        _search(selection)
        _slice(selection)
        _other(selection)
        names = [name for name in SORTS if now.has_usd or name != "dearest"]
        inputs.one_of(
            st.selectbox, "Sorted by", "sort", names, "margin", SORTS.__getitem__, _same_points
        )


def first_page() -> None:
    """Other queries are listed: neither the page nor what was selected among them holds."""
    link.remember(page=None)
    brush.forget_selected()


def clear() -> None:
    """All filters off."""
    first_page()
    link.remember(only=None, slice=None, search=None)


def _same_points() -> None:
    link.remember(page=None)


def _search(selection: Selection) -> None:
    known, _ = benchmarks.n_texts(selection.key.version, selection.benchmark.benchmark_id)
    st.session_state["_search"] = link.text("search", "")
    st.text_input(
        "Text contains",
        key="_search",
        max_chars=200,
        disabled=known == 0,
        on_change=_keep_search,
        help="No text of this benchmark is on this machine." if known == 0 else None,
    )


def _keep_search() -> None:
    first_page()
    link.remember(search=st.session_state["_search"].strip() or None)


def _slice(selection: Selection) -> None:
    names = request.slices(selection)
    if len(names) < 2:
        return
    inputs.one_of(
        st.selectbox,
        "Slice",
        "slice",
        ["", *names],
        "",
        lambda name: name.replace("_", " ") or "all slices",
        first_page,
    )


def _other(selection: Selection) -> None:
    names = {request.name_of(key): request.label(selection, key) for key in selection.drawn_beside}
    if not names:
        st.caption(
            plain("Draw a router beside this one, in the sidebar, to see where they disagree.")
        )
        return
    inputs.one_of(
        st.selectbox,
        "Compared with",
        "other",
        list(names),
        next(iter(names)),
        names.__getitem__,
        first_page,
    )
