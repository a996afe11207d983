"""What several pages are asked: that they rest, are accessible, fit the screen; what links say."""

import json
import re
from urllib.parse import parse_qs, urlparse

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
_LONG = 120_000


_AT_REST = """() => !document.querySelector("[data-stale=true], [data-testid=stSkeleton]")
    && document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning"
    && document.getAnimations().every(
        one => one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""


def at_rest(page):
    """Waits until the script has ended, all that it drew stands and nothing fades any more."""
    page.wait_for_function(_AT_REST, timeout=_LONG)


def link(page):
    """The values of the address bar by their names."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def link_says(page, /, **wanted):
    """Waits until the address bar holds these values: regular expressions by their names."""
    pattern = "".join(f"(?=.*[?&]{name}={value}(&|$))" for name, value in wanted.items())
    expect(page).to_have_url(re.compile(pattern))


def link_lacks(page, *names):
    """Waits until the address bar holds none of these names."""
    expect(page).not_to_have_url(re.compile(rf"[?&]({'|'.join(names)})="))


def nothing_serious(page, looked_at=""):
    """Axe finds nothing serious; `looked_at` stands in what it passed, so that it was not blind."""
    from axe_playwright_python.sync_playwright import Axe

    at_rest(page)
    response = Axe().run(page, options={"resultTypes": ["violations", "passes"]}).response
    assert looked_at in json.dumps(response["passes"])
    bad = [v for v in response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], n["html"][:200], n["any"][:1]) for v in bad for n in v["nodes"]] == []


def nothing_scrolls_sideways(page, *selectors):
    """Neither the page nor what these selectors find, all of which there must be."""
    at_rest(page)
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
