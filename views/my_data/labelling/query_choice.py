"""The choice of the queries of a set that are labelled."""

from typing import Any, Literal, NamedTuple, cast

import numpy as np
import pandas as pd
import streamlit as st

from routellm_core.labelling.sheet import drawn_at_random, worth_labelling
from routellm_core.types import ModelPair
from views.cache import benchmarks, own_data
from views.cache.benchmarks import RouterKey
from views.selection.scorings import labels_of
from views.state.private_inputs import remembered

Kind = Literal["all", "drawn", "slices", "near"]
_USUAL_N = 100
_LABELS: dict[Kind, str] = {
    "all": "All",
    "drawn": "Drawn at random",
    "slices": "From every slice in turn",
    "near": "Nearest to α",
}
_MEANINGS: dict[Kind, str] = {
    "all": "",
    "drawn": "What is found holds for the whole set, within its interval.",
    "slices": "Small slices get their share of labels; means over the set lean to them.",
    "near": "Labels there tell most about α; means over the set lean to these queries.",
}


class QueryChoice(NamedTuple):
    """A rule that names queries."""

    kind: Kind
    n: int | None
    seed: int
    scores: RouterKey | None
    """Whose, where the queries nearest to a threshold are wanted."""
    threshold: float | None


def choose(version: int, row: Any, usual: Kind, where: str) -> QueryChoice:
    """Inputs for the rule.

    Args:
        version: of the store.
        row: of the set.
        usual: at first, where it can be had.
        where: tells the inputs of two places apart.
    """
    scorings = own_data.scorings(version, row.benchmark_id)
    kinds = [kind for kind in _LABELS if kind != "near" or not scorings.empty]
    name = f"{where}_{row.benchmark_id}"
    n_texts, _ = benchmarks.n_texts(version, row.benchmark_id)
    kind = remembered(
        st.segmented_control,
        "Which queries",
        f"kind_{name}",
        usual if usual in kinds else "slices",
        options=kinds,
        format_func=_LABELS.__getitem__,
        required=True,
    )
    if kind == "all":
        return QueryChoice("all", None, 0, None, None)
    left, right = st.columns(2)
    usual_n = min(_USUAL_N, n_texts)
    with left:
        n = remembered(
            st.number_input,
            "How many",
            f"n_{name}",
            usual_n,
            value=None,
            min_value=1,
            max_value=n_texts,
        )
    with right:
        seed = remembered(
            st.number_input,
            "Seed of the draw",
            f"seed_{name}",
            0,
            value=None,
            min_value=0,
            max_value=2**31 - 1,
            help="The same seed draws the same queries.",
        )
    scores, threshold = None, None
    if kind == "near":
        scores, threshold = _threshold(version, row, scorings, name)
    st.caption(_MEANINGS[kind])
    return QueryChoice(kind, int(n or usual_n), int(seed or 0), scores, threshold)


def rows_of(version: int, benchmark_id: str, choice: QueryChoice) -> pd.DataFrame:
    """The queries that a rule names: query_id, slice, query, strong_win_rate, in their order.

    Raises:
        DataError: none has a text.
    """
    queries = own_data.set_queries(version, benchmark_id)
    queries = queries[queries["text"].notna()]
    if choice.kind == "drawn":
        return drawn_at_random(queries, cast(int, choice.n), choice.seed)
    scores = None
    if choice.scores is not None:
        by_id = own_data.scored_queries(choice.scores).set_index("query_id")["strong_win_rate"]
        scores = queries["query_id"].map(by_id).to_numpy(dtype=np.float64)
    return worth_labelling(queries, scores, choice.threshold, choice.n, choice.seed)


def _threshold(
    version: int, row: Any, scorings: pd.DataFrame, name: str
) -> tuple[RouterKey, float]:
    labels = dict(enumerate(labels_of(scorings)))
    left, right = st.columns(2)
    with left:
        place = remembered(
            st.selectbox,
            "Scores of",
            f"scores_{name}",
            0,
            options=list(labels),
            format_func=labels.__getitem__,
        )
    found = scorings.iloc[place]
    pair = ModelPair(weak=found["weak_model"], strong=found["strong_model"])
    key = RouterKey(version, row.benchmark_id, pair, found["router_id"], found["view"])
    rates = own_data.scored_queries(key)["strong_win_rate"].to_numpy()
    usual = float(np.round(np.median(rates), 4)) if len(rates) else 0.5
    with right:
        typed = remembered(
            st.number_input,
            "Threshold α",
            f"threshold_{name}_{key.router_id}",
            usual,
            value=None,
            min_value=0.0,
            max_value=1.0,
            step=0.01,
            format="%.4f",
        )
    threshold = usual if typed is None else float(typed)
    if len(rates):
        share = float((rates >= threshold).mean())
        st.caption(f"At α = {threshold:.4f} this router sends {share:.1%} to the strong model.")
    return key, float(threshold)
