"""One query, by several routers side by side: score, where α sends it, what that costs."""

import math
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from routellm_core.errors import RoutingError
from routellm_core.explain import EXPLAINED
from routellm_core.labelling.token_counts import count_tokens, how_counted
from routellm_core.metrics import thresholds
from routellm_core.metrics.costs import PAPER_ANSWER_TOKENS
from routellm_core.metrics.prices import price_for
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import fixed
from views.cache import benchmarks, models, own_data
from views.components import html_table
from views.components.html_table import figure
from views.explanation import reading
from views.selection.scorings import scorings_by, view_text
from views.state import inputs, link
from views.state.private_inputs import remembered
from views.text.escape import plain
from views.text.format import threshold_text
from views.text.names import short_name

_USUAL = ("sw_ranking-golden", "mf-golden", "bert-golden")
_LONGEST = 100_000


class RouterScore(NamedTuple):
    """One router's word on the query."""

    router_id: str
    router_name: str
    folder: str
    pair: ModelPair
    rate: float
    threshold: float
    """NaN where no benchmark gives the router one."""
    chosen_on: str
    """Benchmark and view that the threshold is of; empty where there is none."""
    trouble: str
    """Why there is no rate; empty when there is."""


def draw(version: int) -> None:
    """Box, routers, share; then the table and an explanation."""
    text: str = remembered(
        *(st.text_area, "Query", "query", ""),
        height=100,
        max_chars=_LONGEST,
        placeholder="What a user asks",
    )
    table = own_data.scoring_routers(version)
    names = table["router_id"].tolist()
    chosen = inputs.several_of(
        "Routers",
        "score_routers",
        names,
        link.texts("score_routers", [name for name in _USUAL if name in names], names),
        plain,
    )
    percent: float = remembered(
        st.slider,
        "Each router's α is the one that sends this share of its benchmark to the strong model, %",
        *("share", 30.0),
        min_value=0.0,
        max_value=100.0,
        step=0.5,
    )
    if not text.strip():
        st.caption(
            "Type a query to see it scored. The first one loads the routers' models, which takes "
            "some seconds; they stay warm."
        )
        return
    if not chosen:
        st.caption("Choose a router.")
        return
    rows = table.set_index("router_id")
    scored = [_scored(version, text, rows.loc[name], name, percent / 100) for name in chosen]
    _draw_table(text, scored)
    _draw_why(version, text, scored)


def _scored(version: int, text: str, row: pd.Series, router_id: str, share: float) -> RouterScore:
    pair = ModelPair(weak=row["weak"], strong=row["strong"])
    threshold, chosen_on = _threshold(version, router_id, share)
    trouble = ""
    try:
        rate = models.win_rate(version, row["checkpoint"], text)
    except RoutingError as error:
        rate, trouble = math.nan, str(error)
    where = router_id, row["router_name"], row["checkpoint"], pair
    return RouterScore(*where, rate, threshold, chosen_on, trouble)


def _threshold(version: int, router_id: str, share: float) -> tuple[float, str]:
    """Threshold of the router on the first benchmark that it has scored whole, and its view."""
    known = benchmarks.benchmarks(version)["benchmark_id"].tolist()
    for benchmark_id in sorted(known, key=lambda name: name != "mmlu"):
        for key in scorings_by(version, benchmark_id, router_id):
            try:
                curve = benchmarks.ranked(key).curve
            except RoutingError:
                continue
            found = thresholds.for_share(curve, share)
            title = benchmarks.benchmark(version, benchmark_id).title
            threshold = thresholds.between_scores(curve, found.threshold)
            return threshold, f"{title}, {view_text(key.view)}"
    return math.nan, ""


def _draw_table(text: str, scored: list[RouterScore]) -> None:
    prompt = float(count_tokens([text])[0])
    rows = []
    for found in scored:
        if found.trouble:
            rows.append([found.router_id, "–", "–", found.trouble, "–"])
            continue
        is_strong = found.rate >= found.threshold
        if math.isnan(found.threshold):
            goes_to, cost = "–", "–"
        else:
            model = found.pair.strong if is_strong else found.pair.weak
            goes_to = f"{short_name(model)} {'■' if is_strong else '●'}"
            cost = _cost(model, prompt)
        rows.append(
            [found.router_id, f"{found.rate:.4f}", threshold_text(found.threshold), goes_to, cost]
        )
    html_table.draw(
        "The query by each router",
        [
            "router",
            figure("strong win rate"),
            figure("α"),
            "goes to",
            figure("USD for 1,000 such", is_wide=True),
        ],
        rows,
    )
    pairs = {found.pair for found in scored}
    costs = ", ".join(
        f"{short_name(model)} {_cost(model, prompt)}"
        for model in dict.fromkeys(model for pair in sorted(pairs) for model in pair)
    )
    st.caption(
        plain(
            f"For 1,000 such queries: {costs} USD, with {prompt:.0f} prompt tokens (counted with "
            f"{how_counted()}) and answers of {PAPER_ANSWER_TOKENS:.0f} tokens, the paper's "
            f"average. Scores of two routers do not compare; each has its own α{_origins(scored)}."
        )
    )


def _origins(scored: list[RouterScore]) -> str:
    """On which benchmark and view each α stands."""
    routers: dict[str, list[str]] = {}
    for found in scored:
        if found.chosen_on:
            routers.setdefault(found.chosen_on, []).append(found.router_id)
    if len(routers) == 1:
        return f", read on {next(iter(routers))}"
    return "".join(f"; of {', '.join(names)} read on {on}" for on, names in routers.items())


def _cost(model: str, prompt_tokens: float) -> str:
    price = price_for(model)
    usd = (prompt_tokens * price.prompt_usd + PAPER_ANSWER_TOKENS * price.answer_usd) / 1e3
    return fixed(usd, 2)


def _draw_why(version: int, text: str, scored: list[RouterScore]) -> None:
    explained: dict[str, Any] = {
        found.router_id: found
        for found in scored
        if not found.trouble and found.router_name in EXPLAINED
    }
    if not explained:
        return
    wanted = st.segmented_control(
        "Explain the score of", list(explained), key="_score_why", format_func=plain
    )
    if wanted is None:
        return
    found = models.explanation(version, explained[wanted].folder, text)
    reading.draw(found, "The query with its words coloured")
    reading.draw_sum(found)
    reading.draw_table(found)
