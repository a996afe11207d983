"""The Queries page: the queries behind the chosen point."""

from typing import Any

import pandas as pd
import streamlit as st

from routellm_core.store import Listing
from routellm_core.wording.text import one_line
from views import explanation
from views.cache import benchmarks, workspace
from views.components import downloads
from views.components import sentence as page_sentence
from views.components.live_curve.payload import number
from views.components.table import column, data_table
from views.queries import brush, detail, filters, request, slices
from views.queries.detail import Opened
from views.queries.request import ListingRequest
from views.selection.frame import Selection, boundary
from views.selection.point import Readings, read
from views.state import link
from views.text import format
from views.text.escape import plain
from views.text.money import money_words
from views.text.names import short_name

N_ON_A_PAGE = 50
_LENGTH = 160
"""Characters of a text in the table."""
_PAGERS = "queries_pagers"


@st.fragment
def draw(selection: Selection) -> None:
    """The page below its sidebar: a fragment, so that a filter does not draw the sidebar again."""
    with boundary():
        readings = read(selection)
        now = request.read(selection, readings)
        _draw_sentence(selection, now)
        opened = _draw_opened(selection, readings, now)
        _draw_listed(selection, readings, now)
        if opened is not None and opened.place is not None:
            with opened.place:  # last, for a model may have to be loaded
                explanation.draw(selection, readings, opened.query)


def _draw_sentence(selection: Selection, now: ListingRequest) -> None:
    digits = format.score_digits(benchmarks.histogram(selection.key)[2])
    parts = format.sentence(
        format.alpha_text(now.at.alpha, digits),
        workspace.store().regret(now.queries, now.at, Listing()),
        selection.benchmark,
        *map(short_name, selection.pair),
    )
    page_sentence.draw(parts)


def _draw_opened(selection: Selection, readings: Readings, now: ListingRequest) -> Opened | None:
    """The query that the link names, with the way to its neighbours in the list."""
    query_id = link.text("query", "")
    if not query_id:
        return None
    opened = None
    with st.container(border=True):
        around = workspace.store().neighbours(now.found, now.at, now.listing, query_id)
        with st.container(horizontal=True, vertical_alignment="center"):
            for label, neighbour in (("← Previous", around.previous), ("Next →", around.following)):
                st.button(label, disabled=neighbour is None, on_click=_open, args=(neighbour,))
            st.button("Close", on_click=_open, args=(None,))
            st.caption(
                "Not among the queries listed below."
                if around.position is None
                else f"{around.position:,} of {around.n_queries:,} listed"
            )
        with boundary():
            opened = detail.draw(selection, readings, query_id)
    return opened


def _draw_listed(selection: Selection, readings: Readings, now: ListingRequest) -> None:
    """All that the filters leave: chart, regrets by slice, list."""
    counts = workspace.store().n_listed(now.found, now.at, now.listing)
    filters.draw(selection, now, counts)
    if not counts["all"]:
        _draw_nothing(now)
        return
    benchmark_id = selection.benchmark.benchmark_id
    chosen = now.listing._replace(query_ids=brush.selected(benchmark_id))
    chart, regrets = st.columns([5, 4], gap="large")
    with chart:
        _draw_chart(selection, readings, now, counts["all"])
    with regrets:
        table = workspace.store().slice_regrets(now.found, now.at, chosen)
        slices.draw(table, selection.benchmark)
    _draw_list(selection, now, chosen, int(table["n_queries"].sum()))


def _draw_nothing(now: ListingRequest) -> None:
    if now.listing.only == ("contaminated",) and not now.search and now.listing.slice is None:
        st.info("No contaminated query of this benchmark was scored by this router.")
    else:
        st.info("No query has all of this. Take a filter away.")
    st.button("Clear the filters", on_click=filters.clear)


def _draw_chart(
    selection: Selection, readings: Readings, now: ListingRequest, n_listed: int
) -> None:
    from views.components import charts  # plotly is loaded by those who look at it
    from views.queries import scatter

    benchmark_id = selection.benchmark.benchmark_id
    store = workspace.store()
    points = store.listed_queries(
        now.found,
        now.at,
        now.listing._replace(sort="spread"),
        limit=scatter.N_DRAWN,
        text_length=_LENGTH,
    )
    ids = brush.marked(benchmark_id)
    marked = store.listed_queries(
        now.found, now.at, now.listing._replace(query_ids=ids), text_length=_LENGTH
    )
    drawn = scatter.scatter(
        points,
        marked,
        selected=brush.selected(benchmark_id),
        alpha=now.at.alpha,
        strong_call_share=readings.point.strong_call_share,
        other=None if now.other is None else request.label(selection, now.other),
        quality_title="quality gained by the strong call",
    )
    st.plotly_chart(
        drawn,
        key=brush.chart_key(),
        config=charts.CONFIG,
        on_select=lambda: brush.take_points(benchmark_id),
        selection_mode=("lasso", "box"),
        alt="The listed queries by strong win rate and what happened to them; the table below "
        "holds the same queries.",
    )
    thinned = (
        f"Drawn: {len(points):,} of {n_listed:,}, the same each time. "
        if n_listed > len(points)
        else ""
    )
    st.caption(
        f"{thinned}■ the strong model was called, ● the weak one; full: lost or wasted, hollow: "
        "rightly. Draw around points to list only those."
    )


def _draw_list(selection: Selection, now: ListingRequest, chosen: Listing, n: int) -> None:
    benchmark_id = selection.benchmark.benchmark_id
    _draw_brush(benchmark_id, chosen, n)
    n_pages = max(1, -(-n // N_ON_A_PAGE))
    page = min(max(int(link.number("page", 1) or 1), 1), n_pages)
    rows = workspace.store().listed_queries(
        now.found,
        now.at,
        chosen,
        limit=N_ON_A_PAGE,
        offset=N_ON_A_PAGE * (page - 1),
        text_length=4 * _LENGTH,
    )
    data_table(
        "The listed queries",
        _columns(selection, now, rows),
        [_row(row, selection) for row in rows.itertuples()],
        is_sortable=False,
        marked=brush.marked(benchmark_id),
        opened=link.text("query", "") or None,
        key=brush.TABLE,
        on_open=_open_row,
        on_mark=lambda: brush.take_marks(benchmark_id),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if n_pages > 1:
            _draw_pages(n_pages, page)
        st.caption(f"{n:,} queries")
        st.download_button(
            "These queries (CSV)",
            lambda: downloads.csv_bytes(
                workspace.store().listed_queries(now.found, now.at, chosen)
            ),
            f"queries-{benchmark_id}-{selection.router['router_name']}.csv",
            "text/csv",
            on_click="ignore",
        )
    _draw_where_from(selection, now)


def _draw_brush(benchmark_id: str, chosen: Listing, n: int) -> None:
    """Size of the selection, and the way out of it."""
    n_marked = len(brush.marked(benchmark_id))
    if chosen.query_ids is None and not n_marked:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        said = [f"{n:,} selected in the chart"] if chosen.query_ids is not None else []
        said += [f"{n_marked:,} marked ◯"] if n_marked else []
        st.caption(" · ".join(said))
        st.button("Clear the selection", on_click=brush.clear)


def _draw_pages(n_pages: int, page: int) -> None:
    """The link's page; another key where the widget remembers another one."""
    count = st.session_state.get(_PAGERS, 0)
    if st.session_state.get(f"_page_{count}", page) != page:
        st.session_state[_PAGERS] = count = count + 1
    key = f"_page_{count}"
    st.pagination(
        n_pages,
        default=page,
        key=key,
        on_change=lambda: link.remember(page=st.session_state[key]),
    )


def _draw_where_from(selection: Selection, now: ListingRequest) -> None:
    """Notes on texts that are not here and costs that are not known."""
    known, total = benchmarks.n_texts(selection.key.version, selection.benchmark.benchmark_id)
    if known < total:
        st.caption(
            f"The texts of {total - known:,} queries are not on this machine. `make texts` fetches "
            "them where they are published; `python -m routellm_core texts --from FILE` takes them "
            "from a table of yours."
        )
    costs = benchmarks.money(selection.key, selection.price_weak, selection.price_strong).costs
    if not costs.are_known:
        money = "Money of both models is not known: type their prices in the sidebar."
    else:
        money = money_words(selection.pair, costs)
        if not now.has_usd:
            money += (
                " Neither dollars nor tokens of these calls were measured, so none of them has a "
                f"cost; sums take {costs.tokens.answer} tokens an answer."
            )
    st.caption(plain(money))


def _columns(selection: Selection, now: ListingRequest, rows: pd.DataFrame) -> list[dict[str, Any]]:
    weak, strong = map(short_name, selection.pair)
    digits = format.score_digits(benchmarks.histogram(selection.key)[2])
    score = {"wide": True, "digits": digits, "help": "strong win rate"}
    margin = {"digits": digits, "figures": 2, "help": "strong win rate minus α"}
    dearest = number(float(rows["usd"].max()))
    usd = {"wide": True, "dearest": dearest, "help": "of the call that is made"}
    return [
        column("mark", "mark", "mark"),
        column("text", "query", "link"),
        column("goes", "goes to", "model"),
        column("score", "win rate", "figure", **score),
        column("margin", "to α", "signed", **margin),
        column("strong_quality", f"{strong} ■", "written", wide=True),
        column("weak_quality", f"{weak} ●", "written", wide=True),
        *([column("usd", "cost", "money", **usd)] * now.has_usd),
    ]


def _row(row: Any, selection: Selection) -> dict[str, Any]:
    has_text = isinstance(row.text, str)
    shown_id = one_line(row.query_id, _LENGTH)
    slice_name = one_line(row.slice.replace("_", " "), _LENGTH)
    return {
        "id": row.query_id,
        "text": (one_line(row.text, _LENGTH) if has_text else "") or shown_id,
        "under": f"{slice_name} · {shown_id}" if has_text else slice_name,
        "goes": "strong" if row.calls_strong else "weak",
        "goes_second": format.happened(row.lost, row.wasted),
        "weak_quality": format.outcome_text(selection.benchmark, row.quality_weak),
        "strong_quality": format.outcome_text(selection.benchmark, row.quality_strong),
        "score": number(row.strong_win_rate),
        "margin": number(row.margin),
        "usd": number(row.usd),
    }


def _open_row() -> None:
    _open(st.session_state[brush.TABLE].open["id"])


def _open(query_id: str | None) -> None:
    link.remember(query=query_id)
