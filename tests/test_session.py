"""A browser session: one for all tabs of a browser, over some minutes after the last of them."""

from hashlib import sha256

import pytest

from views.cache import session

TOKEN = bytes(range(16))


def cookie(mask, token=TOKEN):
    """As Tornado masks a token anew with every response."""
    hidden = bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(token))
    return f"2|{mask.hex()}|{hidden.hex()}|1795547127"


@pytest.fixture
def timers(monkeypatch):
    """What waits for a session's end; `call()` is what happens when its time has come."""
    made = []

    class Waiting:
        def __init__(self, seconds, call, args):
            self.seconds, self.is_cancelled, self.is_started = seconds, False, False
            self.call = lambda: self.is_cancelled or call(*args)
            made.append(self)

        def start(self):
            self.is_started = True

        def cancel(self):
            self.is_cancelled = True

    monkeypatch.setattr(session, "Timer", Waiting)
    monkeypatch.setattr(session, "_tabs", type(session._tabs)())
    monkeypatch.setattr(session, "_waits", {})
    return made


@pytest.fixture
def ended():
    return []


@pytest.fixture
def tab(ended):
    """`tab(name)` opens one and returns what closes it."""

    def open_tab(name="ada"):
        session._tabs[name] += 1
        return lambda: session._closed((name, ended.append))

    return open_tab


def test_one_token_is_one_browser_however_it_is_masked():
    name = session._browser(cookie(b"\1\2\3\4"))
    assert name == session._browser(cookie(b"\xff\0\7\7")) == sha256(TOKEN).hexdigest()[:32]
    assert name != session._browser(cookie(b"\1\2\3\4", TOKEN[::-1]))
    assert TOKEN.hex() not in name


@pytest.mark.parametrize(
    "text", ["", "x", "2|0|0", "2|zz|00|1", "2||00|1", "2|00||1", "1|00|00|1", "2|00|00|1|1"]
)
def test_what_is_no_such_cookie_names_no_browser(text):
    assert session._browser(text) is None


def test_a_session_ends_some_time_after_its_last_tab(tab, timers, ended):
    first, second = tab(), tab()
    first()
    timers[0].call()
    assert ended == []
    second()
    assert timers[1].is_started
    assert timers[1].seconds == session.GRACE_SECONDS
    timers[1].call()
    assert ended == ["ada"]
    assert "ada" not in session._tabs
    assert session._waits == {}


def test_a_reload_keeps_it_and_the_time_runs_from_the_last_tab(tab, timers, ended):
    close = tab()
    close()
    again = tab()
    again()
    timers[0].call()  # the first tab's time is up, the second was closed just now
    assert ended == []
    timers[1].call()
    assert ended == ["ada"]


def test_another_browser_s_tabs_are_its_own(tab, timers, ended):
    hers, _ = tab("eve"), tab("ada")
    hers()
    timers[0].call()
    assert ended == ["eve"]
    assert session._tabs["ada"] == 1
