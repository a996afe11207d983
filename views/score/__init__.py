"""The Score page from top to bottom: one query, many queries, what is at work, the machine."""

import streamlit as st

from views import cached
from views.attempt import say
from views.frame import boundary
from views.score import machine, many, one


def draw() -> None:
    """The page below its title."""
    say()
    version = cached.store().version
    st.subheader("One query", anchor=False)
    with boundary():
        one.draw(version)
    st.subheader("Many queries", anchor=False)
    with boundary():
        many.draw(version)
    machine.draw()
