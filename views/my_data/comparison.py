"""A set beside a benchmark: how alike, the strangest queries, what stands in both, a map."""

from pathlib import Path
from typing import Any

import streamlit as st

from routellm_core import jobs
from routellm_core.evaluation.traffic.comparison import Comparison, ComparisonPlan
from routellm_core.evaluation.traffic.profile import Profile
from routellm_core.evaluation.traffic.sentences import verdict_sentence
from routellm_core.training.recipes import RECIPES
from routellm_core.wording.numbers import fixed, percent, with_span
from routellm_core.wording.text import one_line
from views.cache import benchmarks, own_data, workspace
from views.components import charts, html_table, job_progress
from views.components.html_table import Heading, figure
from views.state import inputs
from views.state.attempt import attempt, button
from views.text.escape import plain

_SHOWN = 8


def draw(version: int, row: Any) -> None:
    """The part of the page for one set."""
    table = benchmarks.benchmarks(version)
    titles = dict(table[["benchmark_id", "title"]].itertuples(index=False))
    titles.pop(row.benchmark_id, None)
    if not titles:
        st.info("There is no benchmark to compare with.")
        return
    usual = "mmlu" if "mmlu" in titles else next(iter(titles))
    benchmark_id = inputs.one_of(
        st.selectbox, "Benchmark", "against", list(titles), usual, titles.__getitem__
    )
    folder = _folder(row.benchmark_id, benchmark_id)
    job = jobs.read(folder) if (folder / "run.json").exists() else None
    if job is not None and job.status == "done":
        found = own_data.comparison(version, str(folder), folder.stat().st_mtime_ns)
        _draw_found(version, row, titles[benchmark_id], benchmark_id, found)
        st.button("Compare again", on_click=_start, args=(row.benchmark_id, benchmark_id))
        return
    if job is not None and job.status == "running":
        job_progress.watch([folder], _draw_job)
        return
    if job is not None:
        _draw_job(job)
    st.markdown(
        "Figures measured on a benchmark hold for your traffic as far as the two are alike. "
        "Comparing embeds your queries (about 20 seconds for a thousand on two processor cores) "
        "and looks at: how well a classifier tells the two apart, which of your queries are "
        "strangest to the benchmark, which stand in both, lengths and languages."
    )
    texts, _ = benchmarks.n_texts(version, row.benchmark_id)
    theirs, _ = benchmarks.n_texts(version, benchmark_id)
    if not texts or not theirs:
        whose = "your set" if not texts else titles[benchmark_id]
        st.info(
            plain(f"The texts of {whose} are not on this machine, and comparing reads them."),
            icon=":material/description:",
        )
        return
    button("Compare", _start, row.benchmark_id, benchmark_id, type="primary")


def finished(own_id: str, benchmark_id: str) -> Path | None:
    """The folder of a finished comparison."""
    folder = _folder(own_id, benchmark_id)
    is_done = (folder / "run.json").exists() and jobs.read(folder).status == "done"
    return folder if is_done else None


def _folder(own_id: str, benchmark_id: str) -> Path:
    return workspace.current().comparison(own_id, benchmark_id)


def _start(own_id: str, benchmark_id: str) -> None:
    with attempt():
        folder = _folder(own_id, benchmark_id)
        if (folder / "run.json").exists():
            jobs.delete(folder)
        jobs.start(folder, ComparisonPlan(own_id, benchmark_id), workspace.store_path())


def _draw_job(job: jobs.Job) -> None:
    title = "Comparing" if job.status == "running" else "The comparison"
    job_progress.job_card(job, title, first="Reading the texts")


def _draw_found(version: int, row: Any, title: str, benchmark_id: str, found: Comparison) -> None:
    told = found.two_sample
    st.markdown(f"##### {plain(verdict_sentence(told, title))}")
    html_table.draw(
        "How alike the sets are",
        ["what", figure("figure"), Heading("read it so", is_wide=True)],
        [
            [
                "recognised by a classifier (AUC)",
                with_span(told.auc, told.interval),
                "0.5: not at all; 1: always. Held out, "
                f"n = {told.n_own:,} and {told.n_benchmark:,} different texts",
            ],
            [
                "S(yours, benchmark)",
                fixed(found.own_similarity),
                "mean over your queries of the largest cosine to one of the benchmark",
            ],
            [
                "S(benchmark, yours)",
                fixed(found.benchmark_similarity),
                "mean over the benchmark's queries of the largest cosine to one of yours",
            ],
        ],
    )
    _draw_copies(version, row, title, benchmark_id, found)
    texts = own_data.query_texts(version, row.benchmark_id)
    first = told.foreign_first
    if len(first):
        names = found.own_query_id[first]
        left, right = st.columns(2)
        with left:
            st.markdown("**Strangest to the benchmark**")
            _draw_texts([texts.get(name, "–") for name in names[:_SHOWN]])
        with right:
            st.markdown("**Most like it**")
            _draw_texts([texts.get(name, "–") for name in names[::-1][:_SHOWN]])
    _draw_profiles(title, found.own_profile, found.benchmark_profile)
    st.markdown("**Map**")
    st.plotly_chart(
        charts.query_map(
            found.map,
            [one_line(texts.get(name, "")) for name in found.own_query_id[found.map.own_index]],
            title,
        ),
        config=charts.CONFIG,
        key="query_map",
    )
    seen = 100 * sum(found.map.variance_share)
    st.caption(
        f"Both sets on their first two principal components, which hold {seen:.0f}% of what "
        "differs between the queries: near on the map need not mean alike. At most 2,000 points a "
        "side."
    )


def _draw_copies(version: int, row: Any, title: str, benchmark_id: str, found: Comparison) -> None:
    own, theirs, repeated = found.own, found.theirs, found.repeated
    html_table.draw(
        "Queries that stand twice",
        ["what", figure("word for word"), figure("nearly")],
        [
            [f"your queries that stand in {title}", f"{own.n_exact:,}", f"{own.n_near:,}"],
            [
                f"queries of {title} that stand in yours",
                f"{theirs.n_exact:,}",
                f"{theirs.n_near:,}",
            ],
            [
                "your queries that repeat an earlier one",
                f"{repeated.n_exact:,}",
                f"{repeated.n_near:,}",
            ],
        ],
    )
    st.caption("Nearly: a cosine above 0.95, where the paper counts a query as a copy.")
    copies = found.own_query_id[own.is_copy]
    left_out = own_data.contaminated_ids(version, row.benchmark_id)
    if len(copies) and not set(copies.tolist()) <= left_out:
        why = (
            "on which golden routers were trained: they have seen these, and figures on them "
            "flatter"
            if benchmark_id in RECIPES["golden"].golden
            else "so that figures on both rest on the same queries"
        )
        st.warning(
            plain(f"{len(copies):,} of your queries stand in {title}, {why}."),
            icon=":material/warning:",
        )
        st.button(
            f"Leave these {len(copies):,} out of all figures",
            on_click=_leave_out,
            args=(row.benchmark_id, sorted({*copies.tolist(), *left_out})),
        )
    elif left_out:
        st.button(
            f"Take {len(left_out):,} left-out queries back into the figures",
            on_click=_leave_out,
            args=(row.benchmark_id, []),
        )


def _leave_out(benchmark_id: str, query_ids: list[str]) -> None:
    with attempt():
        store = workspace.store()
        with store.open_for_writing():
            store.set_contaminated(benchmark_id, query_ids)


def _draw_texts(texts: list[str]) -> None:
    html_table.draw("Queries", ["query"], [[one_line(text)] for text in texts])


def _draw_profiles(title: str, own: Profile, theirs: Profile) -> None:
    def shares(shares: dict[str, float]) -> str:
        return ", ".join(f"{name} {percent(share, 0)}" for name, share in list(shares.items())[:4])

    def row(what: str, of: Any) -> list[str]:
        return [what, of(own), of(theirs)]

    with st.expander("Lengths, languages, code and numbers"):
        html_table.draw(
            "What the sets look like",
            ["what", "yours", title],
            [
                row("queries", lambda p: f"{p.n_queries:,}"),
                row("words: median (5% to 95%)", lambda p: _quantiles(p.words)),
                row("characters: median (5% to 95%)", lambda p: _quantiles(p.characters)),
                row("languages, guessed", lambda p: shares(p.languages)),
                row("scripts", lambda p: shares(p.scripts)),
                row("with code", lambda p: percent(p.with_code, 0)),
                row("with numbers", lambda p: percent(p.with_numbers, 0)),
                row("with formulas", lambda p: percent(p.with_maths, 0)),
            ],
        )


def _quantiles(values: tuple[float, ...]) -> str:
    low, _, median, _, high = values
    return f"{median:,.0f} ({low:,.0f} to {high:,.0f})"
