"""Labelled queries that say nearly the same: what became of those?"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.embedders.sentence import Embedder
from routellm_core.errors import DataError
from routellm_core.routers.remembered_queries import LabelledQueries
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import Floats, ModelPair


class Neighbour(NamedTuple):
    text_hash: str
    cosine: float


def nearest(
    known: LabelledQueries,
    embedding: Floats,
    n: int,
    allowed: NDArray[np.bool_] | None = None,
) -> list[Neighbour]:
    """The n most similar of the known queries, the nearest first.

    Args:
        known: where to look.
        embedding: (dimension,) of the asked query.
        n: how many at the most.
        allowed: (n_queries,) which of the known may be named; by default all.
    """
    cosine = known.embeddings @ embedding
    places = np.arange(len(cosine)) if allowed is None else np.flatnonzero(allowed)
    best = places[np.argsort(-cosine[places], kind="stable")[:n]]
    return [Neighbour(str(known.text_hash[i]), float(cosine[i])) for i in best]


def similar(
    store: Store,
    known: LabelledQueries,
    query: str,
    model_pair: ModelPair,
    *,
    embedder: Embedder,
    n: int = 8,
) -> pd.DataFrame:
    """Labelled queries that are most like a query, the nearest first; the query itself left out.

    Args:
        store: open.
        known: where to look.
        query: the asked one.
        model_pair: whose outcomes to give.
        embedder: the one that the known were embedded with.
        n: how many at the most.

    Returns:
        Columns `cosine`, `benchmark_id`, `query_id`, `slice`, `text` (None where it is not on this
        machine), `quality_weak`, `quality_strong`.
    """
    embedding = embedder.embed([query])[0]
    found = nearest(known, embedding, n + 1, known.text_hash != _hash_of(query))
    return _with_outcomes(store, found, model_pair).head(n)


def nearest_counterfactual(
    store: Store,
    known: LabelledQueries,
    query: str,
    scores: pd.DataFrame,
    threshold: float,
    calls_strong: bool,
    model_pair: ModelPair,
    *,
    embedder: Embedder,
) -> pd.DataFrame:
    """The most similar query that the same router decides the other way.

    Args:
        store: open.
        known: where to look.
        query: the asked one.
        scores: `text_hash` and `strong_win_rate` of a benchmark's queries, from
            `Store.scores_by_text`.
        threshold: the strong model is called at or above it.
        calls_strong: how the asked query is decided.
        model_pair: whose outcomes to give.
        embedder: the one that the known were embedded with.

    Returns:
        One row as from `similar` with `strong_win_rate`; none where all go the same way.
    """
    opposite = scores[(scores["strong_win_rate"] >= threshold) != calls_strong]
    allowed = np.isin(known.text_hash, opposite["text_hash"].to_numpy(str))
    embedding = embedder.embed([query])[0]
    found = nearest(known, embedding, 1, allowed & (known.text_hash != _hash_of(query)))
    rows = _with_outcomes(store, found, model_pair)
    rates = opposite.drop_duplicates("text_hash").set_index("text_hash")["strong_win_rate"]
    return rows.assign(strong_win_rate=rows["text_hash"].map(rates)).head(1)


def _with_outcomes(store: Store, found: Sequence[Neighbour], model_pair: ModelPair) -> pd.DataFrame:
    near = pd.DataFrame(found, columns=list(Neighbour._fields))
    rows = store.labelled(near["text_hash"].tolist(), model_pair)
    return near.merge(rows, on="text_hash", how="inner").reset_index(drop=True)


def _hash_of(query: str) -> str:
    try:
        return text_hash(query)
    except DataError:  # half a surrogate pair: no stored text is like that
        return ""
