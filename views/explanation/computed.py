"""Steps of the router's computation: chances of its labels, ratings, terms of its log-odds."""

import math

import streamlit as st

from routellm_core.explain.explanation import Explanation, LogOddsTerm
from routellm_core.wording.numbers import fixed, signed
from routellm_core.wording.text import one_line
from views.explanation import bars
from views.explanation.bars import Bar
from views.explanation.heading import heading
from views.explanation.subject import Subject
from views.text.escape import plain
from views.text.names import distinct_names

_N_TERMS, _N_RATINGS = 8, 10
_LABEL_KINDS = {"weak wins": "weak", "strong wins": "strong"}
_MARKS = {"weak wins": " ●", "strong wins": " ■"}


def draw(subject: Subject, found: Explanation) -> None:
    """Draw the steps that the router has."""
    if found.labels:
        _draw_labels(found)
    if found.ratings:
        _draw_ratings(subject, found)
    if found.terms:
        _draw_terms(found)


def _draw_labels(found: Explanation) -> None:
    heading("Chances of its labels")
    bars.draw(
        "Chances of the router's labels",
        ("label", "", "chance"),
        [
            Bar(
                name + _MARKS.get(name, ""), "", chance, f"{chance:.1%}", _LABEL_KINDS.get(name, "")
            )
            for name, chance in found.labels
        ],
    )
    halved = "half of tie and both bad" if len(found.labels) > 3 else "half of tie"
    st.caption(f"The win rate is the chance of strong wins and {halved}.")


def _draw_ratings(subject: Subject, found: Explanation) -> None:
    """The best first; the routed two are kept among the few that are shown."""
    pair = subject.fitted_for
    names = distinct_names([name for name, _ in found.ratings])
    room = _N_RATINGS - sum(name in pair for name, _ in found.ratings[_N_RATINGS:])
    shown = [
        (name, rating) for i, (name, rating) in enumerate(found.ratings) if i < room or name in pair
    ]
    marks = {pair.strong: " ■", pair.weak: " ●"}
    kinds = {pair.strong: "strong", pair.weak: "weak"}
    heading("Ratings for this query")
    bars.draw(
        "Ratings of the models for this query, in log-odds",
        ("model", "", "log-odds"),
        [
            Bar(
                one_line(names[name], 60) + marks.get(name, ""),
                "",
                rating,
                signed(rating, 3),
                kinds.get(name, ""),
            )
            for name, rating in shown
        ],
    )
    ratings = dict(found.ratings)
    apart = ratings[pair.strong] - ratings[pair.weak]
    n_left = len(found.ratings) - len(shown)
    st.caption(
        f"■ over ● by {signed(apart, 3)} of log-odds, a win rate of {found.strong_win_rate:.3f}."
        + (f" {n_left} other models are not shown." if n_left else "")
    )


def _draw_terms(found: Explanation) -> None:
    """The largest terms, all others summed, and what does not depend on the query."""
    others = found.terms[_N_TERMS:]
    shown = [_bar(term) for term in found.terms[:_N_TERMS]]
    if others:
        rest = sum(term.contribution for term in others)
        shown.append(_named(f"{len(others)} others", "", rest))
    total = sum(term.contribution for term in found.terms)
    rate = min(max(found.strong_win_rate, 1e-12), 1 - 1e-12)
    odds = math.log(rate / (1 - rate))
    if abs(odds - total) > 5e-4:  # more than rounding
        shown.append(_named("independent of the query", "", odds - total))
    heading("Terms of its log-odds")
    bars.draw(
        "Terms that add up to the log-odds of a strong win",
        ("term", "value", "adds"),
        shown,
    )
    st.caption(
        plain(
            f"Value: {found.terms_are}. The terms add up to log-odds of {signed(odds, 3)}, which "
            f"is a win rate of {found.strong_win_rate:.3f}; this sum is exact."
        )
    )


def _bar(term: LogOddsTerm) -> Bar:
    return _named(term.name, fixed(term.value), term.contribution)


def _named(name: str, value: str, contribution: float) -> Bar:
    kind = "strong" if contribution > 0 else "weak"
    return Bar(name, value, contribution, signed(contribution, 3), kind)
