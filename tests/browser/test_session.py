"""The browser session rests on the form of Streamlit's cookie (docs/decisions/004)."""

import shutil

import pytest

from views.cache import session

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app_env(small_store, tmp_path_factory):
    path = shutil.copy(small_store, tmp_path_factory.mktemp("app"))
    return {"ROUTELLM_STORE": str(path)}


def is_shown(page):
    expect(page.get_by_role("heading", name="Many queries")).to_be_visible(timeout=120_000)


def name_of(page):
    """What the dashboard calls the browser of a page, by the cookie that it holds now."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return session._browser(cookies[session._COOKIE])


def test_tabs_of_a_browser_are_one_session_and_another_browser_is_another(go_to):
    first = go_to("Score")
    is_shown(first)
    name = name_of(first)
    assert name is not None
    first.reload()
    is_shown(first)
    assert name_of(first) == name
    second = go_to("Score", page=first.context.new_page())
    is_shown(second)
    assert name_of(second) == name
    elsewhere = go_to("Score")
    is_shown(elsewhere)
    assert name_of(elsewhere) not in (None, name)
