"""Queries as a table whose rows are marked and opened; paged and sorted by whoever fills it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("query_table", Path(__file__).parent, ["table"], "table")


def query_table(
    data: dict[str, Any],
    *,
    key: str,
    on_open: Callable[[], None],
    on_mark: Callable[[], None],
) -> None:
    """Draw the table.

    Args:
        data: `caption`; `names` (weak, strong); `rows` (id, text, under, strong, regret,
            weak_quality and strong_quality as texts, score, margin, usd; None where unknown);
            `digits` of scores; `has_usd`, and the `dearest` of them; `marked`, ids of rows;
            `opened`, the id of one, or None.
        key: of the component; `st.session_state[key].open` and `.mark` hold the events.
        on_open: called when a row is opened: `{"id"}`.
        on_mark: called when marks change: `{"ids"}`, of this and of other pages.
    """
    _component()(
        key=key,
        data=data,
        width="stretch",
        height="content",
        on_open_change=on_open,
        on_mark_change=on_mark,
    )
