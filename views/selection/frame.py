"""The frame of every page: its title, the selection in the sidebar, the boundary for errors.

Every page calls it at its top and is then complete on its own, also when it is opened by a deep
link or run alone in a test. Only here are query string and session state tied to the selection.
"""

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import StopException

from routellm_core.errors import RoutingError
from routellm_core.metrics.prices import Price
from routellm_core.store.places import PROJECT
from routellm_core.types import Benchmark, ModelPair
from routellm_core.wording.numbers import fixed
from routellm_core.wording.text import joined
from views import components
from views.cache import benchmarks, workspace
from views.cache.benchmarks import RouterKey
from views.selection import prices
from views.state import inputs, link
from views.state.pages import page
from views.text import glossary
from views.text.escape import plain
from views.text.names import distinct_names, short_name

_MY_DATA = page("my_data")
_FEW = 8
"""Routers that are offered side by side; more go into a list that can be searched."""
_STYLE = Path(components.__file__).with_name("page.css")


class Selection(NamedTuple):
    """The choices in the sidebar, shared by all pages."""

    benchmark: Benchmark
    pair: ModelPair
    routers: pd.DataFrame
    """All routers with scores for this benchmark and pair, best first."""
    router: pd.Series
    """The chosen row of `routers`."""
    key: RouterKey
    """Of the chosen router."""
    drawn_beside: list[RouterKey]
    """Other routers to draw."""
    price_weak: Price
    price_strong: Price

    @property
    def where(self) -> tuple[int, str, ModelPair]:
        return self.key[:3]


@contextmanager
def frame(title: str) -> Iterator[None]:
    """Page title and error boundary: what the user can put right is said, nothing is half drawn."""
    _draw_by_app_if_alone()
    st.set_page_config(
        page_title=f"{title} · RouteLLM Explorer",
        page_icon=str(Path(__file__).with_name("icon.svg")),
        layout="wide",
    )
    st.html(_STYLE)
    link.follow(title)
    with boundary():
        yield


def _draw_by_app_if_alone() -> None:
    """Have app.py draw the page, with the navigation.

    A server finds a folder called pages, and until `st.navigation` runs for the first time it takes
    every file there for a page that stands by itself. Who comes by a link then sees no navigation.
    """
    if PagesManager.uses_pages_directory:
        runpy.run_path(str(PROJECT / "app.py"))
        raise StopException  # `st.stop` also forgets what was clicked since the page was seen


@contextmanager
def boundary() -> Iterator[None]:
    """An error boundary: says what the user can put right in place of what cannot be drawn."""
    try:
        yield
    except RoutingError as error:
        st.error(plain(str(error)), icon=":material/error:")


def sidebar() -> None:
    """The sidebar of a page that compares and so needs no one router; the address bar follows."""
    with st.sidebar:
        st.markdown("**RouteLLM Explorer**")
        glossary.drawer()
    link.write()


def selection() -> Selection:
    """Draw the sidebar and return what is selected; the address bar follows."""
    version = workspace.version()
    with st.sidebar:
        st.markdown("**RouteLLM Explorer**")
        benchmark_id = _benchmark(version)
        pair = _pair(version, benchmark_id)
        table = benchmarks.routers(version, benchmark_id, pair)
        usual = benchmarks.usual_pair(version, benchmark_id)
        card = benchmarks.benchmark(version, benchmark_id)
        of_usual_pair = benchmarks.routers(version, benchmark_id, usual)
        router, beside = _routers(version, card, table, of_usual_pair)
        known = benchmarks.outcomes(version, benchmark_id, pair)
        price_weak, price_strong = prices.draw(version, card, known)
        glossary.benchmark_card(card, known.n_queries)
        glossary.drawer()
    link.write()
    where = (version, benchmark_id, pair)
    return Selection(
        benchmark=card,
        pair=pair,
        routers=table,
        router=router,
        key=RouterKey(*where, router["router_id"], router["view"]),
        drawn_beside=[RouterKey(*where, r["router_id"], r["view"]) for r in beside],
        price_weak=price_weak,
        price_strong=price_strong,
    )


def _benchmark(version: int) -> str:
    table = benchmarks.benchmarks(version)
    if table.empty:
        raise RoutingError("the store holds no benchmark: run `python -m routellm_core setup`")
    ids = table["benchmark_id"].tolist()
    labels = {
        row.benchmark_id: f"{row.title} · {row.n_queries - row.n_contaminated:,} queries"
        for row in table.itertuples()
    }
    usual = "mmlu" if "mmlu" in ids else ids[0]
    return inputs.one_of(
        st.selectbox, "Benchmark", "benchmark", ids, usual, labels.__getitem__, _keep_target
    )


def _pair(version: int, benchmark_id: str) -> ModelPair:
    names = benchmarks.models(version, benchmark_id)["model"].tolist()
    usual = benchmarks.usual_pair(version, benchmark_id)
    label = distinct_names(names).__getitem__
    strong = inputs.one_of(
        st.selectbox, "Strong model ■", "strong", names, usual.strong, label, _keep_share
    )
    others = [name for name in names if name != strong]
    usual_weak = usual.weak if usual.weak in others else others[0]
    weak = inputs.one_of(
        st.selectbox, "Weak model ●", "weak", others, usual_weak, label, _keep_share
    )
    return ModelPair(weak=weak, strong=strong)


def _routers(
    version: int, card: Benchmark, table: pd.DataFrame, of_usual_pair: pd.DataFrame
) -> tuple[pd.Series, list[pd.Series]]:
    if of_usual_pair.empty and table.empty:
        if card.origin != "user":
            raise RoutingError(
                "no router has been run on this benchmark: choose another in the sidebar"
            )
        if st.button("Score it on My data", type="primary"):
            link.remember(set=card.benchmark_id, part=None)
            st.switch_page(_MY_DATA)
        raise RoutingError(
            f"no router has been run on all of {card.title}: score it on the My data page (the "
            "button in the sidebar leads there), or choose another benchmark"
        )
    if table.empty:
        st.button(
            "Back to the pair that was scored",
            on_click=link.remember,
            kwargs={"strong": None, "weak": None},
        )
        scored = benchmarks.scored_pairs(version, card.benchmark_id)
        named = [f"{short_name(p.strong)} / {short_name(p.weak)}" for p in scored[:_FEW]]
        raise RoutingError(
            f"no router has been run for this pair. Pairs with results: {joined(named)}. Choose "
            "one in the sidebar."
        )
    rows = {router_key(row): row for _, row in table.iterrows()}
    names = {key: plain(row["label"]) for key, row in rows.items()}
    labels = {key: f"{row['label']} · {fixed(row['apgr'])}" for key, row in rows.items()}
    keys = list(rows)
    if len(keys) <= _FEW:
        labels = {key: plain(label) for key, label in labels.items()}  # a radio reads Markdown
    draw = st.radio if len(keys) <= _FEW else st.selectbox
    chosen = inputs.one_of(
        draw, "Router · APGR", "router", keys, keys[0], labels.__getitem__, _keep_share
    )
    others = [key for key in keys if key != chosen]
    alike = [key for key in others if rows[key]["view"] == rows[chosen]["view"]]
    known = [key for key in alike if rows[key]["router_name"] != "random"]
    # Other routers of the same recipe say more than other recipes of the same router.
    known.sort(key=lambda key: rows[key]["recipe"] != rows[chosen]["recipe"])
    usual = known[:4]
    drawn = link.texts("beside", usual, others)
    inputs.several_of(
        "Drawn beside it",
        "beside",
        others,
        drawn,
        names.__getitem__,
        help="Other routers' curves, thinner and dashed.",
    )
    return rows[chosen], [rows[key] for key in drawn]


def router_key(row: pd.Series) -> str:
    """The name of a router's scores in a link."""
    return f"{row['router_id']}.{row['view']}"


def _keep_target() -> None:
    """On another benchmark a quality has another scale: keep the share of strong calls then too.

    A guaranteed loss becomes the usual one. Its queries and slices are others as well.
    """
    _keep_share()
    link.leave_benchmark()
    if link.text("mode", "share") == "promise" and link.text("promise", "") == "lose":
        link.remember(wanted=None)
    share = st.session_state.get("strong_call_share")
    if share is not None and link.text("mode", "share") == "quality":
        link.remember(mode="share", wanted=share)


def _keep_share() -> None:
    """A threshold means nothing to another router's scores: keep the share of strong calls."""
    share = st.session_state.get("strong_call_share")
    if share is not None and link.text("mode", "share") == "alpha":
        link.remember(mode="share", wanted=share)
    link.remember(pin=None)
