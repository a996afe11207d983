"""A browser session: its name, which outlives a reload and a second tab, and its end.

Streamlit's own session ends with a tab or a reload. Its cookie against forged requests lasts as
long as the browser is open, so that names the browser session; without it the tab is the session.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from threading import Lock, Timer
from uuid import uuid4

import streamlit as st

GRACE_SECONDS = 300.0
"""After the last tab is gone somebody may come back for so long: a reload, a lost connection."""
_COOKIE = "_streamlit_xsrf"

_tabs: Counter[str] = Counter()
_waits: dict[str, Timer] = {}
_lock = Lock()


def owner(forget: Callable[[str], None]) -> str:
    """Names the browser session.

    Args:
        forget: called with that name some minutes after the last tab was closed.
    """
    return _tab(forget)[0]


def _closed(tab: tuple[str, Callable[[str], None]]) -> None:
    name, forget = tab
    timer = Timer(GRACE_SECONDS, _end, (name, forget))
    timer.daemon = True
    with _lock:
        _tabs[name] -= 1
        if name in _waits:  # an earlier tab's: the time runs from the last one
            _waits[name].cancel()
        _waits[name] = timer
    timer.start()


def _end(name: str, forget: Callable[[str], None]) -> None:
    with _lock:
        if _tabs[name] > 0:
            return
        del _tabs[name]
        _waits.pop(name, None)
    forget(name)


@st.cache_resource(scope="session", on_release=_closed, show_spinner=False)
def _tab(_forget: Callable[[str], None]) -> tuple[str, Callable[[str], None]]:
    """This tab: counted once, until Streamlit lets go of it."""
    name = _browser(st.context.cookies.get(_COOKIE, "")) or uuid4().hex
    with _lock:
        _tabs[name] += 1
    return name, _forget


def _browser(cookie: str) -> str | None:
    """A digest of the token in the cookie, which is masked anew with every response.

    >>> _browser("2|00000001|0a0b0c0d|1795547127") == _browser("2|01010101|0b0a0d0d|1795547127")
    True
    >>> _browser("anything else") is None
    True
    """
    try:
        version, mask, masked, _ = cookie.split("|")
        key, hidden = bytes.fromhex(mask), bytes.fromhex(masked)
    except ValueError:
        return None
    if version != "2" or not key or not hidden:
        return None
    token = bytes(byte ^ key[i % len(key)] for i, byte in enumerate(hidden))
    return sha256(token).hexdigest()[:32]
