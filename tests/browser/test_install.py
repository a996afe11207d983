"""The package: built, installed away from the checkout, and run there without a network."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
_LONG = 120_000
_NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")


class Installed:
    """An environment that holds the package, and has what it needs from the checkout's own."""

    def __init__(self, folder):
        self.folder = folder / "elsewhere"
        self.folder.mkdir()
        self.bin = folder / "venv" / "bin"
        ours = {n: value for n, value in os.environ.items() if not n.startswith(("ROUTELLM", "PY"))}
        of_user = {"HOME": "home", "XDG_DATA_HOME": "share", "XDG_CACHE_HOME": "cache"}
        self.env = {**ours, **_NO_NETWORK, "no_proxy": "127.0.0.1,localhost"}
        self.env.update({name: str(folder / where) for name, where in of_user.items()})

    def run(self, name, *words):
        command = [str(self.bin / name), *map(str, words)]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    here = Installed(folder)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-index"]
    wheels = [*pip, "wheel", *alone, "--no-build-isolation", "-w", folder / "wheels", ROOT]
    subprocess.run(wheels, check=True)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", here.bin.parent], env=here.env, check=True
    )
    into = [*pip, "--python", here.bin / "python", "install", *alone, "--no-compile"]
    subprocess.run([*into, *(folder / "wheels").glob("*.whl")], check=True)
    lib = here.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(lib, "checkout.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return here


def test_the_store_is_built_in_the_users_folder(installed):
    told = installed.run("routellm-explorer", "status")
    store = Path(installed.env["XDG_DATA_HOME"]) / "routellm-explorer" / "explorer.duckdb"
    assert told.startswith(f"store: {store}\n")
    assert "mmlu: 14,042 queries" in told
    assert store.exists()


def test_the_worked_number_of_the_readme(installed):
    wanted = ("--router", "mf", "--benchmark", "mmlu", "--pgr", "0.5")
    found = json.loads(installed.run("routellm-explorer", "calibrate", *wanted, "--json"))
    assert f"{found['strong_call_share']:.2%}" == "31.15%"
    assert f"{found['quality']:.6f}" == "0.743392"


def test_the_core_is_the_installed_one_and_a_policy_leaves_it(installed):
    code = """
import routellm_core
from routellm_core.__main__ import main
from routellm_core.metrics import routing_curve

wanted = ("--router", "mf", "--benchmark", "mmlu", "--pgr", "0.5")
assert main(["policy", *wanted, "--out", "policy.json"]) == 0
assert main(["export", "--policy", "policy.json", "--target", "python", "--out", "gateway"]) == 0
assert main(["data", "--checkout", "."]) == 2  # rebuilds what ships
print(routellm_core.__file__)
"""
    file = installed.run("python", "-c", code).splitlines()[-1]
    assert Path(file).is_relative_to(installed.bin.parent)
    left = installed.folder / "gateway"
    assert (left / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert not (left / "routellm_core" / "project").exists()
    code = """
import os
os.chdir("gateway")
from routellm_core.runtime import RoutingPolicy
decision = RoutingPolicy.load(".").route("How tall is a door?")
assert decision.fallback_reason is None, decision
print(RoutingPolicy.__module__, __import__("routellm_core").__file__)
"""
    assert str(left / "routellm_core") in installed.run("python", "-c", code)


def test_the_dashboard_opens(installed, browser_page):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(installed.bin / "routellm-explorer"), "dashboard", "--no-browser"]
    log = (installed.folder / "log.txt").open("w+")
    with (
        log,
        subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=installed.folder,
            env=installed.env,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
            page = browser_page(color_scheme="dark")
            page.goto(f"http://127.0.0.1:{port}")
            expect(page.get_by_text("APGR").first).to_be_visible(timeout=_LONG)
            expect(page.get_by_role("link", name="Compare")).to_be_visible()
            expect(page.locator(".stException, [data-testid=stAlert]")).to_have_count(0)
            app = page.get_by_test_id("stApp")
            expect(app).to_have_css("background-color", "rgb(15, 20, 26)")  # our theme
        finally:
            server.kill()


def _wait_for(url, server):
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the dashboard did not start")
