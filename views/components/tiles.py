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
    """Tiles side by side, as many as there is room for; whatever they hold is text."""
    body = "".join(
        f'<div role="listitem"><abbr title="{escape(help_of(tile.term))}">{escape(tile.label)}'
        f"</abbr><strong>{escape(tile.text)}</strong><small>{escape(tile.note)}</small></div>"
        for tile in tiles
    )
    place.html(f'<div class="evidence-tiles" role="list">{body}</div>')
