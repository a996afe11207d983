"""Caches that hold texts, so that all can be emptied when a text is deleted."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from views.cache.benchmarks import found_queries, routed_queries
from views.cache.models import explanation, nearest_across, similar_queries
from views.cache.own_data import (
    guessed_columns,
    labelled,
    query_texts,
    scored_queries,
    set_queries,
    sheet_labels,
)


def forget_texts() -> None:
    """Drop what is cached of texts: a set was deleted, and no trace of it stays."""
    for kept in (found_queries, routed_queries, scored_queries, query_texts, explanation):
        kept.clear()
    for kept in (set_queries, labelled, sheet_labels, guessed_columns):
        kept.clear()
    similar_queries.clear()
    nearest_across.clear()
