"""Labelled queries that say nearly the same: what became of those?"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.embeddings import Embedder
from routellm_core.errors import DataError, RoutingError
from routellm_core.normalise import text_hash
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.store import Store
from routellm_core.types import Floats, ModelPair


class LabelledQueries(NamedTuple):
    """Queries that routers learned from, embedded."""

    text_hash: NDArray[np.str_]
    """(n_queries,) names of the queries' texts."""
    embeddings: Floats
    """(n_queries, dimension) of length one."""
    embedder: str
    """Name of the model that embedded them; only its embeddings compare with these."""


class Neighbour(NamedTuple):
    text_hash: str
    cosine: float


def labelled_queries(router: SimilarityWeightedRouter) -> LabelledQueries:
    """The queries that a similarity-weighted router remembers.

    Raises:
        DataError: its checkpoint does not say which queries they are.
    """
    if router.text_hashes is None:
        raise DataError("this checkpoint does not name its queries: train sw_ranking again")
    return LabelledQueries(np.asarray(router.text_hashes), router.embeddings, router.embedder.name)


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


def remembered(store: Store, data_dir: Path) -> LabelledQueries | None:
    """The labelled queries that the store's `sw_ranking` checkpoints name; None where none does.

    Of several the one that learned from golden labels alone.

    Args:
        store: open.
        data_dir: where checkpoints of shipped routers lie.
    """
    entries = [store.router(router_id) for router_id in store.router_ids("sw_ranking")]
    for entry in sorted(entries, key=lambda entry: entry.recipe != "golden"):
        if entry.checkpoint is None:
            continue
        try:
            router = SimilarityWeightedRouter.load(data_dir / entry.checkpoint)
            return labelled_queries(router)
        except RoutingError:
            continue  # its weights are not here, or they name no queries
    return None


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


def nearest_across(
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
    across = scores[(scores["strong_win_rate"] >= threshold) != calls_strong]
    allowed = np.isin(known.text_hash, across["text_hash"].to_numpy(str))
    embedding = embedder.embed([query])[0]
    found = nearest(known, embedding, 1, allowed & (known.text_hash != _hash_of(query)))
    rows = _with_outcomes(store, found, model_pair)
    rates = across.drop_duplicates("text_hash").set_index("text_hash")["strong_win_rate"]
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
