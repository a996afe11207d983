"""Two models and a judge are asked: filled in, estimated, and only then started."""

import math
import os
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from routellm_core import jobs
from routellm_core.errors import DataError
from routellm_core.labelling.client import read_keys
from routellm_core.labelling.cost_estimate import CostEstimate, estimate
from routellm_core.labelling.job import LabellingJobPlan, asked_queries
from routellm_core.labelling.key_allowlist import allowed_endpoints, check_allowed
from routellm_core.wording.numbers import usd_text
from views.cache import own_data, workspace
from views.components import html_table
from views.components.html_table import figure
from views.my_data.labelling import budget, forms, progress, query_choice
from views.state.attempt import attempt, button
from views.text.escape import plain

_ESTIMATED = "outcomes_estimated"


def draw(version: int, row: Any) -> None:
    """Work that is there, then what is needed to begin more."""
    st.markdown(
        "**Texts leave this machine here.** Each query goes to the endpoints of both models, and "
        "with both answers to the judge's; nowhere else. Keys come from environment variables of "
        "this server, and go only where its operator allows."
    )
    found = progress.asking_jobs(row.benchmark_id)
    progress.draw(version, row, found, start)
    is_running = any(job.status == "running" for job in found)
    with st.expander("Whom to ask", expanded=not found):
        _draw_choice(version, row, is_running)


def start(plan: LabellingJobPlan, cap: float, instead_of: Path | None = None) -> None:
    """Begin asking under a cap.

    Args:
        plan: what to do.
        cap: as `caps.draw` gave it.
        instead_of: a job that ended; its replies are used.
    """
    with attempt():
        folder = workspace.current().labellings(plan.benchmark_id)
        if any(there.status == "running" for there in progress.asking_jobs(plan.benchmark_id)):
            raise DataError("These queries are being asked about already: wait, or cancel that.")
        plan = budget.capped(plan, cap)
        plan.asked.check_caps()
        check_allowed(plan.asked, allowed_endpoints(os.environ))
        read_keys(plan.asked, os.environ)
        taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
        jobs.start(folder / str(1 + max(taken, default=0)), plan, workspace.store_path())
        if instead_of is not None:
            jobs.delete(instead_of)
        st.session_state.pop(_ESTIMATED, None)


def _draw_choice(version: int, row: Any, is_running: bool) -> None:
    """The inputs, the estimate, and the button that begins."""
    problem, asked = "", None
    try:
        asked = forms.plan()
    except DataError as error:
        problem = str(error)
    choice = query_choice.choose(version, row, "drawn", "ask")
    plan = None
    if asked is not None:
        ids = query_choice.rows_of(version, row.benchmark_id, choice)["query_id"]
        plan = LabellingJobPlan(row.benchmark_id, tuple(ids), asked)
    known = st.session_state.get(_ESTIMATED)
    is_estimated = known is not None and known[0] == plan
    with st.container(horizontal=True, vertical_alignment="center"):
        button(
            "Estimate",
            _estimate,
            *(version, plan),
            disabled=plan is None,
            type="secondary" if is_estimated else "primary",
        )
        st.caption(plain(problem) if problem else "Sends nothing.")
    if plan is not None and is_estimated:
        _draw_estimate(row, plan, known[1], is_running)


def _estimate(version: int, plan: LabellingJobPlan) -> None:
    with attempt():
        queries = asked_queries(own_data.set_queries(version, plan.benchmark_id), plan)
        found = estimate(plan.asked, queries, budget.record_dir(plan.benchmark_id))
        st.session_state[_ESTIMATED] = plan, found


def _draw_estimate(row: Any, plan: LabellingJobPlan, found: CostEstimate, is_running: bool) -> None:
    n, most = found.n_calls
    likely_usd, most_usd = found.usd
    st.markdown(
        plain(
            f"{found.n_queries:,} texts to ask about: {n:,} calls, at worst {most:,}; "
            f"{usd_text(likely_usd)}, at worst {usd_text(most_usd)}."
        )
    )
    html_table.draw(
        "What each endpoint would be asked",
        [
            "endpoint",
            figure("calls"),
            figure("prompt tokens", is_wide=True),
            figure("answer tokens", is_wide=True),
            figure("USD"),
            figure("at worst"),
        ],
        [
            [
                low.name,
                f"{low.n_calls:,.0f}",
                f"{low.prompt_tokens:,.0f}",
                f"{low.answer_tokens:,.0f}",
                usd_text(low.usd),
                usd_text(high.usd),
            ]
            for low, high in zip(found.expected, found.at_worst, strict=True)
        ],
    )
    st.caption(
        plain(
            f"Assumed: answers of {found.answer_tokens_assumed:g} tokens; prompts counted with "
            f"{found.counted_with}, and other tokenizers count otherwise. At worst every answer is "
            "as long as it may be and the judge is asked twice. Requests repeated after errors "
            "come on top, up to the cap."
        )
    )
    n_before, usd_before = budget.spent(plan.benchmark_id)
    all_usd = usd_before + most_usd
    usual = 0.0 if math.isnan(all_usd) else math.ceil(100 * all_usd) / 100
    cap = budget.draw(plan, usual, max(1, n_before + most))
    if not budget.are_usd(plan):
        unknown = sorted({end.name for end in plan.asked.endpoints if not end.has_price})
        why = f"no price is known for {', '.join(unknown)}" if unknown else "earlier ones had none"
        st.caption(plain(f"Calls are capped, not dollars: {why}."))
    problem = ""
    try:
        read_keys(plan.asked, os.environ)
    except DataError as error:
        problem = str(error)
    if problem:
        st.error(plain(problem), icon=":material/key_off:")
    addresses = ", ".join(dict.fromkeys(end.base_url for end in plan.asked.endpoints))
    st.caption(plain(f"The texts are sent to {addresses}."))
    button(
        plain(f"Ask them: {n:,} calls, at most {budget.text(plan, cap)} in all"),
        start,
        *(plan, cap),
        disabled=bool(problem) or is_running,
        key="_outcomes_ask",
        type="primary",
    )
    notes = ["It goes on when you leave this page."]
    if not pd.isna(row.owner):
        notes = [
            "It goes on when you look at another page. Some minutes after the last tab is closed "
            "this private set goes, and the asking ends: save the set first if it should outlast "
            "that."
        ]
    st.caption(" ".join(notes))
