"""A small table that only shows: real HTML, whatever it holds is text, hairlines between rows."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import streamlit as st

from views.text.glossary import help_of

WAITED_FOR = "…"
"""Stands where a figure will be: the table keeps its size when it comes."""


class Heading(NamedTuple):
    """A column's title, and how its cells stand."""

    title: str
    is_figure: bool = False
    """To the right."""
    is_wide: bool = False
    """Left out where there is no room."""
    is_short: bool = False
    """Of a word or two that stay in one line."""


class Cell(NamedTuple):
    """A text, what qualifies it in small below, and the glossary's term that says what it is."""

    text: str
    note: str = ""
    term: str | None = None


def figure(title: str, *, is_wide: bool = False) -> Heading:
    """The heading of a column of figures."""
    return Heading(title, is_figure=True, is_wide=is_wide)


def draw(
    caption: str,
    headings: Sequence[str | Heading],
    rows: Sequence[Sequence[str | Cell]],
    place: Any = st,
) -> None:
    """A table as plain HTML.

    Args:
        caption: for screen readers.
        headings: one a column; a plain title is that of texts.
        rows: a cell a column, the first of which is the row's heading.
        place: where; a placeholder's former content is replaced.
    """
    columns = [Heading(h) if isinstance(h, str) else h for h in headings]
    kinds = [
        " ".join(n for n in ("figure", "wide", "short") if getattr(c, f"is_{n}")) for c in columns
    ]
    head = "".join(
        f'<th scope="col" class="{kind}">{escape(column.title)}</th>'
        for kind, column in zip(kinds, columns, strict=True)
    )
    body = "".join(_row(kinds, [Cell(c) if isinstance(c, str) else c for c in row]) for row in rows)
    place.html(
        f'<div class="html-table"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(kinds: list[str], cells: list[Cell]) -> str:
    has_notes = any(cell.note for cell in cells[1:])
    (kind, label), *others = zip(kinds, cells, strict=True)
    body = f'<tr><th scope="row" class="{kind}">{_held(label, bool(label.note))}</th>'
    body += "".join(f'<td class="{kind}">{_held(cell, has_notes)}</td>' for kind, cell in others)
    return body + "</tr>"


def _held(cell: Cell, has_notes: bool) -> str:
    text = escape(cell.text)
    if cell.term is not None:
        text = f'<abbr title="{escape(help_of(cell.term))}">{text}</abbr>'
    return text + (f"<small>{escape(cell.note) or '&nbsp;'}</small>" if has_notes else "")
