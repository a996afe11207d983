"""Asking a router in time: one thread of its own, and no waiting for a router that is stuck.

A call that takes too long cannot be taken back, so it is the only one: whoever asks meanwhile
waits as long as it may and goes away. After some that waited in vain nobody is let in for a while,
so that a router that hangs delays a few queries and holds one thread, however many come.
"""

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeAlias

STUCK_AFTER = 3
"""Waits in vain, one after another and with no answer to anybody, that make a router stuck."""
AT_ONCE = 8
"""Texts of several who wait that are scored together; more would keep those behind them waiting."""
COOL_DOWN_S = 10.0
"""How long nobody waits for a stuck router; then one query tries whether it answers again."""
_LOOP_TICK_S = 0.001
"""By so much a timer of an event loop may ring early; a limit is never said to be over before."""
_log = logging.getLogger(__name__)


class Silence(NamedTuple):
    """There are no win rates, and why; nothing of a query is in it."""

    reason: str
    late: bool
    """Nothing came in time, or nobody was asked; false: the router failed."""


Rates: TypeAlias = list[float] | Silence
"""Win rates of the texts, in [0, 1] and in their order, or none of them."""


class Breaker:
    """Who may ask: everybody, until the router is stuck; then one in each cool-down. Thread-safe.

    Somebody who waited in vain while others got their answer counts for nothing: that router is
    busy, not stuck.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._n_in_vain = 0
        self._answered_at = self._tried_again_at = float("-inf")

    def admits(self) -> bool:
        """Whether one more may ask, now."""
        with self._lock:
            if self._n_in_vain >= STUCK_AFTER:
                now = self._clock()
                if now < self._tried_again_at:
                    return False
                self._tried_again_at = now + COOL_DOWN_S
            return True

    def answered(self) -> None:
        """The router answered somebody in time."""
        with self._lock:
            if self._n_in_vain >= STUCK_AFTER:
                _log.warning("the router answers again")
            self._n_in_vain, self._answered_at = 0, self._clock()

    def timed_out(self, asked_at: float) -> None:
        """Somebody who asked then, by the clock, waited in vain."""
        with self._lock:
            if asked_at <= self._answered_at:
                return
            self._n_in_vain += 1
            self._tried_again_at = self._clock() + COOL_DOWN_S
            if self._n_in_vain == STUCK_AFTER:
                _log.warning(
                    "the router is stuck: the strong model is called without asking it, and once "
                    "in %g s a query tries whether it answers again",
                    COOL_DOWN_S,
                )


@dataclass(frozen=True)
class Asked:
    """Texts laid before the router, and two ways to wait for what it says."""

    texts: list[str]
    limit_s: float
    breaker: Breaker
    asked_at: float = field(default_factory=time.monotonic)
    answer: "Future[Rates]" = field(default_factory=Future)

    def wait(self) -> Rates:
        """In a thread."""
        try:
            return self.answer.result(self.limit_s)
        except TimeoutError:
            return self._waited_in_vain()
        finally:
            self.answer.cancel()  # does nothing to one that is answered or being worked on

    async def wait_async(self) -> Rates:
        """In an event loop, which goes on meanwhile; no thread waits."""
        try:
            answer = asyncio.wrap_future(self.answer)
            return await asyncio.wait_for(answer, self.limit_s + _LOOP_TICK_S)
        except TimeoutError:
            return self._waited_in_vain()

    def _waited_in_vain(self) -> Silence:
        self.breaker.timed_out(self.asked_at)
        return Silence(f"no score within {self.limit_s:g} s", late=True)


class RouterDesk:
    """One thread that asks the router, for all who wait at that moment together.

    It ends with the desk; as a daemon it does not keep a process from ending whose router hangs.
    Whoever no longer waits is passed over.
    """

    def __init__(self, router: Any) -> None:
        """The router needs `strong_win_rate(queries)`."""
        self._router = router
        self._breaker = Breaker()
        self._waiting: SimpleQueue[Asked | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        weakref.finalize(self, self._waiting.put, None)

    def ask(self, texts: list[str], limit_s: float) -> Asked:
        """Lay texts before the router.

        Args:
            texts: to be scored together; at least one.
            limit_s: how long their answer may take, the waiting for others included.
        """
        asked = Asked(texts, limit_s, self._breaker)
        if self._breaker.admits():
            self._start()
            self._waiting.put(asked)
        else:
            asked.answer.set_result(Silence("the router is stuck and was not asked", late=True))
        return asked

    def _start(self) -> None:
        """Start the thread, anew in a process that was forked from the one that had it."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                arguments = (self._router, self._breaker, self._waiting)
                self._thread = threading.Thread(target=_work, args=arguments, daemon=True)
                self._thread.start()


def _work(router: Any, breaker: Breaker, waiting: "SimpleQueue[Asked | None]") -> None:
    while _serve(router, breaker, waiting):
        pass  # nothing of those who were served is held while it waits


def _serve(router: Any, breaker: Breaker, waiting: "SimpleQueue[Asked | None]") -> bool:
    """Answer who waits; false where the desk has gone."""
    first = waiting.get()
    if first is None:
        return False
    together = [first, *_also_waiting(waiting, AT_ONCE - len(first.texts))]
    together = [asked for asked in together if asked.answer.set_running_or_notify_cancel()]
    for asked, rates in zip(together, _rates_of_all(router, together), strict=True):
        if time.monotonic() <= asked.asked_at + asked.limit_s:
            breaker.answered()
        asked.answer.set_result(rates)
    return True


def _also_waiting(waiting: "SimpleQueue[Asked | None]", n_texts: int) -> Iterator[Asked]:
    """Who waits at this moment, until so many texts have come together."""
    while n_texts > 0 and not waiting.empty():
        asked = waiting.get()
        if asked is None:
            waiting.put(None)
            return
        n_texts -= len(asked.texts)
        yield asked


def _rates_of_all(router: Any, together: list[Asked]) -> list[Rates]:
    """Scored in one go; each alone where that fails, so that one does not harm the others."""
    texts = [text for asked in together for text in asked.texts]
    rates = _rates(router, texts) if texts else []
    if isinstance(rates, Silence):
        alone = len(together) == 1
        return [rates] if alone else [_rates(router, asked.texts) for asked in together]
    left = iter(rates)
    return [[next(left) for _ in asked.texts] for asked in together]


def _rates(router: Any, texts: list[str]) -> Rates:
    try:
        rates = [float(rate) for rate in router.strong_win_rate(texts)]
        if len(rates) != len(texts) or not all(0.0 <= rate <= 1.0 for rate in rates):
            raise ValueError("the router gave no win rate in [0, 1] for each query")
    except Exception as error:
        # The text of an error may hold the query's, its kind does not.
        return Silence(f"the router failed: {type(error).__name__}", late=False)
    return rates
