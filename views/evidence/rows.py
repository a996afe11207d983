"""The queries that a finding concerns: the first on screen, all of them as a file."""

import pandas as pd
import streamlit as st

from routellm_core.evaluation.data_quality import DataFinding
from routellm_core.types import Benchmark
from routellm_core.wording.text import one_line
from views.cache import evidence as evidence_cache
from views.components import downloads, html_table
from views.selection.frame import Selection
from views.text.format import outcome_text
from views.text.names import short_name

N_SHOWN = 20
_LENGTH = 60


def draw(selection: Selection, finding: DataFinding, name: str) -> None:
    """A popover that is filled when somebody opens it."""
    n = len(finding.query_id)
    queries = "query" if n == 1 else "queries"
    opened = st.popover(f"{n:,} {queries}", key=f"rows_{name}", on_change="rerun")
    if not opened.open:
        return
    with opened:
        table = table_of(selection, finding)
        weak, strong = (
            f"{short_name(m)} {sign}" for m, sign in zip(selection.pair, "●■", strict=True)
        )
        html_table.draw(
            "Queries that the finding concerns",
            ["query", "slice", weak, strong],
            shown(selection.benchmark, table),
        )
        if n > N_SHOWN:
            st.caption(f"The first {N_SHOWN} of {n:,}; the file has all of them.")
        downloads.csv_button(
            "All of them (CSV)", table, f"{selection.benchmark.benchmark_id}-{name}.csv"
        )


def table_of(selection: Selection, finding: DataFinding) -> pd.DataFrame:
    """`query_id`, `slice` and both qualities; NaN where a model has no answer."""
    known = evidence_cache.outcome_rows(*selection.where)
    return known.reindex(pd.Index(finding.query_id, name="query_id")).reset_index()


def shown(benchmark: Benchmark, table: pd.DataFrame) -> list[list[str]]:
    """The first rows as texts."""
    return [
        [
            one_line(row.query_id, _LENGTH),
            one_line(row.slice.replace("_", " "), _LENGTH) if isinstance(row.slice, str) else "–",
            outcome_text(benchmark, row.quality_weak),
            outcome_text(benchmark, row.quality_strong),
        ]
        for row in table.head(N_SHOWN).itertuples()
    ]
