"""One embedder for all routers that read the same way: a model is loaded and run once."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from routellm_core.embedders.vector_cache import read_features
from routellm_core.types import Floats

if TYPE_CHECKING:
    from routellm_core.routers.base import Router


def reads_with(embedder: Any) -> tuple[Any, ...]:
    """Equal for embedders that make the same of a query."""
    options = (getattr(embedder, name, None) for name in ("name", "n_layers", "adapter_dir"))
    return (type(embedder), *options)


def shared(embedder: Any, known: dict[tuple[Any, ...], Any]) -> Any:
    """The embedder that stands for all that read as this one does, its parts and members too.

    Args:
        embedder: of a router; one that is made of others keeps its own list of them.
        known: by `reads_with`; what was not known is added.
    """
    for member in getattr(embedder, "members", {}).values():
        member.embedder = shared(member.embedder, known)
    if hasattr(embedder, "members"):
        return embedder  # its members have weights of their own
    if hasattr(embedder, "parts"):
        embedder.parts = tuple(shared(part, known) for part in embedder.parts)
    return known.setdefault(reads_with(embedder), embedder)


class WarmModels(OrderedDict[tuple[Any, ...], Any]):
    """Cache behind `shared`: the models used last stay loaded, the others leave. Thread-safe.

    Args:
        most: models that stay.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self._lock = Lock()

    def setdefault(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """The model known by this key, the given one where there is none yet."""
        with self._lock:
            found = super().setdefault(key, default)
            self.move_to_end(key)
            while len(self) > self.most:
                self.popitem(last=False)
            return found


class Reading:
    """Features of the same queries for several routers; each embedder runs once.

    Args:
        queries: texts.
        cache_dir: keeps vectors between runs, as `read_features` does; None keeps none.
    """

    def __init__(self, queries: Sequence[str], cache_dir: Path | None = None) -> None:
        self.queries = queries
        self.cache_dir = cache_dir
        self._known: dict[tuple[Any, ...], Any] = {}

    def win_rates(self, router: "Router") -> Floats:
        """(n_queries,) strong win rates by a router."""
        if not hasattr(router, "embedder"):
            return router.strong_win_rate(self.queries)
        rates: Floats = router.strong_win_rate_of(self.by(router.embedder))  # type: ignore[attr-defined]
        return rates

    def by(self, embedder: Any) -> Any:
        """The queries as this embedder's `embed` gives them."""
        if hasattr(embedder, "members"):
            members = embedder.members.values()
            rates = [member.strong_win_rate_of(self.by(member.embedder)) for member in members]
            return np.stack(rates, axis=1)
        if hasattr(embedder, "parts"):
            return np.concatenate([self.by(part) for part in embedder.parts], axis=1)
        key = reads_with(embedder)
        if key not in self._known:
            self._known[key] = (
                embedder.embed(self.queries)
                if self.cache_dir is None
                else read_features(self.queries, embedder, self.cache_dir)
            )
        return self._known[key]
