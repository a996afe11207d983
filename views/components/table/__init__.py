"""The table of the dashboard: figures, pictures, links and marks, sorted in the browser."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from views.components import kit
from views.text.glossary import help_of

Record = Mapping[str, Any]


@cache
def _component() -> Callable[..., Any]:
    """Register the component, once a process."""
    return kit.component("table", Path(__file__).parent, ["pictures", "cells", "table"], "table")


def column(
    name: str,
    title: str,
    form: str,
    *,
    wide: bool = False,
    term: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A column of a table.

    Args:
        name: under which a row holds its value. `{name}_low` and `{name}_high` stand below it as an
            interval, `{name}_second` as a text.
        title: its heading.
        form: what its cells are.
            Headings of the row: `name`, with the colour of the row's `router`, its `warning`, and
            what is `under` it on a phone; `link`, which opens the row by its `id`, as plain text
            where that is None, with what is `under` it.
            Texts: `text`; `written`, a figure that is a text already; `model`, "strong" or "weak".
            Numbers, None where undefined: `count`, `figure`, `signed`, `percent`, `money`.
            Pictures, which need the table's axis: `range`, an interval around a `figure` (another
            column's name); `parts`, the bars of a decomposition; `ends`, `quality` between `weak`
            and `strong`.
            `mark`: a box that marks the row.
        wide: whether it is left out on a phone.
        term: of the glossary, which says what it is on hover.
        more: `help` in its place; `sort`, the name of what it is sorted by, if that is not its own;
            of numbers `digits`, `scale`, `unit` and the least number of significant `figures`; of
            money the `dearest`, which gives the digits.
    """
    if term is not None:
        more["help"] = help_of(term)
    return {"id": name, "title": title, "form": form, "wide": wide, **more}


def data_table(
    caption: str,
    columns: Sequence[Record],
    rows: Sequence[Record],
    *,
    key: str,
    title: str = "",
    beside: str = "",
    sentence: str = "",
    pinned: Sequence[Record] = (),
    axis: Record | None = None,
    is_sortable: bool = True,
    sorted_by: str | None = None,
    n_first: int | None = None,
    marked: Sequence[str] = (),
    opened: str | None = None,
    on_open: Callable[[], None] | None = None,
    on_mark: Callable[[], None] | None = None,
) -> None:
    """A table in the browser; whatever it holds is text.

    Args:
        caption: for screen readers.
        columns: each from `column`; none: only title and sentence are drawn.
        rows: in their own order.
        key: of the component; `st.session_state[key].open` and `.mark` hold the events.
        title: above it.
        beside: small beside the title.
        sentence: below the title.
        pinned: rows that stay on top.
        axis: of the pictures: `low`, `high`; `ticks` and their `labels`, by default tenths; `blind`
            where the dashed line is, by default one half, None without; `random_low`,
            `random_high`, the random router's range, unless a row has its own `band_low`,
            `band_high`; of parts `prior`, `prior_low`, `prior_high`.
        is_sortable: whether the headings sort.
        sorted_by: a column's name, falling; None: the rows' own order.
        n_first: rows before a button that shows all.
        marked: ids of marked rows, of this and of other pages.
        opened: id of the row that is open.
        on_open: called when a row is opened: `{"id"}`.
        on_mark: called when marks change: `{"ids"}`, all that are marked.
    """
    data = {
        "caption": caption,
        "columns": columns,
        "rows": rows,
        "title": title,
        "beside": beside,
        "sentence": sentence,
        "pinned": pinned,
        "axis": axis,
        "is_sortable": is_sortable,
        "sorted_by": sorted_by,
        "n_first": n_first,
        "marked": marked,
        "opened": opened,
    }
    events = {"on_open_change": on_open, "on_mark_change": on_mark}
    known = {name: call for name, call in events.items() if call is not None}
    _component()(key=key, data=data, width="stretch", height="content", **known)
