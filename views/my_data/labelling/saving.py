"""A new set of what was gathered, beside the set that it was gathered for."""

import itertools
from dataclasses import replace

from routellm_core.labelling import into_store
from routellm_core.labelling.into_store import Gathered
from routellm_core.store import Store
from routellm_core.types import Benchmark
from views.cache import workspace
from views.state import link
from views.state.attempt import attempt


def keep(found: Gathered, of: Benchmark) -> bool:
    """Add it to the store under a free name and look at it; says whether that was done.

    Private stays private: then nobody else sees the new set, and its verdicts are not offered for
    training, where everybody would.

    Args:
        found: under any name.
        of: the card of the queries.
    """
    store = workspace.store()
    name = _free_id(store, of.benchmark_id + into_store.SUFFIX)
    card = replace(found.benchmark, benchmark_id=name, owner=of.owner)
    with attempt(f"{len(found.queries):,} queries with outcomes are kept as {name}."):
        with store.open_for_writing():
            into_store.keep(store, found._replace(benchmark=card), battles=of.owner is None)
        link.remember(set=name, part="tells")
        return True
    return False


def _free_id(store: Store, wanted: str) -> str:
    names = (wanted if n == 1 else f"{wanted}-{n}" for n in itertools.count(1))
    return next(name for name in names if not store.has_benchmark(name))
