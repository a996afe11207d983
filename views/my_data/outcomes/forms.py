"""Whom to ask: three endpoints, and what the judge is told."""

import math
from typing import Any

import streamlit as st

from routellm_core.costs import UNKNOWN_PRICE, list_price
from routellm_core.errors import DataError
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.labelling.rubrics import DEFAULT_RUBRICS, Mode
from views.my_data.outcomes.memory import remembered

KEY_VARIABLE_ENDS = "_API_KEY"
_TITLES = {"weak": "Weak model ●", "strong": "Strong model ■", "judge": "Judge"}
_MODES: dict[Mode, str] = {
    "pairwise": "Which answer is better",
    "grade": "A grade for each answer",
}
_MODE_MEANINGS: dict[Mode, str] = {
    "pairwise": "The judge sees both answers in both orders; only a verdict that stands in both "
    "counts, all else is a tie. Quality is 1, ½ or 0.",
    "grade": "The judge sees each answer alone and grades it from 1 to 10. Quality is the grade.",
}


def plan() -> LabellingPlan:
    """What is filled in, without a cap.

    Raises:
        DataError: something is missing or cannot be.
    """
    typed = {}
    for column, (role, title) in zip(st.columns(3), _TITLES.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            typed[role] = _endpoint_inputs(role)
    mode = remembered(
        st.segmented_control,
        "The judge says",
        "mode",
        "pairwise",
        options=list(_MODES),
        format_func=_MODES.__getitem__,
        required=True,
    )
    st.caption(_MODE_MEANINGS[mode])
    with st.expander("What the judge is told to look at"):
        rubric = remembered(
            st.text_area, "Rubric", f"rubric_{mode}", DEFAULT_RUBRICS[mode], height=260
        )
        st.caption("Empty means the text that stood here at first.")
    empty = [_TITLES[role] for role, of in typed.items() if not (of["base_url"] and of["model"])]
    if empty:
        raise DataError(f"Fill in address and model: {', '.join(empty)}.")
    return LabellingPlan(
        **{role: _endpoint(_TITLES[role], of) for role, of in typed.items()},
        mode=mode,
        rubric=rubric,
    )


def _endpoint_inputs(role: str) -> dict[str, Any]:
    def text(label: str, name: str, **given: Any) -> str:
        typed: str = remembered(
            st.text_input, label, f"{role}.{name}", "", autocomplete="off", **given
        )
        return typed.strip()

    base_url = text(
        "Base URL",
        "base_url",
        placeholder="http://localhost:8000/v1",
        help="Of a server that speaks OpenAI's chat completions; "
        "`/chat/completions` is put behind.",
    )
    model = text("Model", "model", help="As the endpoint calls it.")
    name = text(
        "Name", "name", placeholder=model or None, help="As the outcomes call it; empty: the model."
    )
    key_variable = text(
        "Key variable",
        "key_variable",
        placeholder=f"…{KEY_VARIABLE_ENDS}",
        help="The environment variable of this server that holds the key, never the key itself. "
        "Empty for a server that wants none.",
    )
    price = (list_price(model) if model else None) or UNKNOWN_PRICE
    usd = {}
    for column, kind in zip(st.columns(2), ("prompt", "answer"), strict=True):
        with column:
            known = getattr(price, f"{kind}_usd")
            usd[f"{kind}_usd"] = remembered(
                st.number_input,
                f"USD, {kind}",
                f"{role}.{kind}_usd.{model}",
                None if math.isnan(known) else known,
                min_value=0.0,
                max_value=1e6,
                format="%g",
                placeholder="unknown",
                help=f"For a million {kind} tokens. Empty: unknown, and calls are capped instead.",
            )
    most = remembered(
        st.number_input,
        "Most answer tokens",
        f"{role}.max_answer_tokens",
        1024,
        min_value=1,
        max_value=1_000_000,
        help="An answer is cut there. A model that reasons spends these on reasoning too.",
    )
    is_reasoning = remembered(
        st.checkbox,
        "An OpenAI reasoning model",
        f"{role}.is_reasoning",
        False,
        help="These know the limit as `max_completion_tokens` only.",
    )
    return {
        "base_url": base_url,
        "model": model,
        "name": name or model,
        "key_variable": key_variable or None,
        **usd,
        "max_answer_tokens": int(most),
        "limit_parameter": "max_completion_tokens" if is_reasoning else "max_tokens",
    }


def _endpoint(title: str, typed: dict[str, Any]) -> Endpoint:
    """The endpoint, if its key may be sent.

    Anybody who sees the page may type an address: other secrets of the server must not go there.

    Raises:
        DataError: a value cannot be; what was typed as a variable is not repeated, it may be a key.
    """
    variable = typed["key_variable"]
    if variable is not None and not variable.endswith(KEY_VARIABLE_ENDS):
        raise DataError(
            f"{title}: the key variable must end in {KEY_VARIABLE_ENDS}, so that no other secret "
            "of this server is sent; give the variable's name, never the key"
        )
    return Endpoint(**typed)
