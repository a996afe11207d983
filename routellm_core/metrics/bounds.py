"""Bounds of the routed quality from the outcomes of one model alone.

>>> import numpy as np
>>> from routellm_core.metrics.curve import rank_queries
>>> ranking = rank_queries(np.array([0.9, 0.1]))
>>> known = np.array([0.0, 1.0])
>>> bounds = one_model_bounds(ranking, known, is_strong=False, quality_low=0.0, quality_high=1.0)
>>> bounds.low.tolist(), bounds.high.tolist()
([0.5, 0.5, 0.0], [0.5, 1.0, 1.0])
"""

from typing import NamedTuple

import numpy as np

from routellm_core.metrics.curve import routed_mean
from routellm_core.types import Floats, Ranking


class Bounds(NamedTuple):
    """Least and largest possible quality at every threshold, (n_points,) each."""

    low: Floats
    high: Floats


def one_model_bounds(
    ranking: Ranking,
    quality: Floats,
    *,
    is_strong: bool,
    quality_low: float,
    quality_high: float,
) -> Bounds:
    """Quality of routing where the other model answers each query as badly, or as well, as can be.

    No assumption is made about the other model, so that the truth lies within for any model
    (worst-case bounds, Manski 1990, American Economic Review 80(2)).

    Args:
        ranking: of the queries.
        quality: (n_queries,) of the model that is known.
        is_strong: whether that is the strong model.
        quality_low: the worst quality an answer can have.
        quality_high: the best.
    """

    def with_other(other: float) -> Floats:
        unknown = np.full(len(quality), other)
        weak, strong = (unknown, quality) if is_strong else (quality, unknown)
        return routed_mean(ranking, weak, strong)

    return Bounds(with_other(quality_low), with_other(quality_high))
