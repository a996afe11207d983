"""Data that trainings read, and their results."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq
import streamlit as st

from routellm_core.errors import RoutingError
from routellm_core.evaluation.benchmark import evaluate_router
from routellm_core.importing import battles
from routellm_core.training import job as training_job
from routellm_core.training.decontamination import Similarity, read_similarities
from routellm_core.training.job import TrainingRun
from routellm_core.training.recipes import recipe_of, tier_table, training_set
from routellm_core.types import ModelPair

if TYPE_CHECKING:
    pass
from views.cache import workspace
from views.cache.benchmarks import outcomes
from views.cache.text_caches import holds_texts
from views.cache.workspace import DATA_DIR, current, store


class TrainingData(NamedTuple):
    """The data that go into a training."""

    n_queries: int
    n_battles: int
    tie_share: float
    """Of the battles, in [0, 1]."""
    models: pd.DataFrame
    """From `recipes.tier_table`."""
    proxy_models: dict[str, str]
    warnings: tuple[str, ...]


def trainings(version: int) -> list[TrainingRun]:
    """All trainings, the latest first, but those on data that another session keeps to itself."""
    others = set(store().private_ids()) - set(store().private_ids(workspace.owner()))
    return [
        run
        for run in training_job.read_runs(current().runs)
        if not any(name in run.plan.benchmarks for name in others)
    ]


@st.cache_data(max_entries=4, show_spinner=False)
def battle_sources(version: int) -> pd.DataFrame:
    return store().battle_sources()


@st.cache_data(max_entries=16, show_spinner=False)
def battle_models(version: int, sources: tuple[str, ...]) -> list[str]:
    """Models with battles in the sources that are here, by name."""
    known = set(battle_sources(version)["source"])
    here = [source for source in sources if source in known]
    if not here:
        return []
    table = store().battles(here)
    return sorted({*table["model_a"], *table["model_b"]})


@st.cache_data(max_entries=8, show_spinner="Reading the training data …")
def training_data(
    version: int, golden: tuple[str, ...], sources: tuple[str, ...], pair: ModelPair
) -> TrainingData:
    training = training_set(store(), recipe_of(golden, sources), pair)
    win_a = training.battles.win_a
    return TrainingData(
        n_queries=len(training.queries),
        n_battles=len(win_a),
        tie_share=float((win_a == 0.5).mean()),
        models=tier_table(training),
        proxy_models=dict(training.proxy_models),
        warnings=training.warnings,
    )


@holds_texts
@st.cache_data(max_entries=2, show_spinner="Reading the file …")
def read_battles(digest: str, name: str, drop_unjudged: bool, _content: bytes) -> pd.DataFrame:
    """The battles of an uploaded file; `digest` stands for its content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(_content)
        return battles.read_battles(path, drop_unjudged=drop_unjudged)


notes_on = battles.notes_on


@st.cache_data(max_entries=64, show_spinner=False)
def run_evaluations(version: int, scores_path: str, written_ns: int) -> list[dict[str, Any]]:
    """APGR and the like of a finished training on what it scored, a row a benchmark and view.

    What was scored and is no longer in the store is left out.
    """
    rows = []
    scores = pq.read_table(scores_path).to_pandas()
    for (weak, strong, benchmark_id, view), frame in scores.groupby(_SCORED, sort=False):
        pair = ModelPair(weak=weak, strong=strong)
        try:
            known = outcomes(version, benchmark_id, pair)
        except RoutingError:
            continue
        by_query = frame.set_index("query_id")["strong_win_rate"].reindex(known.query_id)
        if by_query.isna().any():
            continue
        found = evaluate_router(known, by_query.to_numpy(), router="", recipe="", view=view)
        head = {"benchmark_id": benchmark_id, "pair": pair, "n": known.n_queries}
        rows.append(head | found._asdict())
    return rows


_SCORED = ["weak_model", "strong_model", "benchmark_id", "view"]


@st.cache_data(max_entries=4, show_spinner=False)
def own_routers(version: int) -> pd.DataFrame:
    return store().own_routers()


@st.cache_data(max_entries=1, show_spinner=False)
def similarities(written_ns: int | None) -> list[Similarity]:
    return read_similarities(DATA_DIR)
