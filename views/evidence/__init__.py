"""The Evidence page: data quality, calibration, latency and cost behind a router's figures.

Each part draws at once what is read at once, and returns what is left to do. That is done when all
parts stand, so that no picture waits for a thousand resamples.
"""

from collections.abc import Callable
from typing import TypeAlias

import streamlit as st

from views.components import sentence as page_sentence
from views.evidence import cost, data_quality, latency, score_calibration, sentence
from views.selection import router_cost
from views.selection.frame import Selection, boundary
from views.selection.point import read
from views.text.escape import plain

Finish: TypeAlias = Callable[[], None]


@st.fragment
def draw(selection: Selection) -> None:
    """The page below its sidebar: a fragment, so that a tick does not draw the sidebar anew."""
    with boundary():
        readings = read(selection)
        router = router_cost.read(selection)
        page_sentence.draw(sentence.parts(selection, readings, router))
        if readings.problem is not None:
            st.warning(plain(readings.problem), icon=":material/info:")
        left: list[Finish] = []
        for part in (data_quality, score_calibration, latency, cost):
            with boundary():
                left.append(part.draw(selection, readings, router))
        for finish in left:
            with boundary():
                finish()
