"""Sets of the user's own: queries, texts, scorings, labels, usage and comparisons."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import streamlit as st

from routellm_core.routers.checkpoints import has_weights

if TYPE_CHECKING:
    from routellm_core.evaluation.traffic.comparison import Comparison
    from routellm_core.evaluation.traffic.transport import ExpectedCurve, Transported
    from routellm_core.importing.columns import ColumnMapping
    from routellm_core.labelling.job import LabellingJobPlan
    from routellm_core.labelling.outcomes import Labelled
    from routellm_core.labelling.sheet import Labels
from views.cache import workspace
from views.cache.benchmarks import RouterKey, _visible, outcomes, ranked
from views.cache.text_caches import holds_texts
from views.cache.workspace import DATA_DIR, store


def own_sets(version: int) -> pd.DataFrame:
    """Sets of the user's own, this session's private ones first; bare queries too."""
    table = _visible(version, workspace.owner())
    mine = table[table["origin"] == "user"]
    return mine.sort_values("owner", na_position="last", kind="stable", ignore_index=True)


@st.cache_data(max_entries=16, show_spinner=False)
def scorings(version: int, benchmark_id: str) -> pd.DataFrame:
    """The routers that have scored a set, with outcomes or without."""
    return store().scorings(benchmark_id)


@st.cache_data(max_entries=2, show_spinner=False)
def scoring_routers(version: int) -> pd.DataFrame:
    """Routers with a checkpoint: `router_id`, `router_name`, `recipe` and their pair."""
    table = store().trained_routers()
    names = zip(table["router_name"], table["checkpoint"], strict=True)
    table = table[[has_weights(name, DATA_DIR / folder) for name, folder in names]]
    pairs = table["config"].map(json.loads).map(lambda config: config["model_pair"])
    return table.assign(
        weak=pairs.map(lambda pair: pair["weak"]), strong=pairs.map(lambda pair: pair["strong"])
    )


@holds_texts
@st.cache_resource(max_entries=16, show_spinner=False)
def scored_queries(key: RouterKey) -> pd.DataFrame:
    """The scored queries of a set that may have no outcomes."""
    return store().scored_queries(key.benchmark_id, key.pair, key.router_id, key.view)


@st.cache_data(max_entries=16, show_spinner=False)
def one_models_outcomes(version: int, benchmark_id: str, model: str) -> pd.DataFrame:
    return store().one_models_outcomes(benchmark_id, model)


@st.cache_data(max_entries=16, show_spinner=False)
def usage(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().usage(benchmark_id)


@holds_texts
@st.cache_data(max_entries=4, show_spinner=False)
def query_texts(version: int, benchmark_id: str) -> dict[str, str]:
    """The texts of a set that are on this machine, by query_id."""
    return store().query_texts(benchmark_id)


@holds_texts
@st.cache_resource(max_entries=4, show_spinner=False)
def set_queries(version: int, benchmark_id: str) -> pd.DataFrame:
    """The queries of a set that count, with their texts."""
    return store().queries(benchmark_id)


@st.cache_data(max_entries=16, show_spinner=False)
def spent(record_dir: str, written_ns: int | None) -> tuple[int, float]:
    """Requests of a record of calls, and USD: NaN where a price is unknown."""
    from routellm_core.labelling.journal import Record

    record = Record(Path(record_dir))
    return record.n_requests, record.usd


@holds_texts
@st.cache_resource(max_entries=4, show_spinner=False)
def labelled(
    version: int, plan: "LabellingJobPlan", record_dir: str, written_ns: int
) -> "Labelled":
    """The outcomes that endpoints have given so far for the queries of a plan."""
    from routellm_core.labelling.job import asked_queries
    from routellm_core.labelling.run import read_labelled

    queries = asked_queries(set_queries(version, plan.benchmark_id), plan)
    return read_labelled(Path(record_dir), plan.asked, queries)


@holds_texts
@st.cache_resource(max_entries=4, show_spinner="Reading the sheet …")
def sheet_labels(
    version: int, benchmark_id: str, path: str, written_ns: int, low: float, high: float
) -> "Labels":
    """The labels that people wrote into a sheet about a set, on a scale of theirs."""
    from routellm_core.labelling.sheet import read_sheet

    ids = set(set_queries(version, benchmark_id)["query_id"])
    return read_sheet(Path(path), ids, low, high)


@st.cache_data(max_entries=8, show_spinner=False)
def contaminated_ids(version: int, benchmark_id: str) -> set[str]:
    return store().contaminated_ids(benchmark_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def comparison(version: int, folder: str, written_ns: int) -> "Comparison":
    """A finished comparison of a set with a benchmark."""
    from routellm_core.evaluation.traffic.comparison import read_comparison

    return read_comparison(Path(folder))


@st.cache_resource(max_entries=8, show_spinner="Carrying the quality over …")
def transported(
    key: RouterKey, reference: RouterKey, folder: str, written_ns: int
) -> "Transported":
    """The reference benchmark weighted to resemble a scored set that was compared with it."""
    from routellm_core.evaluation.traffic.comparison import carried_over

    return carried_over(
        comparison(key.version, folder, written_ns),
        outcomes(reference.version, reference.benchmark_id, reference.pair),
        ranked(reference).strong_win_rate,
        scored_queries(key),
    )


@st.cache_resource(max_entries=8, show_spinner="Drawing the expected curve …")
def expected_curve(
    key: RouterKey, reference: RouterKey, folder: str, written_ns: int
) -> "ExpectedCurve":
    return transported(key, reference, folder, written_ns).curve()


@st.cache_data(max_entries=8, show_spinner=False)
def usage_by_tenant(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().usage_by_tenant(benchmark_id)


@st.cache_data(max_entries=8, show_spinner=False)
def usage_costs(version: int, benchmark_id: str) -> pd.DataFrame:
    return store().usage_costs(benchmark_id)


@st.cache_data(max_entries=64, show_spinner="Looking at the file …")
def recognised(path: str, written_ns: int) -> str:
    """The format of a file on this machine."""
    from routellm_core.importing import job as import_job

    return import_job.recognise(Path(path))


@holds_texts
@st.cache_data(max_entries=16, show_spinner="Looking at the file …")
def guessed_columns(path: str, written_ns: int) -> "tuple[ColumnMapping, pa.Table]":
    """The likely meaning of a table's columns, and its first rows."""
    from routellm_core.importing.formats import table

    return table.guessed(Path(path))
