"""The Compare page as a person uses it, on the shipped data and on one hostile benchmark."""

import io
import json
import re
import shutil

import pandas as pd
import pytest

from routellm_core.store import Store
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.browser.checks import nothing_scrolls_sideways, nothing_serious

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

TITLE = "<img src=x onerror=alert(1)> **b** [x](y)"
ROUTER = '"><script>alert(2)</script>'


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    """A store with the shipped data and a benchmark whose names are markup."""
    path = tmp_path_factory.mktemp("app") / "explorer.duckdb"
    shutil.copy(built_store, path)
    ids = [f"q{i}" for i in range(20)]
    pair = ModelPair(weak="<b>weak</b>", strong="<b>strong</b>")
    quality = [i % 2 for i in range(20)] + [1] * 20
    models = [pair.weak] * 20 + [pair.strong] * 20
    outcomes = pd.DataFrame({"query_id": ids * 2, "model": models, "quality": quality})
    scores = pd.DataFrame({"query_id": ids, "strong_win_rate": [i / 20 for i in range(20)]})
    with Store(path) as store, store.atomic():
        card = Benchmark("hostile", TITLE, "", "", "user", 0, 1, "share right", "", "")
        queries = pd.DataFrame({"query_id": ids, "slice": ["<i>a</i>", "b"] * 10})
        store.add_benchmark(card, queries, outcomes)
        store.add_router(RouterEntry("r", ROUTER, "<u>x</u>", trained_on="invented"))
        store.add_strong_win_rates("hostile", pair, "r", "in_domain", scores)
    return {"ROUTELLM_STORE": str(path)}


@pytest.fixture
def visit(go_to):
    """Goes to Compare."""

    def visit(query="", **screen):
        page = go_to("Compare", query, **screen)
        expect(table(page, "Routers on MMLU")).to_be_visible(timeout=60_000)
        return page

    return visit


def table(page, caption):
    return page.get_by_role("table", name=caption, exact=True)


def column(found, place):
    """The first line of a column's cells, the two bounds' first."""
    rows = found.locator("tbody tr").all()
    return [row.locator("th, td").nth(place).inner_text().split("\n")[0].strip() for row in rows]


def test_a_link_to_it_is_what_a_fresh_server_may_be_asked_first(
    browser_page, streamlit_server, small_store, tmp_path
):
    path = shutil.copy(small_store, tmp_path)
    url = streamlit_server("app.py", {"ROUTELLM_STORE": str(path)})
    page = browser_page()
    page.goto(f"{url}/compare?compare=mmlu,gsm8k")
    expect(table(page, "Routers on MMLU")).to_be_visible(timeout=60_000)
    expect(table(page, "Routers on GSM8K")).to_be_visible()
    expect(page.locator(".data-table")).to_have_count(4)
    expect(page).to_have_url(re.compile(r"/compare\?compare=mmlu(,|%2C)gsm8k$"))
    page.get_by_role("link", name="Trade-off").click()
    expect(page.locator(".live-curve .chart")).to_be_visible(timeout=60_000)


def test_it_says_what_the_intervals_allow(visit):
    page = visit()
    sentence = page.locator(".data-table .sentence")
    expect(sentence.filter(has_text="paired).").first).to_be_visible()
    expect(page.get_by_text("The paper beside ours", exact=True)).to_be_visible()


def test_the_table_sorts_and_its_bounds_stay_on_top(visit):
    page = visit()
    found = table(page, "Routers on MMLU")
    for heading, place, falling in (
        ("APGR ↓", 3, True),  # as it opens
        ("CPT(80%) ↓", 8, True),
        ("CPT(80%) ↑", 8, False),
    ):
        if heading != "APGR ↓":
            found.get_by_role("button", name="CPT(80%)").click()
        expect(found.locator("th[aria-sort$=ending]")).to_have_text(heading)
        figures = [float(text.rstrip("%")) for text in column(found, place)[2:]]
        assert figures == sorted(figures, reverse=falling)
        assert column(found, 0)[:2] == ["oracle", "random range"]
    found.get_by_role("button", name="router").click()
    names = column(found, 0)[2:]
    assert names == sorted(names)


def test_a_benchmark_is_left_out_and_the_link_of_other_pages_kept(visit):
    page = visit("?benchmark=gsm8k")
    page.get_by_role("button", name="MT-Bench").click()
    expect(table(page, "Routers on MT-Bench")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/compare\?benchmark=gsm8k&compare="))
    page.get_by_role("link", name="Trade-off").click()
    expect(page.locator("[data-tile=quality]")).to_contain_text("n 1,307")
    page.get_by_role("link", name="Compare").click()
    expect(table(page, "Routers on MMLU")).to_be_visible()
    expect(table(page, "Routers on MT-Bench")).to_have_count(0)


def test_the_figures_are_downloaded(visit):
    page = visit()
    with page.expect_download() as download:
        page.get_by_role("button", name="Everything above (CSV)").click()
    rows = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    mmlu = rows[
        (rows["benchmark"] == "mmlu") & ~rows["recipe"].isin(["chat+golden", "golden-1500"])
    ]
    mmlu = mmlu.set_index(["router", "view"])
    assert mmlu.loc[("mf", "in domain"), "apgr"] == pytest.approx(0.647, abs=0.0005)
    assert mmlu.loc[("oracle", "knows the answers"), "apgr"] == pytest.approx(1.285, abs=0.0005)


def test_names_are_text_and_never_markup(visit):
    page = visit()
    page.on("dialog", lambda _: pytest.fail("a name was run as script"))
    found = page.locator(".data-table").filter(has_text=TITLE)
    expect(found).to_contain_text(ROUTER)
    expect(page.get_by_role("button", name=TITLE)).to_be_visible()
    for tag in ("img", "script", "u", "i:not(.swatch)", "b"):
        assert found.locator(tag).count() == 0


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, color_scheme):
    page = visit(color_scheme=color_scheme)
    expect(page.locator(".data-table").first).to_have_attribute("data-theme", color_scheme)
    nothing_serious(page, "<table>")  # it looks into the shadow root


def test_a_phone_needs_no_horizontal_scroll(visit):
    page = visit(width=390, height=844)
    nothing_scrolls_sideways(page, ".data-table")


@pytest.fixture
def closely(visit):
    """Opens the closer look at the routers of a benchmark."""

    def closely(benchmark_id, **screen):
        page = visit(f"?closely={benchmark_id}", **screen)
        page.get_by_role("radio", name="One benchmark closely").click()
        expect(page.locator(".verdicts")).to_be_visible(timeout=120_000)
        expect(page.get_by_role("progressbar")).to_have_count(0)
        return page

    return closely


def test_verdicts_are_walked_by_keyboard_and_told_in_words(closely):
    page = closely("gsm8k")
    found = page.get_by_role("table", name=re.compile("Every pair of routers on gsm8k"))
    told = page.locator(".verdicts .told")
    expect(told.locator("b")).to_have_text(
        re.compile("^Cannot tell stacked from causal_llm: about")
    )
    cells = found.get_by_role("button")
    expect(cells).to_have_count(21)
    assert cells.evaluate_all("nodes => nodes.filter(n => n.tabIndex === 0).length") == 1
    found.get_by_role("button", name=re.compile("^Cannot tell stacked from causal_llm")).focus()
    page.keyboard.press("ArrowDown")  # nothing lies below the diagonal
    page.keyboard.press("ArrowRight")
    expect(told.locator("b")).to_have_text(re.compile(r"^Cannot tell stacked from mf \(golden\)"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(told.locator("b")).to_have_text(
        re.compile(r"^stacked is ahead of sw_ranking \(golden\) by 0\.\d{3} APGR\.$")
    )
    expect(told).to_contain_text("by Holm over 21 pairs")
    assert cells.evaluate_all("nodes => nodes.filter(n => n.tabIndex === 0).length") == 1


def test_the_whole_comparison_is_taken_away(closely):
    page = closely("gsm8k")
    with page.expect_download() as download:
        page.get_by_role("button", name="All of this (JSON)").click()
    document = json.loads(download.value.path().read_bytes())
    assert (document["benchmark"], document["n_queries"]) == ("gsm8k", 1_307)
    assert len(document["verdicts"]) == 21
    with page.expect_download() as download:
        page.get_by_role("button", name="Verdicts (CSV)").click()
    assert len(pd.read_csv(io.BytesIO(download.value.path().read_bytes()))) == 21


def test_on_a_phone_the_verdicts_are_a_list(closely):
    page = closely("mt_bench", width=390, height=844)
    expect(page.locator(".verdicts .matrix")).to_be_hidden()
    expect(page.locator(".verdicts .list summary").first).to_contain_text(
        "ahead of 0 of the 8 below"
    )
    page.locator(".list summary", has_text="Cannot tell mf (golden) from bert").click()
    expect(page.locator(".verdicts .list")).to_contain_text("n 72")
    nothing_scrolls_sideways(page, ".data-table, .verdicts")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_closely(closely, color_scheme):
    page = closely("mt_bench", color_scheme=color_scheme)
    page.mouse.move(0, 0)  # Streamlit's own look of a hovered choice is fainter
    expect(page.locator(".verdicts")).to_have_attribute("data-theme", color_scheme)
    nothing_serious(page)


@pytest.fixture
def suited(go_to):
    """Opens what answers which router suits."""

    def suited(query="look=suited", **screen):
        page = go_to("Compare", query, **screen)
        expect(page.locator(".data-table h3")).to_contain_text("14,037 queries", timeout=60_000)
        return page

    return suited


def test_a_limit_on_its_time_changes_which_router_suits_and_that_one_is_used(suited):
    page = suited()
    expect(page.locator(".data-table .sentence")).to_contain_text("stacked is first")
    page.get_by_role("radio", name="Which one for you").click()  # chosen, and stays chosen
    limit = page.get_by_role("spinbutton", name="Router's own time, at most ms")
    limit.fill("31.5")
    limit.press("Enter")
    expect(page.get_by_text("its own 390 ms exceed 31.5 ms")).to_be_visible()
    expect(page.locator(".data-table h3")).to_contain_text("Take bert")
    page.get_by_role("button", name="Use it: open bert").click()
    expect(page.locator("[data-tile=share]")).to_contain_text("50.0%", timeout=60_000)
    router = page.get_by_role("combobox", name="Router · APGR")
    expect(router).to_have_value(re.compile("^bert · "))


@pytest.mark.parametrize("width", [390, 1440])
def test_which_router_suits_fits_the_screen_and_axe_finds_nothing_serious(suited, width):
    page = suited(width=width, height=844, color_scheme="dark" if width == 390 else "light")
    nothing_scrolls_sideways(page)
    page.mouse.move(0, 0)
    nothing_serious(page)
