"""A page read aloud: one sentence at its top, with its figures in the accent colour."""

from collections.abc import Sequence

import streamlit as st

from views.text.escape import plain


def draw(parts: Sequence[str]) -> None:
    """A sentence of texts and figures; every second part is a figure."""
    said = [f":primary[**{plain(s)}**]" if i % 2 else plain(s) for i, s in enumerate(parts)]
    with st.container(key="page_sentence"):
        st.markdown("".join(said))
