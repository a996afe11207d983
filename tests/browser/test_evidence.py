"""The Evidence page as a person uses it, on the shipped data and on invented ones with times."""

import re
import shutil

import pytest

from routellm_core.store import Store
from tests.browser.checks import nothing_scrolls_sideways, nothing_serious
from tests.test_evidence_page import TIMED, add_timed

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

PRICED = "weak_usd=1/2@%3Cb%3Esmall%3C/b%3E&strong_usd=10/20@**large**"
OWN = "&".join(f"{name}={value}" for name, value in TIMED.items()) + f"&{PRICED}"
_SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        if (!entry.hadRecentInput) window.shifted += entry.value;
      }
    }).observe({type: 'layout-shift'});
"""


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    """A store with the shipped data and the invented benchmark."""
    path = tmp_path_factory.mktemp("app") / "explorer.duckdb"
    shutil.copy(built_store, path)
    with Store(path) as store:
        add_timed(store)
    return {"ROUTELLM_STORE": str(path)}


@pytest.fixture
def visit(go_to):
    """Goes to Evidence."""

    def visit(query="", **screen):
        page = go_to("Evidence", query, **screen)
        expect(page.locator(".st-key-page_sentence")).to_be_visible(timeout=60_000)
        return page

    return visit


def headline(page):
    return page.get_by_role("table", name="Figures of the router with and without the queries")


def finished(page):
    """All that is resampled stands."""
    expect(page.get_by_text("Simulating perfect scores")).to_have_count(0, timeout=60_000)
    expect(page.locator(".html-table", has_text="…")).to_have_count(0, timeout=60_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)


def test_the_first_paint_is_a_whole_picture_that_fills_in_without_moving(visit):
    page = visit()
    expect(headline(page)).to_contain_text("14,037")
    expect(page.locator(".st-key-page_sentence")).to_contain_text(
        re.compile(r"2 errors, 2 warnings and 3 notes about the outcomes of MMLU \(n = 14,037\)\. ")
    )
    expect(page.locator(".evidence-tiles").first).to_be_visible(timeout=60_000)
    page.evaluate(_SHIFTS)
    finished(page)
    expect(headline(page)).to_contain_text("13,767")
    change = re.compile(r"Without 270 queries APGR (rises|falls) by")
    expect(page.get_by_text(change)).to_be_visible()
    assert page.evaluate("window.shifted") < 0.1


def test_leaving_out_changes_the_headline_and_back_undoes_it(visit):
    page = visit(OWN)
    expect(headline(page)).to_contain_text("300", timeout=60_000)
    page.get_by_text("Leave out").click()
    expect(page.get_by_text("Tick a finding to see the figures")).to_be_visible(timeout=30_000)
    expect(headline(page)).not_to_contain_text("300")
    expect(page).to_have_url(re.compile(r"[?&]out=(&|$)"))
    page.get_by_text("Leave out").click()
    expect(headline(page)).to_contain_text("300", timeout=30_000)
    expect(page).to_have_url(re.compile(r"[?&]out=broken_slice-\w{6}(&|$)"))


def test_a_finding_shows_its_queries_and_opens_them(visit):
    page = visit(OWN)
    finished(page)
    page.get_by_role("button", name="100 queries").click()
    opened = page.get_by_role("table", name="Queries that the finding concerns")
    expect(opened.locator("tbody tr")).to_have_count(20, timeout=30_000)
    expect(opened).to_contain_text("<u>q000</u>")
    with page.expect_download() as download:
        page.get_by_role("button", name="All of them (CSV)").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert len(lines) == 101
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open in Queries").click()
    listed = page.get_by_role("table", name="The listed queries", exact=True)
    expect(listed).to_be_visible(timeout=60_000)
    expect(page.get_by_text("100 queries").first).to_be_visible()


def test_a_recalibrated_score_is_judged_where_it_was_chosen(visit):
    page = visit(OWN)
    finished(page)
    page.get_by_text("isotonic", exact=True).click()
    judged = page.get_by_role("table", name=re.compile("Scores before and after recalibration"))
    expect(judged).to_contain_text("n 200", timeout=60_000)
    expect(page.get_by_text(re.compile("becomes .* on the recalibrated scores"))).to_be_visible()


def test_a_typed_router_time_moves_seconds_and_money(visit):
    page = visit(OWN)
    finished(page)
    mean = page.locator(".evidence-tiles").first
    before = mean.inner_text()
    box = page.get_by_label("Router's own time, ms a query")
    box.fill("2000")
    box.press("Enter")
    expect(page.get_by_text("The router's time: typed by you.")).to_be_visible(timeout=30_000)
    expect(mean).not_to_have_text(before)
    expect(page).to_have_url(re.compile(r"[?&]router_ms=2000%40leaning(&|$)"))


def test_errors_on_the_tradeoff_page_lead_here(streamlit_server, browser_page, app_env):
    page = browser_page()
    page.goto(f"{streamlit_server('app.py', app_env)}/?{OWN}")
    expect(page.get_by_text("The outcomes of Timed hold 1 error.")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="See the evidence").click()
    expect(headline(page)).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, color_scheme):
    page = visit(f"{OWN}&recalibrated=platt", color_scheme=color_scheme)
    finished(page)
    nothing_serious(page, "html-table")


def test_a_phone_needs_no_horizontal_scroll(visit):
    page = visit(f"{OWN}&recalibrated=platt", width=390, height=844)
    finished(page)
    nothing_scrolls_sideways(page, ".html-table")
