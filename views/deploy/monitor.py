"""After deployment: does a gateway's log still look as the evidence said?"""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from routellm_core.metrics import thresholds
from routellm_core.metrics.curve import curve_of, rank_queries
from routellm_core.policy.document import Policy
from routellm_core.policy.monitoring import (
    FAR,
    Drift,
    Watched,
    cost_of_answers,
    drift_of_scores,
    share_of_strong,
)
from routellm_core.wording.numbers import DASH, both_ends, fixed, percent
from views.cache import benchmarks, own_data
from views.components import html_table, tenant_bill
from views.components.html_table import figure
from views.selection.frame import Selection
from views.selection.scorings import scorings_by
from views.state import link
from views.text.names import short_name


def draw(selection: Selection, policy: Policy) -> None:
    """Choose a log; a row a figure, with its band; α anew on the log's queries."""
    st.markdown("**After deployment**")
    version = selection.key.version
    table = own_data.own_sets(version)
    logs = [name for name in table["benchmark_id"] if len(own_data.usage(version, name))]
    if not logs:
        st.caption(
            "Import the gateway's log on the My data page (a LiteLLM spend log, or any table with "
            "a column of models), and this says whether strong calls, cost and scores still are "
            "what the evidence says."
        )
        return
    titles = dict(table[["benchmark_id", "title"]].itertuples(index=False))
    log = st.selectbox("Log", logs, format_func=titles.__getitem__, key="_log")
    costs = own_data.usage_costs(version, log)
    tenant_bill.draw(own_data.usage_by_tenant(version, log))
    names = sorted(costs["model"].unique())
    left, right = st.columns(2)
    with left:
        strong = _model("strong ■", names, policy.model_pair.strong.provider_name, log)
    with right:
        weak = _model("weak ●", names, policy.model_pair.weak.provider_name, log)
    if strong is None or weak is None or strong == weak:
        st.caption(
            "Say which of the log's models is the strong one and which the weak; without that "
            "there is no verdict."
        )
        return
    of_pair = costs[costs["model"].isin([strong, weak])]
    expected = policy.evidence.strong_call_share
    share = share_of_strong(
        int((of_pair["model"] == strong).sum()), len(of_pair), expected.low, expected.high
    )
    money = cost_of_answers(of_pair["cost_usd"].to_numpy(np.float64), policy.evidence.usd_per_query)
    rows = [
        _row("strong calls", share, percent),
        _row("USD for 1,000 answers", money, partial(fixed, digits=2, scale=1_000)),
    ]
    own, drift_row = _scores(selection, policy, log)
    if drift_row:
        rows.append(drift_row)
    html_table.draw(
        "The log beside the evidence",
        [
            "figure",
            figure("log"),
            figure("95% interval", is_wide=True),
            figure("evidence"),
            "verdict",
        ],
        rows,
    )
    st.caption(
        "Alarm: the intervals do not meet. Cost is allowed a tenth of difference, since other "
        "queries have other lengths; scores a distance of 0.1, by which one α would move the share "
        "of strong calls."
    )
    if own is None or not len(own):
        st.caption(
            "Score the log on My data by this policy's router, and its scores are compared too."
        )
        return
    nothing = np.zeros(len(own))
    curve = curve_of(rank_queries(own), nothing, nothing)
    anew = thresholds.for_share(curve, expected.value)
    threshold = thresholds.between_scores(curve, anew.threshold)
    if anew.achieved:
        st.button(
            f"Set α to {threshold:.6g}: {percent(anew.achieved)} strong calls on this log",
            on_click=link.remember,
            kwargs={"mode": "alpha", "wanted": threshold},
        )
    else:
        st.caption(
            "No α sends any query of this log to the strong model without sending more than "
            "expected."
        )


def _model(side: str, names: list[str], wanted: str, log: str) -> str | None:
    """The one of the policy's name; where none has it, nothing until somebody chooses."""
    alike = [name for name in names if short_name(name) == short_name(wanted)]
    chosen: str | None = st.selectbox(
        f"The log's {side} model",
        names,
        names.index(alike[0]) if alike else None,
        key=f"_log_{side.split()[0]}_{log}",
    )
    return chosen


def _row(what: str, found: Watched, shown: Callable[[float], str]) -> list[str]:
    interval, expected = both_ends(found.interval, shown), both_ends(found.expected, shown)
    return [f"{what}, n = {found.n:,}", shown(found.value), interval, expected, _verdict(found)]


def _verdict(found: Watched | Drift) -> str:
    if not found.is_defined:
        return "cannot tell"
    return "ALARM" if found.is_alarm else "as expected"


def _scores(selection: Selection, policy: Policy, log: str) -> tuple[np.ndarray | None, list[str]]:
    """The log's scores by the policy's router, and how far they are from the evidence's."""
    version = selection.key.version
    keys = scorings_by(version, log, policy.router.router_id, policy.evidence.view)
    if not keys:
        return None, []
    own = own_data.scored_queries(keys[0])["strong_win_rate"].to_numpy(np.float32)
    drift = drift_of_scores(own, benchmarks.ranked(selection.key).strong_win_rate)
    what = f"distance of scores, n = {len(own):,}"
    return own, [what, fixed(drift.distance), DASH, f"0 – {fixed(FAR)}", _verdict(drift)]
