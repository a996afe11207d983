"""The state that a link carries: plain texts in the query string, one copy a browser session.

Streamlit clears the query string when the page changes and forgets widgets that a page does not
draw, so the copy in the session is the truth and every page writes it back to the address bar.
"""

import math

import streamlit as st

_KEY, _PAGE, _WRITTEN = "link", "link_page", "link_written"
_OF_BENCHMARK = ("query", "slice", "page")
OF_COMPARED = ("closely_pair", "closely_view", "kinds", "wish_quality", "wish_usd")
"""Names in the link of what Compare remembers about its one benchmark."""


def state() -> dict[str, str]:
    """The session's copy; filled from the address bar at the session's first run."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = dict(st.query_params)
    return st.session_state[_KEY]


def follow(page: str) -> None:
    """Take over what the address bar says when the browser went back or forward on this page.

    Another page starts with an empty address bar and keeps the session's copy; so does this one
    when the other's run was overtaken by the way back.
    """
    here = dict(st.query_params)
    is_here_again = st.session_state.get(_PAGE) == page
    if here and is_here_again and here != st.session_state.get(_WRITTEN):
        st.session_state[_KEY] = here
    st.session_state[_PAGE] = page


def text(name: str, default: str, allowed: list[str] | None = None) -> str:
    """A remembered text, or the default when it is unset or not among `allowed`."""
    value = state().get(name, default)
    return value if allowed is None or value in allowed else default


def texts(name: str, default: list[str], allowed: list[str]) -> list[str]:
    """Remembered texts, those that are allowed; an empty choice stays empty."""
    if name not in state():
        return default
    return [value for value in state()[name].split(",") if value in allowed]


def number(name: str, default: float | None) -> float | None:
    """A remembered finite number, or the default when it is unset or no such number."""
    try:
        value = float(state()[name])
    except (KeyError, ValueError):
        return default
    return value if math.isfinite(value) else default


def remember(**values: str | float | list[str] | None) -> None:
    """Keep values in the session and in the address bar; None forgets one."""
    for name, value in values.items():
        if value is None:
            state().pop(name, None)
        else:
            state()[name] = ",".join(value) if isinstance(value, list) else str(value)
    write()


def leave_benchmark() -> None:
    """Forget what means something on the benchmark that was looked at, and on another nothing."""
    remember(**dict.fromkeys(_OF_BENCHMARK))
    if not text("closely", ""):  # else Compare goes by a benchmark of its own
        remember(**dict.fromkeys(OF_COMPARED))


def write() -> None:
    """Bring the address bar up to date, if it is not."""
    if dict(st.query_params) != state():
        st.query_params.from_dict(state())
    st.session_state[_WRITTEN] = dict(state())
