"""Every term on screen in one line and with its formula, and the card of a benchmark."""

from typing import NamedTuple

import streamlit as st

from routellm_core.types import Benchmark
from views.text.escape import plain


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
    "promise": Term(
        "Guarantee",
        "What a threshold is certified for: quality kept, quality lost or queries missed, on "
        "average over queries like these. One part of the queries chose the threshold, another "
        "checked it (Learn then Test, arXiv 2110.01052). The split is fixed: trying several until "
        "one passes would void the guarantee.",
        r"P(\text{a broken guarantee is given}) \le 1 - \text{confidence}",
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
    "oracle_gap": Term(
        "To the oracle",
        "How much of the gap from the best single model to the oracle a router recovers at its "
        "best share of strong calls. Each fifth of the queries is read at the threshold that is "
        "best on the other four; the best one of these very queries would be too good. Below 0: "
        "worse than the best single model.",
        r"\frac{Q(\text{router}) - Q(\text{best single})}"
        r"{Q(\text{oracle}) - Q(\text{best single})}",
    ),
    "verdict": Term(
        "Ahead, or no clear winner",
        "Every pair of routers on the same resamples of the queries. Ahead: the difference is "
        "shown at 5%, corrected for all pairs (Holm 1979).",
        r"p_{(i)} (m - i + 1) < 0.05",
    ),
    "shuffled": Term(
        "Shuffled scores",
        "The router's own scores dealt to the wrong queries: the same costs, and no knowledge. A "
        "router has to do better; p is the chance that shuffling does as well.",
    ),
    "score_entropy": Term(
        "Bits of score",
        "Entropy of a query's score: log2 of the number of queries where all scores differ, 0 for "
        "a constant.",
        r"-\sum_s p_s \log_2 p_s",
    ),
    "choice_entropy": Term(
        "Bits of choice",
        "Entropy of the choice between both models at α = 0.5: 1 when each gets half, 0 when one "
        "gets all (RouterEval, arXiv 2503.10657).",
        r"-c \log_2 c - (1 - c) \log_2 (1 - c)",
    ),
    "slice_prior": Term(
        "Slice prior",
        "What knowing only a query's slice is worth: each query gets the mean gain of its slice "
        "over the other folds. It needs no router. Among the routers it is `slice_table`.",
    ),
    "between_slice_gain": Term(
        "Gain between slices",
        "The part of APGR that a router has from sending more of some slices than of others to the "
        "strong model.",
        r"\mathrm{APGR} = \tfrac12 + \text{between slices} + \text{within slices}",
    ),
    "within_slice_gain": Term(
        "Gain within slices",
        "The part of APGR that a router has from choosing among the queries of a slice.",
    ),
    "aiq": Term(
        "AIQ",
        "Average improvement in quality (RouterBench, arXiv 2403.12031): the mean quality over the "
        "costs of the curve's non-decreasing convex hull, in the benchmark's own scale.",
    ),
    "deferral_area": Term(
        "Deferral area",
        "The mean quality over the costs of the curve as it is (UniRoute, arXiv 2502.08773), in "
        "the benchmark's own scale.",
    ),
    "quality_neutral_cost": Term(
        "Quality-neutral cost",
        "The least cost at which the quality of the best single model is reached, as a part of "
        "that model's cost (UniRoute, arXiv 2502.08773).",
    ),
    "interval": Term(
        "95% interval",
        "Bootstrap over queries: where the figure would lie for other queries of the same kind.",
    ),
    "finding": Term(
        "Finding",
        "Something about the outcomes that a reader should know. Error: figures do not mean what "
        "they seem to. Warning: they may not. Note: it is taken care of, or limits what can be "
        "seen.",
    ),
    "gap": Term(
        "Gap",
        "Quality of always strong minus quality of always weak: what a router can recover.",
        r"r_\text{strong} - r_\text{weak}",
    ),
    "ece": Term(
        "Calibration error (ECE)",
        "Mean distance of what the scores say from what happens, over bins of equally many "
        "queries.",
        r"\sum_b \frac{n_b}{n} \left| \bar{s}_b - \bar{t}_b \right|",
    ),
    "ece_debiased": Term(
        "ECE, chance taken off",
        "A distance is never negative, so noise alone makes an ECE: resampling shows how much, "
        "and that is taken off.",
    ),
    "ece_perfect": Term(
        "ECE of perfect scores",
        "What scores that mean exactly what they say would show on as many queries, by chance.",
    ),
    "brier": Term(
        "Brier score",
        "Mean squared distance of score and outcome: 0 is best, always 0.5 gives at most 0.25.",
        r"\frac1n \sum_i (s_i - t_i)^2",
    ),
    "skill": Term(
        "Skill",
        "How much of the Brier score of the mean outcome, said for every query, the scores take "
        "away. 0: they say no more than the mean does; below 0: less.",
        r"1 - \frac{\text{Brier}}{\text{Brier of the mean}}",
    ),
    "recalibration": Term(
        "Recalibration",
        "A rising curve over the scores that makes them mean what they say. Isotonic: a staircase, "
        "which merges scores. Platt: a logistic curve, which keeps all apart. It never puts a "
        "query before one with a higher score.",
    ),
    "mean_seconds": Term(
        "Mean latency",
        "Mean seconds to the full answer of the model that is called, the router's own time added.",
    ),
    "p50": Term(
        "Half are faster",
        "The least time that half of the queries do not exceed, the router's own time added.",
    ),
    "p95": Term(
        "95% are faster",
        "The least time that 95% of the queries do not exceed, the router's own time added.",
    ),
    "own_time": Term(
        "Router's own time",
        "What a router takes for a query before any model is called: every query waits for it, and "
        "its machine is paid for it.",
    ),
    "held_out": Term(
        "Held-out quality",
        "A threshold for a quality or a budget is where these very answers were lucky. So each "
        "fifth of the texts is judged under the threshold that the other four choose.",
    ),
    "to_the_first": Term(
        "Against the first",
        "Paired on the same queries; in money at equal quality. A question mark: no clear winner "
        "at 5%, corrected for all pairs of routers (Holm 1979).",
    ),
    "break_even": Term(
        "Break-even share",
        "The largest share of strong calls up to which routing, the router included, costs no more "
        "than the baseline.",
    ),
    "sensitivity": Term(
        "Price sensitivity",
        "The saving if the prices of one model were multiplied by a factor, all else as it is.",
    ),
}


def help_of(name: str) -> str:
    """The one line that explains a term."""
    return TERMS[name].meaning


def drawer() -> None:
    """The glossary; a popover, since it is drawn only when it is opened."""
    with st.popover("Glossary", width="stretch"):
        for term in TERMS.values():
            st.markdown(f"**{term.name}.** {term.meaning}")
            if term.formula:
                st.latex(term.formula)


def benchmark_card(benchmark: Benchmark, n_queries: int) -> None:
    """A benchmark's subject, size, weak spots and source."""
    with st.popover(f"About {plain(benchmark.title)}", width="stretch"):
        st.text(benchmark.description)
        st.caption(f"n = {n_queries:,} queries, contaminated ones left out")
        if benchmark.weak_spots:
            st.markdown("**Weak spots**")
            st.text(benchmark.weak_spots)
        st.caption(plain(f"Source: {benchmark.source} · Licence: {benchmark.licence}"))
