"""Attempts of a click: an error is shown on the next drawing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from routellm_core.errors import RoutingError
from views.text.escape import plain

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


def button(
    label: str, do: Callable[..., None], *args: Any, disabled: bool = False, **options: Any
) -> None:
    """A button whose click does something with what the page holds at that moment.

    A callback is given what the page held when it was last drawn: from a user who types a name or
    a limit and clicks at once, the one before. It is for buttons that no input stands beside.

    Args:
        label: on the button.
        do: what a click does; the page is drawn again after it.
        args: of `do`.
        disabled: whether there is nothing to do.
        options: of `st.button`.
    """
    if st.button(label, disabled=disabled, **options) and not disabled:
        do(*args)
        st.rerun()


def say() -> None:
    """Show the result of the last click, once."""
    kind, text = st.session_state.pop(_KEY, ("", ""))
    if kind == "error":
        st.toast(plain(text), icon=":material/error:", duration="infinite")
    elif kind == "done":
        st.toast(plain(text), icon=":material/check:", duration="long")
