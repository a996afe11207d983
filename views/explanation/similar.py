"""Queries beside the opened one: battles as evidence, labelled ones like it, and one beyond α."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from routellm_core.explain.explanation import BattleEvidence, Explanation
from routellm_core.text_keys import text_hash
from routellm_core.wording.numbers import signed
from routellm_core.wording.text import one_line
from views.cache import benchmarks, models, workspace
from views.components.table import column, data_table
from views.explanation.heading import heading
from views.explanation.subject import Subject
from views.state import link
from views.text.escape import plain
from views.text.format import outcome_text
from views.text.names import distinct_names

_N_EVIDENCE, _LENGTH = 10, 140


def draw_evidence(subject: Subject, found: Explanation) -> None:
    """The battles that moved the win rate most."""
    shown = found.evidence[:_N_EVIDENCE]
    if not shown:
        return
    heading("Battles that moved it most")
    hashes = [one.text_hash for one in shown if one.text_hash is not None]
    labelled = workspace.store().labelled(hashes, subject.fitted_for).set_index("text_hash")
    texts = workspace.store().texts(hashes)
    names = distinct_names([*dict(found.ratings)])
    _draw_links(
        "The battles that moved the win rate most",
        [
            column("text", "query of the battle", "link"),
            column("won_by", "won by", "text"),
            column("cosine", "cosine", "written", wide=True),
            column("weight", "weight", "written", wide=True),
            column("influence", "moves it by", "written"),
        ],
        [_evidence_row(subject, one, labelled, texts, names) for one in shown],
        key="why_evidence",
    )
    share = sum(one.weight_share for one in shown)
    st.caption(
        f"{len(shown)} of {found.n_evidence:,} battles; they hold {share:.2%} of all weight. Each "
        "moves the win rate by what it gains from counting as much as it does, to first order."
    )


def draw_similar(subject: Subject) -> None:
    """Labelled queries most like the opened one, and what became of them."""
    heading("Labelled queries most like it")
    pair = subject.selection.pair
    found = models.similar_queries(subject.version, pair, subject.text)
    if found is None:
        st.caption("No checkpoint on this machine names the queries that it learned from.")
        return
    if found.empty:
        st.caption("None of the labelled queries has outcomes of this pair.")
        return
    _draw_links(
        "Labelled queries that are most like this one",
        [
            column("text", "query", "link"),
            *_outcome_columns(pair),
            column("cosine", "cosine", "written"),
        ],
        [_labelled_row(subject, row) for row in _records(found)],
        key="why_similar",
    )


def draw_counterfactual(subject: Subject) -> None:
    """The nearest query that the stored scores send to the other model."""
    other = subject.goes_to(not subject.calls_strong)
    heading(f"The nearest one that goes to {other}")
    found = models.nearest_counterfactual(
        subject.selection.key, subject.text, subject.threshold, subject.calls_strong
    )
    if found is None or found.empty:
        st.caption(
            plain(f"No labelled query of this benchmark goes to {other} at α = {subject.alpha}.")
        )
        return
    _draw_links(
        "The most similar query that is decided the other way",
        [
            column("text", "query", "link"),
            *_outcome_columns(subject.selection.pair),
            column("win_rate", "win rate", "written"),
            column("cosine", "cosine", "written", wide=True),
        ],
        [
            _labelled_row(subject, row) | {"win_rate": subject.rate_text(row["strong_win_rate"])}
            for row in _records(found)
        ],
        key="why_across",
    )
    st.caption(f"Both by the stored scores, at α = {subject.alpha}.")


def _evidence_row(
    subject: Subject,
    one: BattleEvidence,
    labelled: pd.DataFrame,
    texts: dict[str, str],
    names: dict[str, str],
) -> dict[str, Any]:
    winner = "tie" if one.win_a == 0.5 else names[one.model_a if one.win_a > 0.5 else one.model_b]
    figures = {
        "won_by": one_line(winner, 40),
        "cosine": f"{one.similarity:.3f}",
        "weight": f"{one.weight_share:.3%}",
        "influence": signed(one.influence, 6),
    }
    if one.text_hash in labelled.index:
        row = _named_row(subject, labelled.loc[one.text_hash].to_dict()) | figures
        if one.text_hash == text_hash(subject.text):
            row |= {"id": None, "under": f"this very query · {row['under']}"}
        return row
    text = texts.get(one.text_hash or "")
    said = one_line(text, _LENGTH) if text else "its text is not on this machine"
    faced = " against ".join(one_line(names[m], 40) for m in (one.model_a, one.model_b))
    return {"id": None, "text": said, "under": faced, **figures}


def _labelled_row(subject: Subject, row: dict[str, Any]) -> dict[str, Any]:
    benchmark = benchmarks.benchmark(subject.version, row["benchmark_id"])
    outcomes = {
        name: outcome_text(benchmark, row[name]) for name in ("quality_strong", "quality_weak")
    }
    return _named_row(subject, row) | outcomes | {"cosine": f"{row['cosine']:.3f}"}


def _named_row(subject: Subject, row: dict[str, Any]) -> dict[str, Any]:
    """Its text, or its name where the text is not here; it opens on its own benchmark."""
    benchmark = subject.selection.benchmark
    is_here = row["benchmark_id"] == benchmark.benchmark_id
    shown_id = one_line(row["query_id"], _LENGTH)
    text = one_line(row["text"], _LENGTH) if isinstance(row["text"], str) else ""
    parts = [one_line(row["slice"].replace("_", " "), _LENGTH), shown_id if text else ""]
    if not is_here:
        parts.insert(0, benchmarks.benchmark(subject.version, row["benchmark_id"]).title)
    return {
        "id": row["query_id"] if is_here else None,
        "text": text or shown_id,
        "under": " · ".join(part for part in parts if part),
    }


def _outcome_columns(pair: Sequence[str]) -> list[dict[str, Any]]:
    names = distinct_names(list(pair))
    weak, strong = (names[name] for name in pair)
    return [
        column("quality_strong", f"{strong}\u00a0■", "text"),
        column("quality_weak", f"{weak}\u00a0●", "text"),
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(row) for row in table.to_dict("records")]


def _draw_links(
    caption: str, columns: list[dict[str, Any]], rows: list[dict[str, Any]], *, key: str
) -> None:
    data_table(
        caption,
        columns,
        rows,
        is_sortable=False,
        key=key,
        on_open=lambda: link.remember(query=st.session_state[key].open["id"]),
    )
