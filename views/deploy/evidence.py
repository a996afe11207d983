"""The effect of the policy, how well it is known, and what the evidence does not cover."""

import math
from collections.abc import Callable
from html import escape

import streamlit as st

from routellm_core.policy.document import Policy
from routellm_core.policy.fields import FigureInterval
from routellm_core.policy.guarantee.sentences import scope_and_test
from routellm_core.wording.numbers import DASH, both_ends, fixed, percent
from views.components import html_table
from views.components.html_table import figure
from views.text.escape import plain
from views.text.names import short_name

_FEW = 1_000
"""Queries below which an interval of quality is some points wide."""


def draw(policy: Policy) -> None:
    """The paragraph, the card, the checklist."""
    st.markdown(f"##### {plain(in_words(policy))}")
    if policy.guarantee is not None:
        st.markdown(f"**{plain(policy.guarantee.words)}.**")
        st.caption(f"{plain(scope_and_test(policy.guarantee))}.")
    rows = rows_of(policy)
    html_table.draw(
        "Evidence of the policy",
        ["figure", figure("value"), figure("95% interval")],
        rows,
    )
    st.caption(plain(provenance(policy)))
    st.markdown("**What the evidence does not cover**")
    for item in not_covered(policy):
        st.markdown(f"- {plain(item)}")
    st.download_button(
        "Evidence as one page (HTML)",
        lambda: page(policy).encode("utf-8"),
        f"{policy.policy_id}.html",
        "text/html",
        on_click="ignore",
        help="Prints on one sheet; a browser saves it as PDF.",
    )


def in_words(policy: Policy) -> str:
    """The effect of the policy, in a sentence or two."""
    pair, evidence = policy.model_pair, policy.evidence
    strong, weak = short_name(pair.strong.name), short_name(pair.weak.name)
    if policy.threshold == "never":
        return f"Every query goes to {weak} ●."
    if policy.threshold == "always":
        return f"Every query goes to {strong} ■."
    share = percent(evidence.strong_call_share.value)
    said = (
        f"A query goes to {strong} ■ when {policy.router.router_id} gives it a strong win rate of "
        f"at least {policy.alpha:.6g}, otherwise to {weak} ●: {share} of the queries of "
        f"{evidence.title} do"
    )
    usd, baseline = evidence.usd_per_query, evidence.usd_per_query_strong
    if math.isfinite(usd) and math.isfinite(baseline) and baseline > 0:
        said += f", for {_beside(usd, baseline)} always {strong}"
    return f"{said}. Where the router fails or is late, {strong} is called."


def _beside(usd: float, baseline: float) -> str:
    percent = round(100 * (usd / baseline - 1))
    if percent == 0:
        return "about as much money as"
    return f"{abs(percent)}% {'more' if percent > 0 else 'less'} money than"


def rows_of(policy: Policy) -> list[list[str]]:
    """The figures as texts."""
    evidence = policy.evidence
    quality = percent if evidence.quality_unit == "share right" else fixed
    strong, weak = (short_name(m.name) for m in (policy.model_pair.strong, policy.model_pair.weak))
    rows = [
        _row("strong calls", evidence.strong_call_share, percent),
        _row("quality, routed", evidence.quality, quality),
        _row(f"quality, always {strong} ■", evidence.quality_strong, quality),
        _row(f"quality, always {weak} ●", evidence.quality_weak, quality),
        _row("quality of as many random strong calls", evidence.quality_random, quality),
        _row("gap recovered (PGR)", evidence.pgr, fixed),
    ]
    for what, usd in (
        ("USD for 1,000 queries, routed", evidence.usd_per_query),
        (f"USD for 1,000 queries, always {strong} ■", evidence.usd_per_query_strong),
    ):
        rows.append([what, fixed(usd, 2, 1_000), DASH])
    return rows


def provenance(policy: Policy) -> str:
    """On what the figures stand."""
    evidence, chosen = policy.evidence, policy.chosen_by
    return (
        f"n = {evidence.n_queries:,} queries of {evidence.title}, {evidence.n_contaminated:,} "
        f"contaminated ones left out; {evidence.meaning}. Chosen by {chosen.mode}: wanted "
        f"{chosen.wanted:g}, achieved {chosen.achieved:g}. Checkpoint {policy.router.checkpoint}, "
        f"SHA-256 {policy.router.checkpoint_sha256[:12]}…"
    )


def not_covered(policy: Policy) -> list[str]:
    """Points that a reader should not take for shown."""
    evidence = policy.evidence
    items = [
        f"Your own traffic: figures are of {evidence.title}. The My data page says how far the two "
        "are apart, and the replay below what the threshold does on your sets."
    ]
    if evidence.view == "in_domain":
        items.append(
            "Subjects that the router never saw: it learned from other queries of this benchmark. "
            "The view of unseen slices is usually weaker."
        )
    if policy.guarantee is not None:
        items.append(
            "Queries unlike these: the guarantee is about an average over distinct queries drawn "
            "as these were, never about a single one."
        )
    if evidence.n_queries < _FEW:
        items.append(f"Small differences: n is {evidence.n_queries:,}.")
    if not math.isfinite(evidence.pgr.low):
        items.append("That the models differ at all: the interval of their gap holds 0.")
    if not math.isfinite(evidence.usd_per_query):
        items.append("Money: a price is unknown; type it in the sidebar.")
    else:
        items.append(
            "The price of the router itself, and prices of tomorrow: money is counted with "
            f"{policy.prices.weak.source} and {policy.prices.strong.source}."
        )
    items.append("The models of tomorrow: providers change what stands behind a name.")
    return items


def page(policy: Policy) -> str:
    """The evidence as a page that stands alone; every text is escaped."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows_of(policy)
    )
    items = "".join(f"<li>{escape(item)}</li>" for item in not_covered(policy))
    guarantee = policy.guarantee
    said = ""
    if guarantee is not None:
        said = f"<p><b>{escape(guarantee.words)}.</b> {escape(scope_and_test(guarantee))}.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
        f"{escape(policy.policy_id)}</title><style>{_PRINTED}</style></head><body>"
        f"<h1>Policy {escape(policy.policy_id)}</h1><p>{escape(in_words(policy))}</p>{said}"
        f"<table><tr><th>figure</th><th>value</th><th>95% interval</th></tr>{rows}</table>"
        f"<p>{escape(provenance(policy))}</p><h2>What the evidence does not cover</h2>"
        f"<ul>{items}</ul><p>Made {policy.created_at:%Y-%m-%d %H:%M} UTC by RouteLLM Explorer "
        f"{escape(policy.project_version)}; threshold {escape(repr(policy.threshold))}.</p>"
        "</body></html>\n"
    )


def _row(what: str, figure: FigureInterval, write: Callable[[float], str]) -> list[str]:
    return [what, write(figure.value), both_ends(figure.interval, write)]


_PRINTED = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:4px 12px 4px 0;"
    "border-bottom:1px solid #ddd}td+td,th+th{text-align:right}"
)
