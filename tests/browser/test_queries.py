"""The Queries page as a person uses it, on the shipped data and on queries that are hostile."""

import io
import re
import shutil
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import pytest

from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.browser.checks import (
    at_rest,
    link,
    link_lacks,
    link_says,
    nothing_scrolls_sideways,
    nothing_serious,
)

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

PAIR = ModelPair(weak="<b>weak</b>", strong="**strong**")
LONG = "long " * 24_000
HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "![x](http://evil.example/a.png) [click](http://evil.example) **bold** $x^2$",
    '<a href="javascript:alert(3)">here</a><br><b>fat</b> %{x} &lt;i&gt;',
    "\u202eturned\u202c \u2067and isolated",
    "שלום עולם, which way?",
    "null\0byte and bell\a",
    "=HYPERLINK(1)",
    LONG,
    "</div></style><style>*{display:none}</style>",
]


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    """A store with the shipped data and a benchmark of hostile texts, ids, slices and models."""
    path = tmp_path_factory.mktemp("app") / "explorer.duckdb"
    shutil.copy(built_store, path)
    n = 60
    texts = [HOSTILE[i] if i < len(HOSTILE) else f"plain query {i}" for i in range(n)]
    ids = ["<u>q0</u>", *(f"q{i:02d}" for i in range(1, n))]
    queries = pd.DataFrame(
        {
            "query_id": ids,
            "slice": ["<i>law</i>, *x*", "birds"] * (n // 2),
            "text_hash": [text_hash(text) for text in texts],
        }
    )
    quality = [i % 2 for i in range(n)] + [i % 3 == 0 for i in range(n)]
    outcomes = pd.DataFrame(
        {
            "query_id": ids * 2,
            "model": [PAIR.weak] * n + [PAIR.strong] * n,
            "quality": np.array(quality, float),
        }
    )
    with Store(path) as store, store.atomic():
        card = Benchmark("hostile", "Hostile", "", "", "user", 0, 1, "share right", "", "")
        store.add_benchmark(card, queries, outcomes)
        store.add_texts(pd.DataFrame({"text_hash": queries["text_hash"], "text": texts}))
        for router, name in (("r1", "<s>one</s>"), ("r2", "two")):
            store.add_router(RouterEntry(router, name, "x", trained_on="invented"))
            scores = np.arange(n) / n if router == "r1" else (np.arange(n) * 7 % n) / n
            table = pd.DataFrame({"query_id": ids, "strong_win_rate": scores})
            store.add_strong_win_rates("hostile", PAIR, router, "in_domain", table)
    return {"ROUTELLM_STORE": str(path)}


@pytest.fixture
def visit(go_to):
    """Goes to Queries."""

    def visit(query="", **screen):
        page = go_to("Queries", query, **screen)
        expect(table(page)).to_be_visible(timeout=60_000)
        return page

    return visit


def table(page):
    return page.get_by_role("table", name="The listed queries", exact=True)


def rows(page):
    return table(page).locator("tbody tr")


def lasso(page, left, top, right, bottom):
    """Draws around a part of the chart, in shares of its width and height."""
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()

    def at(x, y):
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*at(left, top))
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(*at(*corner), steps=5)
    page.mouse.up()


def test_the_first_paint_reads_the_point_aloud_and_lists_the_nearest(visit):
    page = visit()
    expect(page.locator(".st-key-page_sentence")).to_contain_text(
        re.compile(r"At α = 0\.\d+, [\d,]+ of 14,037 queries lost quality: .* \$[\d.]+ more than")
    )
    expect(rows(page)).to_have_count(50)
    expect(page.locator(".js-plotly-plot .point").first).to_be_visible()
    expect(page.get_by_text("Drawn: 3,000 of 14,037")).to_be_visible()
    regret = page.get_by_role("table", name="Regret of the listed queries by slice")
    expect(regret.locator("tbody tr").last).to_contain_text("14,037")


def test_filters_and_pages_stay_in_the_link_which_restores_them(visit):
    page = visit()
    page.get_by_role("button", name=re.compile("^lost quality · ")).click()
    link_says(page, only="lost")
    expect(rows(page).first).to_contain_text("lost")
    first = rows(page).first.locator(".open").inner_text()
    page.get_by_role("button", name="Next page").click()
    link_says(page, only="lost", page="2")
    expect(page.get_by_role("button", name="Page 2", exact=True)).to_be_visible()
    expect(rows(page).first.locator(".open")).not_to_have_text(first)
    second = rows(page).first.locator(".open").inner_text()
    expect(rows(visit(urlparse(page.url).query)).first.locator(".open")).to_have_text(second)
    page.get_by_role("button", name=re.compile("^near the threshold · ")).click()
    expect(page).to_have_url(re.compile(r"only=lost(,|%2C)near$"))
    page.get_by_role("link", name="Trade-off").click()
    expect(page.locator(".live-curve .chart")).to_be_visible()
    page.get_by_role("link", name="Queries").click()
    expect(rows(page).first).to_contain_text("lost")


def test_texts_are_searched_and_no_hit_is_said(visit):
    page = visit("?benchmark=hostile")
    search = page.get_by_role("textbox", name="Text contains")
    search.fill("<SCRIPT>")
    search.press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("<img src=x onerror=alert(1)>")
    link_says(page, search="%3CSCRIPT%3E")
    search.fill("100%_nothing")
    search.press("Enter")
    expect(page.get_by_text("No query has all of this")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows(page)).to_have_count(50)
    link_lacks(page, "search")


def test_drawing_around_points_lists_only_those_until_it_is_cleared(visit):
    page = visit("?benchmark=hostile")
    expect(rows(page)).to_have_count(50)
    at_rest(page)
    lasso(page, 0.02, 0.02, 0.4, 0.98)
    said = page.get_by_text(re.compile(r"^\d+ selected in the chart$"))
    expect(said).to_be_visible()
    n = int(said.inner_text().split()[0])
    assert 0 < n < 50
    expect(rows(page)).to_have_count(n)
    regret = page.get_by_role("table", name="Regret of the listed queries by slice")
    expect(regret.locator("tbody tr").last).to_contain_text(str(n))
    page.get_by_role("button", name="Clear the selection").click()
    expect(rows(page)).to_have_count(50)
    expect(said).to_have_count(0)


def test_marked_rows_are_stressed_in_the_chart_and_survive_a_page(visit):
    page = visit("?benchmark=hostile")
    rings = page.locator(".js-plotly-plot .trace.scatter").filter(has=page.locator("path"))
    expect(page.locator(".legendtext", has_text="marked")).to_have_count(0)
    for i in (0, 1):
        rows(page).nth(i).get_by_role("checkbox").check()
        expect(page.get_by_text(f"{i + 1} marked")).to_be_visible()
    expect(page.locator(".legendtext", has_text="marked")).to_have_count(1)
    expect(rings.last.locator("path")).to_have_count(2)
    expect(rows(page).nth(1).get_by_role("checkbox")).to_be_focused()
    page.get_by_role("button", name="Next page").click()
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_text("2 marked")).to_be_visible()
    page.get_by_role("button", name="Clear the selection").click()
    expect(page.locator(".legendtext", has_text="marked")).to_have_count(0)


def test_a_row_opens_by_keyboard_and_the_link_brings_the_query_back(visit):
    page = visit("?benchmark=hostile")
    row = rows(page).nth(30)
    name = row.locator(".open").inner_text()
    row.locator(".open").focus()
    page.keyboard.press("Enter")
    opened = page.get_by_role("region", name="Text of the query")
    expect(opened).to_have_text(name)
    expect(opened).to_be_in_viewport()
    link_says(page, query=r"q\d+")
    again = visit(urlparse(page.url).query)
    expect(again.get_by_role("region", name="Text of the query")).to_have_text(name)
    at_rest(again)
    assert link(again) == link(page)
    expect(table(page).locator("tr[aria-current=true]")).to_contain_text(name)
    page.get_by_role("button", name="Next →").click()
    expect(opened).not_to_have_text(name)
    page.get_by_role("button", name="← Previous").click()
    expect(opened).to_have_text(name)
    page.get_by_role("button", name="Close").click()
    expect(opened).to_have_count(0)
    link_lacks(page, "query")


def test_a_link_to_a_query_that_is_not_there_says_so(visit):
    page = visit("?benchmark=hostile&query=%3Cb%3Enobody%3C%2Fb%3E")
    expect(page.get_by_test_id("stAlert")).to_contain_text("no query '<b>nobody</b>'")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_hostile_texts_are_shown_as_text_in_table_and_page(visit):
    page = visit("?benchmark=hostile&sort=id&query=<u>q0</u>")
    for place, text in enumerate(HOSTILE):
        if place:
            page.get_by_role("button", name="Next →").click()
            link_says(page, query=f"q{place:02d}")
        stands_as_text(page, place, text)


def stands_as_text(page, place, text):
    opened = page.get_by_role("region", name="Text of the query")
    shown = text[:100_000].replace("\0", "␀").replace("\a", "␇")
    is_shown = "t => document.querySelector('[aria-label=\"Text of the query\"]').textContent === t"
    page.wait_for_function(is_shown, arg=shown)
    at_rest(page)
    assert opened.evaluate("e => e.children.length") == 0
    assert opened.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
    assert opened.get_attribute("dir") == "auto"
    if text == LONG:
        expect(page.get_by_text("The first 100,000 of 120,000 characters")).to_be_visible()
    row = table(page).locator("tr[aria-current=true]")
    expect(row).to_have_count(1)
    button = row.locator(".open")
    if place < 3:
        expect(button).to_have_text(" ".join(text.split()))
    assert button.evaluate("e => e.children.length") == 0
    assert not set(button.inner_text()) & {"\0", "\a", "\u202e", "\u2067"}
    main = page.get_by_test_id("stMain")
    for tag in ("script", "img[src=x]", "a[href*=evil]", "u", "s", "i:not([class])"):
        assert main.locator(tag).count() == 0, tag


def test_labels_of_the_chart_are_text(visit):
    page = visit("?benchmark=hostile&search=onerror")
    expect(rows(page)).to_have_count(1)
    point = page.locator(".js-plotly-plot .point").first
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator(".hoverlayer .hovertext")
    expect(label).to_contain_text("<img src=x onerror=alert(1)>")
    assert label.locator("a, img, script").count() == 0
    chart = page.locator(".js-plotly-plot")
    expect(chart).to_contain_text("percentile by two")


def test_what_is_filtered_is_downloaded_whole_and_defused(visit):
    page = visit("?benchmark=hostile")
    page.get_by_role("button", name=re.compile("^wasted money · ")).click()
    expect(rows(page)).not_to_have_count(50)
    at_rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="These queries (CSV)").click()
    found = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    n = int(page.get_by_text(re.compile(r"^\d+ queries$")).inner_text().split()[0])
    assert len(found) == n
    assert found["wasted"].all()
    page.get_by_role("button", name=re.compile("^wasted money · ")).click()
    expect(rows(page)).to_have_count(50)
    at_rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="These queries (CSV)").click()
    whole = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    assert len(whole) == 60
    assert "'=HYPERLINK(1)" in set(whole["text"])
    assert LONG in set(whole["text"])


def test_nothing_is_fetched_from_outside(visit):
    outside = []
    page = visit("?benchmark=hostile&query=q30")
    page.on("request", lambda r: outside.append(r.url) if "127.0.0.1" not in r.url else None)
    page.get_by_role("button", name="Next →").click()
    link_says(page, query=r"q\d+")
    at_rest(page)
    assert [url for url in outside if not url.startswith(("blob:", "data:"))] == []


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, color_scheme):
    page = visit("?benchmark=hostile&query=q04&only=wasted", color_scheme=color_scheme)
    expect(page.locator(".data-table")).to_have_attribute("data-theme", color_scheme)
    nothing_serious(page, "Mark plain query")  # it looks into the shadow root


@pytest.mark.parametrize("query", ["", "?benchmark=hostile&query=q02"])
def test_a_phone_needs_no_horizontal_scroll(visit, query):
    page = visit(query, width=390, height=844)
    nothing_scrolls_sideways(page, ".data-table")
