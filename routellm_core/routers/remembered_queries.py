"""The labelled queries that a router remembers, with their embeddings."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError, RoutingError
from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.store import Store
from routellm_core.types import Floats


class LabelledQueries(NamedTuple):
    """Queries that routers learned from, embedded."""

    text_hash: NDArray[np.str_]
    """(n_queries,) names of the queries' texts."""
    embeddings: Floats
    """(n_queries, dimension) of length one."""
    embedder: str
    """Name of the model that embedded them; only its embeddings compare with these."""


def labelled_queries(router: SimilarityWeightedRouter) -> LabelledQueries:
    """The queries that a similarity-weighted router remembers.

    Raises:
        DataError: its checkpoint does not say which queries they are.
    """
    if router.text_hashes is None:
        raise DataError("this checkpoint does not name its queries: train sw_ranking again")
    return LabelledQueries(np.asarray(router.text_hashes), router.embeddings, router.embedder.name)


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
