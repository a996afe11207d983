"""A small table that only shows: real HTML, whatever it holds is text, hairlines between rows."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import streamlit as st


class Column(NamedTuple):
    """A heading; figures stand to the right."""

    title: str
    is_figure: bool = False
    is_wide: bool = False
    """Left out where there is no room."""
    is_short: bool = False
    """Of a word or two that stay in one line."""


def draw(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Draw the table; the first cell of a row is its heading, the caption is for screen readers."""
    kinds = [
        " ".join(n for n in ("figure", "wide", "short") if getattr(c, f"is_{n}")) for c in columns
    ]
    head = "".join(
        f'<th scope="col" class="{kind}">{escape(column.title)}</th>'
        for kind, column in zip(kinds, columns, strict=True)
    )
    body = ""
    for row in rows:
        first, *others = zip(kinds, row, strict=True)
        body += f'<tr><th scope="row" class="{first[0]}">{escape(first[1])}</th>'
        body += "".join(f'<td class="{kind}">{escape(text)}</td>' for kind, text in others)
        body += "</tr>"
    st.html(
        f'{_STYLE}<div class="plain-table"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


_STYLE = """<style>
.plain-table { container-type: inline-size; }
.plain-table table { width: 100%; border-collapse: collapse; font-size: 14px;
  font-variant-numeric: tabular-nums; }
.plain-table caption { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.plain-table th, .plain-table td { padding: 5px 14px 5px 0; text-align: left; font-weight: 400;
  vertical-align: baseline; overflow-wrap: anywhere;
  border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.plain-table thead th { color: color-mix(in srgb, currentColor 72%, transparent); }
.plain-table .figure, .plain-table .short { white-space: nowrap; }
.plain-table .figure { text-align: right; }
.plain-table tr > :last-child { padding-right: 0; }
@container (max-width: 600px) { .plain-table .wide { display: none; } }
</style>"""
