"""The explanation of a score as a person uses it, on queries that are hostile."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routellm_core.routers.sw_ranking import SimilarityWeightedRouter
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.training.labels import golden_battles
from routellm_core.types import Benchmark, ModelPair, RouterEntry
from tests.browser.checks import nothing_scrolls_sideways, nothing_serious

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")
N = 40
HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(2)</script> why?",
    '<a href="javascript:alert(3)">here</a> **bold** [x](http://evil.example) $x^2$',
    "</div></style><style>*{display:none}</style> now",
    "\u202eturned\u202c שלום עולם, which \0 way?",
    "long words again " * 7_000,
]
_LONG = 120_000  # a model is loaded, on a busy machine
WORDS = "The query with its words coloured"


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    """A benchmark of hostile texts, the shipped mf for it, and an sw_ranking of its battles."""
    folder = tmp_path_factory.mktemp("app")
    path = folder / "explorer.duckdb"
    shutil.copy(built_store, path)
    texts = [*HOSTILE, *(f"Which of the {i} invented kettles sings?" for i in range(5, N))]
    ids = [f"q{i:02d}" for i in range(N)]
    hashes = [text_hash(text) for text in texts]
    queries = pd.DataFrame({"query_id": ids, "slice": "<i>law</i>", "text_hash": hashes})
    quality = [float(i % 2) for i in range(N)] + [1.0] * N
    outcomes = pd.DataFrame(
        {
            "query_id": ids * 2,
            "model": [PAIR.weak] * N + [PAIR.strong] * N,
            "quality": quality,
        }
    )
    with Store(path) as store, store.atomic():
        card = Benchmark("hostile", "Hostile", "", "", "user", 0, 1, "share right", "", "")
        store.add_benchmark(card, queries, outcomes)
        store.add_texts(pd.DataFrame({"text_hash": hashes, "text": texts}))
        vectors = np.random.default_rng(0).normal(size=(N, 384))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        battles = golden_battles(store.pair_outcomes("hostile", PAIR))
        router = SimilarityWeightedRouter(PAIR, vectors, battles, text_hashes=hashes)
        router.save(folder / "ranking")
        shipped = str(ROOT / "data" / "routers" / "mf-golden")
        for name, kind, checkpoint in (
            ("own-mf", "mf", shipped),
            ("own-ranking", "sw_ranking", str(folder / "ranking")),
        ):
            entry = RouterEntry(name, kind, "golden", trained_on="x", checkpoint=checkpoint)
            store.add_router(entry)
            table = pd.DataFrame({"query_id": ids, "strong_win_rate": np.arange(N) / N})
            store.add_strong_win_rates("hostile", PAIR, name, "in_domain", table)
    return {"ROUTELLM_STORE": str(path)}


@pytest.fixture
def visit(go_to):
    """Opens a query on the Queries page."""

    def visit(query, router="own-mf", why="&why=1", **screen):
        link = f"benchmark=hostile&router={router}.in_domain&sort=id&query={query}{why}"
        page = go_to("Queries", link, **screen)
        expect(page.get_by_role("region", name="Text of the query")).to_be_visible(timeout=60_000)
        return page

    return visit


def explained(page):
    """The coloured query, once all of the explanation stands."""
    shown = page.get_by_role("heading", name="The smallest deletion that flips it")
    expect(shown).to_be_visible(timeout=_LONG)
    return page.get_by_role("region", name=WORDS, exact=True)


def test_a_score_is_explained_when_asked_for_and_by_the_link(visit):
    page = visit("q30", why="")
    expect(page.get_by_role("region", name=WORDS, exact=True)).to_have_count(0)
    page.get_by_text("Explain this score").click()
    expect(page).to_have_url(re.compile(r"[?&]why=1(&|$)"))
    # There is room before the explanation stands, so that what is below does not jump.
    reserved = page.locator(".st-key-explained")
    expect(reserved).to_be_attached()
    assert reserved.bounding_box()["height"] >= 600
    words = explained(page)
    expect(words).to_have_text("Which of the 30 invented kettles sings?")
    expect(words.locator(".strong, .weak").first).to_be_visible()
    both = page.get_by_text(re.compile(r"Stored, out of fold: 0\.750; this checkpoint: 0\.\d+"))
    expect(both).to_be_visible()
    expect(page.locator(".why-sum dt")).to_have_text(["base", "words", "rest", "gap", "win rate"])
    ratings = page.get_by_role("table", name="Ratings of the models for this query, in log-odds")
    expect(ratings.get_by_role("row")).to_have_count(3)
    page.get_by_text("words that moved it most, as a table").click()
    exact = page.get_by_role("table", name="Words by size of what they did to the win rate")
    expect(exact.get_by_role("row", name="kettles")).to_be_visible()


def test_hostile_texts_stay_text_in_the_coloured_words(visit):
    page = visit("q00")
    for i, text in enumerate(HOSTILE):
        words = explained(page)
        start = text[:500].replace("\0", "␀")
        page.wait_for_function(
            "([label, start]) => [...document.querySelectorAll('.why-text')].some("
            "e => e.ariaLabel === label && e.textContent.startsWith(start))",
            arg=[WORDS, start],
            timeout=_LONG,
        )
        if i < len(HOSTILE) - 1:
            assert words.evaluate("e => e.textContent") == start
            assert words.locator(":not(span)").count() == 0
        else:
            assert words.evaluate("e => e.textContent.length") < 10_000
            expect(page.get_by_text("cannot be edited here")).to_be_visible()
        assert words.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
        assert words.get_attribute("dir") == "auto"
        main = page.get_by_test_id("stMain")
        for tag in ("script", "img[src=x]", "a[href*=evil]", "i:not([class])"):
            assert main.locator(tag).count() == 0, tag
        if i < len(HOSTILE) - 1:
            page.get_by_role("button", name="Next →").click()
            expect(page.get_by_text(f"{i + 2} of {N} listed")).to_be_visible()


def test_an_edited_query_is_scored_again_and_words_are_deleted_until_it_flips(visit):
    page = visit("q31")
    explained(page)
    field = page.get_by_role("textbox", name="The query, to be edited")
    field.fill("Prove the <b>Riemann</b> hypothesis step by step.")
    field.press("Control+Enter")
    expect(
        page.get_by_text(re.compile(r"[+−]0\.\d+ to the unedited 0\.\d+, which calls"))
    ).to_be_visible(timeout=_LONG)
    again = page.get_by_role("region", name="The edited query with its words coloured")
    expect(again).to_have_text("Prove the <b>Riemann</b> hypothesis step by step.")
    assert again.locator("b").count() == 0
    assert "Riemann" not in page.url
    page.get_by_role("button", name="Find the words").press("Enter")
    found = page.get_by_text(re.compile("A smaller deletion may exist|None was found"))
    expect(found).to_be_visible(timeout=_LONG)


def test_battles_and_queries_alike_open_their_query_and_stay_explained(visit):
    page = visit("q20", router="own-ranking")
    explained(page)
    battles = page.get_by_role("table", name="The battles that moved the win rate most")
    expect(battles.locator("tbody tr")).to_have_count(10)
    similar = page.get_by_role("table", name="Labelled queries that are most like this one")
    expect(similar.locator("tbody tr")).to_have_count(8)
    opener = similar.locator(".open").first
    name = opener.inner_text()
    opener.focus()
    page.keyboard.press("Enter")
    text = page.get_by_role("region", name="Text of the query")
    expect(text).not_to_have_text("Which of the 20 invented kettles sings?")
    expect(text).to_contain_text(name[:20])
    expect(page.get_by_role("region", name=WORDS, exact=True)).to_contain_text(name[:10])
    expect(page).to_have_url(re.compile(r"[?&]why=1(&|$)"))


@pytest.mark.parametrize(("router", "color_scheme"), [("own-mf", "light"), ("own-ranking", "dark")])
def test_axe_finds_nothing_serious(visit, router, color_scheme):
    page = visit("q01", router=router, color_scheme=color_scheme)
    explained(page)
    page.get_by_role("button", name="Find the words").click()
    found = page.get_by_text(re.compile("A smaller deletion may exist|None was found"))
    expect(found).to_be_visible(timeout=_LONG)
    nothing_serious(page, "why-text")


@pytest.mark.parametrize("router", ["own-mf", "own-ranking"])
def test_a_phone_needs_no_horizontal_scroll(visit, router):
    page = visit("q00", router=router, width=390, height=844)
    explained(page)
    nothing_scrolls_sideways(page, ".data-table", ".why-text")
