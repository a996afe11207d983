"""Routers that read the mean of the tokens' states: the win rate as a sum over tokens.

A vector x that is a mean of token vectors is a sum of their shares x_t, and a head F over it has

    F(x) - F(b) = sum_t (x_t - b_t) . integral_0^1 grad F(b + s (x - b)) ds

by integrated gradients along the straight line from a baseline b (Sundararajan, Taly and Yan
2017), with b split evenly over the tokens. The head is small, so the integral costs nothing and the
sum is complete; no gradient passes through the encoder.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from routellm_core.types import Floats

_N_POINTS = 64


def mean_gradient(gradient: Callable[[Floats], Floats], x: Floats, baseline: Floats) -> Floats:
    """(dimension,) gradient of a head, averaged along the line from the baseline to x.

    Args:
        gradient: (n, dimension) points to (n, dimension) gradients.
        x: (dimension,)
        baseline: (dimension,)
    """
    points, weights = np.polynomial.legendre.leggauss(_N_POINTS)
    on_line = baseline + (points[:, None] + 1) / 2 * (x - baseline)
    return np.asarray(weights / 2 @ gradient(on_line))


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
