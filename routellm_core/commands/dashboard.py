"""Opening the dashboard: `dashboard`."""

import argparse
import os
import runpy
import sys

from routellm_core.commands.shared import Result, Verb
from routellm_core.store.places import PROJECT


def add_parser(verb: Verb) -> None:
    """Declare the verb."""
    added = verb("dashboard", dashboard)
    added.add_argument("--port", type=int, default=8501, help="default: %(default)s")
    added.add_argument(
        "--no-browser", action="store_true", help="do not open a browser window by itself"
    )


def dashboard(parsed: argparse.Namespace) -> Result:
    """Open the dashboard and serve it on this machine until Ctrl-C."""
    os.environ["ROUTELLM_STORE"] = str(parsed.store.resolve())
    options = ["--server.port", str(parsed.port)]
    if parsed.no_browser:
        options += ["--server.headless", "true"]
    sys.argv = ["streamlit", "run", str(PROJECT / "app.py"), *options]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    return {}, []
