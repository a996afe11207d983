r"""Every request and what came of it, a line each, written at once.

    {"sent": id, "endpoint": …, "query": hash of its text, "what": …, "most_usd": …}
    {"ended": id, "usd": …, "reply": {…}}        or        {"ended": id, "usd": …, "trouble": …}

A request that was sent and never ended (the work was cancelled, or killed) counts with its worst
case, since it may have been billed. A line that was cut off at the end of the file is dropped.
"""

import json
import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from filelock import FileLock, Timeout

from routellm_core.errors import DataError
from routellm_core.files import with_nulls
from routellm_core.labelling.protocol import Call, Reply

FILE_NAME = "calls.jsonl"


class Record:
    """The record in a folder's `calls.jsonl`; open it (`with`) to add to it.

    Raises:
        DataError: a line other than the last is damaged, or (opened) another process works on it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._lock = FileLock(f"{self._path}.lock", blocking=False, thread_local=False)
        self._file: TextIO | None = None
        self._clear()
        self._read()

    def _clear(self) -> None:
        self.n_requests = 0
        self._usd_told = 0.0
        self._usd_guessed = 0.0
        self._unended: dict[str, float] = {}
        self._replies: dict[str, Reply] = {}
        self._troubles: dict[str, str] = {}

    @property
    def usd(self) -> float:
        """Cost of all requests, those of unknown cost at their worst case; NaN without prices."""
        return self._usd_told + self.usd_at_worst

    @property
    def usd_at_worst(self) -> float:
        """The part of it that is such a worst case."""
        return self._usd_guessed + sum(self._unended.values())

    def reply(self, call: Call) -> Reply | None:
        """The reply to a call; None where there is none."""
        return self._replies.get(call.call_id)

    def trouble(self, call: Call) -> str:
        """The trouble with a call when it was tried last; empty when it was not tried."""
        return self._troubles.get(call.call_id, "")

    def sent(self, call: Call) -> None:
        """Say that a request is about to be sent."""
        self._add(
            {
                "sent": call.call_id,
                "endpoint": call.endpoint.name,
                "query": call.query_hash,
                "what": call.what,
                "most_usd": call.most_usd,
            }
        )

    def replied(self, call: Call, reply: Reply) -> None:
        """Say what the endpoint replied."""
        self._add({"ended": call.call_id, "usd": reply.usd, "reply": reply._asdict()})

    def failed(self, call: Call, reason: str, usd: float) -> None:
        """Say why there was no reply, and what that may have cost."""
        self._add({"ended": call.call_id, "usd": usd, "trouble": reason})

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            raise DataError(f"another process works on {self._path.parent} already") from None
        try:
            self._file = self._path.open("a+", encoding="utf-8", newline="\n")
            self._clear()
            self._file.truncate(self._read())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()

    def _add(self, line: dict[str, Any]) -> None:
        if self._file is None:
            raise RuntimeError("open the record to add to it")
        self._file.write(json.dumps(with_nulls(line)) + "\n")
        self._file.flush()
        self._take(line)

    def _read(self) -> int:
        """Take in what the file holds; how many of its bytes are whole lines."""
        if not self._path.exists():
            return 0
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DataError(
                    f"{self._path}, line {number}: is damaged ({type(error).__name__}); what was "
                    "spent cannot be told: correct the line or name another folder"
                ) from None
        return len(whole)

    def _take(self, line: dict[str, Any]) -> None:
        if "sent" in line:
            self.n_requests += 1
            # Sent before and never ended: that one may have been billed too.
            self._usd_guessed += self._unended.pop(line["sent"], 0.0)
            self._unended[line["sent"]] = _number(line["most_usd"])
            return
        call_id = line["ended"]
        del self._unended[call_id]
        if "reply" in line:
            numbers = {k: _number(line["reply"][k]) for k in _NUMBERS}
            self._replies[call_id] = Reply(**{**line["reply"], **numbers})
            self._usd_told += _number(line["usd"])
        else:
            self._troubles[call_id] = str(line["trouble"])
            self._usd_guessed += _number(line["usd"])


_NUMBERS = ("prompt_tokens", "answer_tokens", "usd", "latency_s")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
