"""Pages run without a browser: opened, and read as somebody who looks at them."""

import json
import shutil
from contextlib import contextmanager
from functools import cache

import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from routellm_core.store import Store
from tests.conftest import ROOT
from views.cache import session

# Every AppTest asks all installed packages anew whether they bring components.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def forget():
    """Drop what is cached: readings are keyed on the version, which two stores may share.

    That closes all tabs, and what is due some minutes later would open the store of another test.
    """
    st.cache_data.clear()
    st.cache_resource.clear()
    for timer in session._waits.values():
        timer.cancel()


@contextmanager
def own_store(built_store, path, monkeypatch, fill=lambda store: None):
    """A copy of the shipped store at a path, filled further, that the dashboard reads meanwhile."""
    from views.cache import workspace

    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(built_store, path)
    with Store(path) as store:
        fill(store)
    monkeypatch.setenv("ROUTELLM_STORE", str(path))
    forget()
    yield path
    workspace.store().close()
    forget()


@contextmanager
def shipped_store(built_store, monkeypatch):
    """The dashboard reads the shipped store itself meanwhile; what was read of it stays cached."""
    from views.cache import workspace

    monkeypatch.setenv("ROUTELLM_STORE", str(built_store))
    workspace.store.clear()
    yield
    workspace.store().close()
    workspace.store.clear()


def opened(script, timeout=60, **query):
    """A script of the project, run; query parameters as keywords."""
    at = AppTest.from_file(str(ROOT / script), default_timeout=timeout)
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
