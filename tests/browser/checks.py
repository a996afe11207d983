"""What several pages are asked: that axe finds nothing serious, that all fits, that they score."""

import json

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
_LONG = 120_000


def nothing_serious(page, looked_at=""):
    """Axe finds nothing serious; `looked_at` stands in what it passed, so that it was not blind."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page, options={"resultTypes": ["violations", "passes"]}).response
    assert looked_at in json.dumps(response["passes"])
    bad = [v for v in response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], n["html"][:200], n["any"][:1]) for v in bad for n in v["nodes"]] == []


def nothing_scrolls_sideways(page, *selectors):
    """Neither the page nor what these selectors find, all of which there must be."""
    for selector in ("html", "[data-testid=stMain]", *selectors):
        expect(page.locator(selector).first).to_be_attached()
        for element in page.locator(selector).all():
            assert element.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, selector


def score_by(page, router):
    """Begin to score the set that is shown by this one router."""
    routers = page.get_by_role("combobox", name="Routers")
    score = page.get_by_role("button", name="Score", exact=True)
    routers.press("Backspace")  # takes out what is chosen
    expect(score).to_be_disabled(timeout=_LONG)
    routers.fill(router)
    page.get_by_role("option").filter(has_text=router).click()
    routers.press("Escape")
    expect(score).to_be_enabled(timeout=_LONG)
    score.click()
