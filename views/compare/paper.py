"""The paper's published figures beside ours."""

from typing import Any

import pandas as pd
import streamlit as st

from routellm_core.evaluation.comparison import paper
from routellm_core.evaluation.comparison.paper import PUBLISHED, Published
from routellm_core.types import Benchmark
from views.compare import sentences, tables
from views.components import downloads
from views.components.table import column, data_table

_WHY = {
    "mmlu": "Theirs learned from Arena battles, some with about 1,500 golden labels added; ours "
    "from golden labels, those of MMLU itself among them, out of fold.",
    "gsm8k": "Theirs learned from Arena battles, some with a judge's labels added; ours from "
    "golden labels, those of GSM8K itself among them, out of fold.",
    "mt_bench": "Theirs learned from Arena battles of open-ended chats, some with a judge's labels "
    "added; ours from golden labels of other benchmarks, and a query of ours is both turns of what "
    "the paper counts as two.",
}
_READERS = {
    "mf": "mf and sw_ranking embed with text-embedding-3-small in the paper, with all-MiniLM-L6-v2 "
    "here",
    "bert": "bert is BERT-base in the paper, the upper half of MiniLM-L6 here",
    "causal_llm": "causal_llm is Llama 3 8B in the paper, SmolLM2-135M with trained label rows "
    "here",
}
"""By method; sw_ranking reads what mf does."""


def rows_for(figures: dict[str, Any]) -> list[Published]:
    """The paper's rows of this benchmark, if it is about the same pair of models."""
    if figures["model_pair"] != paper.PAIR._asdict():
        return []
    return [row for row in PUBLISHED if row.benchmark_id == figures["benchmark"]]


def draw(reports: list[tuple[Benchmark, dict[str, Any]]], axis: dict[str, Any]) -> None:
    """A table a benchmark; nothing when the paper has none of these."""
    published = [(card, figures, rows_for(figures)) for card, figures in reports]
    published = [(card, figures, rows) for card, figures, rows in published if rows]
    if not published:
        return
    st.subheader("The paper beside ours")
    st.caption(
        f"Published: [arXiv 2406.18665, version 4]({paper.SOURCE}), tables 1 to 3, for the same "
        "pair of models, drawn as ◇. Ours: the same method, trained on golden labels, with its 95% "
        "interval, drawn as ●. A dash: no router of this method has scored it here. The models "
        "that read the queries differ too: " + "; ".join(_READERS.values()) + ". The paper "
        "averages ten shares for APGR, ours is the exact area."
    )
    lines = []
    for card, figures, rows in published:
        beside = [_beside(row, figures) for row in rows]
        lines += [
            {"benchmark": card.benchmark_id, **row, "why": _why(card.benchmark_id, row["router"])}
            for row in beside
        ]
        data_table(
            f"Published figures and ours on {card.title}",
            [
                column("router", "method", "name"),
                column("trained_on", "theirs trained on", "text", wide=True),
                tables.picture("APGR, ◇ theirs ● ours"),
                *(
                    tables.measure(name, whose, wide=name != "apgr")
                    for name in tables.MEASURES
                    for whose in ("theirs", "ours")
                ),
            ],
            beside,
            title=card.title,
            sentence=_WHY[card.benchmark_id],
            axis=tables.with_random(axis, figures),
            key=f"paper_{card.benchmark_id}",
        )
    table = pd.DataFrame(lines).drop(columns="under")
    downloads.csv_button("The paper beside ours (CSV)", table, "paper-beside-ours.csv")


def _why(benchmark_id: str, router: str) -> str:
    """Reasons why ours differs from theirs; none for the random router, which has only chance."""
    if router == "random":
        return ""
    reader = _READERS["mf" if router == "sw_ranking" else router]
    return f"{_WHY[benchmark_id]} {reader[0].upper()}{reader[1:]}."


def _beside(row: Published, figures: dict[str, Any]) -> dict[str, Any]:
    same = [r for r in figures["routers"] if r["recipe"] == "golden"]
    ours = next(iter(sentences.comparable(same, row.router)), None)
    return {
        "router": row.router,
        "trained_on": row.trained_on,
        "under": row.trained_on,
        **{f"paper_{name}": getattr(row, name) for name in tables.MEASURES},
        **({} if ours is None else tables.figures_of(ours)),
    }
