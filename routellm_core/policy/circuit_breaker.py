"""Scores within a time limit: one worker thread, and a circuit breaker before it.

A call of a router that takes too long cannot be taken back, so there is only one at a time: other
requests wait up to their limit and time out. After some timeouts the circuit opens and requests
fail at once for a while, so that a router that hangs delays a few queries and holds one thread,
however many come.
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

TIMEOUTS_TO_OPEN = 3
"""Timeouts in a row, with no request answered between them, that open the circuit."""
MAX_BATCH = 8
"""Texts of several requests that are scored together; more would delay those behind them."""
COOL_DOWN_S = 10.0
"""How long the circuit stays open; then one request tries whether the router answers again."""
_LOOP_TICK_S = 0.001
"""By so much the timer of an event loop may be early; no request times out before its limit."""
_log = logging.getLogger(__name__)


class NoScore(NamedTuple):
    """Reason why there are no win rates; no text of a query is in it."""

    reason: str
    timed_out: bool
    """Whether the limit passed or the circuit was open; otherwise the router failed."""


Rates: TypeAlias = list[float] | NoScore
"""Win rates of the texts, in [0, 1] and in their order, or none of them."""


class CircuitBreaker:
    """Circuit breaker: closed until too many timeouts, then open but for one request a cool-down.

    Thread-safe. A timeout while other requests were answered does not count: the router is busy.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._n_timeouts = 0
        self._answered_at = self._tried_again_at = float("-inf")

    def allows(self) -> bool:
        """True where one more request may go to the router now."""
        with self._lock:
            if self._n_timeouts >= TIMEOUTS_TO_OPEN:
                now = self._clock()
                if now < self._tried_again_at:
                    return False
                self._tried_again_at = now + COOL_DOWN_S
            return True

    def answered(self) -> None:
        """Note that a request was answered in time."""
        with self._lock:
            if self._n_timeouts >= TIMEOUTS_TO_OPEN:
                _log.warning("the router answers again")
            self._n_timeouts, self._answered_at = 0, self._clock()

    def timed_out(self, requested_at: float) -> None:
        """Note that a request of that moment, by the clock, was not."""
        with self._lock:
            if requested_at <= self._answered_at:
                return
            self._n_timeouts += 1
            self._tried_again_at = self._clock() + COOL_DOWN_S
            if self._n_timeouts == TIMEOUTS_TO_OPEN:
                _log.warning(
                    "the router is stuck: the strong model is called without asking it, and once "
                    "in %g s a query tries whether it answers again",
                    COOL_DOWN_S,
                )


@dataclass(frozen=True)
class ScoreRequest:
    """Texts to be scored, and two ways to wait for their win rates."""

    texts: list[str]
    limit_s: float
    breaker: CircuitBreaker
    requested_at: float = field(default_factory=time.monotonic)
    answer: "Future[Rates]" = field(default_factory=Future)

    def wait(self) -> Rates:
        """Win rates, waited for in a thread."""
        try:
            return self.answer.result(self.limit_s)
        except TimeoutError:
            return self._time_out()
        finally:
            self.answer.cancel()  # does nothing to one that is answered or being worked on

    async def wait_async(self) -> Rates:
        """Win rates, waited for in an event loop, which goes on meanwhile; no thread waits."""
        try:
            answer = asyncio.wrap_future(self.answer)
            return await asyncio.wait_for(answer, self.limit_s + _LOOP_TICK_S)
        except TimeoutError:
            return self._time_out()

    def _time_out(self) -> NoScore:
        self.breaker.timed_out(self.requested_at)
        return NoScore(f"no score within {self.limit_s:g} s", timed_out=True)


class RouterWorker:
    """Worker thread that scores the texts of all requests which wait at a moment together.

    It ends with this object; as a daemon it does not keep a process from ending whose router hangs.
    Requests that timed out are skipped.
    """

    def __init__(self, router: Any) -> None:
        """The router needs `strong_win_rate(queries)`."""
        self._router = router
        self._breaker = CircuitBreaker()
        self._waiting: SimpleQueue[ScoreRequest | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        weakref.finalize(self, self._waiting.put, None)

    def request(self, texts: list[str], limit_s: float) -> ScoreRequest:
        """Request of win rates, on its way unless the circuit is open.

        Args:
            texts: to be scored together; at least one.
            limit_s: seconds until it times out, the waiting for other requests included.
        """
        request = ScoreRequest(texts, limit_s, self._breaker)
        if self._breaker.allows():
            self._start()
            self._waiting.put(request)
        else:
            request.answer.set_result(
                NoScore("the router is stuck and was not asked", timed_out=True)
            )
        return request

    def _start(self) -> None:
        """Start the thread, anew in a process that was forked from the one that had it."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                arguments = (self._router, self._breaker, self._waiting)
                self._thread = threading.Thread(target=_work, args=arguments, daemon=True)
                self._thread.start()


def _work(
    router: Any, breaker: CircuitBreaker, waiting: "SimpleQueue[ScoreRequest | None]"
) -> None:
    while _serve(router, breaker, waiting):
        pass  # nothing of answered requests is held while it waits


def _serve(
    router: Any, breaker: CircuitBreaker, waiting: "SimpleQueue[ScoreRequest | None]"
) -> bool:
    """Answer the requests that wait; false where the worker has gone."""
    first = waiting.get()
    if first is None:
        return False
    together = [first, *_also_waiting(waiting, MAX_BATCH - len(first.texts))]
    together = [request for request in together if request.answer.set_running_or_notify_cancel()]
    for request, rates in zip(together, _rates_of_all(router, together), strict=True):
        if time.monotonic() <= request.requested_at + request.limit_s:
            breaker.answered()
        request.answer.set_result(rates)
    return True


def _also_waiting(
    waiting: "SimpleQueue[ScoreRequest | None]", n_texts: int
) -> Iterator[ScoreRequest]:
    """Further requests that wait at this moment, until so many texts have come together."""
    while n_texts > 0 and not waiting.empty():
        request = waiting.get()
        if request is None:
            waiting.put(None)
            return
        n_texts -= len(request.texts)
        yield request


def _rates_of_all(router: Any, together: list[ScoreRequest]) -> list[Rates]:
    """Win rates of all requests at once; of each alone where that fails: none harms another."""
    texts = [text for request in together for text in request.texts]
    rates = _rates(router, texts) if texts else []
    if isinstance(rates, NoScore):
        alone = len(together) == 1
        return [rates] if alone else [_rates(router, request.texts) for request in together]
    left = iter(rates)
    return [[next(left) for _ in request.texts] for request in together]


def _rates(router: Any, texts: list[str]) -> Rates:
    try:
        rates = [float(rate) for rate in router.strong_win_rate(texts)]
        if len(rates) != len(texts) or not all(0.0 <= rate <= 1.0 for rate in rates):
            raise ValueError("the router gave no win rate in [0, 1] for each query")
    except Exception as error:
        # The text of an error may hold the query's, its kind does not.
        return NoScore(f"the router failed: {type(error).__name__}", timed_out=False)
    return rates
