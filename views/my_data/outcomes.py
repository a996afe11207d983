"""Getting outcomes for bare queries: by endpoints that are asked, or by people on a sheet."""

from typing import Any

import streamlit as st


def draw(version: int, row: Any) -> None:
    """Both ways, for one set."""
    st.info("Outcomes are got on the command line: `python -m routellm_core label --help`.")
