"""Similarity of training data to a benchmark, ours and the paper's (its table 5)."""

from collections.abc import Iterator

import streamlit as st

from routellm_core.evaluation.comparison.paper import PUBLISHED_SIMILARITY, SIMILARITY_EMBEDDER
from routellm_core.wording.numbers import fixed
from views.cache import benchmarks, training, workspace
from views.components import html_table
from views.components.html_table import figure
from views.text.escape import plain

_BENCHMARKS = ("mt_bench", "mmlu", "gsm8k")


def draw(version: int) -> None:
    """A row a recipe, a column a benchmark; nothing when no similarity was computed."""
    path = workspace.DATA_DIR / "similarity.json"
    ours = training.similarities(path.stat().st_mtime_ns if path.is_file() else None)
    if not ours:
        return
    titles = dict(benchmarks.benchmarks(version)[["benchmark_id", "title"]].itertuples(index=False))
    shown = [*_BENCHMARKS, *sorted({row.benchmark_id for row in ours} - set(_BENCHMARKS))]
    st.subheader("How near the data are to a benchmark")
    st.caption(
        "S(B, D): the mean over a benchmark's queries of the largest cosine to a training query. "
        "In the paper routers do better where the data are nearer; above 0.95 a query counts as a "
        "leak."
    )
    rows = [
        [
            f"{recipe}, ours",
            *(
                _figure(r.similarity for r in ours if (r.recipe, r.benchmark_id) == (recipe, name))
                for name in shown
            ),
        ]
        for recipe in dict.fromkeys(row.recipe for row in ours)
    ]
    rows += [
        [
            f"{trained_on}, the paper's",
            *(
                _figure(
                    r.similarity
                    for r in PUBLISHED_SIMILARITY
                    if (r.trained_on, r.benchmark_id) == (trained_on, name)
                )
                for name in shown
            ),
        ]
        for trained_on in dict.fromkeys(row.trained_on for row in PUBLISHED_SIMILARITY)
    ]
    heads = [figure(titles.get(name, name)) for name in shown]
    html_table.draw("Similarity of training data and benchmarks", ["data", *heads], rows)
    embedders = ", ".join(sorted({row.embedder for row in ours}))
    st.caption(
        plain(
            f"Ours by {embedders}, the paper's by {SIMILARITY_EMBEDDER}: compare within a line or "
            "between lines of one embedder, not across the two."
        )
    )


def _figure(found: Iterator[float]) -> str:
    return fixed(next(found, None))
