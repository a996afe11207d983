"""Large figures at the current α, each with what qualifies it in small below."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import streamlit as st

from views.text.glossary import help_of


class Tile(NamedTuple):
    """A figure as it is written."""

    label: str
    text: str
    note: str
    """Interval, n, or against which baseline."""
    term: str
    """In the glossary."""


def draw(tiles: Sequence[Tile], place: Any = st) -> None:
    """Draw them side by side, as many as there is room for; whatever they hold is text."""
    body = "".join(
        f'<div role="listitem"><abbr title="{escape(help_of(tile.term))}">{escape(tile.label)}'
        f"</abbr><strong>{escape(tile.text)}</strong><small>{escape(tile.note)}</small></div>"
        for tile in tiles
    )
    place.html(f'{_STYLE}<div class="evidence-tiles" role="list">{body}</div>')


_STYLE = """<style>
.evidence-tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
  gap: 14px 24px; font-variant-numeric: tabular-nums; }
.evidence-tiles abbr { font-size: 13px; color: color-mix(in srgb, currentColor 72%, transparent);
  text-decoration: underline dotted; text-underline-offset: 3px; cursor: help; }
.evidence-tiles strong { display: block; font-size: 26px; line-height: 1.25; font-weight: 600; }
.evidence-tiles small { display: block; font-size: 12px; line-height: 1.35;
  color: color-mix(in srgb, currentColor 72%, transparent); }
</style>"""
