"""The slices of a benchmark as a table that sorts itself in the browser."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("slice_table", Path(__file__).parent, ["table"], "table")


def slice_table(data: dict[str, Any], *, key: str) -> None:
    """Draw the table.

    Args:
        data: `rows` (name, n, weak, strong, quality, gap, pgr, share, broken; None where
            undefined), `names` (weak, strong), `low` and `high` of the pictures' axis,
            `quality_format`.
        key: of the component.
    """
    _component()(key=key, data=data, width="stretch", height="content")
