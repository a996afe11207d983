"""What a click sets out to do: what keeps it from being done is said on the next drawing."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from routellm_core.errors import RoutingError
from views.plain import plain

_KEY = "said"


@contextmanager
def attempt(done: str = "") -> Iterator[None]:
    """A callback's work; Streamlit would show an error of it as a defect."""
    try:
        yield
    except RoutingError as error:
        st.session_state[_KEY] = ("error", str(error))
    else:
        if done:
            st.session_state[_KEY] = ("done", done)


def say() -> None:
    """What the last click came to, once."""
    kind, text = st.session_state.pop(_KEY, ("", ""))
    if kind == "error":
        st.toast(plain(text), icon=":material/error:", duration="infinite")
    elif kind == "done":
        st.toast(plain(text), icon=":material/check:", duration="long")
