"""A small table whose last column has bars: real HTML, and figures beside the bars."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import streamlit as st


class Bar(NamedTuple):
    """One row."""

    name: str
    value: str
    """A figure before the bar; empty for none."""
    length: float
    """In the unit of all bars; below 0 it points to the left."""
    text: str
    kind: str = ""
    """`strong`, `weak`, or neither."""


def draw(caption: str, titles: tuple[str, str, str], bars: Sequence[Bar]) -> None:
    """Draw the table.

    Args:
        caption: for screen readers.
        titles: of name, value and bar; the value's column is left out where its title is empty.
        bars: rows in their order; signed where one is below 0.
    """
    longest = max((abs(bar.length) for bar in bars), default=0.0) or 1.0
    signed = any(bar.length < 0 for bar in bars)
    has_values = bool(titles[1])
    heads = [f'<th scope="col">{escape(titles[0])}</th>']
    if has_values:
        heads.append(f'<th scope="col" class="figure">{escape(titles[1])}</th>')
    heads.append(f'<th scope="col" class="figure">{escape(titles[2])}</th>')
    rows = "".join(_row(bar, longest, signed, has_values) for bar in bars)
    st.html(
        f'<div class="html-table bars"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(bar: Bar, longest: float, signed: bool, has_values: bool) -> str:
    width = 100 * abs(bar.length) / longest / (2 if signed else 1)
    left = 0.0 if not signed else 50.0 if bar.length >= 0 else 50.0 - width
    value = f'<td class="figure">{escape(bar.value)}</td>' if has_values else ""
    return (
        f'<tr><th scope="row">{escape(bar.name)}</th>{value}<td><div class="pair">'
        f'<span class="track{" signed" * signed}" aria-hidden="true"><span class="{bar.kind}" '
        f'style="left:{left:.1f}%;width:{width:.1f}%"></span></span>'
        f"<span>{escape(bar.text)}</span></div></td></tr>"
    )
