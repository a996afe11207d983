"""The My data page as a person uses it: from a file to its trade-off, in two tabs, on a phone."""

import shutil

import numpy as np
import pandas as pd
import pytest

from routellm_core.evaluation.comparison.paper import PAIR
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark
from tests.browser.checks import nothing_scrolls_sideways, nothing_serious, score_by
from tests.invented import golden_texts, is_hard

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

_LONG = 120_000
TEXTS = golden_texts("own", 48)
_ROUTER = "random-none"  # reads no text, so that no model is loaded


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("app") / "explorer.duckdb"
    shutil.copy(built_store, path)
    with Store(path) as store:
        _add_log(store)
    return {"ROUTELLM_STORE": str(path)}


def _add_log(store):
    """Saved bare queries with scores that are no router's, only to be looked at."""
    texts = golden_texts("log", 30)
    ids = [f"log-{i}" for i in range(len(texts))]
    hashes = [text_hash(text) for text in texts]
    card = Benchmark("log", "A log", "", "", "user", 0, 1, "share right", "invented", "")
    rates = np.linspace(0.2, 0.8, len(texts), dtype=np.float32)
    with store.atomic():
        queries = pd.DataFrame({"query_id": ids, "slice": "all", "text_hash": hashes})
        store.add_benchmark(card, queries, None)
        store.add_texts(pd.DataFrame({"text_hash": hashes, "text": texts}))
        scores = pd.DataFrame({"query_id": ids, "strong_win_rate": rates})
        store.add_strong_win_rates("log", PAIR, "mf-golden", "untouched", scores)


@pytest.fixture
def file(tmp_path):
    """Outcomes of two models, a column each."""
    rows = [f"{text},1,{0 if is_hard(i) else 1}" for i, text in enumerate(TEXTS)]
    path = tmp_path / "lanterns.csv"
    path.write_text("\n".join(["query,large,small", *rows]))
    return path


@pytest.fixture
def visit(go_to):
    """Goes to My data, with a new browser or in the one of a page."""

    def visit(page=None, query="", **screen):
        page = go_to("My data", query, page, **screen)
        expect(page.get_by_text("Your own data")).to_be_visible(timeout=_LONG)
        return page

    return visit


def offer(page, file):
    """Up to what the file seems to hold."""
    chosen = page.locator("input[type=file]").first
    if not chosen.is_visible():
        page.get_by_text("Add files").click()
    chosen.set_input_files(str(file))
    expect(page.get_by_text("What its columns mean")).to_be_visible(timeout=_LONG)


def bring(page, file):
    offer(page, file)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("48 queries added as lanterns.")).to_be_visible(timeout=_LONG)


def test_from_a_file_to_its_trade_off_in_every_tab_of_this_browser_alone(visit, file):
    page = visit()
    bring(page, file)
    expect(page.get_by_text("50.0 percentage points better")).to_be_visible()
    score_by(page, _ROUTER)
    table = page.get_by_role("table", name="Routers on the set")
    expect(table).to_contain_text("random", timeout=_LONG)
    page.get_by_role("button", name="See the trade-off").click()
    expect(page.locator("[data-tile=quality]")).to_contain_text("n 48", timeout=_LONG)
    assert "benchmark=lanterns" in page.url

    page.reload()
    expect(page.locator("[data-tile=quality]")).to_contain_text("n 48", timeout=_LONG)
    second = visit(page.context.new_page())
    expect(second.get_by_role("heading", name="lanterns")).to_be_visible(timeout=_LONG)
    stranger = visit(query="benchmark=lanterns&set=lanterns")
    expect(stranger.get_by_role("heading", name="A log")).to_be_visible(timeout=_LONG)
    expect(stranger.get_by_text("lanterns")).to_have_count(0)

    second.get_by_role("button", name="Delete …").click()
    second.get_by_role("button", name="Delete it").click()
    expect(second.get_by_text("lanterns is deleted.")).to_be_visible(timeout=_LONG)
    expect(second.get_by_role("heading", name="lanterns")).to_have_count(0)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, file, color_scheme):
    page = visit(color_scheme=color_scheme, height=2_600)  # axe looks at what is in sight
    offer(page, file)
    expect(page.get_by_role("table", name="Cost a month")).to_be_visible(timeout=_LONG)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=_LONG)
    nothing_serious(page)


def test_a_phone_needs_no_horizontal_scroll(visit, file):
    page = visit(width=390, height=844)
    offer(page, file)
    expect(page.get_by_role("table", name="Cost a month")).to_be_visible(timeout=_LONG)
    nothing_scrolls_sideways(page)
