"""The Trade-off page in headless Chromium: dragging, releasing, first paint and reload.

Limits of the same run stand beside each figure: the frames the browser itself managed, and an
empty Streamlit page for starts and reloads.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHART = ".live-curve .chart"

# The hand is moved by the page itself, once a frame: driving the mouse from outside would measure
# how fast the driver is. What is counted is what a person sees: texts that changed.
_DRAG = """
seconds => new Promise(done => {
  const root = [...document.querySelectorAll('*')].map(e => e.shadowRoot).find(r => r
    && r.querySelector('.live-curve')) || document;
  const chart = root.querySelector('.live-curve .chart');
  const shown = ['alpha', 'share', 'quality', 'cost'].map(
    name => root.querySelector(`[data-tile=${name}] .number`));
  const read = () => shown.map(node => node.textContent).join();
  const box = chart.getBoundingClientRect();
  const y = box.top + box.height / 2;
  const at = x => ({clientX: x, clientY: y, pointerId: 1, isPrimary: true, button: 0, buttons: 1,
    bubbles: true, composed: true, cancelable: true, pointerType: 'mouse'});
  const centre = box.left + box.width * 0.4, reach = box.width * 0.2;
  const host = document.elementFromPoint(centre, y).shadowRoot;
  const target = host?.elementFromPoint(centre, y) || chart;
  const counts = {frames: 0, slow: 0, updates: 0};
  const start = performance.now();
  let last = start, text = read();
  target.dispatchEvent(new PointerEvent('pointerdown', at(centre)));
  const step = now => {
    counts.frames += 1;
    if (now - last > 25) counts.slow += 1;
    last = now;
    const next = read();
    if (next !== text) counts.updates += 1;
    text = next;
    const t = (now - start) / 1000;
    if (t > seconds) {
      target.dispatchEvent(new PointerEvent('pointerup', at(centre)));
      return done({...counts, seconds: t});
    }
    const x = centre + reach * (2 * Math.abs((t / 1.5) % 2 - 1) - 1);
    target.dispatchEvent(new PointerEvent('pointermove', at(x)));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})
"""


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        empty = Path(folder) / "empty.py"
        empty.write_text("import streamlit as st\nst.write('ready')\n", encoding="utf-8")
        store = {"ROUTELLM_STORE": str(Path(folder) / "explorer.duckdb")}
        browser = _launch(playwright)
        cold, bare = [], []
        with _server(ROOT / "app.py", store) as (url, _):  # builds the store
            _open(browser, url, CHART).context.close()
        for _ in range(3):
            with _server(ROOT / "app.py", store) as (url, started):
                _open(browser, url, CHART).context.close()
                cold.append(time.perf_counter() - started)
            with _server(empty, {}) as (url, started):
                _open(browser, url, "text=ready").context.close()
                bare.append(time.perf_counter() - started)
        yield _versus("command to first picture", cold, bare, "4 s")
        with _server(ROOT / "app.py", store) as (url, _), _server(empty, {}) as (other, _):
            page, plain = _open(browser, url, CHART), _open(browser, other, "text=ready")
            reload = [_reload(page, CHART) for _ in range(7)]
            yield _versus("reload", reload, [_reload(plain, "text=ready") for _ in range(7)], "1 s")
            yield _dragging(page)
            yield _releasing(page)
        browser.close()


def _dragging(page: Page, seconds: float = 3.0) -> str:
    """The line follows a hand that sweeps the chart, one move a frame."""
    page.wait_for_timeout(500)
    runs = [page.evaluate(_DRAG, seconds) for _ in range(3)]
    updates = statistics.median(run["updates"] / run["seconds"] for run in runs)
    frames = statistics.median(run["frames"] / run["seconds"] for run in runs)
    slow = statistics.median(run["slow"] / run["frames"] for run in runs)
    return (
        f"dragging: {updates:.0f} updates a second (goal 55) of {frames:.0f} frames a second, "
        f"{slow:.1%} of frames slow (goal under 5%)"
    )


def _releasing(page: Page, n_runs: int = 15) -> str:
    """From the release of the knob to the figure that only Python knows, the model name."""
    code = "document.querySelector('.st-key-model_name code')"
    page.wait_for_timeout(1000)
    times = []
    for i in range(n_runs):
        box = page.locator(".handle .knob").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + (40 if i % 2 else -40), y, steps=4)
        page.evaluate(
            f"""() => {{
              const before = {code}.textContent;
              window.released = new Promise(done => addEventListener('pointerup', () => {{
                const start = performance.now();
                const look = () => {code} && {code}.textContent !== before
                  ? done(performance.now() - start) : requestAnimationFrame(look);
                look();
              }}, {{once: true, capture: true}}));
            }}"""
        )
        page.mouse.up()
        times.append(page.evaluate("() => window.released"))
        page.wait_for_timeout(400)
    p95 = sorted(times)[round(0.95 * (len(times) - 1))]
    return (
        f"release to what depends on Python: median {statistics.median(times):.0f} ms, "
        f"95% {p95:.0f} ms (goal 200 ms)"
    )


def _versus(name: str, ours: list[float], bare: list[float], goal: str) -> str:
    one, other = statistics.median(ours), statistics.median(bare)
    return (
        f"{name}: {one:.2f} s (goal {goal}), "
        f"{one / other:.1f}x an empty Streamlit page ({other:.2f} s)"
    )


def _reload(page: Page, selector: str) -> float:
    start = time.perf_counter()
    page.reload(wait_until="commit")
    page.locator(selector).first.wait_for(state="visible")
    return time.perf_counter() - start


def _open(browser: Browser, url: str, selector: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url, wait_until="commit")
    page.locator(selector).first.wait_for(state="visible", timeout=60_000)
    return page


def _launch(playwright: object) -> Browser:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    flags = ["--disable-gpu"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    return playwright.chromium.launch(executable_path=path, args=flags)  # type: ignore[attr-defined]


@contextmanager
def _server(script: Path, env: dict[str, str]) -> Iterator[tuple[str, float]]:
    """A Streamlit server: its address and the moment at which its command was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            str(script),
            "--server.headless",
            "true",
            "--server.port",
            str(port),
        ],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield url, started
    finally:
        process.terminate()
        process.wait(20)
