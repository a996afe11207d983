"""Figures side by side: each with what qualifies it in small below, terms explained on hover."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import streamlit as st

from views.text.glossary import help_of

WAITED_FOR = "…"
"""Stands where a figure will be: the table keeps its size when it comes."""


class Cell(NamedTuple):
    """A figure as it is written, and its interval or reading."""

    text: str
    note: str = ""


class Row(NamedTuple):
    """What is measured, and its figures, one a column."""

    label: str
    cells: Sequence[Cell]
    term: str | None = None
    """In the glossary."""
    under: str = ""
    """In small below the label."""


def draw(caption: str, columns: Sequence[str], rows: Sequence[Row], place: Any = st) -> None:
    """Draw the table; whatever it holds is text.

    Args:
        caption: for screen readers.
        columns: headings, that of the labels first.
        rows: one at least.
        place: where; a placeholder's former content is replaced.
    """
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in columns)
    body = "".join(map(_row, rows))
    place.html(
        f'{_STYLE}<div class="figure-table"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Row) -> str:
    label = escape(row.label)
    if row.term is not None:
        label = f'<abbr title="{escape(help_of(row.term))}">{label}</abbr>'
    if row.under:
        label += f"<small>{escape(row.under)}</small>"
    has_notes = any(cell.note for cell in row.cells)
    cells = "".join(
        f"<td><span>{escape(cell.text)}</span>"
        + (f"<small>{escape(cell.note) or '&nbsp;'}</small>" if has_notes else "")
        + "</td>"
        for cell in row.cells
    )
    return f'<tr><th scope="row">{label}</th>{cells}</tr>'


_STYLE = """<style>
.figure-table table { width: 100%; border-collapse: collapse; font-size: 14px;
  font-variant-numeric: tabular-nums; }
.figure-table caption { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.figure-table th, .figure-table td { padding: 6px 0 6px 14px; text-align: right; font-weight: 400;
  vertical-align: baseline;
  border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.figure-table tr > :first-child { text-align: left; padding-left: 0; overflow-wrap: anywhere; }
.figure-table td > span { white-space: nowrap; }
.figure-table thead th { color: color-mix(in srgb, currentColor 72%, transparent); }
.figure-table small { display: block; font-size: 12px; line-height: 1.35;
  color: color-mix(in srgb, currentColor 72%, transparent); }
.figure-table abbr { text-decoration: underline dotted; text-underline-offset: 3px;
  cursor: help; }
</style>"""
