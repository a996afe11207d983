"""Pages run without a browser: opened, and read as somebody who looks at them."""

import json
import shutil
from contextlib import contextmanager
from functools import cache

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner

from routellm_core.store import Store
from tests.conftest import ROOT
from views.cache import workspace

# Every AppTest asks all installed packages anew whether they bring components.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def _wait_for(runner, timeout):
    """Wait for a script's thread; AppTest looks a thousand times a second whether it has ended."""
    runner._script_thread.join(timeout)
    was_waited_for(runner, 0.01)


was_waited_for = local_script_runner.require_widgets_deltas
local_script_runner.require_widgets_deltas = _wait_for

TIMEOUT_S = 300  # of one run of a script; on a busy machine it takes long


@contextmanager
def read_store(path, monkeypatch):
    """The dashboard reads the store at a path meanwhile.

    What was read of it stays cached: no other store has its readings.
    """
    monkeypatch.setenv("ROUTELLM_STORE", str(path))
    yield path
    workspace.store().close()
    workspace.opened_store.clear(path)


@contextmanager
def own_store(store, path, monkeypatch, fill=lambda store: None):
    """A copy of a store at a path, filled further, that the dashboard reads meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(store, path)
    with Store(path) as copy:
        fill(copy)
    with read_store(path, monkeypatch):
        yield path


def opened(script, **query):
    """A script of the project, run; query parameters as keywords."""
    at = AppTest.from_file(str(ROOT / script), default_timeout=TIMEOUT_S)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def errors(at):
    return [e.value for e in at.error] + [e.value for e in at.exception]


def emptied_to_a_number(at):
    """Number inputs that a browser would set to some number when somebody clears them.

    Where the value is held by the session that is the least one, unless `value` is None.
    """
    return [
        number.label
        for number in at.number_input
        if number.proto.HasField("default") and number.proto.default == (number.min or 0)
    ]


def button(at, label):
    return next(b for b in at.button if b.label == label)


def toasts(at):
    return [t.value.replace("\\", "") for t in at.toast]


def said(at):
    """What stands as text, without the escapes of Markdown."""
    texts = [*at.caption, *at.markdown, *at.info, *at.warning]
    return " ".join(t.value.replace("\\", "") for t in texts)


def drawn(at):
    """What the browser-side components were given to draw."""
    return [json.loads(component.proto.json) for component in at.get("bidi_component")]


def tables(at):
    """The HTML of a page, in which plain tables stand."""
    return " ".join(html.proto.body for html in at.get("html"))
