"""Inputs that a link carries: what it remembers is drawn, what is chosen is remembered."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

import streamlit as st

from views.state import link

segments = partial(st.segmented_control, required=True)
"""For `one_of`: a few options in a row; a click on the chosen one leaves it chosen."""
pills = partial(st.pills, selection_mode="multi")
"""For `several_of`: all options side by side; their labels are read as Markdown."""


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
    key = _shows(name, chosen, map(format_func, options))

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
    draw: Callable[..., Any] = pills,
    in_link: Callable[[str], str] = str,
    is_none_usual: bool = False,
    before_change: Callable[[], None] | None = None,
    help: str | None = None,
) -> list[str]:
    """A choice of several; those chosen in the order of the options.

    Args:
        label: above them.
        name: in the link.
        options: any number.
        chosen: what the link says.
        format_func: an option's label.
        draw: `pills` or `st.multiselect`.
        in_link: how an option is written in the link, where commas part them.
        is_none_usual: whether the link forgets an empty choice instead of stating it.
        before_change: called before another choice is remembered.
        help: shown on hover.
    """
    key = _shows(name, chosen, map(format_func, options))

    def keep() -> None:
        if before_change is not None:
            before_change()
        found = [in_link(option) for option in st.session_state[key]]
        link.remember(**{name: found if found or not is_none_usual else None})

    draw(label, options, key=key, format_func=format_func, on_change=keep, help=help)
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

    def keep(typed: float | None) -> None:
        link.remember(**{name: None if typed is None else typed / scale})

    shown = None if value is None else min(max(value * scale, 0.0), most)
    number(label, name, shown, keep, most=most, step=step, form=form, help=help)
    return None if shown is None else shown / scale


def number(
    label: str,
    name: str,
    shown: float | None,
    keep: Callable[[float | None], None],
    *,
    most: float,
    step: float,
    form: str,
    width: int | Literal["stretch"] = 230,
    help: str | None = None,
) -> None:
    """A number from 0 up that the link carries in a way of its own.

    Args:
        label: above it.
        name: of the input.
        shown: its value within the bounds; None draws it empty.
        keep: called with what is typed, None where it was emptied.
        most: that may be typed.
        step: of its buttons.
        form: how it is written, printf-like.
        width: in pixels.
        help: shown on hover.
    """
    key = _shows(name, shown)
    st.number_input(
        label,
        min_value=0.0,
        max_value=most,
        value=None,  # else an emptied input would be 0
        step=step,
        format=form,
        key=key,
        width=width,
        help=help,
        on_change=lambda: keep(st.session_state[key]),
    )


def switch_of(label: str, name: str, on: str = "1", help: str | None = None) -> bool:
    """A switch, which the link states while it is on.

    Args:
        label: beside it.
        name: in the link.
        on: what the link says then.
        help: shown on hover.
    """
    is_on = link.text(name, "") == on
    key = _shows(name, is_on)

    def keep() -> None:
        link.remember(**{name: on if st.session_state[key] else None})

    st.toggle(label, key=key, help=help, on_change=keep)
    return is_on


def _shows(name: str, value: Any, labels: Iterable[str] = ()) -> str:
    """Key of the input of this name, which shows this value.

    Streamlit sends a value that is set to the browser, where it undoes what was clicked meanwhile:
    so none is set that the input has already. Where the labels of its options are others it has
    none: the browser names what is chosen by its label.
    """
    key, labels_key = f"_{name}", f"_{name}_labels"
    now = tuple(labels)
    has_it = key in st.session_state and st.session_state[key] == value
    if not has_it or st.session_state.get(labels_key, ()) != now:
        st.session_state[key] = value
        st.session_state[labels_key] = now
    return key
