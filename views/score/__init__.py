"""The Score page from top to bottom: one query, many queries, what is at work, the machine."""

import streamlit as st

from views.cache import workspace
from views.score import machine, many, one
from views.selection.frame import boundary
from views.state.attempt import say


def draw() -> None:
    """The page below its title."""
    say()
    st.subheader("One query", anchor=False)
    with st.container(), boundary():  # which keeps what stands below in its place
        one.draw(workspace.version())
    st.subheader("Many queries", anchor=False)
    with boundary():
        many.draw()
    machine.draw()
