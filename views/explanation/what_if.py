"""Other texts: what the checkpoint says of an edited query, and what to delete to turn it round."""

import hashlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from routellm_core.explain.counterfactual import Deletion, smallest_deletion
from routellm_core.types import Floats
from routellm_core.wording.numbers import signed
from routellm_core.wording.text import one_line
from views.cache import models
from views.explanation import reading
from views.explanation.heading import box, heading
from views.explanation.highlighted import struck
from views.explanation.subject import Subject
from views.selection.frame import boundary
from views.text.escape import plain

_LONGEST = 20_000
"""Characters that can be edited."""
_ASKED, _FOUND = "why_deletion", "why_deletion_found"
_N_NAMED = 12
_N_AT_ONCE = 8
"""Texts that are scored between two looks at whether the person still waits."""


@st.fragment
def draw(subject: Subject) -> None:
    """Both act on the checkpoint's own decision; a fragment, so that an edit draws only this."""
    with boundary():
        edit, delete = st.columns(2, gap="large")
        with edit:
            _draw_edit(subject)
        with delete:
            _draw_deletion(subject)


def _draw_edit(subject: Subject) -> None:
    heading("What if it said …")
    if len(subject.text) > _LONGEST:
        st.caption(f"Queries of more than {_LONGEST:,} characters cannot be edited here.")
        return
    edited = st.text_area(
        "The query, to be edited",
        subject.text,
        key=f"why_edited_{_name_of(subject)}",
        height=180,
        max_chars=_LONGEST,
    )
    unedited = subject.explained().strong_win_rate
    if edited is None or edited.replace("\r\n", "\n") == subject.text.replace("\r\n", "\n"):
        st.caption(
            plain(
                f"Unedited, the checkpoint says {subject.rate_text(unedited)}"
                f"{_call(subject, unedited)}. Edit the text and leave the field, or press Ctrl + "
                "Enter, and it is scored again."
            )
        )
        return
    found = subject.explained(edited)
    rate = found.strong_win_rate
    flips = (rate >= subject.threshold) != (unedited >= subject.threshold)
    st.markdown(
        f":primary[**{subject.rate_text(rate)}**]"
        + plain(
            f", {signed(rate - unedited, subject.digits)} to the unedited "
            f"{subject.rate_text(unedited)}{_call(subject, rate)}, "
            f"{'another decision' if flips else 'as before'}."
        )
    )
    reading.draw(found, "The edited query with its words coloured")


def _draw_deletion(subject: Subject) -> None:
    heading("The smallest deletion that flips it")
    asked = (subject.folder, subject.text, subject.threshold)
    rate = subject.explained().strong_win_rate
    st.caption(
        plain(
            f"The checkpoint says {subject.rate_text(rate)}{_call(subject, rate)}. Words are "
            "deleted, the most important first, until the decision changes. Then the words that "
            "need not be deleted come back."
        )
    )
    st.button(
        "Find the words",
        on_click=lambda: st.session_state.update({_ASKED: asked}),
    )
    if st.session_state.get(_ASKED) != asked:
        return
    if st.session_state.get(_FOUND, [None])[0] != asked:
        st.session_state[_FOUND] = (asked, _searched(subject))
    found = st.session_state[_FOUND][1]
    if found is None:
        st.markdown(
            "None was found: even without all of the words that speak for it, the decision stays."
        )
    else:
        _draw_found(subject, found)


def _searched(subject: Subject) -> Deletion | None:
    """A search that shows how far it is, and that ends when the person does something else."""
    n_scored, place = 0, st.empty()

    def score(texts: Sequence[str]) -> Floats:
        nonlocal n_scored
        rates = []
        for start in range(0, len(texts), _N_AT_ONCE):
            place.caption(f"{n_scored:,} texts scored; any other click ends the search.")
            part = list(texts[start : start + _N_AT_ONCE])
            rates.append(models.win_rates(subject.version, subject.folder, part))
            n_scored += len(part)
        return np.concatenate(rates)

    with st.spinner("Deleting words until the decision flips …", show_time=True):
        found = smallest_deletion(score, subject.explained(), subject.threshold)
    place.empty()
    return found


def _draw_found(subject: Subject, found: Deletion) -> None:
    n, n_words = len(found.words), len(subject.explained().words)
    named = [f"“{one_line(subject.text[a:b], 30)}”" for a, b in found.words[:_N_NAMED]]
    listed = ", ".join(named) + (f" and {n - _N_NAMED} more" if n > _N_NAMED else "")
    st.markdown(
        plain(f"Without {listed} ({n} of {n_words:,} words) the win rate is ")
        + f":primary[**{subject.rate_text(found.strong_win_rate)}**]"
        + plain(f"{_call(subject, found.strong_win_rate)}.")
    )
    box("The query with the deleted words struck through", struck(subject.text, found.words))
    st.caption(f"{found.n_scored:,} texts were scored. A smaller deletion may exist.")


def _call(subject: Subject, rate: float) -> str:
    return f", which calls {subject.goes_to(rate >= subject.threshold)} at α = {subject.alpha}"


def _name_of(subject: Subject) -> str:
    """Name of the query in a widget's key: another query starts with its own text."""
    name = f"{subject.selection.benchmark.benchmark_id} {subject.query_id}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]
