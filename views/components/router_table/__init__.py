"""Routers with their intervals drawn, as a table that sorts itself in the browser."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component(
        "router_table", Path(__file__).parent, ["range", "parts", "table"], "table"
    )


def router_table(data: dict[str, Any], *, key: str) -> None:
    """Draw the table.

    Args:
        data: `title` and `sentence` above it and `caption` for screen readers; `columns` (id,
            title, form: name | text | written | count | figure | signed | bits | percent | range |
            parts; `figure` of a range, by default apgr; `wide` where a phone leaves it out; `sort`
            by another column; `help`), without any there is no table; `rows` and `pinned` ones that
            stay on top, by column id, with `ID_low` and `ID_high` for an interval or a text
            `ID_second` in its place, and None where undefined; `axis` (low, high, ticks and their
            `labels`, by default tenths; `blind` where the dashed line is, by default one half, None
            without; the random router's range: random_low, random_high, unless a row has its own:
            band_low, band_high; for parts: prior, prior_low, prior_high), None without a picture;
            `sorted_by` a column's id, falling, or None for the rows' own order.
        key: of the component.
    """
    _component()(key=key, data=data, width="stretch", height="content")
