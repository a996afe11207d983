"""Caches that hold texts, so that none is forgotten when a text is deleted."""

from typing import Any, TypeVar

_Cached = TypeVar("_Cached", bound=Any)
_registered: list[Any] = []


def holds_texts(cached: _Cached) -> _Cached:
    """A cached function that `forget_texts` empties: put above Streamlit's decorator."""
    _registered.append(cached)
    return cached


def forget_texts() -> None:
    """Empty every cache that holds texts: a set was deleted, and no trace of it stays."""
    for cached in _registered:
        cached.clear()
