"""The caps: a request is sent when its worst case still fits under them, and not otherwise."""

import asyncio
import math

from routellm_core.labelling.journal import Record
from routellm_core.labelling.plan import LabellingPlan
from routellm_core.labelling.protocol import Call


class Spending:
    """The part of the caps that is left; the record knows what was spent, in earlier runs too.

    A request that is under way is in the record at its worst case. One that does not fit beside
    these waits for them, since they mostly cost less.
    """

    def __init__(self, plan: LabellingPlan, record: Record) -> None:
        self._cap_usd = math.inf if plan.cap_usd is None else plan.cap_usd
        self._cap_calls = math.inf if plan.cap_calls is None else plan.cap_calls
        self._record = record
        self._n_under_way = 0
        self._changed = asyncio.Condition()
        self.is_cap_reached = False

    async def begin(self, call: Call) -> bool:
        """Note a request as sent if it fits under the caps; says whether it does."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(call) or not self._n_under_way)
            if not self._fits(call):
                self.is_cap_reached = True
                return False
            self._n_under_way += 1
            self._record.sent(call)
            return True

    async def end(self) -> None:
        """A request that began has ended, and the record says how."""
        async with self._changed:
            self._n_under_way -= 1
            self._changed.notify_all()

    def _fits(self, call: Call) -> bool:
        if self._record.n_requests >= self._cap_calls:
            return False
        return self._cap_usd == math.inf or self._record.usd + call.most_usd <= self._cap_usd
