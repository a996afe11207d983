"""Queries as a small table; those that can be opened here open by their text."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("query_links", Path(__file__).parent, ["table"], "table")


def query_links(data: dict[str, Any], *, key: str, on_open: Callable[[], None]) -> None:
    """Draw the table.

    Args:
        data: `caption`; `columns` (title, is_figure, is_wide), the first that of the queries;
            `rows` (id or None where it cannot be opened, text, under, and cells as texts).
        key: of the component; `st.session_state[key].open` holds the event.
        on_open: called when a row is opened: `{"id"}`.
    """
    _component()(key=key, data=data, width="stretch", height="content", on_open_change=on_open)
