"""Every pair of routers: a matrix that is walked by keyboard, and a list where it is narrow."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("verdict_matrix", Path(__file__).parent, ["matrix", "list"], "matrix")


def verdict_matrix(data: dict[str, Any], *, key: str) -> None:
    """A matrix of verdicts, and the list that stands in its place on a phone.

    Args:
        data: `title` and `sentence` above it; `caption` for screen readers; `routers`, best first
            (router, recipe, figure); `cells` of the pairs, by the two routers' positions (row,
            column): `is_ahead`, `short` and `under` it in the cell, the verdict in `words`, and
            `details`, a list of sentences.
        key: of the component.
    """
    _component()(key=key, data=data, width="stretch", height="content")
