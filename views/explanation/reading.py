"""The words: the coloured query, its scale, the sum they stand in, and all as a table."""

import math
from html import escape

import numpy as np
import streamlit as st

from routellm_core.explain.explanation import Explanation
from routellm_core.wording.numbers import signed
from routellm_core.wording.text import one_line
from views.components import html_table
from views.components.html_table import figure
from views.explanation import faithfulness
from views.explanation.heading import box
from views.explanation.highlighted import coloured, digits_of, largest_of
from views.text.escape import plain

_N_SHOWN = 20


def draw(found: Explanation, label: str) -> None:
    """The query with its words coloured, and the scale of the colours.

    Args:
        found: of the shown text.
        label: of the text, for screen readers.
    """
    largest = largest_of(found.words)
    digits = digits_of(largest)
    _draw_key(largest, digits)
    box(label, coloured(found.query, found.words) or "&nbsp;")
    n_unread = sum(math.isnan(word.attribution) for word in found.words)
    if n_unread:
        st.caption(
            f"Grey: {n_unread:,} of {len(found.words):,} words were not read. A model reads only "
            "so much of a long query, and no marks that mean nothing to it."
        )


def draw_sum(found: Explanation) -> None:
    """Sum of the words' attributions, its parts, and how faithful it is to the router."""
    digits = digits_of(largest_of(found.words))
    if math.isfinite(found.base):
        total = _total(found)
        gap = signed(found.gap, digits) if abs(found.gap) >= 0.5 * 10**-digits else "0"
        parts = [
            ("base", f"{found.base:.{digits}f}"),
            ("words", signed(total, digits)),
            ("rest", signed(found.rest, digits)),
            ("gap", gap),
            ("win rate", f"= {found.strong_win_rate:.{digits}f}"),
        ]
        items = "".join(
            f'<div class="{"total" * (name == "win rate")}"><dt>{escape(name)}</dt>'
            f"<dd>{escape(value)}</dd></div>"
            for name, value in parts
        )
        st.html(f'<dl class="why-sum">{items}</dl>')
        st.caption(
            "Base: the win rate that the method starts from. Rest: what is read besides the words. "
            "Gap: the error of this sum."
        )
    st.caption(plain(found.method))
    st.caption(plain(faithfulness.sentence(found.router_name)))


def draw_table(found: Explanation) -> None:
    """Exact values: the words that moved most, and the others summed."""
    read = [word for word in found.words if math.isfinite(word.attribution)]
    digits = digits_of(largest_of(read))
    ordered = sorted(read, key=lambda word: -abs(word.attribution))
    shown, others = ordered[:_N_SHOWN], ordered[_N_SHOWN:]
    rows = [
        [
            one_line(found.query[word.start : word.end], 60) or "–",
            signed(word.attribution, digits),
            _towards(word.attribution),
        ]
        for word in shown
    ]
    if others:
        rest = sum(word.attribution for word in others)
        rows.append([f"{len(others):,} other words", signed(rest, digits), _towards(rest)])
    if not rows:
        rows.append(["no word was read", "–", "–"])
    with st.expander(f"The {len(shown)} words that moved it most, as a table"):
        columns = ["word", figure("in win rate"), "speaks for"]
        html_table.draw("Words by size of what they did to the win rate", columns, rows)


def _draw_key(largest: float, digits: int) -> None:
    st.html(
        '<p class="why-key"><span class="weak">for weak ●</span>'
        f"<span>{signed(-largest, digits)}</span>"
        '<span class="scale" aria-hidden="true"></span>'
        f"<span>{signed(largest, digits)}</span>"
        '<span class="strong">for strong ■</span>'
        '<span class="quiet">in win rate</span></p>'
    )


def _towards(attribution: float) -> str:
    return "–" if attribution == 0 else "■\u00a0strong" if attribution > 0 else "●\u00a0weak"


def _total(found: Explanation) -> float:
    return float(np.nansum([word.attribution for word in found.words]))
