"""Whom to ask: three endpoints, and what the judge is told."""

import math
import os
from collections.abc import Mapping
from typing import Any

import streamlit as st

from routellm_core.errors import DataError
from routellm_core.labelling.key_allowlist import VARIABLE, allowed_endpoints, check_allowed
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.labelling.rubrics import DEFAULT_RUBRICS, Mode
from routellm_core.metrics.prices import UNKNOWN_PRICE, price_for
from views.state.private_inputs import remembered
from views.text.escape import plain

_NO_KEYS = (
    "From this page only endpoints without a key can be called. The operator of this dashboard "
    f"can allow others: {VARIABLE} in its environment says which variable's key may go to which "
    "address, as LAB_API_KEY=https://address/v1. On the command line you can use any key."
)
_ANSWER_TOKENS = 1024
"""At most, where nothing else is typed."""
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
    """The plan that is filled in, without a cap.

    Raises:
        DataError: something is missing or cannot be, or a key may not go where it would.
    """
    allowed = allowed_endpoints(os.environ)
    typed = {}
    for column, (role, title) in zip(st.columns(3), _TITLES.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            typed[role] = _endpoint_inputs(role, allowed)
    st.caption(plain(_keys_in_words(allowed)))
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
    filled = LabellingPlan(
        **{role: Endpoint(**of) for role, of in typed.items()}, mode=mode, rubric=rubric
    )
    check_allowed(filled, allowed)
    return filled


def _keys_in_words(allowed: Mapping[str, tuple[str, ...]]) -> str:
    if not allowed:
        return _NO_KEYS
    named = "; ".join(f"{name} to {' or '.join(places)}" for name, places in allowed.items())
    return f"Keys of this server go where its operator allows: {named}."


def _endpoint_inputs(role: str, allowed: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
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
    key_variable = ""
    if allowed:
        key_variable = remembered(
            st.selectbox,
            "Key variable",
            f"{role}.key_variable",
            "",
            options=["", *allowed],
            format_func=lambda name: name or "none",
            help="The environment variable of this server that holds the key.",
        )
    price = price_for(model) if model else UNKNOWN_PRICE
    usd = {}
    for column, kind in zip(st.columns(2), ("prompt", "answer"), strict=True):
        with column:
            known = getattr(price, f"{kind}_usd")
            usd[f"{kind}_usd"] = remembered(
                st.number_input,
                f"USD, {kind}",
                f"{role}.{kind}_usd.{model}",
                None if math.isnan(known) else known,
                value=None,  # emptied it is unknown, not 0
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
        _ANSWER_TOKENS,
        value=None,
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
        "max_answer_tokens": int(most or _ANSWER_TOKENS),
        "limit_parameter": "max_completion_tokens" if is_reasoning else "max_tokens",
    }
