"""Guarantees that a threshold could carry on a set, or how many labelled queries that takes."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from routellm_core.errors import UnreachableError
from routellm_core.policy.guarantee.certify import DELTA
from routellm_core.policy.guarantee.risks import GuaranteeTarget, Kind, ScoredOutcomes, need_of
from routellm_core.policy.guarantee.sentences import certificate_sentence
from routellm_core.types import Benchmark, Interval
from views.cache import benchmarks
from views.cache.benchmarks import RouterKey
from views.selection import guarantee
from views.state import link
from views.text.escape import plain

_KINDS: tuple[Kind, ...] = ("keep", "lose")


def draw(key: RouterKey, router: pd.Series) -> None:
    """The usual guarantees for a router that scored a set with outcomes of both models."""
    card = benchmarks.benchmark(key.version, key.benchmark_id)
    found = [_sentence(key, card, kind) for kind in _KINDS]
    name = plain(str(router["label"]))
    st.markdown(f"**What could be guaranteed**, by thresholds of {name}:")
    for sentence in dict.fromkeys(found):  # too few queries are so for every guarantee
        st.markdown(f"- {plain(sentence)}.")


def draw_without_outcomes() -> None:
    """That labels are needed, and the fewest with which a guarantee is possible."""
    keep, lose = (
        _fewest(GuaranteeTarget(kind, limit)) for kind, limit in (("keep", 0.95), ("lose", 0.02))
    )
    st.markdown(
        "**What could be guaranteed** only outcomes of both models can tell. Even where a router "
        "loses nothing, a guarantee with 95% confidence takes about "
        f"{keep:,} labelled queries to keep 95% of the quality, {lose:,} to lose at most 2 "
        "points of 100, and as many again to check it. Where something is lost it takes more: "
        "the first outcomes say how many."
    )
    st.button("Get outcomes", on_click=link.remember, kwargs={"part": "outcomes"})


def _sentence(key: RouterKey, card: Benchmark, kind: Kind) -> str:
    wanted = GuaranteeTarget(kind, guarantee.usual_limit(kind, card))
    try:
        found = guarantee.certified(key, card, wanted, 1 - DELTA)
        return certificate_sentence(found, card.quality_unit)
    except UnreachableError as error:
        return str(error)


def _fewest(wanted: GuaranteeTarget) -> int:
    """Right answers of the strong model alone that would carry a guarantee, up to tens."""
    right = np.ones(1)
    need = need_of(
        wanted, ScoredOutcomes(right, right, right), right == 0, Interval(0.0, 1.0), DELTA
    )
    return math.ceil(need / 10) * 10
