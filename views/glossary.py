"""Every term on screen in one line and with its formula, and the card of a benchmark."""

from typing import NamedTuple

import streamlit as st

from routellm_core.types import Benchmark
from views.plain import plain


class Term(NamedTuple):
    """A word, what it means in one line, its formula if it has one."""

    name: str
    meaning: str
    formula: str = ""


TERMS = {
    "win_rate": Term(
        "Strong win rate",
        "The router's score of a query: the chance that the strong model's answer is the better "
        "one, a tie counting half.",
        r"P(\text{strong wins}) + \tfrac12 P(\text{tie})",
    ),
    "alpha": Term(
        "Threshold α",
        "A query goes to the strong model when its strong win rate is at least α.",
        r"\text{strong win rate} \ge \alpha",
    ),
    "share": Term(
        "Strong calls", "The share of queries that go to the strong model.", r"c(\alpha)"
    ),
    "quality": Term(
        "Quality",
        "Mean quality of the routed answers, in the benchmark's own scale.",
        r"r(\alpha)",
    ),
    "pgr": Term(
        "Gap recovered (PGR)",
        "How much of the gap from always weak to always strong the router recovers. It may exceed "
        "1: the weak model is sometimes right where the strong one is wrong.",
        r"\frac{r - r_\text{weak}}{r_\text{strong} - r_\text{weak}}",
    ),
    "apgr": Term(
        "APGR",
        "Average gap recovered over all shares of strong calls. A random router gets 0.5.",
        r"\int_0^1 \mathrm{PGR}\, dc",
    ),
    "cpt": Term(
        "CPT(p)",
        "Call-performance threshold: the least share of strong calls that recovers p of the gap.",
        r"\min \{c : \mathrm{PGR} \ge p\}",
    ),
    "cost": Term(
        "Cost",
        "Money for the routed answers: tokens of each query and answer times the prices in the "
        "sidebar.",
    ),
    "saving": Term(
        "Saving",
        "How much less the routed answers cost than the named baseline.",
        r"1 - \frac{\text{cost}}{\text{baseline}}",
    ),
    "random": Term(
        "Random",
        "A router that knows nothing of the query. With two models this is also what mixing them "
        "blindly gives; the band holds 95% of random routers.",
    ),
    "best_single": Term("Best single", "The better model alone, for every query."),
    "hull": Term(
        "Upper hull",
        "The best that mixing the drawn routers' settings at random can reach.",
    ),
    "oracle": Term(
        "Oracle",
        "The best order there is: it knows both answers' quality before it calls. Across strong "
        "calls it goes by the gain of a call, across cost by the gain for the money. No router can "
        "be above it.",
    ),
    "interval": Term(
        "95% interval",
        "Bootstrap over queries: where the figure would lie for other queries of the same kind.",
    ),
}


def help_of(name: str) -> str:
    """The one line that explains a term."""
    return TERMS[name].meaning


def drawer() -> None:
    """The glossary; a popover, since it is drawn only when somebody opens it."""
    with st.popover("Glossary", width="stretch"):
        for term in TERMS.values():
            st.markdown(f"**{term.name}.** {term.meaning}")
            if term.formula:
                st.latex(term.formula)


def benchmark_card(benchmark: Benchmark, n_queries: int) -> None:
    """What the benchmark tests, its size, its weak spots and where it comes from."""
    with st.popover(f"About {plain(benchmark.title)}", width="stretch"):
        st.text(benchmark.description)
        st.caption(f"n = {n_queries:,} queries, contaminated ones left out")
        if benchmark.weak_spots:
            st.markdown("**Weak spots**")
            st.text(benchmark.weak_spots)
        st.caption(plain(f"Source: {benchmark.source} · Licence: {benchmark.licence}"))
