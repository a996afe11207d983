"""Routers with their intervals drawn, as a table that sorts itself in the browser."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views import kit


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("router_table", Path(__file__).parent, ["range", "table"], "table")


def router_table(data: dict[str, Any], *, key: str) -> None:
    """Draw the table.

    Args:
        data: `title` and `sentence` above it and `caption` for screen readers; `columns` (id,
            title, form: name | text | count | figure | percent | range; `wide` where a phone
            leaves it out; `help`); `rows` and `pinned` ones that stay on top, by column id, with
            `ID_low` and `ID_high` for an interval and None where undefined; `axis` (low, high,
            ticks, and the random router's range: random_low, random_high); `sorted_by` a column's
            id, falling, or None for the rows' own order.
        key: of the component.
    """
    _component()(key=key, data=data, width="stretch", height="content")
