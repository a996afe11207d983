"""The store: every figure the project holds, in one DuckDB file; the only place of SQL.

One `Store` a process. Its connection is private and every method takes a cursor of its own, so any
number of threads may read and write. Two processes cannot hold one file when one of them writes:
the second one is told so. Contaminated queries, those that stand in RouteLLM's training data, are
left out of every figure unless asked for.
"""

from routellm_core.store.database import OlderStoreError
from routellm_core.store.queries import Decisions, Listing
from routellm_core.store.writing import Store

__all__ = ["Decisions", "Listing", "OlderStoreError", "Store"]
