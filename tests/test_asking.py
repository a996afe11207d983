"""A router that hangs costs a few waits and one thread, and is asked again when it may be back."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from routellm_core.policy import circuit_breaker
from routellm_core.policy.circuit_breaker import (
    COOL_DOWN_S,
    MAX_BATCH,
    TIMEOUTS_TO_OPEN,
    CircuitBreaker,
    NoScore,
    RouterWorker,
)

LIMIT_S = 0.05
PATIENT_S = 30.0


class Gated:
    """A router that answers 0.25 while its gate is open and hangs while it is shut."""

    def __init__(self):
        self.gate, self.seen = threading.Event(), []

    def strong_win_rate(self, queries):
        self.gate.wait()
        self.seen += queries
        return [0.25 for _ in queries]


@pytest.fixture
def router():
    found = Gated()
    yield found
    found.gate.set()


@pytest.fixture
def stuck(router):
    """A worker whose router has let the first queries wait in vain."""
    worker = RouterWorker(router)
    for i in range(TIMEOUTS_TO_OPEN):
        assert worker.request([f"in vain {i}"], LIMIT_S).wait() == NoScore(
            "no score within 0.05 s", True
        )
    return worker


# The breaker, by a clock of the test's own


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(clock)


def times_out(breaker, clock, n):
    for _ in range(n):
        requested_at = clock.now
        clock.now += 2.0
        breaker.timed_out(requested_at)


def test_nobody_asks_a_router_that_was_silent_often_enough_in_a_row(breaker, clock):
    times_out(breaker, clock, TIMEOUTS_TO_OPEN - 1)
    assert breaker.allows()
    times_out(breaker, clock, 1)
    assert not breaker.allows()


def test_an_answer_between_begins_the_row_anew(breaker, clock):
    for _ in range(5):
        times_out(breaker, clock, TIMEOUTS_TO_OPEN - 1)
        breaker.answered()
        clock.now += 0.1
    assert breaker.allows()


def test_one_in_a_cool_down_tries_and_its_answer_lets_everybody_in(breaker, clock):
    times_out(breaker, clock, TIMEOUTS_TO_OPEN)
    clock.now += COOL_DOWN_S - 0.01
    assert not breaker.allows()
    clock.now += 0.02
    assert [breaker.allows() for _ in range(5)] == [True, *[False] * 4]
    breaker.answered()
    assert all(breaker.allows() for _ in range(5))


def test_a_try_in_vain_shuts_it_for_another_cool_down(breaker, clock):
    times_out(breaker, clock, TIMEOUTS_TO_OPEN)
    clock.now += COOL_DOWN_S
    assert breaker.allows()
    times_out(breaker, clock, 1)
    clock.now += COOL_DOWN_S - 0.01
    assert not breaker.allows()
    clock.now += 0.02
    assert breaker.allows()


def test_a_try_that_is_never_heard_of_again_does_not_shut_it_for_ever(breaker, clock):
    times_out(breaker, clock, TIMEOUTS_TO_OPEN)
    for _ in range(3):
        clock.now += COOL_DOWN_S
        assert [breaker.allows(), breaker.allows()] == [True, False]


def test_who_waited_in_vain_while_others_were_answered_says_nothing(breaker, clock):
    requested_at = clock.now
    clock.now += 1.9
    breaker.answered()
    clock.now += 0.1
    for _ in range(100):  # a burst that one router cannot manage in time
        breaker.timed_out(requested_at)
    assert breaker.allows()


def test_fifty_threads_find_one_that_may_try(breaker, clock):
    times_out(breaker, clock, TIMEOUTS_TO_OPEN)
    clock.now += COOL_DOWN_S
    barrier = threading.Barrier(50)
    with ThreadPoolExecutor(50) as threads:
        admitted = list(threads.map(lambda _: barrier.wait() >= 0 and breaker.allows(), range(50)))
    assert sum(admitted) == 1


# The worker


def test_who_asks_a_stuck_router_is_told_so_at_once(stuck, router):
    started = time.monotonic()
    said = [stuck.request([f"query {i}"], PATIENT_S).wait() for i in range(1_000)]
    assert time.monotonic() - started < PATIENT_S / 2
    assert set(said) == {NoScore("the router is stuck and was not asked", timed_out=True)}
    router.gate.set()
    stuck._thread.join(0.1)
    assert router.seen == ["in vain 0"]  # nothing was queued up for it


def test_a_stuck_router_holds_one_thread_and_a_bounded_queue_however_many_ask(router):
    before = set(threading.enumerate())
    worker = RouterWorker(router)
    with ThreadPoolExecutor(20) as threads:
        said = list(threads.map(lambda i: worker.request([str(i)], LIMIT_S).wait(), range(500)))
    assert set(threading.enumerate()) - before == {worker._thread}
    assert all(isinstance(one, NoScore) for one in said)
    assert worker._waiting.qsize() < 20 + TIMEOUTS_TO_OPEN


def test_a_router_that_comes_back_is_asked_again_after_the_cool_down(
    stuck, router, monkeypatch, caplog
):
    monkeypatch.setattr(stuck._breaker, "_clock", lambda: time.monotonic() + COOL_DOWN_S)
    router.gate.set()
    assert stuck.request(["tries"], PATIENT_S).wait() == [0.25]
    assert stuck.request(["then", "all"], PATIENT_S).wait() == [0.25, 0.25]
    assert router.seen == ["in vain 0", "tries", "then", "all"]
    assert [record.message for record in caplog.records] == ["the router answers again"]


def test_a_stuck_router_is_told_of_once(router, caplog):
    worker = RouterWorker(router)
    for _ in range(TIMEOUTS_TO_OPEN + 5):
        worker.request(["x"], LIMIT_S).wait()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "the strong model is called without asking it" in record.message


def test_a_router_that_always_answers_too_late_is_stuck_too():
    class Slow:
        n_asked = 0

        def strong_win_rate(self, queries):
            self.n_asked += 1
            time.sleep(2 * LIMIT_S)
            return [0.5]

    router = Slow()
    worker = RouterWorker(router)
    said = []
    for _ in range(TIMEOUTS_TO_OPEN + 3):
        said.append(worker.request(["x"], LIMIT_S).wait().reason)
        time.sleep(2 * LIMIT_S)  # until it is done with that one
    assert said[:TIMEOUTS_TO_OPEN] == ["no score within 0.05 s"] * TIMEOUTS_TO_OPEN
    assert said[TIMEOUTS_TO_OPEN:] == ["the router is stuck and was not asked"] * 3
    assert router.n_asked == TIMEOUTS_TO_OPEN


def test_a_router_that_fails_is_not_stuck():
    class Failing:
        def strong_win_rate(self, queries):
            raise TimeoutError("of its own, with a secret query")

    worker = RouterWorker(Failing())
    said = {worker.request(["x"], PATIENT_S).wait() for _ in range(5 * TIMEOUTS_TO_OPEN)}
    assert said == {NoScore("the router failed: TimeoutError", timed_out=False)}


def held_up(router, *batches):
    """What the router is asked for, by those who came while it was busy with another."""
    sizes, score = [], router.strong_win_rate
    router.strong_win_rate = lambda queries: sizes.append(list(queries)) or score(queries)
    worker = RouterWorker(router)
    first = worker.request(["first"], PATIENT_S)
    while not sizes:
        time.sleep(0.001)
    waiting = [worker.request(batch, PATIENT_S) for batch in batches]
    router.gate.set()
    return [first.wait(), *(asked.wait() for asked in waiting)], sizes


def test_who_waits_at_the_same_time_is_scored_together(router):
    said, asked = held_up(router, *([str(i)] for i in range(2 * MAX_BATCH + 1)))
    assert said == [[0.25]] * (2 * MAX_BATCH + 2)
    assert [len(queries) for queries in asked] == [1, MAX_BATCH, MAX_BATCH, 1]
    assert [query for queries in asked for query in queries] == [
        "first",
        *map(str, range(2 * MAX_BATCH + 1)),
    ]


def test_each_gets_the_rates_of_its_own_texts(router):
    router.strong_win_rate = lambda queries: [router.gate.wait() and int(q) / 100 for q in queries]
    worker = RouterWorker(router)
    batches = [["7"], ["1", "2"], ["3"], ["4", "5", "6"]]
    waiting = [worker.request(batch, PATIENT_S) for batch in batches]
    router.gate.set()
    assert [a.wait() for a in waiting] == [[int(q) / 100 for q in batch] for batch in batches]


def test_one_that_fails_does_not_harm_those_it_was_scored_with(router):
    def strong_win_rate(queries):
        router.gate.wait()
        return [1 / len(query) for query in queries]

    router.strong_win_rate = strong_win_rate
    said, asked = held_up(router, ["ab"], [""], ["abcd"])
    assert said == [[0.2], [0.5], NoScore("the router failed: ZeroDivisionError", False), [0.25]]
    assert asked == [["first"], ["ab", "", "abcd"], ["ab"], [""], ["abcd"]]


# In an event loop


def test_many_tasks_wait_for_a_stuck_router_without_a_thread_each(router):
    worker, before = RouterWorker(router), set(threading.enumerate())

    async def one(i):
        return await worker.request([str(i)], LIMIT_S).wait_async()

    async def many():
        asked = asyncio.gather(*(one(i) for i in range(300)))
        ticks = 0
        while not asked.done():
            ticks += 1
            await asyncio.sleep(0.005)
        assert set(threading.enumerate()) - before == {worker._thread}
        return ticks, await asked

    ticks, said = asyncio.run(many())
    assert ticks > 2  # the loop went on
    assert {one.reason for one in said} == {"no score within 0.05 s"}
    router.gate.set()
    assert worker.request(["after"], PATIENT_S).wait().reason.startswith("the router is stuck")


def test_a_task_that_is_cancelled_is_passed_over(router):
    worker = RouterWorker(router)

    async def cancelled():
        tasks = []
        for name in ("held", "given up"):
            tasks.append(asyncio.create_task(worker.request([name], PATIENT_S).wait_async()))
            await asyncio.sleep(0.05)
        tasks[1].cancel()
        await asyncio.sleep(0.05)
        router.gate.set()
        return await tasks[0], worker.request(["next"], PATIENT_S)

    said, following = asyncio.run(cancelled())
    assert said == following.wait() == [0.25]
    assert router.seen == ["held", "next"]


def test_an_event_loop_that_ended_before_the_router_did_is_no_harm(router, caplog):
    worker = RouterWorker(router)

    async def ask():
        return await worker.request(["x"], LIMIT_S).wait_async()

    assert asyncio.run(ask()).timed_out
    router.gate.set()
    assert worker.request(["y"], PATIENT_S).wait() == [0.25]
    assert not caplog.records


def test_the_cool_down_is_the_constant(router, monkeypatch):
    monkeypatch.setattr(circuit_breaker, "COOL_DOWN_S", 0.0)
    worker = RouterWorker(router)
    reasons = [worker.request(["x"], LIMIT_S).wait().reason for _ in range(2 * TIMEOUTS_TO_OPEN)]
    assert set(reasons) == {"no score within 0.05 s"}
