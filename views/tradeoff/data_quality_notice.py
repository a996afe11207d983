"""One line where the outcomes of the selection hold errors, with the way to the evidence."""

import streamlit as st

from views.cache import evidence as evidence_cache
from views.selection.frame import Selection
from views.state.pages import page
from views.text.escape import plain

_EVIDENCE = page("evidence")


def draw(selection: Selection) -> None:
    """A notice below the rest, since all outcomes are checked first; nothing without an error."""
    found = evidence_cache.findings(*selection.where)
    n = sum(finding.severity == "error" for finding in found)
    if not n:
        return
    errors = "1 error" if n == 1 else f"{n} errors"
    with st.container(horizontal=True, vertical_alignment="center"):
        said = plain(f"The outcomes of {selection.benchmark.title} hold {errors}.")
        st.markdown(f":material/error: {said}", width="content")
        if st.button("See the evidence"):
            st.switch_page(_EVIDENCE)
