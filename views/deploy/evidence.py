"""The effect of the policy, how well it is known, what is not known; and the page to hand on."""

import math
from collections.abc import Callable

import streamlit as st

from routellm_core.evaluation.overhead.routed_seconds import RoutedSeconds, routed_seconds
from routellm_core.evaluation.overhead.router_times import OwnTime
from routellm_core.policy.bill import Bill
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.policy.document import Policy
from routellm_core.policy.fields import FigureInterval
from routellm_core.policy.guarantee.sentences import scope_and_test
from routellm_core.policy.money import cache_words
from routellm_core.report.page import report_page
from routellm_core.report.words import not_known, provenance, rule
from routellm_core.statistics.routed_money import scaled
from routellm_core.wording.numbers import both_ends, fixed, percent
from views.cache import policies
from views.components import html_table
from views.components.html_table import figure
from views.selection.point import queries_per_month
from views.selection.router_cost import RouterCost
from views.text.escape import plain
from views.text.names import short_name


def draw(policy: Policy, choice: SelectedThreshold, bill: Bill, router: RouterCost) -> None:
    """The paragraph, the card, the checklist, the page to hand on."""
    st.markdown(f"##### {plain(in_words(policy))}")
    if policy.guarantee is not None:
        st.markdown(f"**{plain(policy.guarantee.words)}.**")
        st.caption(f"{plain(scope_and_test(policy.guarantee))}.")
    rows = rows_of(policy, bill)
    html_table.draw(
        "Evidence of the policy",
        ["figure", figure("value"), figure("95% interval")],
        rows,
    )
    st.caption(plain(provenance(policy)))
    if (cache := cache_words(policy)) is not None:
        st.caption(plain(cache))
    st.markdown("**What is not known**")
    for item in not_known(policy, choice):
        st.markdown(f"- {plain(item)}")
    st.caption(
        "The My data page says how far your traffic is from this benchmark; the replay below says "
        "what the threshold does on your sets."
    )
    per_month, own = queries_per_month(), OwnTime(router.seconds, router.seconds_source)
    st.download_button(
        "A page to hand on (HTML)",
        lambda: report_page(
            choice, policy, per_month, bill, _seconds(choice, own), policies.all_models(choice)
        ).encode("utf-8"),
        f"{policy.policy_id}.html",
        "text/html",
        on_click="ignore",
        help="For the person who pays: decision, money, alternatives and what is not known. It "
        "needs no network, and a browser prints it or saves it as PDF.",
    )


def _seconds(choice: SelectedThreshold, own: OwnTime) -> RoutedSeconds | None:
    return routed_seconds(
        choice.outcomes.model_pair,
        choice.latencies,
        choice.strong_win_rate,
        choice.point.threshold,
        own,
        choice.outcomes.cluster_code,
    )


def in_words(policy: Policy) -> str:
    """The effect of the policy, in a sentence or two."""
    evidence = policy.evidence
    said, share = rule(policy), evidence.strong_call_share.value
    if isinstance(policy.threshold, str):
        return said
    strong = short_name(policy.model_pair.strong.name)
    said += f" {percent(share)} of the queries of {evidence.title} go to {strong}"
    usd, baseline = evidence.usd_per_query, evidence.usd_per_query_strong
    if math.isfinite(usd) and math.isfinite(baseline) and baseline > 0:
        said += f", for {_beside(usd, baseline)} always {strong}"
    return f"{said}."


def _beside(usd: float, baseline: float) -> str:
    percent = round(100 * (usd / baseline - 1))
    if percent == 0:
        return "about as much money as"
    return f"{abs(percent)}% {'more' if percent > 0 else 'less'} money than"


def rows_of(policy: Policy, bill: Bill) -> list[list[str]]:
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
    money = bill.answers
    for what, usd in (
        ("USD for 1,000 queries, routed", money.usd_per_query),
        (f"USD for 1,000 queries, always {strong} ■", money.usd_per_query_strong),
    ):
        ends = both_ends(scaled(usd, 1_000), fixed, digits=2)
        rows.append([what, fixed(usd.value, 2, 1_000), ends])
    saved = both_ends(money.saving.interval, percent)
    rows.append([f"saved, against always {strong} ■", percent(money.saving.value), saved])
    return rows


def _row(what: str, figure: FigureInterval, write: Callable[[float], str]) -> list[str]:
    return [what, write(figure.value), both_ends(figure.interval, write)]
