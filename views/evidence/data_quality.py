"""Findings on the outcomes, and the figures without the queries that they concern."""

from collections.abc import Callable
from hashlib import blake2s

import streamlit as st

from routellm_core.evaluation.data_quality import DataFinding, sentences
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.evidence import headline, rows
from views.queries import brush
from views.selection.frame import Selection
from views.selection.point import Readings
from views.selection.router_cost import RouterCost
from views.state import link
from views.state.pages import page
from views.text.escape import plain
from views.text.glossary import help_of

_QUERIES = page("queries")
_SEVERITIES = {
    "error": (":material/error:", "Error"),
    "warning": (":material/warning:", "Warning"),
    "note": (":material/info:", "Note"),
}
_LOOKED_FOR = (
    "Looked for: qualities off the scale; swapped models; one model's answers that never vary or "
    "lie below guessing; slices where the weak model wins, or without a gap; copied columns; "
    "empty answers, and answers cut off at one length; repeated, missing, non-English and "
    "contaminated queries; tokens that nobody counted. Where nothing is wrong, all tests together "
    "raise a false alarm with a chance of at most 1%."
)


def draw(selection: Selection, readings: Readings, router: RouterCost) -> Callable[[], None]:
    """The findings, and beside them the figures with and without; the latter are resampled."""
    found = evidence_cache.findings(*selection.where)
    st.subheader("What is odd about this data", help=help_of("finding"))
    listed, beside = st.columns([5, 4], gap="large")
    with listed:
        if not found:
            st.info("Nothing odd was found.", icon=":material/check:")
        left_out = _draw_findings(selection, found)
        st.caption(_LOOKED_FOR)
    with beside:
        return headline.draw(selection, readings, found, left_out)


def name_of(finding: DataFinding, selection: Selection) -> str:
    """A finding as a link names it: on other data it is another one."""
    about = (selection.benchmark.benchmark_id, selection.pair, finding.slices, finding.models)
    return f"{finding.kind}-{blake2s(repr(about).encode(), digest_size=3).hexdigest()}"


def _draw_findings(selection: Selection, found: list[DataFinding]) -> tuple[int, ...]:
    """Each with its tick; positions of those that are left out."""
    names = [name_of(finding, selection) for finding in found]
    n_here = evidence_cache.n_measured(*selection.where)
    n_all = benchmarks.outcomes(*selection.where).n_queries
    can = [0 < n < n_all for n in n_here]
    usual = [
        name
        for name, finding, may in zip(names, found, can, strict=True)
        if may and finding.severity == "error"
    ]
    allowed = [name for name, may in zip(names, can, strict=True) if may]
    chosen = link.texts("out", usual, allowed)
    for finding, name, n, may in zip(found, names, n_here, can, strict=True):
        with st.container(gap="xxsmall"):
            icon, severity = _SEVERITIES[finding.severity]
            said = sentences.finding(finding, selection.benchmark, selection.pair)
            st.markdown(f"{icon} **{severity}.** {plain(said)}")
            with st.container(horizontal=True, vertical_alignment="center"):
                st.session_state[f"_out_{name}"] = name in chosen
                st.checkbox(
                    "Leave out",
                    key=f"_out_{name}",
                    disabled=not may,
                    help=None if may else _why_not(n),
                    on_change=_keep,
                    args=(allowed,),
                )
                rows.draw(selection, finding, name)
                if len(finding.slices) == 1 and st.button("Open in Queries", key=f"_open_{name}"):
                    _open(finding.slices[0])
    return tuple(i for i, name in enumerate(names) if name in chosen)


def _keep(names: list[str]) -> None:
    """The names that are ticked now, of all that can be, kept in the link."""
    link.remember(out=[name for name in names if st.session_state[f"_out_{name}"]])


def _open(slice_name: str) -> None:
    """The queries of a slice, on the page that lists them."""
    brush.forget_selected()
    link.remember(slice=slice_name, only=None, search=None, page=None)
    st.switch_page(_QUERIES)


def _why_not(n: int) -> str:
    if n:
        return "It concerns every query: without them nothing is left."
    return "These queries are left out of every figure already."
