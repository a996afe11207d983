"""Turns go by who asked first; who dies or fails holds up nobody."""

import subprocess
import sys
import threading
import time

import pytest

from routellm_core.jobs.fifo_lock import turn
from tests.conftest import ROOT

pytest.importorskip("fcntl")
_SECONDS = 20


def until(holds):
    end = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def tickets(folder):
    return [path for path in folder.iterdir() if path.name != "gate"]


@pytest.fixture
def asks(tmp_path):
    """`asks(name)` waits for a turn in a thread that is queued when the call returns."""
    order, threads = [], []

    def wait(name):
        with turn(tmp_path):
            order.append(name)

    def start(name):
        n_before = len(tickets(tmp_path))
        threads.append(threading.Thread(target=wait, args=(name,), daemon=True))
        threads[-1].start()
        until(lambda: len(tickets(tmp_path)) > n_before)

    def ended():
        for thread in threads:
            thread.join(_SECONDS)
        return order

    start.ended = ended
    return start


def test_who_asked_first_goes_first_and_who_had_a_turn_queues_up_again(tmp_path, asks):
    with turn(tmp_path):
        for name in "abcd":
            asks(name)
    with turn(tmp_path):
        assert asks.ended() == list("abcd")
        assert len(tickets(tmp_path)) == 1
    assert tickets(tmp_path) == []


def test_an_error_ends_the_turn(tmp_path, asks):
    with pytest.raises(ZeroDivisionError), turn(tmp_path):
        asks("next")
        raise ZeroDivisionError
    assert asks.ended() == ["next"]


HOLDER = """
import sys, time
from pathlib import Path
from routellm_core.jobs.fifo_lock import turn
with turn(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_process_that_is_killed_holds_up_nobody(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    with turn(tmp_path):
        assert len(tickets(tmp_path)) == 1  # the dead one's is gone
    assert tickets(tmp_path) == []
