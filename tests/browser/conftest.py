"""A running Streamlit server and a headless browser, for tests that need both."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60
_PATIENCE_MS = 30_000
"""What is expected of a page may take so long where the machine is busy."""
_FLAGS = [
    *("--server.headless", "true"),
    *("--server.fileWatcherType", "none"),
    *("--server.address", "127.0.0.1"),
    *("--browser.gatherUsageStats", "false"),
]


@pytest.fixture(scope="session")
def ports():
    """The ports that this process's servers have had: to its browser they are known places."""
    return []


@pytest.fixture(scope="module")
def streamlit_server(tmp_path_factory, ports):
    """`streamlit_server(script_path, env)` → url; equal calls share one server.

    The servers of the next module have the same ports, so that the browser has what it compiled.
    """
    running = {}

    def start(script_path, env=None):
        known = (str(script_path), tuple(sorted((env or {}).items())))
        if known not in running:
            if len(running) == len(ports):
                ports.append(_free_port())
            log = tmp_path_factory.mktemp("server") / "log.txt"
            running[known] = _started(script_path, env or {}, log, ports[len(running)])
        return running[known][1]

    yield start
    processes = [process for process, _ in running.values()]
    for process in processes:
        process.terminate()
    for process in processes:
        _ended(process)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _ended(process, grace_seconds=5):
    """Waits for a process that was asked to end; one that does not is killed."""
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _started(script_path, env, log, port):
    command = [sys.executable, "-m", "streamlit", "run", str(script_path), *_FLAGS]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return process, url
    process.kill()
    pytest.fail(f"The server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def playwright_driver():
    """The process's one Playwright.

    While it runs, its thread can run no other loop: so browser tests come after all others
    (`pytest_collection_modifyitems` of `tests/conftest.py`).
    """
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=_PATIENCE_MS)
    with sync_api.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def started_chromium():
    """Which Chromium is started, and how: as Playwright's launching functions take it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    flags = ["--disable-gpu"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    return {"executable_path": path, "args": flags}


@pytest.fixture(scope="session")
def lasting_browser(playwright_driver, started_chromium, tmp_path_factory):
    """A browser with a profile: Streamlit's scripts, half of a load, stay compiled in it."""
    profile = tmp_path_factory.mktemp("profile")
    context = playwright_driver.chromium.launch_persistent_context(profile, **started_chromium)
    yield context
    context.close()


@pytest.fixture(scope="session")
def other_browsers(playwright_driver, started_chromium):
    """A browser whose contexts know nothing of each other, for a test with several visitors."""
    browser = playwright_driver.chromium.launch(**started_chromium)
    yield browser
    browser.close()


def _is_streamlits_search(message):
    """On another page than home Streamlit's client asks beside that page for its server first."""
    asked = r"https?://[^/]+/\w+/_stcore/(health|host-config)"
    return "404" in message.text and re.fullmatch(asked, message.location["url"]) is not None


@pytest.fixture
def browser_page(lasting_browser, request):
    """`browser_page(width, height, color_scheme, **options)` → page; an error in its console fails.

    A test's first page is the lasting browser's, as nobody used it; one with options (those of a
    context), and each further one, is of a visitor who has nothing in common with the others.
    """
    others = []
    opened = []
    problems = []

    def note(message):
        if message.type == "error" and not _is_streamlits_search(message):
            problems.append(message.text)

    def open_page(width=1440, height=900, color_scheme="light", **options):
        context = lasting_browser
        if opened or options:
            context = request.getfixturevalue("other_browsers").new_context(**options)
            others.append(context)
        page = context.new_page()
        opened.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=color_scheme)
        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield open_page
    for context in others:
        context.close()
    _, *used = lasting_browser.pages  # the first keeps the browser open
    for page in used:
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.close()
    lasting_browser.clear_cookies()
    assert problems == []


@pytest.fixture
def go_to(streamlit_server, browser_page, app_env):
    """`go_to(name, query, page)` → a page of the dashboard by its own address.

    `app_env` is the test module's: where the store lies.
    """

    def go_to(name, query="", page=None, **screen):
        page = browser_page(**screen) if page is None else page
        page.on("dialog", lambda _: pytest.fail("a text was run as script"))
        path = name.lower().replace(" ", "_")
        page.goto(f"{streamlit_server('app.py', app_env)}/{path}?{query.removeprefix('?')}")
        return page

    return go_to
