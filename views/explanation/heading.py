"""Small headings inside the explanation, and the queries' texts as boxes."""

from html import escape

import streamlit as st


def heading(text: str) -> None:
    """A heading of a part."""
    st.html(f'<h4 class="why">{escape(text)}</h4>')


def box(label: str, html: str) -> None:
    """A text that scrolls where it is long; `html` is made by `coloured`."""
    st.html(
        f'<div class="why-text" dir="auto" role="region" tabindex="0" '
        f'aria-label="{escape(label)}">{html}</div>'
    )
