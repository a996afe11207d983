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
def streamlit_server(tmp_path_factory):
    """`streamlit_server(script_path, env)` → url; equal calls share one server."""
    running = {}

    def start(script_path, env=None):
        known = (str(script_path), tuple(sorted((env or {}).items())))
        if known not in running:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            running[known] = _started(script_path, env or {}, log)
        return running[known][1]

    yield start
    processes = [process for process, _ in running.values()]
    for process in processes:
        process.terminate()
    for process in processes:
        _ended(process)


def _ended(process, grace_seconds=5):
    """Waits for a process that was asked to end; one that does not is killed."""
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _started(script_path, env, log):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
def chromium():
    """The process's one browser.

    While Playwright runs, its thread can run no other loop: so browser tests come after all others
    (`pytest_collection_modifyitems` of `tests/conftest.py`).
    """
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=_PATIENCE_MS)
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    flags = ["--disable-gpu"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


def _is_streamlits_search(message):
    """On another page than home Streamlit's client asks beside that page for its server first."""
    asked = r"https?://[^/]+/\w+/_stcore/(health|host-config)"
    return "404" in message.text and re.fullmatch(asked, message.location["url"]) is not None


@pytest.fixture
def browser_page(chromium):
    """`browser_page(width, height, color_scheme)` → page; fails on any error in its console."""
    contexts = []
    problems = []

    def note(message):
        if message.type == "error" and not _is_streamlits_search(message):
            problems.append(message.text)

    def open_page(width=1440, height=900, color_scheme="light", **options):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=color_scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
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
