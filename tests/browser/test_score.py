"""The Score page as a person uses it: one query, a file of them, on a phone, in both themes."""

import shutil

import pytest

from tests.browser.checks import nothing_scrolls_sideways, nothing_serious, score_by
from tests.invented import golden_texts

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

_LONG = 120_000
_ROUTER = "random-none"  # reads no text, so that no model is loaded
TEXTS = golden_texts("own", 40)
HOSTILE = "<img src=x onerror=alert(1)> **bold** $x^2$ and $y^2$ [here](javascript:alert(2))"


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    path = shutil.copy(built_store, tmp_path_factory.mktemp("app"))
    return {"ROUTELLM_STORE": str(path)}


@pytest.fixture
def visit(go_to):
    """Goes to Score with the router that reads no text."""

    def visit(query="", **screen):
        page = go_to("Score", f"score_routers={_ROUTER}&{query}", **screen)
        expect(page.get_by_text("What the models run on")).to_be_visible(timeout=_LONG)
        return page

    return visit


def type_query(page, text):
    page.get_by_role("textbox", name="Query", exact=True).fill(text)
    page.keyboard.press("Control+Enter")
    expect(side_by_side(page)).to_be_visible(timeout=_LONG)


def side_by_side(page):
    return page.get_by_role("table").filter(has_text=_ROUTER)


def test_a_typed_query_stands_with_its_alpha_and_a_hostile_one_stays_text(visit):
    page = visit()
    type_query(page, HOSTILE)
    expect(side_by_side(page)).to_contain_text("gpt-4-1106")
    expect(page.locator("img[src=x]")).to_have_count(0)
    expect(page.locator(".katex")).to_have_count(0)


def test_what_was_typed_is_there_again_after_another_page(visit):
    page = visit()
    type_query(page, "Why do kettles whistle?")
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_role("heading", name="One query")).to_have_count(0, timeout=_LONG)
    page.get_by_role("link", name="Score").click()
    expect(side_by_side(page)).to_be_visible(timeout=_LONG)
    box = page.get_by_role("textbox", name="Query", exact=True)
    expect(box).to_have_value("Why do kettles whistle?")
    assert "kettles" not in page.url


def test_what_was_opened_stays_open_while_the_table_comes(visit):
    page = visit()
    page.get_by_text("Add files").click()
    dropzone = page.locator("[data-testid=stFileUploaderDropzone]")
    expect(dropzone).to_be_visible()
    type_query(page, "Why do kettles whistle?")
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    expect(dropzone).to_be_visible()


def test_from_a_file_to_its_scores(visit, tmp_path):
    file = tmp_path / "evening.csv"
    file.write_text("\n".join(["query", *(f'"{text}"' for text in TEXTS)]))
    page = visit()
    page.get_by_text("Add files").click()
    page.locator("input[type=file]").first.set_input_files(str(file))
    expect(page.get_by_text("What its columns mean")).to_be_visible(timeout=_LONG)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("40 queries added as evening.")).to_be_visible(timeout=_LONG)
    expect(page.get_by_role("combobox", name="Set", exact=True)).to_have_value("evening")

    score_by(page, _ROUTER)
    page.get_by_role("button", name="See what the scores tell").click(timeout=_LONG)
    expect(page.get_by_role("heading", name="evening")).to_be_visible(timeout=_LONG)
    assert "set=evening" in page.url


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, color_scheme):
    page = visit(color_scheme=color_scheme, height=1_800)  # axe looks at what is in sight
    type_query(page, HOSTILE)
    page.get_by_text("Add files").click()
    expect(page.locator("[data-testid=stFileUploaderDropzone]")).to_be_visible(timeout=_LONG)
    nothing_serious(page)


def test_a_phone_needs_no_horizontal_scroll(visit):
    page = visit(width=390, height=844)
    type_query(page, "kettle " * 200 + "x" * 300)
    nothing_scrolls_sideways(page)
