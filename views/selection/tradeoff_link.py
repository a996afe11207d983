"""The way to the Trade-off page with another router, whatever was looked at there before."""

import streamlit as st

from routellm_core.types import ModelPair
from views.state import link
from views.state.pages import page

_TRADEOFF = page("tradeoff")


def go(
    benchmark_id: str,
    pair: ModelPair,
    router: str,
    mode: str | None = None,
    wanted: float | None = None,
) -> None:
    """Open the Trade-off page.

    Args:
        benchmark_id: of the store.
        pair: of its models.
        router: and view, as `frame.router_key` names them.
        mode: of the threshold; None: the usual one, as an earlier threshold or target was about
            other scores.
        wanted: in that mode.
    """
    if link.text("benchmark", "mmlu") != benchmark_id:
        link.leave_benchmark()
    link.remember(
        benchmark=benchmark_id,
        strong=pair.strong,
        weak=pair.weak,
        router=router,
        beside=None,
        pin=None,
        mode=mode,
        wanted=wanted,
    )
    st.switch_page(_TRADEOFF)
