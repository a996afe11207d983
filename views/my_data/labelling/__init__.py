"""Getting outcomes for a set's queries: from two models and a judge, or from people on a sheet."""

from typing import Any

import streamlit as st

from views.cache import benchmarks
from views.my_data.labelling import endpoints, sheet
from views.selection.frame import boundary
from views.state import inputs

_WAYS = {"models": "Ask two models and a judge", "people": "A sheet for people"}


def draw(version: int, row: Any) -> None:
    """Both ways, for one set.

    Args:
        version: of the store.
        row: of the set.
    """
    texts, total = benchmarks.n_texts(version, row.benchmark_id)
    if not texts:
        st.info(
            "Outcomes are got for query texts, from models and from people alike, and this set "
            "has no texts.",
            icon=":material/description:",
        )
        return
    said = [f"{texts:,} of {total:,} queries have a text: only these can be labelled."]
    said = said if texts < total else []
    if row.n_models >= 2:
        said.append("This set has outcomes of two models already; new ones become another set.")
    if said:
        st.caption(" ".join(said))
    way = inputs.one_of(
        inputs.segments, "From whom", "outcomes_from", list(_WAYS), "models", _WAYS.__getitem__
    )
    with boundary():
        {"models": endpoints.draw, "people": sheet.draw}[way](version, row)
