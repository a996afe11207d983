"""One call until it is answered: from the record, or with as many requests as it takes."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping

from routellm_core.labelling.budget import Spending
from routellm_core.labelling.client import Connection, Trouble
from routellm_core.labelling.journal import Record
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.labelling.protocol import Call, Reply

FIRST_WAIT_S = 0.5
"""Before the second request; twice as long each further time."""
LONGEST_WAIT_S = 120.0
"""An endpoint that asks for a longer one has failed for now."""


class RetryingClient:
    """Asks under the caps, waits and repeats, and stops where an endpoint answers nothing more."""

    def __init__(
        self,
        plan: LabellingPlan,
        record: Record,
        connections: Mapping[Endpoint, Connection],
    ) -> None:
        self._plan, self._record, self._connections = plan, record, connections
        self._spending = Spending(plan, record)
        self._failures: Counter[Endpoint] = Counter()
        self._n_unlabelled = 0
        self._stopped = asyncio.Event()
        self.stop_reason = ""
        """Why it is of no use to go on; empty as long as it is."""

    @property
    def is_cap_reached(self) -> bool:
        return self._spending.is_cap_reached

    @property
    def is_over(self) -> bool:
        """True where no further query should be begun."""
        return self.is_cap_reached or self._stopped.is_set()

    async def ask(self, call: Call) -> Reply | None:
        """The reply, or None where there is none; the record then says why, or a cap is reached."""
        result = await self._send(call)
        if isinstance(result, Reply):
            self._failures[call.endpoint] = 0
            return result
        if result is not None and result.spoils == "endpoint":
            self._stop(call.endpoint, result.reason)
        elif result is not None:
            self._failures[call.endpoint] += 1
            n = self._failures[call.endpoint]
            if n >= self._plan.failures_in_a_row:
                reason = f"did not answer {n} calls in a row; the last: it {result.reason}"
                self._stop(call.endpoint, reason)
        return None

    def note_query(self, unlabelled: str) -> None:
        """Note whether replies about a query were of use: empty, or why they were not."""
        self._n_unlabelled = self._n_unlabelled + 1 if unlabelled else 0
        if self._n_unlabelled >= self._plan.failures_in_a_row:
            self.stop_reason = self.stop_reason or (
                f"the replies about {self._n_unlabelled} queries in a row were of no use; the "
                f"last: {unlabelled}"
            )
            self._stopped.set()

    async def _send(self, call: Call) -> Reply | Trouble | None:
        """The last of as many requests as it takes; None where it was not to be sent."""
        for nth in range(self._plan.max_retries + 1):
            if self._stopped.is_set() or not await self._spending.begin(call):
                return None
            try:
                result = await self._connections[call.endpoint].request(call)
                self._note(call, result)
            finally:
                await self._spending.end()
            if isinstance(result, Reply) or result.spoils != "request":
                return result
            wait_s = _wait_s(nth, result)
            if wait_s > LONGEST_WAIT_S or nth == self._plan.max_retries:
                return result
            await self._pause(wait_s)
        return None

    def _note(self, call: Call, result: Reply | Trouble) -> None:
        if isinstance(result, Reply):
            self._record.replied(call, result)
        else:
            usd = call.most_usd if result.may_be_billed else 0.0
            self._record.failed(call, result.reason, usd)

    def _stop(self, endpoint: Endpoint, reason: str) -> None:
        self.stop_reason = self.stop_reason or f"endpoint {endpoint.name!r} {reason}"
        self._stopped.set()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            pass


def _wait_s(nth: int, trouble: Trouble) -> float:
    """Seconds that the endpoint asks to wait, else twice as long each time."""
    if math.isnan(trouble.wait_s):
        return min(FIRST_WAIT_S * 2.0**nth, LONGEST_WAIT_S)
    return trouble.wait_s
