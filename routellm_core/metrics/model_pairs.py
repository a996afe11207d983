"""Models of a benchmark beside each other: which are dominated, and which pair is most useful.

A model is dominated by one that is at least as good at no more dollars, and better or cheaper, on
the queries that both answered; where dollars of one are not known neither dominates. A pair is of
two models that nobody dominates, of which the strong one is better and not known to be cheaper.
"""

import math
from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd

from routellm_core.metrics.costs import CostSource
from routellm_core.types import Floats, Ints, ModelPair, PairOutcomes


class ModelOutcomes(NamedTuple):
    """Outcomes and dollars of one model on the queries that it answered."""

    model: str
    outcomes: PairOutcomes
    """Of the model with itself."""
    usd: Floats
    """(n_queries,) USD of each answer; NaN all over where dollars are not known."""
    source: CostSource

    @property
    def quality(self) -> Floats:
        """(n_queries,) in the benchmark's scale."""
        return self.outcomes.quality_strong


class ComparedPair(NamedTuple):
    """A pair of models on the queries that both answered."""

    model_pair: ModelPair
    gain: Floats
    """(n_queries,) quality of the strong model minus that of the weak one."""
    cluster_code: Ints
    """(n_queries,) equal for queries of equal text."""
    weak_usd: float
    """Mean USD of an answer; NaN where not known."""
    strong_usd: float

    @property
    def gap(self) -> float:
        """Mean gain."""
        return float(self.gain.mean())

    @property
    def price_ratio(self) -> float:
        """Dollars of the strong model in those of the weak one; NaN where not known or free."""
        return self.strong_usd / self.weak_usd if self.weak_usd > 0 else math.nan

    @property
    def oracle_gain(self) -> float:
        """Quality that the better answer of each query adds to always strong."""
        return float(np.maximum(-self.gain, 0.0).mean())

    @property
    def room(self) -> float:
        """Gap times the share of the strong model's dollars that the weak one saves.

        What routing may keep of both: none without a gap, where always weak is as good, and none
        without a saving, where always strong is as cheap. NaN where dollars are not known.
        """
        if not self.strong_usd > 0:
            return math.nan
        return self.gap * (1.0 - self.weak_usd / self.strong_usd)


def dominators(models: Sequence[ModelOutcomes]) -> dict[str, str]:
    """The model that dominates each dominated one; the best of several."""
    found: dict[str, str] = {}
    by_quality = sorted(models, key=lambda m: (-float(m.quality.mean()), m.model))
    for other, model in permutations(by_quality, 2):
        pair = compared(model, other)
        if model.model in found or pair is None:
            continue
        cheaper = pair.weak_usd - pair.strong_usd  # what `other` saves; NaN: not known
        if pair.gap >= 0 and cheaper >= 0 and (pair.gap > 0 or cheaper > 0):
            found[model.model] = other.model
    return found


def useful_pairs(models: Sequence[ModelOutcomes]) -> list[ComparedPair]:
    """The undominated pairs, the most useful first.

    That is the one with the most `room`; pairs whose dollars are not known come after all others,
    those with the largest gap first.
    """
    dominated = dominators(models)
    standing = [model for model in models if model.model not in dominated]
    pairs = [compared(weak, strong) for weak, strong in permutations(standing, 2)]
    useful = [p for p in pairs if p is not None and p.gap > 0 and not p.strong_usd < p.weak_usd]
    return sorted(
        useful,
        key=lambda p: (
            math.isnan(p.room),
            -p.gap if math.isnan(p.room) else -p.room,
            p.model_pair,
        ),
    )


def compared(weak: ModelOutcomes, strong: ModelOutcomes) -> ComparedPair | None:
    """Two models on the queries that both answered; None: there is none."""
    place = pd.Index(weak.outcomes.query_id).get_indexer(strong.outcomes.query_id)
    of_strong = np.flatnonzero(place >= 0)
    of_weak = place[of_strong]
    if not len(of_weak):
        return None
    return ComparedPair(
        ModelPair(weak=weak.model, strong=strong.model),
        strong.quality[of_strong] - weak.quality[of_weak],
        strong.outcomes.cluster_code[of_strong],
        float(weak.usd[of_weak].mean()),
        float(strong.usd[of_strong].mean()),
    )
