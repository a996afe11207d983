"""Inputs that this browser session alone remembers: what is typed there must stand in no link."""

from collections.abc import Callable
from typing import Any

import streamlit as st

_KEY = "typed"


def remembered(draw: Callable[..., Any], label: str, name: str, usual: Any, **given: Any) -> Any:
    """An input that keeps its value when another page was looked at.

    Args:
        draw: of Streamlit.
        label: above it; read as Markdown.
        name: of what is remembered.
        usual: its value at first.
        given: to `draw` as they are.
    """
    kept = st.session_state.setdefault(_KEY, {})
    key = f"_typed_{name}"
    if key not in st.session_state:
        st.session_state[key] = kept.get(name, usual)
    kept[name] = draw(label, key=key, **given)
    return kept[name]
