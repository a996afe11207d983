"""A router's options as inputs, made from the fields of its dataclass."""

import ast
import inspect
import textwrap
from dataclasses import Field, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

import streamlit as st

from routellm_core.routers import ROUTERS
from routellm_core.routers.configs import CONFIGS
from views.state import link


def draw(router: str) -> dict[str, Any]:
    """Draw the options; returns those that differ from their defaults."""
    kind = CONFIGS.get(router)
    if kind is None:
        st.caption(f"{router} has no options.")
        return {}
    hints = get_type_hints(kind)
    values = {f.name: _remembered(router, f, hints[f.name]) for f in fields(kind)}
    changed = {f.name: values[f.name] for f in fields(kind) if values[f.name] != f.default}
    changed = {k: list(v) if isinstance(v, tuple) else v for k, v in changed.items()}  # as in JSON
    said = f"{len(changed)} changed" if changed else "all as usual"
    with st.expander(f"Options of {router}: {said}"), st.container(horizontal=True):
        for field in fields(kind):
            _input(router, field, hints[field.name], values[field.name])
    return changed


@cache
def help_of(kind: Any) -> dict[str, str]:
    """The docstring under each field, its own or one of a class below it."""
    inherited: dict[str, str] = {}
    for base in kind.__bases__:
        inherited |= help_of(base) if is_dataclass(base) else {}
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    return inherited | {
        field.target.id: inspect.cleandoc(said.value.value).replace("\n", " ")
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(said, ast.Expr)
        and isinstance(said.value, ast.Constant)
        and isinstance(said.value.value, str)
    }


def _remembered(router: str, field: Field[Any], hint: Any) -> Any:
    """Value in the link, where it is of the field's type."""
    text = link.state().get(_name(router, field))
    if text is None:
        return field.default
    if get_origin(hint) is Literal:
        return next((value for value in get_args(hint) if str(value) == text), field.default)
    if get_origin(hint) is tuple:
        return tuple(value for value in text.split(",") if value)
    if hint is bool:
        return text == "True"
    if hint in (int, float):
        value = link.number(_name(router, field), None)
        return field.default if value is None else hint(value)
    return text


def _input(router: str, field: Field[Any], hint: Any, value: Any) -> None:
    name, key = _name(router, field), f"_{_name(router, field)}"
    usual = ", ".join(field.default) if isinstance(field.default, tuple) else field.default

    def keep() -> None:
        given = st.session_state[key]
        given = tuple(given) if isinstance(given, list) else given
        changed = given is not None and given != field.default
        link.remember(**{name: _text(given) if changed else None})

    given: dict[str, Any] = {
        "label": field.name.replace("_", " "),
        "key": key,
        "help": f"{help_of(CONFIGS[router]).get(field.name, '')} Default: {usual}.",
        "on_change": keep,
        "width": 200,
    }
    st.session_state[key] = list(value) if isinstance(value, tuple) else value
    if get_origin(hint) is Literal:
        st.selectbox(options=list(get_args(hint)), **given)
    elif get_origin(hint) is tuple:
        among = dict.fromkeys([*field.default, *value, *ROUTERS])
        options = [name for name in among if name not in ("random", router)]
        st.multiselect(options=options, **(given | {"width": 416}))
    elif hint is bool:
        st.checkbox(**given)
    elif hint is int:
        st.number_input(value=None, step=1, min_value=0, max_value=1_000_000, **given)
    elif hint is float:
        step = field.default or 0.01
        st.number_input(value=None, step=step, min_value=0.0, max_value=1e6, format="%g", **given)
    else:
        st.text_input(**given)


def _name(router: str, field: Field[Any]) -> str:
    return f"{router}.{field.name}"


def _text(value: Any) -> str | list[str]:
    return list(value) if isinstance(value, tuple) else str(value)
