"""What the Compare page draws: all benchmarks side by side, or the routers of one held closely."""

import streamlit as st

from views import cached, inputs
from views.compare import closely, side_by_side
from views.frame import boundary

_PARTS = {"side": "All benchmarks side by side", "closely": "One benchmark closely"}


def draw() -> None:
    """The page below its title."""
    version = cached.store().version
    part = inputs.one_of(
        st.segmented_control, "Look at", "look", list(_PARTS), "side", _PARTS.__getitem__
    )
    with boundary():
        {"side": side_by_side.draw, "closely": closely.draw}[part](version)
