"""Cost of routing with the router's own machine, its break-even share, and other prices."""

import math
from collections.abc import Callable
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from routellm_core.evaluation.money import cache_document
from routellm_core.evaluation.overhead.router_cost import BreakEven
from routellm_core.metrics.costs import PairCosts, Price, saving
from routellm_core.metrics.curve import calls_strong
from routellm_core.types import Estimate, Interval, ModelPair
from routellm_core.wording.numbers import DASH, percent, span, usd_text
from views.cache import benchmarks
from views.cache import evidence as evidence_cache
from views.cache.benchmarks import RouterKey
from views.components import downloads, html_table, tiles
from views.components.html_table import WAITED_FOR, Cell, figure
from views.components.tiles import Tile
from views.selection import router_cost
from views.selection.frame import Selection
from views.selection.point import Readings, queries_per_month
from views.selection.router_cost import RouterCost
from views.state import inputs, link
from views.text.escape import plain
from views.text.format import alpha_text, score_digits
from views.text.glossary import help_of
from views.text.money import money_words
from views.text.names import short_name

_BASELINES = {"mix": "a random mix of equal quality", "today": "what you pay today"}
_MOST_USD = 1e6


class Baseline(NamedTuple):
    """A baseline of routing besides always strong."""

    label: str
    usd: float
    """A query; NaN where there is none."""
    why_none: str


def draw(selection: Selection, readings: Readings, router: RouterCost) -> Callable[[], None]:
    """Cost at α, savings by baseline, other prices; the break-even shares are resampled."""
    st.subheader("What does it cost", help=help_of("cost"))
    costs = readings.money.costs
    if not costs.are_known:
        st.info(
            "No list price of both models is known: type them in the sidebar.",
            icon=":material/payments:",
        )
        return lambda: None
    baseline = _draw_inputs(selection, readings, router)
    tiles.draw(_tiles(selection, readings, router, baseline))
    st.caption(plain(provenance(selection.pair, costs, router)))
    _draw_cache(selection, readings)
    pays, prices = st.columns(2, gap="large")
    with pays:
        st.markdown("**Up to which share of strong calls it pays**", help=help_of("break_even"))
        place = st.empty()
        _draw_break_even(selection, place, baseline, None)
    with prices:
        st.markdown("**The saving at other prices**", help=help_of("sensitivity"))
        _draw_prices(selection, readings, router)

    def finish() -> None:
        of = (selection.key, prices_of(selection), router.usd)
        found = [evidence_cache.pays_up_to(*of, None)]
        if not math.isnan(baseline.usd):
            found.append(evidence_cache.pays_up_to(*of, baseline.usd))
        _draw_break_even(selection, place, baseline, found)

    return finish


def prices_of(selection: Selection) -> tuple[Price, Price]:
    """Those of the sidebar, weak before strong."""
    return selection.price_weak, selection.price_strong


def usd_per_thousand(
    selection: Selection, key: RouterKey, threshold: float, router: RouterCost
) -> Cell:
    """Cost of a thousand routed queries, the router included."""
    found = evidence_cache.routed(key, prices_of(selection), threshold)
    return Cell(
        usd_text(1_000 * (found.usd.value + router.usd)),
        usd_interval(found.usd.interval, router.usd, 1_000),
    )


def usd_interval(interval: Interval, router_usd: float, n_queries: float) -> str:
    """Both ends for so many queries, the router included, or a dash."""
    return span((n_queries * (end + router_usd) for end in interval), usd_text)


def baseline_of(selection: Selection, readings: Readings) -> Baseline:
    """The one that the link states.

    A random mix reaches the quality of the point only where the recovered gap is from 0 to 1.
    """
    kind = link.text("baseline", "mix", list(_BASELINES))
    if kind == "today":
        today = link.number("today_usd", None)
        today = math.nan if today is None else today / 1_000
        return Baseline(_BASELINES[kind], today, "type it above")
    found = evidence_cache.routed(selection.key, prices_of(selection), readings.point.threshold)
    return Baseline(_BASELINES[kind], found.mix_usd, "no mix of both models has this quality")


def provenance(pair: ModelPair, costs: PairCosts, router: RouterCost) -> str:
    """Source of every factor of the money."""
    return (
        f"{money_words(pair, costs)} The router's time is times its machine: "
        f"{router.usd_source}. A query keeps it busy as long as the router's own time "
        "says; in batches it takes less."
    )


def _draw_inputs(selection: Selection, readings: Readings, router: RouterCost) -> Baseline:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        router_cost.draw_volume()
        router_cost.draw_machine()
        inputs.number_of(
            "Warm prompts, %",
            "warm_share",
            link.number("warm_share", None),
            most=100.0,
            step=5.0,
            form="%.0f",
            scale=100.0,
            help="Share of the calls whose prompt one model alone would read from its cache. Then "
            "the page says what switches of model forfeit. Empty: nothing is said.",
        )
        kind = inputs.one_of(
            st.selectbox,
            "Held against, besides always strong",
            "baseline",
            list(_BASELINES),
            "mix",
            _BASELINES.__getitem__,
        )
        if kind == "today":
            inputs.number_of(
                "USD per 1,000 queries today",
                "today_usd",
                link.number("today_usd", None),
                most=_MOST_USD,
                step=0.1,
                form="%.4f",
            )
    return baseline_of(selection, readings)


def _tiles(
    selection: Selection, readings: Readings, router: RouterCost, baseline: Baseline
) -> list[Tile]:
    found = evidence_cache.routed(selection.key, prices_of(selection), readings.point.threshold)
    each_usd, n = found.usd.value + router.usd, f"n {found.n_queries:,}"
    monthly = queries_per_month()
    always = float(readings.money.costs.strong.mean())
    over = found.saving_over_mix
    included = f"with the router's machine {percent(saving(each_usd, baseline.usd))}"
    if baseline.label == _BASELINES["today"]:  # taken as given: only the routed money is uncertain
        ends = (saving(end + router.usd, baseline.usd) for end in reversed(found.usd.interval))
        over = Estimate(saving(each_usd, baseline.usd), Interval(*ends))
        included = "the baseline as given, the router's machine included"
    return [
        Tile(
            "for 1,000 queries",
            usd_text(1_000 * found.usd.value),
            f"{usd_interval(found.usd.interval, 0.0, 1_000)} · {n} · with the router's machine "
            f"{usd_text(1_000 * each_usd)}",
            "cost",
        ),
        Tile(
            "a month",
            usd_text(monthly * found.usd.value),
            f"{usd_interval(found.usd.interval, 0.0, monthly)} · {monthly:,.0f} queries · with the "
            f"router's machine {usd_text(monthly * each_usd)}",
            "cost",
        ),
        Tile(
            f"saved, against always {short_name(selection.pair.strong)}",
            percent(found.saving.value),
            f"{span(found.saving.interval, percent)} · {usd_text(1_000 * always)} for 1,000 · "
            f"with the router's machine {percent(saving(each_usd, always))}",
            "saving",
        ),
        Tile(
            f"saved, against {baseline.label}",
            percent(over.value),
            baseline.why_none
            if math.isnan(baseline.usd)
            else f"{span(over.interval, percent)} · {usd_text(1_000 * baseline.usd)} for 1,000 · "
            f"{included}",
            "saving",
        ),
    ]


def _draw_cache(selection: Selection, readings: Readings) -> None:
    """What switches of model forfeit in cache, beside the savings above, which leave it out."""
    known = benchmarks.outcomes(*selection.where)
    called = calls_strong(readings.ranked.strong_win_rate, readings.point.threshold)
    found = cache_document(known, readings.money.costs, called, router_cost.warm_share())
    if found is not None:
        st.info(plain(found["words"]), icon=":material/cached:")


def _draw_break_even(
    selection: Selection, place: DeltaGenerator, baseline: Baseline, found: list[BreakEven] | None
) -> None:
    names = [f"always {short_name(selection.pair.strong)}", baseline.label]
    n = f"n {benchmarks.outcomes(*selection.where).n_queries:,}"
    rows = []
    for i, name in enumerate(names):
        if i == 1 and math.isnan(baseline.usd):
            rows.append([Cell(name), Cell(DASH, f"95% {DASH}"), Cell(DASH), Cell(DASH)])
        elif found is None:
            rows.append([Cell(name, n), *[Cell(WAITED_FOR, WAITED_FOR)] * 3])
        else:
            rows.append([Cell(name, n), *_break_even_cells(selection, found[i])])
    html_table.draw(
        "Up to which share of strong calls routing costs no more than a baseline",
        [
            "costs no more than",
            *map(figure, ("up to, strong calls", "α there", "USD per 1,000")),
        ],
        rows,
        place,
    )


def _break_even_cells(selection: Selection, found: BreakEven) -> list[Cell]:
    digits = score_digits(benchmarks.histogram(selection.key)[2])
    alpha = DASH if math.isnan(found.threshold) else alpha_text(found.threshold, digits)
    return [
        Cell(percent(found.strong_call_share), span(found.interval, percent)),
        Cell(alpha),
        Cell(usd_text(1_000 * found.cost_usd), f"baseline {usd_text(1_000 * found.baseline_usd)}"),
    ]


def _draw_prices(selection: Selection, readings: Readings, router: RouterCost) -> None:
    table = evidence_cache.at_other_prices(
        selection.key, prices_of(selection), readings.point.threshold, router.usd
    )
    weak, strong = (short_name(model) for model in selection.pair)
    html_table.draw(
        f"Saving against always {strong} at other prices of a model",
        ["price ×", figure(f"{weak} ●"), figure(f"{strong} ■")],
        [
            [
                f"{factor:g}",
                *(
                    Cell(percent(row.saving), span((row.saving_low, row.saving_high), percent))
                    for row in rows.itertuples()
                ),
            ]
            for factor, rows in table.groupby("factor", sort=True)
        ],
    )
    n = readings.money.costs.weak.size
    st.caption(plain(f"Against always {strong}, n {n:,}; α stays, so the quality does too."))
    downloads.csv_button(
        "Other prices (CSV)",
        table,
        f"prices-{selection.benchmark.benchmark_id}-{selection.router['router_name']}.csv",
    )
