"""Inputs that a link carries: what it remembers is drawn, what is chosen is remembered."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from views.state import link

segments = partial(st.segmented_control, required=True)
"""For `one_of`: a few options in a row; a click on the chosen one leaves it chosen."""


def one_of(
    draw: Callable[..., Any],
    label: str,
    name: str,
    options: Sequence[str],
    usual: str,
    format_func: Callable[[str], str],
    before_change: Callable[[], None] | None = None,
) -> str:
    """A choice of one, by `st.selectbox`, `st.radio` or `segments`.

    Args:
        draw: one of these; all but a selectbox read their labels as Markdown.
        label: above it.
        name: in the link.
        options: at least one.
        usual: where the link names none of them.
        format_func: an option's label.
        before_change: called before another choice is remembered.
    """
    chosen = link.text(name, usual if usual in options else options[0], list(options))
    key = f"_{name}"
    st.session_state[key] = chosen

    def keep() -> None:
        if before_change is not None:
            before_change()
        link.remember(**{name: st.session_state[key]})

    draw(label, options, key=key, format_func=format_func, on_change=keep)
    return chosen


def several_of(
    label: str,
    name: str,
    options: Sequence[str],
    chosen: list[str],
    format_func: Callable[[str], str],
    *,
    in_link: Callable[[str], str] = str,
    before_change: Callable[[], None] | None = None,
    help: str | None = None,
) -> list[str]:
    """A choice of several, as pills; those chosen in the order of the options.

    Args:
        label: above them.
        name: in the link.
        options: any number.
        chosen: what the link says.
        format_func: an option's label, which is read as Markdown.
        in_link: how an option is written in the link, where commas part them.
        before_change: called before another choice is remembered.
        help: shown on hover.
    """
    key = f"_{name}"
    st.session_state[key] = chosen

    def keep() -> None:
        if before_change is not None:
            before_change()
        link.remember(**{name: [in_link(option) for option in st.session_state[key]]})

    st.pills(
        label,
        options,
        selection_mode="multi",
        key=key,
        format_func=format_func,
        on_change=keep,
        help=help,
    )
    return [option for option in options if option in chosen]


def number_of(
    label: str,
    name: str,
    value: float | None,
    *,
    most: float,
    step: float,
    form: str,
    scale: float = 1.0,
    help: str | None = None,
) -> float | None:
    """A number from 0 up; emptied, the link forgets it.

    Args:
        label: above it.
        name: in the link.
        value: what the link says, or what is usual; None draws it empty.
        most: that may be typed.
        step: of its buttons.
        form: how it is written, printf-like.
        scale: what the number in the link is multiplied by on screen, as 100 for percents.
        help: shown on hover.

    Returns:
        The value within its bounds, on the link's scale.
    """
    key = f"_{name}"
    shown = None if value is None else min(max(value * scale, 0.0), most)
    st.session_state[key] = shown

    def keep() -> None:
        typed = st.session_state[key]
        link.remember(**{name: None if typed is None else typed / scale})

    st.number_input(
        label,
        min_value=0.0,
        max_value=most,
        value=None,  # else an emptied input would be 0
        step=step,
        format=form,
        key=key,
        width=230,
        help=help,
        on_change=keep,
    )
    return None if shown is None else shown / scale
