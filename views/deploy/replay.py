"""The effect of the policy on a stored set: a benchmark, or traffic of one's own."""

from contextlib import suppress

import numpy as np
import pandas as pd
import streamlit as st

from routellm_core.errors import RoutingError
from routellm_core.metrics.curve import calls_strong
from routellm_core.policy.document import Policy, parse_policy
from routellm_core.statistics.intervals import mean_interval
from routellm_core.wording.numbers import DASH, percent, points_text, span
from views.cache import benchmarks, own_data, policies
from views.cache.benchmarks import RouterKey
from views.components import html_table
from views.components.html_table import figure
from views.selection.frame import Selection
from views.selection.scorings import scorings_by, view_text
from views.text.escape import plain
from views.text.format import quality_text
from views.text.names import short_name


def draw(selection: Selection, policy: Policy) -> None:
    """Choose another policy to compare with; a row for each set, pair and view."""
    st.markdown("**Replay**")
    version = selection.key.version
    other = _present_policy(version, policy)
    rows = [row for key in _scored_by(version, policy) if (row := _row(key, policy, other))]
    if not rows:
        st.caption("No stored set is scored by this router: score one on My data.")
        return
    columns = [
        "set",
        figure("n"),
        figure("strong calls"),
        figure("quality"),
        figure("95% interval", is_wide=True),
    ]
    if other is not None:
        columns.append(figure(f"decided otherwise by {other.policy_id}"))
    html_table.draw("Replay of the policy", columns, rows)
    st.caption(
        "What this threshold does on your other sets. Quality is known where both models have "
        "outcomes."
    )
    if policy.guarantee is not None and policy.guarantee.left_out_fold is not None:
        st.caption(
            f"They are those of {plain(policy.router.router_id)}; the checkpoint of this policy "
            f"gave those of fold {policy.guarantee.left_out_fold} only, and others may differ a "
            "little."
        )


def _present_policy(version: int, policy: Policy) -> Policy | None:
    """A kept policy of the same router that this one would replace; none that cannot be read."""
    known = {}
    for row in policies.policies(version).itertuples():
        with suppress(RoutingError):
            raw = str(row.document).encode("utf-8")
            kept = parse_policy(raw, row.policy_id, accept_edited=True)
            if kept.router.router_id == policy.router.router_id:
                known[kept.policy_id] = kept
    if not known:
        return None
    chosen = st.selectbox("Beside the policy that runs now", ["–", *known], key="_present_policy")
    return known.get(chosen)


def _scored_by(version: int, policy: Policy) -> list[RouterKey]:
    """Every scoring of a visible set by the router, the policy's view first."""
    table = pd.concat([benchmarks.benchmarks(version), own_data.own_sets(version)])
    return [
        key
        for benchmark_id in dict.fromkeys(table["benchmark_id"])
        for key in scorings_by(version, benchmark_id, policy.router.router_id, policy.evidence.view)
    ]


def _row(key: RouterKey, policy: Policy, other: Policy | None) -> list[str]:
    scored = own_data.scored_queries(key)
    if scored.empty:
        return []
    card = benchmarks.benchmark(key.version, key.benchmark_id)
    rates = scored["strong_win_rate"].to_numpy(np.float32)
    strong = calls_strong(rates, policy.alpha)
    quality, interval = DASH, DASH
    try:
        known = benchmarks.outcomes(key.version, key.benchmark_id, key.pair)
        called = pd.Series(strong, index=scored["query_id"]).reindex(known.query_id)
        if called.notna().all():
            is_strong = called.to_numpy(dtype=bool)
            routed = np.where(is_strong, known.quality_strong, known.quality_weak)
            quality = quality_text(card, float(routed.mean()))
            found = (
                policy.evidence.quality.interval
                if _is_evidence(key, policy, len(routed))
                else mean_interval(routed, known.cluster_code)
            )
            interval = span(found, points_text, quality_unit=card.quality_unit)
    except RoutingError:
        pass  # bare queries, or another pair: no quality to tell
    title = card.title
    if tuple(key.pair) != (policy.model_pair.weak.name, policy.model_pair.strong.name):
        title += f", {short_name(key.pair.strong)} ■ over {short_name(key.pair.weak)} ●"
    if key.view != policy.evidence.view:
        title += f", {view_text(key.view)}"
    row = [plain_title(title), f"{len(rates):,}", percent(strong.mean()), quality, interval]
    if other is not None:
        flipped = strong != calls_strong(rates, other.alpha)
        row.append(f"{int(flipped.sum()):,} ({percent(flipped.mean())})")
    return row


def _is_evidence(key: RouterKey, policy: Policy, n_queries: int) -> bool:
    """True for the very queries that the figures of the policy are of: one figure, one interval."""
    pair, evidence = policy.model_pair, policy.evidence
    asked = evidence.benchmark_id, (pair.weak.name, pair.strong.name), evidence.view
    return (key.benchmark_id, tuple(key.pair), key.view, n_queries) == (*asked, evidence.n_queries)


def plain_title(title: str) -> str:
    """On one line."""
    return " ".join(title.split())
