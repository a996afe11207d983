"""What an embedder makes of a query's tokens, read once for all that explain the same query."""

from typing import Any
from weakref import WeakKeyDictionary

from routellm_core.types import Floats

_last: WeakKeyDictionary[Any, tuple[str, Any]] = WeakKeyDictionary()


def token_shares(embedder: Any, query: str) -> tuple[Floats, list[tuple[int, int]]]:
    """`embedder.token_shares(query)`; the members of `stacked` share embedders and so the reading.

    Returns:
        (n_tokens, dimension) rows that sum to what the router sees of the query, and the place of
        each token in the query, empty for what is read besides it.
    """
    known = _last.get(embedder)
    if known is None or known[0] != query:
        known = _last[embedder] = (query, embedder.token_shares(query))
    found: tuple[Floats, list[tuple[int, int]]] = known[1]
    return found
