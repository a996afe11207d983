"""Queries selected in the chart and marked in the table; kept for the session, not in the link.

Hundreds of ids are too much for a link. They hold for one benchmark only.
"""

import streamlit as st

from views.state import link

CHART, TABLE = "query_points", "query_table"
"""Keys of the two; a number follows the chart's, so that clearing draws it without its outline."""
_SELECTED, _MARKED, _COUNT = "queries_selected", "queries_marked", "queries_cleared"


def chart_key() -> str:
    return f"{CHART}_{st.session_state.get(_COUNT, 0)}"


def selected(benchmark_id: str) -> tuple[str, ...] | None:
    """Queries that the chart restricts the table to; None when it does not."""
    return _of(_SELECTED, benchmark_id)


def marked(benchmark_id: str) -> tuple[str, ...]:
    """Queries that the table stresses in the chart."""
    return _of(_MARKED, benchmark_id) or ()


def take_points(benchmark_id: str) -> None:
    """A lasso or box was drawn; without a point in it, it restricts nothing."""
    points = st.session_state[chart_key()]["selection"]["points"]
    ids = tuple(dict.fromkeys(point["customdata"][0] for point in points if "customdata" in point))
    st.session_state[_SELECTED] = (benchmark_id, ids) if ids else None
    link.remember(page=None)


def take_marks(benchmark_id: str) -> None:
    ids = st.session_state[TABLE].mark["ids"]
    st.session_state[_MARKED] = (benchmark_id, tuple(ids))


def clear() -> None:
    """Forget both."""
    forget_selected()
    st.session_state[_MARKED] = None


def forget_selected() -> None:
    """Another filter draws other points."""
    if st.session_state.get(_SELECTED) is not None:
        st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
    st.session_state[_SELECTED] = None


def _of(key: str, benchmark_id: str) -> tuple[str, ...] | None:
    kept = st.session_state.get(key)
    return kept[1] if kept is not None and kept[0] == benchmark_id else None
