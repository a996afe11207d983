"""What a threshold could promise on a set, or how many labelled queries that would take."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from routellm_core.errors import UnreachableError
from routellm_core.policy.guarantee.certify import DELTA
from routellm_core.policy.guarantee.promise import Kind, Promise, Scored, need_of
from routellm_core.types import Benchmark, Interval
from views.cache import benchmarks
from views.cache.benchmarks import RouterKey
from views.selection import promise
from views.state import link
from views.text.escape import plain

_KINDS: tuple[Kind, ...] = ("keep", "lose")


def draw(key: RouterKey, router: pd.Series) -> None:
    """The usual promises for a router that scored a set with outcomes of both models."""
    card = benchmarks.benchmark(key.version, key.benchmark_id)
    found = [_sentence(key, card, kind) for kind in _KINDS]
    name = plain(str(router["label"]))
    st.markdown(f"**What could be promised**, by thresholds of {name}:")
    for sentence in dict.fromkeys(found):  # too few queries are so for every promise
        st.markdown(f"- {plain(sentence)}.")


def draw_without_outcomes() -> None:
    """That labels are needed, and the fewest with which a promise could come about."""
    keep, lose = (_fewest(Promise(kind, limit)) for kind, limit in (("keep", 0.95), ("lose", 0.02)))
    st.markdown(
        "**What could be promised** only outcomes of both models can tell. Even where a router "
        "loses nothing, a promise at 95% confidence takes about "
        f"{keep:,} labelled queries to keep 95% of the quality, {lose:,} to lose at most 2 "
        "points of 100, and as many again to check it. Where something is lost it takes more: "
        "the first outcomes say how many."
    )
    st.button("Get outcomes", on_click=link.remember, kwargs={"part": "outcomes"})


def _sentence(key: RouterKey, card: Benchmark, kind: Kind) -> str:
    wanted = Promise(kind, promise.usual_limit(kind, card))
    try:
        return promise.certified(key, card, wanted, 1 - DELTA).words
    except UnreachableError as error:
        return str(error)


def _fewest(wanted: Promise) -> int:
    """About how many right answers of the strong model alone would carry a promise, up to tens."""
    right = np.ones(1)
    need = need_of(wanted, Scored(right, right, right), right == 0, Interval(0.0, 1.0), DELTA)
    return math.ceil(need / 10) * 10
