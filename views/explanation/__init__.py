"""Why the selected router scored the opened query as it did; loaded when it is asked for."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from views.explanation import computed, reading, similar, what_if
from views.explanation.heading import heading
from views.explanation.subject import hindrance, subject_of, two_scores
from views.selection.frame import Selection, boundary
from views.selection.point import Readings
from views.state import inputs
from views.text.escape import plain


def place(selection: Selection, text: str | None) -> DeltaGenerator | None:
    """The switch, and room for the explanation; None where there will be none.

    It is filled after the rest of the page, for a model may have to be loaded.

    Args:
        selection: names the router.
        text: of the opened query, None where it is not on this machine.
    """
    with st.container(key="explanation"):
        if not inputs.switch_of("Explain this score", "why"):
            return None
        reason = hindrance(selection, text)
        if reason is not None:
            st.info(plain(reason))
            return None
        return st.container(key="explained")


def draw(selection: Selection, readings: Readings, query: dict[str, Any]) -> None:
    """The explanation of a query from `Store.routed_query`."""
    with boundary():
        subject = subject_of(selection, readings, query)
        found = subject.explained()
        said, meant = two_scores(subject, found)
        st.markdown(plain(said))
        st.caption(plain(meant))
        in_words, in_figures = st.columns([3, 2], gap="large")
        with in_words:
            heading("What its words did to the win rate")
            reading.draw(found, "The query with its words coloured")
            reading.draw_sum(found)
            reading.draw_table(found)
        with in_figures:
            computed.draw(subject, found)
        similar.draw_evidence(subject, found)
        with boundary():
            similar.draw_similar(subject)
            similar.draw_counterfactual(subject)
        what_if.draw(subject)
